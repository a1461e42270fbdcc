"""The languages in Piston's words, and its ranges of versions."""

from __future__ import annotations

import pytest

from drybox.environments.info import EnvironmentInfo
from drybox.model import LanguageInfo
from drybox.server.piston.runtimes import (
    as_semver,
    find_runtime,
    make_environment_runtimes,
    make_runtimes,
)

LANGUAGES = (
    LanguageInfo("python", ("py", "python3"), (".py",), "3.11.2", ""),
    LanguageInfo("node", ("javascript", "js", "nodejs"), (".js",), "20.20.2", ""),
    LanguageInfo("go", ("golang",), (".go",), "1.26", ""),
    LanguageInfo("java", (), (".java",), None, "Install a JDK."),
    LanguageInfo("lua", (), (".lua",), "5.4.6", ""),
)
RUNTIMES = make_runtimes(LANGUAGES)


PYTHONS = LanguageInfo(
    "python", ("py",), (".py",), "3.11.2", "", ("3.11.2", "3.9.1", "3.12.1", "3.13.0rc1", "3.12.10")
)
SEVERAL = make_runtimes([PYTHONS])


def test_every_version_is_a_runtime_the_default_one_first() -> None:
    assert [(runtime.version, runtime.wanted) for runtime in SEVERAL] == [
        ("3.11.2", "python"),
        ("3.13.0-rc1", "python@3.13.0rc1"),
        ("3.12.10", "python@3.12.10"),
        ("3.12.1", "python@3.12.1"),
        ("3.9.1", "python@3.9.1"),
    ]
    assert "python3.12" in SEVERAL[2].aliases


@pytest.mark.parametrize(
    ("language", "versions", "wanted"),
    [
        *(("python", "*", "python"), ("py", "3.x", "python"), ("python", "3.11.2", "python")),
        *(("python", "3.12.x", "python@3.12.10"), ("py", "3.12.1", "python@3.12.1")),
        *(("python3.12", "*", "python@3.12.10"), ("python", "<3.10", "python@3.9.1")),
    ],
)
def test_a_range_finds_the_default_version_or_else_the_newest(
    language: str, versions: str, wanted: str
) -> None:
    found = find_runtime(SEVERAL, language, versions)
    assert found is not None
    assert found.wanted == wanted


def test_runtimes_have_the_names_that_piston_gives_them() -> None:
    assert [runtime.document() for runtime in RUNTIMES] == [
        {
            "language": "python",
            "version": "3.11.2",
            "aliases": ["py", "py3", "python3", "python3.11"],
        },
        {
            "language": "javascript",
            "version": "20.20.2",
            "aliases": ["node-javascript", "node-js", "javascript", "js", "node", "nodejs"],
            "runtime": "node",
        },
        {"language": "go", "version": "1.26.0", "aliases": ["go", "golang"]},
        {"language": "lua", "version": "5.4.6", "aliases": []},
    ]


@pytest.mark.parametrize(
    ("language", "name"),
    [
        *(("python", "python"), ("py", "python"), ("python3", "python"), ("py3", "python")),
        *(("js", "node"), ("node-js", "node"), ("node", "node"), ("golang", "go"), ("go", "go")),
    ],
)
def test_a_runtime_is_found_by_every_name(language: str, name: str) -> None:
    found = find_runtime(RUNTIMES, language, "*")
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("language", ["ruby", "java", "Python", "", "python@3.11", "../python"])
def test_another_name_finds_none(language: str) -> None:
    assert find_runtime(RUNTIMES, language, "*") is None


@pytest.mark.parametrize(
    "versions",
    [
        *("*", "x", "3", "3.x", "3.11", "3.11.x", "3.11.2", "v3.11.2", "=3.11.2", ">= 3.10"),
        *("^3.10.0", "~3.11", ">=3.10.0 <4", "3.10.0 - 3.12.0", "2.x || 3.x", " 3.11.2 "),
    ],
)
def test_a_range_that_holds_the_version(versions: str) -> None:
    assert find_runtime(RUNTIMES, "python", versions)


@pytest.mark.parametrize(
    "versions",
    [
        *("3.10.0", "2", "^3.12", "~3.10", ">=3.12", "<3", "latest", "3.11.2.1", "3.11.2, 3.12"),
        *("^", "../3", "\0", "3" * 300, "*" * 257, "\ud800"),
    ],
)
def test_a_range_that_does_not(versions: str) -> None:
    assert find_runtime(RUNTIMES, "python", versions) is None


@pytest.mark.parametrize(
    ("version", "semver"),
    [
        *(("3.11.2", "3.11.2"), ("1.26", "1.26.0"), ("17", "17.0.0"), ("17.0.13.0.1", "17.0.13")),
        *(("3.14.0rc1", "3.14.0-rc1"), ("23.0.1+11", "23.0.1"), ("1.25rc2", "1.25.0-rc2")),
        ("unknown", "0.0.0"),
    ],
)
def test_a_version_as_semver(version: str, semver: str) -> None:
    assert as_semver(version) == semver


def test_an_environment_is_a_runtime_of_every_language_that_may_have_it() -> None:
    languages = ("node", "typescript")
    info = EnvironmentInfo("web", "node", "20.1.0", (), (), True, languages=languages)
    found = make_environment_runtimes([info])
    assert [(item.name, item.language, item.aliases) for item in found] == [
        ("node", "node-web", ("web",)),
        ("typescript", "typescript-web", ()),
    ]
    assert {(item.version, item.environment) for item in found} == {("20.1.0", "web")}
