"""Files of this host that go into a session, and where those that come out of it are written."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from drybox.errors import InvalidRequest
from drybox.execution.texts import show

MOST_FILES = 100_000
"""Files and folders that are copied at once; links may name the same ones again and again."""

NEW_FILE, NEW_PROGRAM = 0o644, 0o755
"""Permission bits of a file that is copied into a session: whether it may be run is kept."""

NOT_A_FILE = "neither a file nor a folder"
NOT_COPIED = {"symlink": "a symbolic link"}
"""Why something of a session is not copied to this host, by its type; else NOT_A_FILE."""


def host_path(path: object, field: str) -> Path:
    """A path of this host.

    Raises:
        InvalidRequest: It is none.
    """
    if not isinstance(path, (str, os.PathLike)) or "\0" in os.fsdecode(path):
        raise InvalidRequest(field, f"{show(path)} is no path", hint="Pass the path of a folder.")
    return Path(path)


@dataclass(frozen=True, slots=True)
class HostTree:
    """What is below a folder of this host.

    Attributes:
        folders: Folders, each after the one that it is in.
        files: Regular files.
        left_out: Why something else is in neither of them.
    """

    folders: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def host_files(start: Path) -> HostTree:
    """Folders and files below one, relative to it; links within it are followed.

    Raises:
        InvalidRequest: There are too many, or the folder cannot be read.
    """
    tree = HostTree()
    root = Path(os.path.realpath(start))
    waiting: list[tuple[Path, str, tuple[Path, ...]]] = [(root, "", (root,))]
    while waiting:
        folder, prefix, above = waiting.pop()
        try:
            names = sorted(os.listdir(folder))
        except OSError as error:
            if not prefix:
                raise InvalidRequest(
                    "source", f"{os.fspath(start)!r}: {error.strerror}", hint="Name another folder."
                ) from error
            tree.left_out[prefix[:-1]] = str(error.strerror)
            continue
        for name in names:
            path, inside = folder / name, prefix + name
            if path.is_symlink():
                path = Path(os.path.realpath(path))
            reason = _reason(path, root, above)
            if reason:
                tree.left_out[inside] = reason
            elif path.is_dir():
                tree.folders.append(inside)
                waiting.append((path, f"{inside}/", (*above, path)))
            else:
                tree.files.append(inside)
        if len(tree.files) + len(tree.folders) + len(tree.left_out) > MOST_FILES:
            raise InvalidRequest(
                "source",
                f"there are more than {MOST_FILES:,} files in {os.fspath(start)!r}",
                hint="Pack them into an archive.",
            )
    return tree


def _reason(path: Path, root: Path, above: tuple[Path, ...]) -> str:
    """Why something is not copied; "" if it is. Links have been followed."""
    if not path.exists():
        return "a link that leads nowhere"
    if not path.is_relative_to(root):
        return "a link that leads out of the folder"
    if path in above:
        return "a link to a folder that it is in"
    if not path.is_dir() and not path.is_file():
        return NOT_A_FILE
    return ""


def open_beneath(folder: Path, parts: tuple[str, ...]) -> int:
    """Open a new file below a folder, through no link."""
    with _beneath(folder, parts[:-1]) as at:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(parts[-1], flags, 0o644, dir_fd=at)


def keep_may_run(file: int, mode: int) -> None:
    """Let whoever may read an open file run it, if its mode in the session says so, or else nobody.

    Args:
        file: Its descriptor.
        mode: Permission bits in the session; of them nothing else is taken over.
    """
    now = stat.S_IMODE(os.fstat(file).st_mode)
    readers = (now & 0o444) >> 2
    wanted = now & ~0o111 | (readers if mode & stat.S_IXUSR else 0)
    if wanted != now:
        os.fchmod(file, wanted)


def make_beneath(folder: Path, parts: tuple[str, ...]) -> None:
    """Make a folder below another, if it is not there, through no link."""
    with _beneath(folder, parts):
        pass


@contextmanager
def _beneath(folder: Path, parts: tuple[str, ...]) -> Iterator[int]:
    """A folder below another, with those between them, made where they are not there."""
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
        for name in parts:
            try:
                os.mkdir(name, 0o755, dir_fd=at)
            except FileExistsError:
                pass
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            below = os.open(name, flags, dir_fd=at)
            os.close(at)
            at = below
        yield at
    except OSError as error:
        raise InvalidRequest(
            "to",
            f"{error.filename!r} in {os.fspath(folder)!r}: {error.strerror}",
            hint="Download into an empty folder.",
        ) from error
    finally:
        os.close(at)
