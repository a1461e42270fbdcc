"""The files of a folder of the user's, as they go into a sandbox."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from drybox.execution.file_paths import path_problem
from drybox.execution.validation import MAX_FILES

LEFT_OUT = (
    *(".git", ".hg", ".svn", ".venv", "node_modules"),
    *(".env", ".envrc", ".netrc", ".npmrc", ".pypirc", ".aws", ".ssh", ".gnupg"),
)
"""Names that stay where they are, and ``.env.*``: histories, installed packages, and secrets."""

_MOST_TOLD = 5


class Reader:
    """Reads files until they are more than a sandbox takes.

    Args:
        max_bytes: Most bytes of all of them.
        tell: Says what was left out.
    """

    def __init__(self, max_bytes: int, tell: Callable[[str], None]) -> None:
        self._max_bytes = max_bytes
        self._left = max_bytes
        self._tell = tell

    def file(self, path: Path) -> bytes:
        """Read one file.

        Raises:
            click.UsageError: It cannot be read, is no regular file or too large.
        """
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                raise click.UsageError(f"{path} is not a regular file.")
            with path.open("rb") as file:
                content = file.read(self._left + 1)
        except OSError as error:
            raise click.UsageError(f"{path}: {error.strerror}.") from error
        if len(content) > self._left:
            raise click.UsageError(
                f"{path} makes more than {self._max_bytes:,} bytes; allow more with --disk."
            )
        self._left -= len(content)
        return content

    def folder(self, folder: Path, *, takes_all: bool = False) -> dict[str, bytes]:
        """Read a folder: links within it are followed; what stays out is said.

        Args:
            folder: The folder.
            takes_all: Nothing stays out by its name.

        Raises:
            click.UsageError: One of its files cannot be read, or they are too many or too large.
        """
        files: dict[str, bytes] = {}
        left_out: dict[str, list[str]] = {}
        left = () if takes_all else LEFT_OUT
        try:
            root = Path(os.path.realpath(folder))
        except OSError as error:  # of a relative one, where the working directory is gone
            raise click.UsageError(f"{folder}: {error.strerror}.") from error
        walk = _Walk(self, root, left, files, left_out)
        walk.enter(root, "", ())
        for reason, names in left_out.items():
            more = f" and {len(names) - _MOST_TOLD} more" if len(names) > _MOST_TOLD else ""
            shown = ", ".join(ascii(name)[1:-1] for name in names[:_MOST_TOLD])
            self._tell(f"left out of {folder} ({reason}): {shown}{more}")
        return files


@dataclass(slots=True)
class _Walk:
    """One way through a folder and what its links lead to."""

    reader: Reader
    root: Path
    left: tuple[str, ...]
    files: dict[str, bytes]
    left_out: dict[str, list[str]]
    folders: int = 0

    def enter(self, folder: Path, prefix: str, above: tuple[Path, ...]) -> None:
        self.folders += 1
        try:
            here = Path(os.path.realpath(folder))  # of many links in a row the kernel follows few
            above = (*above, here)
            names = sorted(os.listdir(here))
        except OSError as error:
            raise click.UsageError(f"{folder}: {error.strerror}.") from error
        for name in names:
            path, inside = here / name, prefix + name
            reason = self._reason(path, inside, above)
            if reason:
                self.left_out.setdefault(reason, []).append(inside)
            elif path.is_dir():
                self.enter(path, f"{inside}/", above)
            else:
                self.files[inside] = self.reader.file(path)
            if max(len(self.files), self.folders) > MAX_FILES:
                raise click.UsageError(f"{self.root} has more than {MAX_FILES} files.")

    def _reason(self, path: Path, inside: str, above: tuple[Path, ...]) -> str:
        """Why something stays out of the sandbox; "" if it does not."""
        names = inside.split("/")
        name = names[-1]
        if name in self.left or (self.left and name.startswith(".env.")):
            return "bring it along with --file"
        try:
            name.encode()
        except UnicodeEncodeError:
            return "its name is not UTF-8"
        if problem := path_problem(inside, names):
            return f"its path {problem}"
        if path.is_symlink():
            real = Path(os.path.realpath(path))
            if not real.exists():
                return "a link that leads nowhere"
            if not real.is_relative_to(self.root):
                return "a link that leads out of the folder"
            if set(real.relative_to(self.root).parts) & set(self.left):
                return "a link to what is left out"
            if real in above:
                return "a link to a folder that it is in"
        if self.left and (path / "pyvenv.cfg").is_file():
            return "a virtual environment; bring it along with --file"
        if not path.is_dir() and not path.is_file():
            return "neither a file nor a folder"
        return ""
