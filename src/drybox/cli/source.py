"""What ``drybox run`` runs: a file, a folder, standard input or an argument."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from drybox.languages import find_language, known_languages, language_of_suffix
from drybox.validation import MAX_FILES, MAX_SOURCE


@dataclass(frozen=True, slots=True)
class Source:
    """A program as the command line names it.

    Attributes:
        language: Its language, as the user said or as the suffix says.
        files: Its files.
        code: Its source, where it came without a name.
        entrypoint: The entry file, where it is known.
    """

    language: str
    files: dict[str, bytes]
    code: str | None
    entrypoint: str | None


def read_source(
    path: str | None, language: str | None, code: str | None, entrypoint: str | None
) -> Source:
    """Read what is to run.

    Raises:
        click.UsageError: It is not clear what that is.
    """
    if (path is None) == (code is None):
        raise click.UsageError("Give one of FILE, DIR, '-' or --code.")
    if code is not None or path == "-":
        if language is None:
            raise click.UsageError("Say the language with --language: there is no file suffix.")
        if code is None:
            code = _decoded(sys.stdin.buffer.read(MAX_SOURCE + 1), "standard input")
        return Source(language, {}, code, entrypoint)
    assert path is not None
    if not os.path.lexists(path):
        raise click.UsageError(f"{path}: there is no such file or folder.")
    if os.path.isdir(path):
        files = _read_folder(Path(path))
        language = language or _language_of(files, entrypoint, path)
        return Source(language, files, None, entrypoint)
    language = language or _known_language(path)
    name = os.path.basename(path)
    return Source(language, {name: _read(Path(path))}, None, entrypoint or name)


def _known_language(path: str) -> str:
    found = language_of_suffix(path)
    if found is None:
        raise click.UsageError(f"{path}: say the language with --language; the suffix is unknown.")
    return found.name


def _language_of(files: dict[str, bytes], entrypoint: str | None, path: str) -> str:
    if entrypoint is not None:
        return _known_language(entrypoint)
    fitting = [
        language.name
        for language in known_languages().values()
        if language.find_entry({n: c for n, c in files.items() if n.endswith(language.suffixes)})
    ]
    if len(fitting) != 1:
        raise click.UsageError(f"{path}: say the language with --language, or --entrypoint.")
    return find_language(fitting[0])[0].name


def _read_folder(folder: Path) -> dict[str, bytes]:
    """Its regular files; links are not followed and hidden folders such as .git left out."""
    files: dict[str, bytes] = {}
    total = 0
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(at, name)
            if path.is_file() and not path.is_symlink():
                files[path.relative_to(folder).as_posix()] = _read(path)
                total += len(files[path.relative_to(folder).as_posix()])
            if len(files) > MAX_FILES:
                raise click.UsageError(f"{folder} has more than {MAX_FILES} files.")
            if total > MAX_SOURCE:
                raise click.UsageError(f"{folder} has more than {MAX_SOURCE:,} bytes of files.")
    return files


def _read(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise click.UsageError(f"{path} is no regular file.")
        with path.open("rb") as file:
            content = file.read(MAX_SOURCE + 1)
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror}.") from error
    if len(content) > MAX_SOURCE:
        raise click.UsageError(f"{path} has more than {MAX_SOURCE:,} bytes.")
    return content


def _decoded(content: bytes, where: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{where} is no UTF-8 text, at byte {error.start}.") from error
