"""Copies files between this host and a session of a server."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote_from_bytes

import click

from drybox.cli.session.remote import Remote, session_path
from drybox.errors import InvalidRequest
from drybox.sessions.host_files import (
    NOT_A_FILE,
    NOT_COPIED,
    host_files,
    make_beneath,
    open_beneath,
)

DEPTH = 32
"""Levels of folders that a server lists at once."""

MOST_TOLD = 5
"""Names that are said of those left out for the same reason."""


def upload(remote: Remote, session: str, source: str, to: str) -> int:
    """Copy a file, or what is in a folder, into a session.

    Returns:
        How many files.
    """
    start = Path(source)
    if start.is_dir():
        tree = host_files(start)
        for name in tree.files:
            _upload_one(remote, session, start / name, f"{to.rstrip('/')}/{name}")
        filled = {str(above) for name in tree.files for above in PurePosixPath(name).parents}
        empty = {name: "an empty folder" for name in tree.folders if name not in filled}
        _tell_left_out(source, tree.left_out | empty)
        return len(tree.files)
    if not start.is_file():
        raise click.UsageError(f"{source}: there is no such file or folder here.")
    if to.endswith("/") or _is_folder(remote, session, to):
        to = f"{to.rstrip('/')}/{start.name}"
    _upload_one(remote, session, start, to)
    return 1


def download(remote: Remote, session: str, source: str, to: str) -> int:
    """Copy a file, or what is in a folder, of a session to this host.

    Returns:
        How many files.
    """
    if _is_folder(remote, session, source):
        top = source.rstrip("/") or "/"
        count, left_out = 0, {}
        make_beneath(Path(to), ())
        for below, kind in _below(remote, session, top):
            parts = PurePosixPath(below).parts
            if not parts or ".." in parts or below.startswith("/"):
                raise InvalidRequest("path", f"{below[:200]!r} is no name", hint="Rename it.")
            if kind == "directory":
                make_beneath(Path(to), parts)
                continue
            if kind != "file":
                left_out[below] = NOT_COPIED.get(kind, NOT_A_FILE)
                continue
            with open(open_beneath(Path(to), parts), "wb") as file:
                remote.download(session, f"{top.rstrip('/')}/{below}", file)
            count += 1
        _tell_left_out(source, left_out)
        return count
    target = Path(to)
    if to.endswith("/") or target.is_dir():
        name = PurePosixPath(source).name
        if name in ("", ".."):
            raise InvalidRequest("path", f"{source[:200]!r} names no file", hint="Name one.")
        target.mkdir(parents=True, exist_ok=True)
        target /= name
    _download_one(remote, session, source, target)
    return 1


def _tell_left_out(where: str, left_out: Mapping[str, str]) -> None:
    for reason in sorted(set(left_out.values())):
        names = [name for name, why in left_out.items() if why == reason]
        more = f" and {len(names) - MOST_TOLD} more" if len(names) > MOST_TOLD else ""
        shown = ", ".join(ascii(name)[1:-1] for name in names[:MOST_TOLD])
        click.echo(f"drybox: left out of {where} ({reason}): {shown}{more}.", err=True)


def _upload_one(remote: Remote, session: str, source: Path, to: str) -> None:
    try:
        file = open(source, "rb")  # noqa: SIM115
    except OSError as error:
        raise click.UsageError(f"{source}: {error.strerror}.") from error
    with file:
        remote.upload(session, to, file)


def _download_one(remote: Remote, session: str, source: str, target: Path) -> None:
    """The file is there as a whole, or as it was before."""
    partial = target.with_name(f".{target.name[:200]}.{secrets.token_hex(8)}")
    try:
        with open(partial, "xb") as file:
            remote.download(session, source, file)
        partial.replace(target)
    except OSError as error:
        raise click.UsageError(f"{target}: {error.strerror}.") from error
    finally:
        with suppress(OSError):
            partial.unlink()


def _list(remote: Remote, session: str, path: str, depth: int) -> Any:
    words = f"?path={quote_from_bytes(os.fsencode(path), safe='')}&depth={depth}"
    return remote.ask("GET", session_path(session, "files") + words)


def _is_folder(remote: Remote, session: str, path: str) -> bool:
    try:
        _list(remote, session, path, 1)
    except InvalidRequest:  # it is a file, or not there
        return False
    return True


def _below(remote: Remote, session: str, top: str) -> Iterator[tuple[str, str]]:
    """Paths of all that is in a folder, relative to it, and what it is."""
    waiting = [(top, "")]
    while waiting:
        path, prefix = waiting.pop()
        found = _list(remote, session, path, DEPTH)
        above = _common(found)
        for item in found:
            below = item["path"][len(above) :]
            yield prefix + below, item["type"]
            if item["type"] == "directory" and below.count("/") == DEPTH - 1:
                waiting.append((item["path"], f"{prefix}{below}/"))


def _common(found: Any) -> str:
    """What all paths of a listing begin with: the folder's absolute path."""
    if not found:
        return ""
    shortest = min((item["path"] for item in found), key=lambda path: path.count("/"))
    above: str = shortest[: len(shortest) - len(shortest.rpartition("/")[2])]
    return above
