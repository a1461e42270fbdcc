"""What a ``go.mod`` asks for, read without the go command, and written anew."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from drybox.environments.environment import Environment
from drybox.errors import InvalidRequest

NAMES, SUMS, EDITS = "go.mod", "go.sum", "go.edits"
"""What an environment has: the module of a program that has none, its sums, and what 'go mod edit'
is told where a program has a go.mod of its own."""

MAX_FILE = 4 << 20
"""Bytes of a go.mod, or a go.sum, that are read."""

_PATH = r"[A-Za-z0-9][A-Za-z0-9._~-]*\.[A-Za-z0-9._~-]*(?:/[A-Za-z0-9._~-]+)*"
_VERSION = r"v[0-9][0-9A-Za-z.+-]*"
_KEPT: Mapping[str, re.Pattern[str]] = {
    "require": re.compile(rf"{_PATH} {_VERSION}(?: // indirect)?"),
    "exclude": re.compile(rf"{_PATH} {_VERSION}"),
    "replace": re.compile(rf"{_PATH}(?: {_VERSION})? => {_PATH} {_VERSION}"),
}
"""What counts of it; the rest is about the module itself."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Requirements.

    Attributes:
        go: The version of Go that they are for.
        lines: What is required, excluded and replaced, by the word for it.
        sums: The go.sum beside them; b"" for none.
        tools: Paths of packages that are wanted as commands.
    """

    go: str
    lines: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sums: bytes = b""
    tools: tuple[str, ...] = ()

    def with_modules(self, modules: Iterable[tuple[str, str]]) -> Wanted:
        """The same, with all of these in it: the go command then looks for none but them."""
        known = self.modules
        more = [f"{path} {word} // indirect" for path, word in sorted(modules) if path not in known]
        lines = {**self.lines, "require": (*self.lines.get("require", ()), *more)}
        return replace(self, lines=lines)

    @property
    def modules(self) -> Mapping[str, bool]:
        """Paths of what is required, and whether directly."""
        lines = self.lines.get("require", ())
        return {line.split()[0]: not line.endswith("// indirect") for line in lines}


def wanted_of(environment: Environment, version: str) -> Wanted:
    """What an environment asks for.

    Args:
        environment: The environment.
        version: The toolchain's version.

    Raises:
        InvalidRequest: Its go.mod cannot be read, or asks for what is not allowed.
    """
    if environment.requirements is None:
        return Wanted(minor_of(version))
    where, path = f"environments.{environment.name}.requirements", str(environment.requirements)
    try:
        found = read_wanted(Path(path))
    except OSError as error:
        problem = error.strerror or str(error)
        raise InvalidRequest(
            where, f"{path!r} cannot be read: {problem}", hint="Name a go.mod."
        ) from error
    except ValueError as error:
        raise InvalidRequest(
            where,
            f"{path!r} is not taken: {error}",
            hint="Name versions that a module proxy has; folders of this machine are not read.",
        ) from error
    if numbers(found.go) > numbers(version):
        raise InvalidRequest(
            where,
            f"go.mod asks for Go {found.go}, and the toolchain is Go {version}",
            hint=f"Use a newer Go; or write 'go {minor_of(version)}' into it, and older modules.",
        )
    return found if found.go else replace(found, go=minor_of(version))


def read_wanted(path: Path) -> Wanted:
    """What a go.mod requires.

    Raises:
        OSError: It cannot be read.
        ValueError: It requires what is not allowed, or is too large.
    """
    text = _read(path).decode()
    sums = path.with_suffix(".sum")
    lines: dict[str, list[str]] = {word: [] for word in (*_KEPT, "tool", "go")}
    for word, rest in _statements(text):
        if word in _KEPT and not _KEPT[word].fullmatch(rest):
            raise ValueError(f"{word} {ascii(rest)[:120]} names no version of a module")
        if word == "tool" and not re.fullmatch(_PATH, rest):
            raise ValueError(f"tool {ascii(rest)[:120]} is no path of a package")
        if word in lines:
            lines[word].append(rest)
    go = "".join(lines.pop("go")[-1:])
    if go and not re.fullmatch(r"[0-9]+(?:\.[0-9]+){0,2}(?:rc[0-9]+|beta[0-9]+)?", go):
        raise ValueError(f"go {ascii(go)[:40]} is no version")
    kept = {word: tuple(dict.fromkeys(found)) for word, found in lines.items()}
    tools = kept.pop("tool")
    return Wanted(go, kept, _read(sums) if sums.exists() else b"", tools)


def _read(path: Path) -> bytes:
    with open(path, "rb") as file:
        data = file.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise ValueError(f"{path.name} has more than {MAX_FILE:,} bytes")
    return data


def written(wanted: Wanted) -> str:
    """The go.mod of a program that has none."""
    blocks = [
        f"\n{word} (\n{''.join(f'{chr(9)}{line}{chr(10)}' for line in lines)})\n"
        for word, lines in wanted.lines.items()
        if lines
    ]
    return f"module sandbox\n\ngo {wanted.go}\n{''.join(blocks)}"


def edits(wanted: Wanted) -> str:
    """What 'go mod edit' is told, a word a line, so that another go.mod requires the same."""
    found = list[str]()
    for word, lines in wanted.lines.items():
        for line in lines:
            sides = line.removesuffix(" // indirect").split(" => ")
            found.append(f"-{word}={'='.join(side.replace(' ', '@') for side in sides)}\n")
    return "".join(found)


def is_module(path: str, version: str) -> bool:
    """Whether these are a module's path and a version, and no more."""
    is_written_so = re.fullmatch(_PATH, path) and re.fullmatch(_VERSION, version)
    return bool(is_written_so) and not {"", ".", ".."}.intersection(path.split("/"))


def numbers(version: str) -> tuple[int, ...]:
    """A version as what can be compared: ``1.21`` is before ``1.21.1``."""
    return tuple(map(int, re.findall(r"[0-9]{1,9}", version)[:3]))


def _statements(text: str) -> list[tuple[str, str]]:
    """The words that lines begin with, those of blocks too, and what follows them."""
    found, block = [], ""
    for raw in text.splitlines():
        code, mark, comment = raw.partition("//")
        words = code.split()
        if mark and comment.split()[:1] == ["indirect"]:
            words.append("// indirect")
        if not words or words == ["// indirect"]:
            continue
        if block:
            if words[0] == ")":
                block = ""
            else:
                found.append((block, " ".join(words)))
        elif words[1:2] == ["("]:
            block = words[0]
        else:
            found.append((words[0], " ".join(words[1:])))
    return found


def minor_of(version: str) -> str:
    """The version of the language that a version of Go has."""
    return ".".join(version.split(".")[:2])
