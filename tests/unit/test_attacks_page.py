"""The page of attacks: made from the catalogue, the record, and tests that are there."""

from __future__ import annotations

import ast
import runpy
from pathlib import Path

import pytest
from tests.security.catalogue import ABOUT_OTHER_THINGS, ATTACKS, COLUMNS, Attack

ROOT = Path(__file__).parents[2]
SECURITY = ROOT / "tests/security"
PAGE = runpy.run_path(str(ROOT / "docs/reference/attacks.py"))

EVERY = [attack for attacks in ATTACKS.values() for attack in attacks]


def test_the_page_is_what_catalogue_and_record_say() -> None:
    page = (ROOT / "docs/reference/attacks.md").read_text()
    assert page == PAGE["page"](), "it is stale: run './dev docs'"
    assert "**failed**" not in page.partition("## Where")[2]


def test_every_test_that_the_catalogue_names_is_there() -> None:
    there = {
        f"{path.name}::{item.name}"
        for path in SECURITY.glob("test_*.py")
        for item in ast.parse(path.read_text()).body
        if isinstance(item, ast.FunctionDef)
    }
    named = {test for attack in EVERY for test in attack.tests}
    assert named <= there
    files = {test.partition("::")[0] for test in named}
    assert files | ABOUT_OTHER_THINGS == {path.name for path in SECURITY.glob("test_*.py")}
    assert not files & ABOUT_OTHER_THINGS


def test_every_isolation_has_an_answer_for_every_attack() -> None:
    for attack in EVERY:
        assert set(attack.elsewhere) <= set(COLUMNS)
        assert attack.tests, attack.name


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        ({"passed": 3}, {"passed": 1}, "bounded"),
        ({"passed": 3}, {"skipped": 1}, "part bounded"),
        ({"passed": 3}, {}, "part bounded"),
        ({"failed": 1, "passed": 3}, {"passed": 1}, "**failed**"),
        ({}, {}, "the daemon's"),
    ],
)
def test_one_failure_is_not_hidden_by_what_passed(
    first: dict[str, int], second: dict[str, int], says: str
) -> None:
    attack = Attack("x", ("a", "b"), "bounded", {"docker": "the daemon's"})
    tests = {"a": {"docker": first}, "b": {"docker": second}}
    assert PAGE["outcome"](attack, "docker", tests) == says
    assert PAGE["outcome"](attack, "gvisor", tests) == "not run"
