"""Which programs are built without the go command: only those that it adds nothing to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drybox import ExecutionRequest, ResourceLimits
from drybox.execution.validation import Defaults, make_job
from drybox.languages.go import Go
from drybox.languages.go_build import BUILD

MAIN = "package main\n\nfunc main() {}\n"


def build(files: dict[str, str | bytes], **fields: Any) -> tuple[str, ...]:
    """The command that builds these files."""
    request = ExecutionRequest("go", files=files, **{"entrypoint": "main.go", **fields})
    job = make_job(request, Defaults(1.0, ResourceLimits(), "auto"))[1]
    plan = Go().plan(job, ResourceLimits())
    assert plan.compile is not None
    return plan.compile.argv


def is_direct(files: dict[str, str | bytes], **fields: Any) -> bool:
    return any(word.startswith(BUILD) for word in build(files, **fields))


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"b.go": "package main", "z.10.go": "package main"},
        {"data.txt": "//go:build", "sub/lib.go": "//go:build", "sub/go.mod.txt": ""},
    ],
)
def test_plain_programs_are_built_directly(more: dict[str, str | bytes]) -> None:
    assert is_direct({"main.go": MAIN, **more})


@pytest.mark.parametrize(
    "more",
    [
        {"go.mod": "module x\n"},
        {"go.work": "go 1.20\n"},
        {"default.pgo": "a profile"},
        {"a_arm64.go": MAIN},
        {"a_b.go": MAIN},
        {"Main.go": MAIN},
        {"-a.go": MAIN},
        {"a b.go": MAIN},
        {"\u00e4.go": MAIN},
        {"$(id).go": MAIN},
        {"b.go": "//go:build ignore\n\npackage main\n"},
        {"b.go": "// +build ignore\n\npackage main\n"},
        {"b.go": "//go:debug panicnil=1\npackage main\n"},
    ],
)
def test_what_the_go_command_heeds_is_left_to_it(more: dict[str, str | bytes]) -> None:
    assert not is_direct({"main.go": MAIN, **more})


@pytest.mark.parametrize(
    ("name", "is_built"),
    [
        *((f"{name}.go", True) for name in ("a", "windows", "a_linux", "a_unix", "a_b", "test")),
        *((f"{name}.go", False) for name in ("a_test", "_a", ".a", "a_windows", "a_darwin_arm64")),
        *((f"{name}.go", False) for name in ("a_b_js", "a_plan9.x")),
    ],
)
def test_files_beside_the_entry_are_chosen_by_name_as_a_package_s_are(
    name: str, is_built: bool
) -> None:
    words = build({"main.go": MAIN, name: MAIN})
    assert any(word.endswith(f"./{name}") or word == name for word in words) == is_built
    assert any(word.endswith(name) for word in build({name: MAIN}, entrypoint=name))


def test_an_entry_in_a_folder_is_left_to_the_go_command() -> None:
    assert not is_direct({"cmd/main.go": MAIN}, entrypoint="cmd/main.go")


def test_a_test_as_entry_is_left_to_the_go_command() -> None:
    assert not is_direct({"x_test.go": MAIN}, entrypoint="x_test.go")


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_the_build_id_tells_sources_apart(one: bytes, other: bytes) -> None:
    words = ("go:build", "+build", "go:debug")
    if any(word.encode() in text for text in (one, other) for word in words):
        return
    assert (build({"main.go": one}) == build({"main.go": other})) == (one == other)
    assert build({"main.go": one, "b.go": other}) != build(
        {"main.go": one + other, "b.go": ""}
    ) or (other == b"")
