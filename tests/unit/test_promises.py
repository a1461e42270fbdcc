"""Every promise of SPECIFICATION.md has an id, and the tests that prove it are marked with it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.support.source_tree import ROOT

SPECIFICATION = ROOT / "SPECIFICATION.md"
ID = re.compile(r"[A-Z]+-[1-9]\d*")


def _promises(text: str) -> Iterator[tuple[str, set[str]]]:
    """The id of each row of the tables of promises, and the test files that it names as proof."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
        if line.startswith("| ") and cells[0] != "id":
            yield cells[0], set(re.findall(r"`(tests/[^`]+)`", cells[-1]))


def _markers(source: str) -> Iterator[str]:
    """The ids in every ``pytest.mark.promise(...)`` of a file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.promise":
            yield from (ast.literal_eval(argument) for argument in node.args)


def _marked() -> dict[str, set[str]]:
    """The test files that are marked with each id."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for id in _markers(path.read_text()):
            found.setdefault(id, set()).add(path.relative_to(ROOT).as_posix())
    return found


def _differences(promised: dict[str, set[str]], marked: dict[str, set[str]]) -> list[str]:
    found = []
    for id in sorted({*promised, *marked}):
        named, proving = promised.get(id, set()), marked.get(id, set())
        if id not in promised:
            found.append(f"{id}: marked in {sorted(proving)}, but no promise of SPECIFICATION.md")
        else:
            found += [f"{id}: {file} has no pytest.mark.promise" for file in named - proving]
            found += [f"{id}: add {file} to its proofs" for file in proving - named]
    return found


def test_the_specification_and_the_markers_agree() -> None:
    promised = dict(_promises(SPECIFICATION.read_text()))
    assert len(promised) > 100
    assert _differences(promised, _marked()) == []


def test_every_promise_has_an_id_of_its_own_and_a_proof() -> None:
    rows = [line for line in SPECIFICATION.read_text().splitlines() if line.startswith("| ")]
    ids = [id for id, _ in _promises(SPECIFICATION.read_text())]
    assert [id for id in ids if not ID.fullmatch(id)] == [], "the first column has ids like ISO-3"
    assert len(ids) == len({*ids}), "an id names one promise"
    for row in rows:
        assert row.startswith("| id |") or re.search(r"\| .*`[^`]+`[^|]* \|$", row), row


def test_each_kind_of_difference_is_found() -> None:
    """Both directions, and a marker with another name than the promise."""
    agreeing = {"ISO-1": {"tests/a.py"}}
    assert _differences(agreeing, agreeing) == []
    assert _differences(agreeing, {}) == ["ISO-1: tests/a.py has no pytest.mark.promise"]
    assert _differences({"ISO-1": set()}, agreeing) == ["ISO-1: add tests/a.py to its proofs"]
    (unknown,) = _differences({}, agreeing)
    assert unknown.startswith("ISO-1: marked in ['tests/a.py'], but no promise")
    marks = "pytestmark = [pytest.mark.anyio, pytest.mark.promise('A-1', 'A-2')]"
    assert list(_markers(marks)) == ["A-1", "A-2"]
    decorated = '@pytest.mark.promise("A-3")\nasync def test_x(): pass'
    assert list(_markers(decorated)) == ["A-3"]
