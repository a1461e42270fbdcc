"""What a request may hold, and that every other one is refused with its field and a hint."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drybox import ExecutionRequest, InvalidRequest, ResourceLimits
from drybox.execution import texts
from drybox.execution import validation as rules
from drybox.execution.validation import Defaults, check_limits, check_timeout, make_job
from drybox.job import File
from drybox.languages.base import Language
from drybox.languages.registry import known_languages
from drybox.model import KIB, MIB

DEFAULTS = Defaults(7.0, ResourceLimits(pids=9), "local")


def job_of(language: str = "python", code: str | None = None, **fields: Any) -> Any:
    if code is None and "files" not in fields:
        code = "pass"
    return make_job(ExecutionRequest(language, code, **fields), DEFAULTS)[1]


def refused(**fields: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        job_of(**fields)
    assert caught.value.hint
    return caught.value


# --- defaults and what is kept ------------------------------------------------------------


def test_a_bare_request_gets_every_default() -> None:
    job = job_of(code="print(1)")
    assert (job.language, job.version, job.entry) == ("python", "", "main.py")
    assert job.files == (File("main.py", b"print(1)"),)
    assert (job.timeout, job.limits, job.isolation) == (7.0, ResourceLimits(pids=9), "local")
    assert (job.stdin, job.args, dict(job.env), job.packages, job.artifacts) == (
        *(b"", (), {}),
        *((), ()),
    )


def test_a_full_request_is_kept_as_it_is() -> None:
    limits = ResourceLimits(memory=64 * MIB, cpus=0.5)
    job = job_of(
        language="js@20",
        code="1",
        files={"data/é.txt": "é", "b": bytearray(b"\xff"), "c": memoryview(b"abc")[::2]},
        entrypoint="src/app.mjs",
        stdin="ü",
        args=["-x", ""],
        env={"A": "", "_b1": "é=1"},
        timeout=1,
        limits=limits,
        artifacts=["out/**/*.png"],
        isolation="gvisor",
    )
    assert {file.path: file.content for file in job.files} == {
        "data/é.txt": "é".encode(),
        "b": b"\xff",
        "c": b"ac",
        "src/app.mjs": b"1",
    }
    assert (job.language, job.version, job.entry) == ("node", "20", "src/app.mjs")
    assert (job.stdin, job.args, job.timeout) == ("ü".encode(), ("-x", ""), 1.0)
    assert job.env == {"A": "", "_b1": "é=1"}
    assert (job.limits, job.isolation, job.artifacts) == (limits, "gvisor", ("out/**/*.png",))


def test_what_the_caller_changes_afterwards_does_not_reach_the_job() -> None:
    files: dict[str, bytes | str] = {"main.py": bytearray(b"a")}  # type: ignore[dict-item]
    env = {"A": "1"}
    job = job_of(files=files, env=env)
    env["A"] = "2"
    files["main.py"][:] = b"b"  # type: ignore[index]
    assert job.env == {"A": "1"}
    assert job.files[0].content == b"a"


# --- files and the entry ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "entry"),
    [
        ({"code": "x", "entrypoint": "a/b.txt"}, "a/b.txt"),
        ({"files": {"main.py": "", "other.py": ""}}, "main.py"),
        ({"files": {"only.py": "", "data.txt": ""}}, "only.py"),
        ({"files": {"a.py": "", "b.py": ""}, "entrypoint": "b.py"}, "b.py"),
        ({"code": "x", "files": {"a.py": ""}}, "main.py"),
        ({"files": {"./a/../x.py": ""}}, "x.py"),
        ({"files": {"a.py": "", "b.py": ""}, "entrypoint": "./x/..//b.py"}, "b.py"),
        ({"files": {"d/__main__.py": "", "x.py": ""}, "entrypoint": "d"}, "d/__main__.py"),
        ({"files": {"d/only.py": "", "x.py": ""}, "entrypoint": "d/"}, "d/only.py"),
        ({"files": {"main.py": "", "x.py": ""}, "entrypoint": "."}, "main.py"),
        ({"language": "node", "files": {"d/index.mjs": ""}, "entrypoint": "d"}, "d/index.mjs"),
        (
            {"language": "js", "files": {"package.json": '{"main": "./lib"}', "lib/index.js": ""}},
            "lib/index.js",
        ),
        ({"language": "js", "files": {"package.json": "[" * 9000, "main.js": ""}}, "main.js"),
        ({"language": "go", "code": "x", "entrypoint": "hello.txt"}, "hello.txt.go"),
        ({"language": "go", "files": {"X.GO": ""}, "entrypoint": "X.GO"}, "X.GO.go"),
    ],
)
def test_the_entry_is_found(fields: dict[str, Any], entry: str) -> None:
    assert job_of(**fields).entry == entry


@pytest.mark.promise("RES-9")
@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"files": {}}, "code"),
        ({"files": {"a.py": "", "b.py": ""}}, "entrypoint"),
        ({"files": {"a.txt": ""}}, "entrypoint"),
        ({"files": {"a.py": ""}, "entrypoint": "b.py"}, "entrypoint"),
        ({"code": "", "entrypoint": ""}, "entrypoint"),
        ({"code": "", "files": {"main.py": ""}}, "code"),
        ({"code": b"x"}, "code"),
        ({"files": ["a.py"]}, "files"),
        ({"files": {"a.py": 3}}, "files['a.py']"),
        ({"files": {"a.py": "\udfff"}}, "files['a.py']"),
        ({"files": {1: ""}}, "files"),
        ({"files": {"a": "", "a/b": ""}, "entrypoint": "a"}, "files"),
        ({"code": "", "entrypoint": "a/b", "files": {"a": ""}}, "files"),
        ({"files": {"a.py": "", "./a.py": ""}}, "files"),
        ({"files": {"../a.py": ""}}, "files"),
        ({"files": {"a.py": ""}, "entrypoint": "/a.py"}, "entrypoint"),
        ({"files": {"a.py": "", "d/x.txt": ""}, "entrypoint": "d"}, "entrypoint"),
    ],
)
def test_files_that_make_no_program_are_refused(fields: dict[str, Any], field: str) -> None:
    assert refused(**fields).field == field


def test_files_are_bounded_in_number_and_in_size_together() -> None:
    assert len(job_of(files={"main.py": "", **{f"f{i}": "" for i in range(1999)}}).files) == 2000
    assert refused(files={"main.py": "", **{f"f{i}": "" for i in range(2000)}}).field == "files"
    half = bytes(DEFAULTS.limits.disk // 2)
    assert job_of(files={"main.py": b"", "a": half, "b": half}).entry == "main.py"
    error = refused(files={"main.py": b"", "a": half, "b": half, "c": b"x"})
    assert error.field == "files"
    assert "limits.disk" in error.hint
    assert refused(code="x" * (rules.MAX_SOURCE + 1)).field == "files"


# --- numbers ------------------------------------------------------------------------------


@given(
    st.one_of(
        *(
            st.builds(
                lambda value, name=name: (name, value),
                st.integers(math.ceil(least), math.floor(most)),
            )
            for name, (least, most) in rules.LIMIT_RANGES.items()
        )
    )
)
def test_a_limit_within_bounds_is_kept(limit: tuple[str, int]) -> None:
    name, value = limit
    limits = dataclasses.replace(ResourceLimits(), **{name: value})
    assert check_limits(limits) is limits


def test_every_limit_has_bounds_and_its_default_lies_within() -> None:
    assert set(rules.LIMIT_RANGES) == {item.name for item in dataclasses.fields(ResourceLimits)}
    assert check_limits(ResourceLimits()) == ResourceLimits()


@pytest.mark.promise("RES-9")
@pytest.mark.parametrize("name", rules.LIMIT_RANGES)
@pytest.mark.parametrize(
    "value", [-1, 1 << 60, True, None, "lots", math.nan, math.inf, 10**18, -(10**300)]
)
def test_a_limit_out_of_bounds_or_of_another_type_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_limits(dataclasses.replace(ResourceLimits(), **{name: value}))
    assert caught.value.field == f"limits.{name}"


@pytest.mark.parametrize("name", ["memory", "disk", "output"])
def test_sizes_may_be_text(name: str) -> None:
    limits = ResourceLimits(**{name: "1.5m"})  # type: ignore[arg-type]
    assert limits == ResourceLimits(**{name: MIB * 3 // 2})
    assert check_limits(limits) is limits
    for text in ("", "m", "-1m", "1x", "1e3", "9" * 5000):
        with pytest.raises(InvalidRequest) as caught:
            ResourceLimits(**{name: text})  # type: ignore[arg-type]
        assert caught.value.field == f"limits.{name}"


@pytest.mark.parametrize("name", sorted(set(rules.LIMIT_RANGES) - {"cpus"}))
def test_only_cpus_may_be_a_fraction(name: str) -> None:
    limits = dataclasses.replace(ResourceLimits(), **{name: 1e6})  # type: ignore[arg-type]
    assert "whole number" in refused(limits=limits).message
    assert job_of(limits=ResourceLimits(cpus=0.5)).limits.cpus == 0.5


@pytest.mark.promise("RES-10")
@pytest.mark.parametrize("language", known_languages().values(), ids=lambda item: item.name)
def test_fewer_processes_than_a_language_has_threads_are_refused(language: Language) -> None:
    least = language.toolchain.least_pids
    assert job_of(language.name, limits=ResourceLimits(pids=least)).limits.pids == least
    if least > 1:
        error = refused(language=language.name, limits=ResourceLimits(pids=least - 1))
        assert error.field == "limits.pids"
        assert f"{least - 1} is too few" in error.message
        assert f"{least} or more" in error.hint


@pytest.mark.promise("RES-10")
def test_a_default_that_is_too_few_for_a_language_is_refused_with_its_programs() -> None:
    assert job_of("python").limits.pids == DEFAULTS.limits.pids
    assert refused(language="java").field == "limits.pids"


@pytest.mark.promise("RES-9")
@pytest.mark.parametrize(
    "request_fields",
    [
        {"limits": ResourceLimits(memory=10**400)},
        {"limits": ResourceLimits(pids=-(10**5000))},
        {"timeout": 10**5000},
        {"stdin": 10**5000},
    ],
    ids=["limit beyond floats", "limit beyond str()", "timeout", "stdin"],
)
def test_numbers_of_absurd_size_are_refused_like_others(request_fields: dict[str, Any]) -> None:
    refused(**request_fields)


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, True, "1", None, 86400.5])
def test_a_timeout_is_a_positive_bounded_number(value: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_timeout(value, "compile_timeout")
    assert caught.value.field == "compile_timeout"
    assert check_timeout(86400) == 86400.0


# --- words --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A=B", "É", "A\n", 1, "A\0"])
def test_an_environment_name_is_made_of_plain_letters(name: Any) -> None:
    assert refused(env={name: "x"}).field == "env"


@pytest.mark.promise("RES-9")
@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"env": {"A": 1}}, "env['A']"),
        ({"env": [("A", "1")]}, "env"),
        ({"args": "ab"}, "args"),
        ({"args": b"ab"}, "args"),
        ({"args": 3}, "args"),
        ({"args": ["a", 1]}, "args[1]"),
        ({"args": ["a", "b\0"]}, "args[1]"),
        ({"args": ["a\udcff"]}, "args[0]"),
        ({"args": ["é" * (64 * KIB)]}, "args[0]"),
        ({"args": ["x" * 100_000] * 6}, "args"),
        ({"stdin": None}, "stdin"),
        ({"stdin": "\ud800"}, "stdin"),
        ({"artifacts": "*.txt"}, "artifacts"),
        ({"artifacts": ["../*"]}, "artifacts"),
        ({"artifacts": ["/etc/*"]}, "artifacts"),
        ({"artifacts": ["*"] * 101}, "artifacts"),
        ({"packages": "numpy"}, "packages"),
        ({"packages": ["numpy"]}, "packages"),
        ({"isolation": "none"}, "isolation"),
        ({"isolation": ["local"]}, "isolation"),
        ({"limits": {"memory": 1}}, "limits"),
        ({"language": "brainfuck"}, "language"),
        ({"language": 3}, "language"),
    ],
)
def test_what_is_no_fit_value_is_refused_by_its_field(fields: dict[str, Any], field: str) -> None:
    assert refused(**fields).field == field


def test_words_are_bounded_one_by_one_and_together() -> None:
    longest = "x" * texts.MAX_WORD
    assert job_of(args=[longest] * 4).args == (longest,) * 4
    assert refused(args=[longest] * 5).field == "args"
    assert refused(env={"A": longest}).field.startswith("env")


def test_standard_input_is_bounded() -> None:
    assert refused(stdin=bytes(texts.MAX_STDIN + 1)).field == "stdin"


@pytest.mark.promise("RES-9")
def test_what_is_no_request_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        make_job({"language": "python"}, DEFAULTS)  # type: ignore[arg-type]
    assert caught.value.field == "request"


@pytest.mark.promise("RES-9")
@given(st.text(), st.text(), st.text(max_size=9))
def test_a_message_is_printable_and_short_whatever_was_passed(a: str, b: str, c: str) -> None:
    for fields in ({"entrypoint": a}, {"files": {a: b}}, {"isolation": a}, {"artifacts": [a, b]}):
        words = ""
        try:
            job_of(code=c, **fields)
        except InvalidRequest as error:
            words = error.message
        assert words.isprintable()
        assert len(words) < 700
