"""What ``drybox run`` runs: a file, a folder, standard input or an argument."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from drybox.cli.program.folder import Reader
from drybox.cli.program.shebang import without_shebang
from drybox.execution.validation import MAX_SOURCE
from drybox.languages.base import RefusingLanguage
from drybox.languages.registry import find_language, known_languages, language_of_suffix
from drybox.model import ResourceLimits


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
    path: str | None,
    language: str | None,
    code: str | None,
    entrypoint: str | None,
    data: Sequence[str] = (),
    max_bytes: int = ResourceLimits().disk,
) -> Source:
    """Read what is to run.

    Args:
        path: A file or a folder, ``-`` for standard input; None is that too, if no terminal.
        language: Its language, where the suffix does not say it.
        code: The source itself.
        entrypoint: The entry file of a folder.
        data: Further files, each ``PATH`` or ``PATH=NAME``.
        max_bytes: Most bytes of all files.

    Raises:
        click.UsageError: It is not clear what that is.
        InvalidRequest: There is no such language.
    """
    if language is not None:
        find_language(language)  # before anybody types or waits in vain
    if path is not None and code is not None:
        raise click.UsageError("Give one of FILE, DIR, '-' or --code.")
    if path is None and code is None:
        if language is None or sys.stdin.isatty():
            raise click.UsageError("Give one of FILE, DIR, '-' or --code.")
        path = "-"
    reader = Reader(max_bytes, tell_left_out)
    source = _program(path, language, code, entrypoint, reader)
    for item in data:
        _add_data(source.files, item, reader)
    return source


def tell_left_out(line: str) -> None:
    """Say on stderr what does not go into the sandbox."""
    click.echo(f"drybox: {line}.", err=True)


def _program(
    path: str | None, language: str | None, code: str | None, entrypoint: str | None, reader: Reader
) -> Source:
    if path is None or path == "-":
        if language is None:
            raise click.UsageError("Say the language with --language: there is no file suffix.")
        if code is None:
            content = sys.stdin.buffer.read(MAX_SOURCE + 1)
            try:
                code = content.decode()
            except UnicodeDecodeError:  # a source may name another encoding, as in a file
                text = content.decode(errors="replace")
                name = entrypoint or find_language(language)[0].entry(text)
                return Source(language, {name: content}, None, name)
        return Source(language, {}, code, entrypoint)
    if not os.path.lexists(path):
        raise click.UsageError(f"{path}: there is no such file or folder.")
    if os.path.isdir(path):
        files = reader.folder(Path(path))
        language = language or _language_of(files, entrypoint, path)
        return Source(language, files, None, entrypoint)
    language = language or _known_language(path)
    name = os.path.basename(path)
    content = reader.file(Path(path))
    if len(content) > MAX_SOURCE:
        raise click.UsageError(f"{path} has more than {MAX_SOURCE:,} bytes.")
    if find_language(language)[0].needs_suffix:  # those that do not, skip such a line themselves
        content = without_shebang(content, comment=b"//")
    return Source(language, {name: content}, None, entrypoint or name)


def _add_data(files: dict[str, bytes], item: str, reader: Reader) -> None:
    """Bring a file, or a folder, along with the program."""
    path, name = item, ""
    if not os.path.lexists(item) and "=" in item:
        path, _, name = item.rpartition("=")
    name = name or os.path.basename(os.path.normpath(path))
    if not os.path.lexists(path):
        raise click.UsageError(f"--file {item}: there is no such file or folder.")
    if os.path.isdir(path):
        files_below = reader.folder(Path(path), takes_all=True)
        found = {f"{name}/{inside}": content for inside, content in files_below.items()}
    else:
        found = {name: reader.file(Path(path))}
    for inside, content in found.items():
        if inside in files:
            problem = f"there is a {inside!r} already; name it PATH=NAME"
            raise click.UsageError(f"--file {item}: {problem}.")
        files[inside] = content


def _known_language(path: str) -> str:
    found = language_of_suffix(path)
    if found is None:
        if reason := _refused(path):
            raise click.UsageError(f"{path}: {reason}")
        suffix = os.path.splitext(path)[1]
        what = f"files that end in {suffix!r} are" if suffix else "a file without a suffix is"
        known = ", ".join(
            f"{language.name} ({' '.join(language.suffixes)})"
            for language in known_languages().values()
        )
        raise click.UsageError(
            f"{path}: {what} not known. There are {known}; name one with --language."
        )
    return found.name


def _refused(path: str) -> str:
    """Why a file that looks like a language's own is not run; "" for others."""
    for language in known_languages().values():
        if isinstance(language, RefusingLanguage):
            for suffix, reason in language.refused.items():
                if path.lower().endswith(suffix):
                    return reason
    return ""


def _language_of(files: dict[str, bytes], entrypoint: str | None, path: str) -> str:
    if entrypoint is not None and language_of_suffix(entrypoint) is not None:
        return _known_language(entrypoint)
    fitting = [
        language.name
        for language in known_languages().values()
        if language.find_entry({n: c for n, c in files.items() if n.endswith(language.suffixes)})
    ]
    if len(fitting) != 1:
        raise click.UsageError(f"{path}: say the language with --language, or --entrypoint.")
    return find_language(fitting[0])[0].name
