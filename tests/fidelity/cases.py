"""Reads the programs below ``programs`` and ``projects``: a file or a folder each, with a TOML.

A file ``NAME.SUFFIX`` is a whole program; a folder has its entry in ``main.*`` or names it.
``NAME.toml``, or ``case.toml`` in the folder, may have ``args``, ``stdin``, ``env``,
``entrypoint``, ``line_buffered`` and a ``comment``. A file ``NAME.txtar`` is a folder in one file:
text up to the first line ``-- PATH --`` is its settings, and what follows such a line is that
file; ``-- PATH (base64) --`` begins one that is no text.
"""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from drybox.languages.registry import known_languages

PROGRAMS = Path(__file__).parent / "programs"
PROJECTS = Path(__file__).parent / "projects"
SUFFIXES = {name: language.suffixes for name, language in known_languages().items()}
KEYS = {"args", "stdin", "env", "entrypoint", "line_buffered", "comment"}
_MEMBER = re.compile(r"^-- (\S+)( \(base64\))? --\n", re.MULTILINE)

# Before Python 3.11 its twin comes with pytest.
_toml: Any = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")


@dataclass(frozen=True)
class Case:
    """One program.

    Attributes:
        language: Its language.
        name: Its name below the language's folder.
        code: Its source, if it is a single file with the language's usual suffix.
        files: Its files by path; those of a single file too if the suffix matters.
        entrypoint: Its entry, if it names one.
        args: Its arguments.
        stdin: Its standard input.
        env: Its variables.
        line_buffered: Whether it shows that Python's output is line-buffered inside.
    """

    language: str
    name: str
    code: str | None
    files: Mapping[str, bytes]
    entrypoint: str | None
    args: tuple[str, ...]
    stdin: bytes
    env: Mapping[str, str]
    line_buffered: bool = False

    @property
    def id(self) -> str:
        """What a test's name shows."""
        return f"{self.language}-{self.name}"


def cases(folder: Path = PROGRAMS) -> list[Case]:
    """Every program that a folder has, in a stable order."""
    found = [language for language in SUFFIXES if (folder / language).is_dir()]
    return [case for language in found for case in _of(language, folder / language)]


def _of(language: str, folder: Path) -> Iterator[Case]:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name != "__pycache__":
            files = {
                file.relative_to(path).as_posix(): file.read_bytes()
                for file in sorted(path.rglob("*"))
                if file.is_file() and "__pycache__" not in file.parts and file.name != "case.toml"
            }
            yield _case(language, path.name, None, files, _text_of(path / "case.toml"))
        elif path.suffix in SUFFIXES[language]:
            usual = path.suffix == SUFFIXES[language][0]
            code = path.read_bytes().decode() if usual else None
            files = {} if usual else {f"main{path.suffix}": path.read_bytes()}
            yield _case(language, path.stem, code, files, _text_of(path.with_suffix(".toml")))
        elif path.suffix == ".txtar":
            settings, *members = _MEMBER.split(path.read_bytes().decode())
            contents = zip(members[::3], members[1::3], members[2::3], strict=True)
            files = {
                name: base64.b64decode(text) if is_binary else text.encode()
                for name, is_binary, text in contents
            }
            yield _case(language, path.stem, None, files, settings)
        elif path.suffix != ".toml":
            raise ValueError(f"{path} is no program")


def _text_of(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""


def _case(
    language: str, name: str, code: str | None, files: Mapping[str, bytes], settings: str
) -> Case:
    found: dict[str, Any] = _toml.loads(settings)
    if not found.keys() <= KEYS:
        raise ValueError(f"{name}: only {', '.join(sorted(KEYS))} have a meaning")
    return Case(
        language=language,
        name=name,
        code=code,
        files=files,
        entrypoint=found.get("entrypoint"),
        args=tuple(found.get("args", ())),
        stdin=found.get("stdin", "").encode(),
        env=found.get("env", {}),
        line_buffered=found.get("line_buffered", False),
    )
