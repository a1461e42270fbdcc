"""Files of this host that go into a session, and where those that come out of it are written."""

from __future__ import annotations

import os
from pathlib import Path

from drybox.errors import InvalidRequest
from drybox.execution.texts import show


def host_path(path: object, field: str) -> Path:
    """A path of this host.

    Raises:
        InvalidRequest: It is none.
    """
    if not isinstance(path, (str, os.PathLike)) or "\0" in os.fsdecode(path):
        raise InvalidRequest(field, f"{show(path)} is no path", hint="Pass the path of a folder.")
    return Path(path)


def host_files(start: Path) -> tuple[list[str], list[str]]:
    """Folders and regular files below one, relative to it; no link is followed."""
    folders, names = [], []
    for at, below, files in os.walk(start):
        here = Path(at)
        folders += [str((here / name).relative_to(start)) for name in below]
        for name in files:
            item = here / name
            if item.is_file() and not item.is_symlink():
                names.append(str(item.relative_to(start)))
    return [name for name in folders if not (start / name).is_symlink()], names


def open_beneath(folder: Path, parts: tuple[str, ...]) -> int:
    """Open a new file below a folder, through no link."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise InvalidRequest(
            "to",
            f"{os.fspath(folder)!r} cannot be a folder: {error.strerror}",
            hint="Name a folder, or one that is not there yet.",
        ) from error
    try:
        for name in parts[:-1]:
            try:
                os.mkdir(name, 0o755, dir_fd=at)
            except FileExistsError:
                pass
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            below = os.open(name, flags, dir_fd=at)
            os.close(at)
            at = below
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(parts[-1], flags, 0o644, dir_fd=at)
    except OSError as error:
        raise InvalidRequest(
            "to",
            f"{error.filename!r} in {os.fspath(folder)!r}: {error.strerror}",
            hint="Download into an empty folder.",
        ) from error
    finally:
        os.close(at)
