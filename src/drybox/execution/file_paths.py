"""Paths of files in a sandbox's working directory, normalized; Linux's rules hold."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from posixpath import normpath

from drybox.errors import InvalidRequest
from drybox.execution.texts import show

MAX_PATH = 1024  # bytes; the kernel's own bound is 4096
MAX_NAME = 255  # bytes, the kernel's bound
MAX_DEPTH = 128  # folders in a path
MAX_WRITTEN = 4096  # bytes of a path as it is written: the kernel's bound
MAX_PARTS = 160  # parts of a path as it is written, '..' and empty ones too

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST = f"(at most {MAX_PATH} bytes, {MAX_NAME} for a name, {MAX_PARTS} parts as written)"
_HINT = "Use a relative path such as 'data/input.txt'."


def normal_path(path: object, field: str) -> str:
    """A relative path without ``.``, ``..`` and empty parts, as the kernel would walk it.

    Names that are devices elsewhere (``aux.py``), backslashes and leading dashes are names like
    any other on Linux. Control characters are refused: they would reach terminals and logs.

    Args:
        path: The path as it was given.
        field: The request's field, for the error.

    Raises:
        InvalidRequest: It is absolute, leaves the folder, names no file or is too long.
    """
    if not isinstance(path, str):
        raise InvalidRequest(field, f"{show(path)} is not a str", hint=_HINT)
    # Before anything of it is looked at: a request has 2,000 paths, and they are checked in one go.
    if len(path) > MAX_WRITTEN or path.count("/") >= MAX_PARTS:
        raise InvalidRequest(field, f"{show(path[:MAX_NAME])} is too long {_LONGEST}", hint=_HINT)
    try:
        path.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(
            field,
            f"position {error.start} holds half a character (a lone surrogate)",
            hint="Pass well-formed text.",
        ) from error
    normal = normpath(path)  # in C from Python 3.11 on: a request has 2,000 paths
    names = [] if normal == "." else normal.split("/")
    if problem := path_problem(path, names):
        raise InvalidRequest(field, f"{show(path)} {problem}".lstrip(), hint=_HINT)
    return "/".join(names)


def path_problem(path: str, names: list[str]) -> str:
    """Why a path is none of a file in a sandbox, as the end of a sentence; "" if it is one.

    Args:
        path: The path as it is written.
        names: Its parts, normalized.
    """
    if _CONTROL.search(path):
        return "has a control character"
    if path.startswith("/"):
        return "is absolute"
    if names[:1] == [".."]:
        return "leaves the folder"
    return _size_problem(path, names)


def _size_problem(path: str, names: list[str]) -> str:
    if not path:
        return "is empty"
    if not names or path.rpartition("/")[2] in ("", ".", ".."):
        return "names a folder"
    if len("/".join(names).encode()) > MAX_PATH or any(len(n.encode()) > MAX_NAME for n in names):
        return f"is too long {_LONGEST}"
    if len(names) > MAX_DEPTH:
        return f"is too deep (at most {MAX_DEPTH} parts)"
    return ""


def normal_glob(glob: object, field: str) -> str:
    """A glob in one spelling; one that ends in a slash takes all of that folder.

    Raises:
        InvalidRequest: It is none.
    """
    if isinstance(glob, str) and glob.endswith("/") and glob.strip("/"):
        glob += "**"
    return normal_path(glob, field)


def file_and_folder(paths: Iterable[str]) -> str | None:
    """A path that would have to be a file and a folder, if there is one."""
    ordered = sorted(paths, key=lambda path: path.split("/"))
    for path, following in pairwise(ordered):
        if following.startswith(f"{path}/"):
            return path
    return None
