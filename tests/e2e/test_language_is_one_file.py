"""A language is one file and one line: the tree without them is whole and has all the others.

``pytest -s`` of this file prints ``git diff --stat`` from the tree without a language to the tree
with it, for each.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import drybox
from drybox.languages.registry import OWN
from drybox.sessions.kernels.registry import KERNELS

SOURCE = Path(drybox.__file__).parent

BUILT_ON = {"c": ("cpp",), "node": ("typescript",)}
"""What goes along: C++ takes C's rules for sources, and TypeScript runs in Node."""

NAMED_ELSEWHERE = {
    ("bash", "sessions/programs/languages.py"): "commands of every session may be a shell's",
    ("bash", "sessions/programs/commands.py"): "commands of every session may be a shell's",
    ("rust", "environments/resolvers/cargo.py"): "cargo is looked for beside rustc",
}
"""Who else says a language's name, and why."""

OTHER_MEANINGS = {"node": "a machine of a fleet", "go": "a tool", "python": "drybox's own program"}

FIGURES = "bench/goals.py"
"""What is promised of each language's speed, which names it."""

CHECK = """
import sys
import drybox
assert drybox.__path__[0].startswith(sys.argv[1]), drybox.__path__
from drybox.languages.registry import find_language, known_languages
from drybox.sessions.kernels.registry import KERNELS
for name in sys.argv[2:]:
    try:
        find_language(name)
    except drybox.InvalidRequest:
        continue
    raise AssertionError(name)
print(*known_languages())
assert set(KERNELS) <= set(known_languages())
with drybox.CodeExecutor(isolation="local") as executor:
    assert executor.execute("python", "print(6 * 7)").stdout == "42\\n"
"""


@pytest.mark.parametrize("language", [name for name in OWN if name != "python"])
def test_a_language_is_one_file_and_one_line(language: str, tmp_path: Path) -> None:
    built_on_it = BUILT_ON.get(language, ())
    before = tree(tmp_path / "before", without=(language, *built_on_it))
    after = tree(tmp_path / "after", without=built_on_it)

    stat, added = difference(before, after)

    print(f"\n{language}:\n{stat}")
    expected = {f"languages/{language}.py", "languages/registry.py"}
    if language in KERNELS:  # what a session of it keeps is another file and another line
        expected |= {f"sessions/kernels/{language}.py", "sessions/kernels/registry.py"}
    assert set(added) == expected
    assert added["languages/registry.py"] == 1
    assert added.get("sessions/kernels/registry.py", 2) == 2  # its import, too

    gone = {language, *built_on_it}
    assert not imports(before) & {f"drybox.languages.{name}" for name in gone}
    known = subprocess.run(
        [sys.executable, "-c", CHECK, str(before), *sorted(gone)],
        env={**os.environ, "PYTHONPATH": str(before)},
        capture_output=True,
        text=True,
    )
    assert known.returncode == 0, known.stderr
    assert known.stdout.split() == [name for name in OWN if name not in gone]


def test_nothing_else_names_a_language_but_for_a_reason() -> None:
    found = set()
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if not name.startswith(("languages/", "sessions/kernels/")) and name != FIGURES:
            found |= {(word, name) for word in words(path) if word in OWN}
    others = {(word, name) for word, name in found if word not in OTHER_MEANINGS}
    assert others == set(NAMED_ELSEWHERE)


def tree(place: Path, *, without: tuple[str, ...]) -> Path:
    """A copy of drybox without some languages, from which ``drybox`` can be imported."""
    package = place / "drybox"
    shutil.copytree(SOURCE, package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in without:
        (package / "languages" / f"{name}.py").unlink()
        leave_out(package / "languages/registry.py", rf'    "{name}": "\w+",')
        if name in KERNELS:
            kernel = type(KERNELS[name]).__name__
            (package / "sessions/kernels" / f"{name}.py").unlink()
            leave_out(package / "sessions/kernels/registry.py", rf"from .* import {kernel}")
            leave_out(package / "sessions/kernels/registry.py", rf"    {kernel}\(\),")
    return place


def leave_out(path: Path, line: str) -> None:
    """Take one line out of a file."""
    text, count = re.subn(rf"(?m)^{line}\n", "", path.read_text())
    assert count == 1, (path, line)
    path.write_text(text)


def difference(before: Path, after: Path) -> tuple[str, dict[str, int]]:
    """What ``git diff --stat`` prints, and the lines that are added by file."""
    git = ["git", "diff", "--no-index", "--no-renames"]
    stat = subprocess.run(
        [*git, "--stat", before, after], capture_output=True, text=True, check=False
    ).stdout
    numbers = subprocess.run(
        [*git, "--numstat", "-z", before, after], capture_output=True, text=True, check=False
    ).stdout.split("\0")
    added = {}
    while numbers and numbers[0]:
        line, _, new = numbers[0], numbers[1], numbers[2]
        numbers = numbers[3:]
        count, removed, _ = line.split("\t")
        assert removed == "0", line
        added[Path(new).relative_to(after / "drybox").as_posix()] = int(count)
    return stat, added


def imports(place: Path) -> set[str]:
    """Every module that a tree imports, wherever in a file."""
    found = set()
    for path in place.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                found |= {str(node.module), *(f"{node.module}.{each.name}" for each in node.names)}
            elif isinstance(node, ast.Import):
                found |= {each.name for each in node.names}
    return found


def words(path: Path) -> set[str]:
    """Every text in a program that is not a docstring's part."""
    return {
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
