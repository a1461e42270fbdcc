"""Transcripts of documents: what is typed, and what has to come of it."""

from __future__ import annotations

import re
import shlex


def typed_in(text: str) -> list[tuple[str, str]]:
    """Commands and their output; a command goes on while a quote or the line is open."""
    typed: list[tuple[str, str]] = []
    lines = text.splitlines()
    while lines:
        line = lines.pop(0)
        if line.startswith("$ "):
            command = line[2:]
            while lines and _is_open(command):
                command += "\n" + lines.pop(0)
            typed.append((command, ""))
        else:
            command, output = typed[-1]
            typed[-1] = (command, f"{output}{line}\n")
    return typed


def _is_open(command: str) -> bool:
    try:
        shlex.split(command, comments=True)
    except ValueError:
        return True
    return command.endswith("\\")


def pattern_of(output: str) -> str:
    """What the output has to be: a line '…' stands for any lines, else for a part of its line."""
    parts = []
    for line in output.splitlines():
        if line == "…":
            parts.append(r"(?:.*\n)*?")
        else:
            words = [re.escape(word) for word in re.split(r"\s*…", line)]
            parts.append(".*".join(words) + (r"\n?" if line.endswith("…") else r"\n"))
    return "".join(parts)
