"""The languages as data: their names, how they are found, the plans they make."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drybox import ExecutionRequest, InvalidRequest, ResourceLimits
from drybox.execution.validation import Defaults, make_job
from drybox.job import BUILD_DIR, Job, Plan, Step
from drybox.languages.base import Language
from drybox.languages.node import Node
from drybox.languages.registry import (
    find_language,
    known_languages,
    language_of_suffix,
    languages_by_word,
)
from drybox.model import GIB, MIB
from drybox.testing.fake_backend import advertise

CONTRACT = {
    "python": ("py",),
    "node": ("javascript", "js"),
    "go": ("golang",),
    "java": (),
}
IMAGES = {
    "python": "python:3.11-alpine",
    "node": "node:18-alpine",
    "go": "golang:1.21-alpine",
    "java": "openjdk:17-alpine",
}
COMPILING = ResourceLimits(memory=GIB, cpus=3.5)
LANGUAGES = list(known_languages().values())
each = pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name)


@pytest.fixture
def registry() -> Iterator[None]:
    """Entry points are looked up anew, before and after."""
    known_languages.cache_clear()
    languages_by_word.cache_clear()
    yield
    known_languages.cache_clear()
    languages_by_word.cache_clear()


def job_of(language: str, **fields: Any) -> Job:
    if "files" not in fields:
        fields.setdefault("code", "")
    defaults = Defaults(1.0, ResourceLimits(), "auto")
    return make_job(ExecutionRequest(language, **fields), defaults)[1]


def plan_of(language: str, **fields: Any) -> Plan:
    return find_language(language)[0].plan(job_of(language, **fields), COMPILING)


# --- finding ------------------------------------------------------------------------------


def test_the_languages_and_images_are_those_of_the_contract() -> None:
    assert IMAGES.items() <= {language.name: language.image for language in LANGUAGES}.items()
    for name, aliases in CONTRACT.items():
        for word in (name, *aliases, name.upper()):
            assert find_language(word)[0].name == name


def test_no_two_languages_share_a_name_or_a_suffix() -> None:
    words = [word for item in LANGUAGES for word in (item.name, *item.aliases, *item.suffixes)]
    assert len(words) == len(set(words))


@pytest.mark.parametrize(
    ("text", "name", "version"),
    [("python", "python", ""), ("py@3.11", "python", "3.11"), ("GO@1.21.3", "go", "1.21.3")],
)
def test_a_version_stands_behind_an_at(text: str, name: str, version: str) -> None:
    language, asked = find_language(text)
    assert (language.name, asked) == (name, version)


@pytest.mark.parametrize("version", ["", "3.", ".3", "3..1", "latest", "3.11-rc1", "3/..", "3@4"])
def test_what_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(InvalidRequest, match="version") as caught:
        find_language(f"python@{version}")
    assert caught.value.field == "language"
    assert "python@3.11" in caught.value.hint


def test_a_misspelt_language_is_told_its_name() -> None:
    with pytest.raises(InvalidRequest) as caught:
        find_language("pyhton")
    assert "'python'" in caught.value.hint
    with pytest.raises(InvalidRequest) as caught:
        find_language("cobol")
    assert all(name in caught.value.hint for name in CONTRACT)


@given(st.text())
def test_any_other_word_is_refused(text: str) -> None:
    name, _, version = text.lower().partition("@")
    known = any(name in (language.name, *language.aliases) for language in LANGUAGES)
    if known and (not version or version.replace(".", "").isdecimal()):
        return
    with pytest.raises(InvalidRequest) as caught:
        find_language(text)
    assert caught.value.field == "language"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/b.py", "python"),
        ("X.MJS", "node"),
        ("x.cjs", "node"),
        ("A.java", "java"),
        ("x.go", "go"),
        ("x.c", "c"),
        ("x.C", "cpp"),  # as compilers have it
        ("X.CPP", "cpp"),
    ],
)
def test_a_suffix_tells_the_language(path: str, name: str) -> None:
    found = language_of_suffix(path)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("path", ["", "py", "x.pyc", "x.py.txt", "Makefile", "go.mod", "x.json"])
def test_another_suffix_tells_nothing(path: str) -> None:
    assert language_of_suffix(path) is None


class _Lua(Node):
    name = "lua"
    aliases = ("luajit", "moon", "moonjit")
    suffixes = (".lua", ".luau", ".moon")


def test_another_package_adds_a_language(
    registry: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lua: Language = _Lua()
    advertise(monkeypatch, tmp_path, "drybox.languages", "lua", lua)
    assert list(known_languages()) == [*(language.name for language in LANGUAGES), "lua"]
    assert find_language("luajit@5.4") == (lua, "5.4")
    assert language_of_suffix("x.lua") is lua


# --- plans --------------------------------------------------------------------------------


@each
def test_plans_pass_the_arguments_last_and_in_order(language: Language) -> None:
    args = ("first", "--x", "", "-jar", "é")
    assert plan_of(language.name, args=args).run.argv[-5:] == args


@each
def test_the_default_entry_is_a_source_of_the_language(language: Language) -> None:
    assert job_of(language.name, code="").entry.endswith(language.suffixes)
    assert language.find_entry({"README": b"", "data/x.txt": b""}) is None


@each
def test_the_toolchain_says_how_to_install_it(language: Language) -> None:
    toolchain = language.toolchain
    assert "install" in toolchain.install_hint.lower()
    assert toolchain.mount.startswith("/opt/")
    for path in (*toolchain.host_paths, *toolchain.search, *toolchain.candidates):
        assert path.startswith(("/", "~/"))
    for part in (*toolchain.parts, *toolchain.hidden):
        assert not part.startswith("/")
        assert ".." not in part


def test_interpreters_run_the_entry_as_a_plain_start_would() -> None:
    assert plan_of("python", args=["a"]) == Plan(run=Step(("python3", "main.py", "a")))
    assert plan_of("js", args=["a"]) == Plan(run=Step(("node", "main.js", "a")))
    files = {"lib/run.mjs": "", "main.js": ""}
    assert plan_of("node", files=files, entrypoint="lib/run.mjs").run.argv == (
        "node",
        "lib/run.mjs",
    )


@pytest.mark.parametrize(
    ("language", "name"),
    [
        ("python", "-c.py"),
        ("node", "-v.js"),
        ("go", "-x.go"),
        ("java", "-version.java"),
        ("java", "@options.java"),  # javac reads its arguments from such a file
    ],
)
def test_a_files_name_is_never_read_as_an_option(language: str, name: str) -> None:
    plan = plan_of(language, files={name: ""}, entrypoint=name)
    for step in (plan.compile, plan.run):
        assert step is None or name not in step.argv


@pytest.mark.parametrize(
    ("language", "names", "entry"),
    [
        ("python", ["a.py", "__main__.py"], "__main__.py"),
        ("python", ["__main__.py", "main.py"], "main.py"),
        ("node", ["index.js", "main.cjs"], "main.cjs"),
        ("node", ["lib.js", "index.mjs"], "index.mjs"),
        ("go", ["a/b.go", "tool.go", "go.mod"], "tool.go"),
        ("go", ["tool.go", "main.go"], "main.go"),
        ("go", ["a.go", "b.go"], None),
        ("java", ["A.java", "Main.java"], "Main.java"),
        ("java", ["A.java", "B.java"], None),
    ],
)
def test_the_usual_entry_is_found_among_files(
    language: str, names: list[str], entry: str | None
) -> None:
    assert find_language(language)[0].find_entry(dict.fromkeys(names, b"")) == entry


def test_go_compiles_offline_outside_the_working_directory() -> None:
    plan = plan_of("go", args=["x"], limits=ResourceLimits(memory=100 * MIB, cpus=1.2))
    assert plan.compile is not None
    argv, env = plan.compile.argv, plan.compile.env
    assert argv[:2] == ("sh", "-c")
    assert argv[-1] == "./main.go"
    assert BUILD_DIR in argv
    assert (env["GOPROXY"], env["GOTOOLCHAIN"], env["CGO_ENABLED"]) == ("off", "local", "0")
    assert env["GOENV"] == "off"  # else a file in the request sets the rest
    assert plan.run.argv == (f"{BUILD_DIR}/main", "x")
    assert plan.run.env["GOMAXPROCS"] == "2"
    assert int(plan.run.env["GOMEMLIMIT"]) == 90 * MIB


@pytest.mark.parametrize(
    ("paths", "entry", "built"),
    [
        (["main.go", "b.go", "x_test.go", "sub/c.go", "x"], "main.go", ("./b.go", "./main.go")),
        (["main.go", "b_c.go"], "main.go", ("b_c.go", "main.go")),
        (["cmd/x.go", "cmd/y.go", "main.go"], "cmd/x.go", ("cmd/x.go", "cmd/y.go")),
        (["x_test.go", "main.go"], "x_test.go", ("main.go", "x_test.go")),
        (["go.mod", "main.go", "b.go"], "main.go", ("./",)),
        (["go.mod", "cmd/tool/main.go", "lib/l.go"], "cmd/tool/main.go", ("./cmd/tool",)),
    ],
)
def test_go_builds_the_package_of_the_entry(
    paths: list[str], entry: str, built: tuple[str, ...]
) -> None:
    plan = plan_of("go", files=dict.fromkeys(paths, ""), entrypoint=entry)
    assert plan.compile is not None
    argv = plan.compile.argv
    assert tuple(word for word in argv if word.endswith(".go") or word[:2] == "./") == built


@given(st.floats(0.01, 64), st.integers(32 * MIB, 64 * GIB))
def test_runtimes_are_told_no_more_than_their_limits(cpus: float, memory: int) -> None:
    limits = ResourceLimits(cpus=cpus, memory=memory)
    go, java = plan_of("go", limits=limits).run, plan_of("java", limits=limits).run
    assert cpus <= int(go.env["GOMAXPROCS"]) < cpus + 1
    assert int(go.env["GOMEMLIMIT"]) < memory
    (heap,) = (word for word in java.argv if word.startswith("-Xmx"))
    assert 0 < int(heap[4:-1]) * 1024 < memory
    assert f"-XX:ActiveProcessorCount={go.env['GOMAXPROCS']}" in java.argv


# --- what front doors read of a language ----------------------------------------------------


@each
def test_a_sample_is_new_each_time_and_goes_where_the_language_wants_it(language: Language) -> None:
    samples = language.samples
    assert samples.numbered(1) != samples.numbered(2)
    assert language.takes_entry(samples.hello_file, samples.numbered(1))
    assert language.takes_entry(language.entry(samples.check), samples.check)


@pytest.mark.parametrize(
    ("name", "path", "code", "fits"),
    [
        ("python", "any.py", "", True),
        ("python", "any.txt", "", False),
        ("go", "main_test.go", "", False),
        ("java", "folder/Main.java", "class Main {}", True),
        ("java", "Other.java", "public class Main {}", False),
        ("java", "NotMain.java", "public class Main {}", False),
    ],
)
def test_which_path_an_entry_may_have(name: str, path: str, code: str, fits: bool) -> None:
    assert known_languages()[name].takes_entry(path, code) == fits
