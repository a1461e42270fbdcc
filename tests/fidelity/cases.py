"""Reads the programs below ``programs``: a file or a folder each, with an optional TOML beside it.

A file ``NAME.SUFFIX`` is a whole program; a folder has its entry in ``main.*`` or names it.
``NAME.toml``, or ``case.toml`` in the folder, may have ``args``, ``stdin``, ``env``,
``entrypoint`` and a ``comment``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

PROGRAMS = Path(__file__).parent / "programs"
SUFFIXES = {
    "python": (".py",),
    "node": (".js", ".mjs", ".cjs"),
    "go": (".go",),
    "java": (".java",),
}
KEYS = {"args", "stdin", "env", "entrypoint", "comment"}

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
    """

    language: str
    name: str
    code: str | None
    files: Mapping[str, bytes]
    entrypoint: str | None
    args: tuple[str, ...]
    stdin: bytes
    env: Mapping[str, str]

    @property
    def id(self) -> str:
        """What a test's name shows."""
        return f"{self.language}-{self.name}"


def cases() -> list[Case]:
    """Every program there is, in a stable order."""
    return [case for language in SUFFIXES for case in _of(language)]


def _of(language: str) -> Iterator[Case]:
    for path in sorted((PROGRAMS / language).iterdir()):
        if path.is_dir() and path.name != "__pycache__":
            files = {
                file.relative_to(path).as_posix(): file.read_bytes()
                for file in sorted(path.rglob("*"))
                if file.is_file() and "__pycache__" not in file.parts and file.name != "case.toml"
            }
            yield _case(language, path.name, None, files, path / "case.toml")
        elif path.suffix in SUFFIXES[language]:
            usual = path.suffix == SUFFIXES[language][0]
            code = path.read_bytes().decode() if usual else None
            files = {} if usual else {f"main{path.suffix}": path.read_bytes()}
            yield _case(language, path.stem, code, files, path.with_suffix(".toml"))
        elif path.suffix != ".toml":
            raise ValueError(f"{path} is no program")


def _case(
    language: str, name: str, code: str | None, files: Mapping[str, bytes], settings: Path
) -> Case:
    found: dict[str, Any] = _toml.loads(settings.read_text("utf-8")) if settings.exists() else {}
    if not found.keys() <= KEYS:
        raise ValueError(f"{settings}: only {', '.join(sorted(KEYS))} have a meaning")
    return Case(
        language=language,
        name=name,
        code=code,
        files=files,
        entrypoint=found.get("entrypoint"),
        args=tuple(found.get("args", ())),
        stdin=found.get("stdin", "").encode(),
        env=found.get("env", {}),
    )
