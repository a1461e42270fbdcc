"""Whether what somebody has typed is whole, or goes on in another line. No I/O."""

from __future__ import annotations

import ast
import codeop
import re
import warnings

_OPENING = {")": "(", "]": "[", "}": "{"}
_STRING = re.compile(
    r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|//[^\n]*|/\*.*?\*/", re.DOTALL
)
_LIFETIME = re.compile(r"(?<=[<&])'[a-z_]\w*\b(?!')")
"""Rust's ``'a``, whose mark begins no string."""
_MAIN = re.compile(r"\bmain\s*\(")
_SHELL_OPENS = re.compile(
    r"(?:^|[;&|\n({]|\b(?:do|then|else)\s)\s*(if|for|while|until|case|select)\b"
)
_SHELL_CLOSES = re.compile(r"(?:^|[;&|\n)}])\s*(fi|done|esac)\b")


def is_whole(grammar: str, text: str, *, is_program: bool = False) -> bool:
    """Whether Enter runs it. An empty line at the end always does: nobody is to be caught.

    Args:
        grammar: What colours its language in an editor; see :class:`EditorMode`.
        text: What was typed so far.
        is_program: It is a program of its own, which has a ``main``.
    """
    lines = text.split("\n")
    if len(lines) > 1 and not lines[-1].strip():
        return True
    if not text.strip():
        return True
    if grammar == "python":
        return _is_whole_python(text)
    if grammar == "shell":
        return _is_whole_shell(text)
    plain = _STRING.sub(" ", _LIFETIME.sub(" ", text))
    return _is_balanced(plain) and (not is_program or bool(_MAIN.search(plain)))


def _is_whole_python(text: str) -> bool:
    first = text.lstrip()
    if first.startswith("%%"):
        return False  # the cell goes on to an empty line
    if first[:1] in ("%", "!", "?") or text.rstrip().endswith("?"):
        return not text.endswith("\\")
    command = codeop.CommandCompiler()
    command.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            whole = command(text, "<input>", "exec") is not None
    except (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError):
        return True  # the kernel says what is wrong
    last = text.rsplit("\n", 1)[-1]
    # A block may go on in its next line.
    return whole and not ("\n" in text and last[:1] in (" ", "\t"))


def _is_whole_shell(text: str) -> bool:
    if text.endswith("\\") and not text.endswith("\\\\"):
        return False
    plain = re.sub(r"\\.|#[^\n]*", " ", re.sub(r"'[^']*'", " ", text))
    plain = re.sub(r"\"[^\"]*\"", " ", plain)
    if "'" in plain or '"' in plain or plain.rstrip().endswith(("&&", "||", "|")):
        return False
    opened, closed = len(_SHELL_OPENS.findall(plain)), len(_SHELL_CLOSES.findall(plain))
    return opened <= closed and plain.count("{") <= plain.count("}")


def _is_balanced(text: str) -> bool:
    if "`" in text or "/*" in text:
        return False
    waiting = list[str]()
    for character in text:
        if character in "([{":
            waiting.append(character)
        elif character in _OPENING and (not waiting or waiting.pop() != _OPENING[character]):
            return True  # the language says what is wrong
    return not waiting and not text.endswith("\\")
