"""Messages of the library in the words of the command line: options instead of fields."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from drybox.errors import DryboxError
from drybox.model import ErrorInfo

_OPTIONS = {
    "timeout": "--timeout",
    "language": "--language",
    "code": "--code",
    "entrypoint": "--entrypoint",
    "stdin": "--stdin",
    "env": "--env",
    "isolation": "--isolation",
    "environment": "--environment",
    "packages": "--package",
    "package_dir": "--package-dir",
    "artifacts": "--artifact",
    "artifact_dir": "--artifact-dir",
    "allow_weaker": "--allow-weaker",
    "files": "--file",
}
"""Fields of a request, and arguments of an executor, that have an option of another spelling."""

_LIMIT = re.compile(r"(?<![\w.])limits\.(memory|cpus|pids|disk|output)\b")
_FIELD = re.compile(rf"^({'|'.join(_OPTIONS)})(?=[:\[])")
_QUOTED = re.compile(rf"'({'|'.join(_OPTIONS)})'")
_LONGER = re.compile(r"\b(longer|shorter) timeout\b")
_OPERATORS = re.compile(r"\b(?:compile|install)_(?:timeout|limits(?:\.\w+)?)\b")
_PACKAGE_DIR = re.compile(r"pass package_dir='DIR' to the executor, or --package-dir DIR to .*?\.")
_ALLOW_WEAKER = re.compile(r"allow_weaker=\([^)]*\) or '(--allow-weaker [^']*)'")
_ISOLATION = re.compile(r"\bisolation='(\w+)'")


def printable(text: str, keep: str = "") -> str:
    """Words of packages, programs and servers without what a terminal would take for a command.

    Args:
        text: The words.
        keep: Marks that stay beside those that can be seen, such as ends of lines.
    """
    return "".join(mark for mark in text if mark.isprintable() or mark in keep)


def in_options(text: str) -> str:
    """The text with options of ``drybox run`` where it names fields of a request."""
    text = _FIELD.sub(lambda match: _OPTIONS[match[1]], text)
    text = _QUOTED.sub(lambda match: _OPTIONS[match[1]], text)
    text = _LIMIT.sub(r"--\1", text)
    text = _LONGER.sub(r"\1 --timeout", text)
    text = _OPERATORS.sub(r"\g<0> in the configuration", text)
    text = _PACKAGE_DIR.sub("pass --package-dir DIR.", text)
    text = _ALLOW_WEAKER.sub(r"\1", text)
    return _ISOLATION.sub(r"--isolation \1", text)


def error_in_options(error: ErrorInfo | None) -> ErrorInfo | None:
    """A result's error in the words of ``drybox run``."""
    if error is None:
        return None
    return replace(error, message=in_options(error.message), hint=in_options(error.hint))


@contextmanager
def telling_options() -> Iterator[None]:
    """Put what is raised inside into the words of ``drybox run``."""
    try:
        yield
    except DryboxError as error:
        error.message, error.hint = in_options(error.message), in_options(error.hint)
        raise
