"""Environments as people write them."""

from __future__ import annotations

from typing import Any

import pytest

from drybox import Environment, InvalidRequest
from drybox.environments.environment import by_name, find_environment, version_in
from drybox.languages.registry import find_language

DATA = Environment("data", "py@3.11", packages=["numpy", "pandas==3.*"], preload=["numpy.linalg"])


def test_what_is_given_is_kept() -> None:
    assert DATA.packages == ("numpy", "pandas==3.*")
    assert (DATA.of.name, DATA.version) == ("python", "3.11")
    assert Environment("a", "python", requirements="/srv/requirements.txt").packages == ()


@pytest.mark.parametrize(
    ("fields", "field", "hint"),
    [
        ({"name": "Data"}, "environments", "small letters"),
        ({"name": "a/b"}, "environments", "small letters"),
        ({"name": ".a"}, "environments", "small letters"),
        ({"name": "a."}, "environments", "small letters"),
        ({"name": 7}, "environments", "small letters"),
        ({"language": "pyton"}, "environments.data.language", "python"),
        ({"language": None}, "environments.data.language", "python"),
        ({"packages": "numpy"}, "environments.data.packages", "Write it like"),
        ({"packages": [7]}, "environments.data.packages", "Write it like"),
        ({"packages": ["-e ."]}, "environments.data.packages[0]", "requests"),
        ({"packages": ["./wheel.whl"]}, "environments.data.packages[0]", "requests"),
        ({"packages": ["a @ https://example.com/a"]}, "environments.data.packages[0]", "requests"),
        ({"packages": []}, "environments.data", "packages"),
        ({"requirements": "/srv/more.txt"}, "environments.data", "either"),
        ({"packages": [], "requirements": "more.txt"}, "environments.data.requirements", "whole"),
        ({"preload": ["os;import x"]}, "environments.data.preload", "matplotlib.pyplot"),
        ({"preload": "os"}, "environments.data.preload", "Write it like"),
        ({"preload": ["a"] * 101}, "environments.data.preload", "100"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, Any], field: str, hint: str) -> None:
    given = {"name": "data", "language": "python", "packages": ["numpy"], **fields}
    with pytest.raises(InvalidRequest) as told:
        Environment(**given)
    assert told.value.field == field
    assert hint in told.value.hint


def test_a_name_is_of_one_environment() -> None:
    assert by_name([DATA]) == {"data": DATA}
    with pytest.raises(InvalidRequest, match="twice"):
        by_name([DATA, DATA])
    with pytest.raises(InvalidRequest, match="no Environment"):
        by_name(["data"])  # type: ignore[list-item]


def test_languages_that_find_packages_alike_share_environments() -> None:
    web = Environment("web", "node", packages=["lodash"])
    typed = Environment("typed", "typescript", packages=["lodash"])
    assert (web.serves, typed.serves) == (("node", "typescript"), ("typescript", "node"))
    assert DATA.serves == ("python",)
    known = by_name([DATA, web, typed])
    assert find_environment("web", known, find_language("ts")[0]) is web
    with pytest.raises(InvalidRequest, match="is one of python") as told:
        find_environment("data", known, find_language("ts")[0])
    assert told.value.hint == "Those of typescript are web, typed."


def test_an_environment_is_found_by_its_name() -> None:
    known = by_name([DATA])
    assert find_environment("data", known, find_language("python")[0]) is DATA
    with pytest.raises(InvalidRequest) as told:
        find_environment("dta", known)
    assert told.value.hint == "Did you mean 'data'? There are data."
    with pytest.raises(InvalidRequest, match="in node"):
        find_environment("data", known, find_language("node")[0])
    with pytest.raises(InvalidRequest, match="not known"):
        find_environment(7, known)


@pytest.mark.parametrize(("asked", "found"), [("", "3.11"), ("3", "3.11"), ("3.11.2", "3.11.2")])
def test_the_version_is_the_narrower_of_both(asked: str, found: str) -> None:
    assert version_in(DATA, asked) == found


def test_another_version_is_refused() -> None:
    with pytest.raises(InvalidRequest, match=r"for python 3\.11, not 3\.12"):
        version_in(DATA, "3.12")
