"""Rust: which source is the entry, when cargo builds it, what it may run."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from drybox import ExecutionRequest, ResourceLimits
from drybox.execution.validation import Defaults, make_job
from drybox.job import PACKAGES_DIR, Job, Plan
from drybox.languages import rust
from drybox.languages.prestart import WarmLanguage
from drybox.languages.rust import Rust
from drybox.model import GIB

MAIN = "fn main() {}\n"
MANIFEST = '[package]\nname = "the-name"\nversion = "0.1.0"\nedition = "2021"\n'
BINS = '[[bin]]\nname = "first"\npath = "a.rs"\n\n[[bin]]\npath = "b.rs"\nname = "second"\n'
COMPILING = ResourceLimits(memory=GIB, cpus=2)


def job_of(files: Mapping[str, str], entry: str | None = None) -> Job:
    request = ExecutionRequest("rust", files=files, entrypoint=entry)
    return make_job(request, Defaults(1.0, ResourceLimits(), "auto"))[1]


def plan_of(files: Mapping[str, str], entry: str | None = None) -> Plan:
    return Rust().plan(job_of(files, entry), COMPILING)


@pytest.mark.parametrize(
    ("files", "entry"),
    [
        ({"src/main.rs": "", "main.rs": MAIN}, "src/main.rs"),
        ({"main.rs": "", "a.rs": MAIN}, "main.rs"),
        ({"a.rs": MAIN, "b.rs": ""}, "a.rs"),
        ({"a.rs": MAIN, "b.rs": MAIN}, None),
        ({"build.rs": MAIN, "src/bin/x.rs": MAIN}, "src/bin/x.rs"),
        ({"a.rs": "// fn main() {}"}, None),
        (
            {"Cargo.toml": 'default-run = "o"', "src/main.rs": MAIN, "src/bin/o.rs": MAIN},
            "src/bin/o.rs",
        ),
        (
            {
                "Cargo.toml": 'default-run = "o"\n[[bin]]\nname = "o"\npath = "app/x.rs"\n',
                "src/main.rs": MAIN,
                "app/x.rs": MAIN,
            },
            "app/x.rs",
        ),
        ({"Cargo.toml": 'default-run = "../x"', "src/main.rs": MAIN}, "src/main.rs"),
    ],
)
def test_the_entry_is_found(files: Mapping[str, str], entry: str | None) -> None:
    contents = {name: text.encode() for name, text in files.items()}
    assert Rust().find_entry(contents) == entry


@pytest.mark.parametrize("name", ["RUST_BACKTRACE", "RUST_LIB_BACKTRACE"])
def test_only_who_asks_for_backtraces_has_the_librarys_lines(name: str) -> None:
    def compile_of(env: Mapping[str, str]) -> tuple[str, ...]:
        request = ExecutionRequest("rust", MAIN, env=env)
        job = make_job(request, Defaults(1.0, ResourceLimits(), "auto"))[1]
        step = Rust().plan(job, COMPILING).compile
        assert step is not None
        return step.argv

    assert "strip=debuginfo" in compile_of({"OTHER": "1"})
    assert "strip=debuginfo" not in compile_of({name: "1"})


@pytest.mark.parametrize(
    ("entry", "program"),
    [
        ("src/main.rs", "the-name"),
        ("src/bin/tool.rs", "tool"),
        ("src/bin/other/main.rs", "other"),
        ("a.rs", "first"),
        ("b.rs", "second"),
        ("c.rs", None),
    ],
)
def test_the_program_is_the_entrys(entry: str, program: str | None) -> None:
    step = plan_of({"Cargo.toml": MANIFEST + BINS, entry: MAIN}, entry).compile
    assert step is not None
    if program is None:
        assert step.argv[0] == "rustc"
    else:
        assert step.argv[4:6] == ("/sandbox/Cargo.toml", program)
        assert step.cwd == "/"


def test_the_nearest_manifest_counts() -> None:
    files = {"Cargo.toml": "", "part/Cargo.toml": MANIFEST, "part/src/main.rs": MAIN}
    step = plan_of(files, "part/src/main.rs").compile
    assert step is not None
    assert step.argv[4:6] == ("/sandbox/part/Cargo.toml", "the-name")


@pytest.mark.parametrize("name", ["@x.rs", "-o.rs"])
def test_names_are_no_options(name: str) -> None:
    step = plan_of({name: MAIN}, name).compile
    assert step is not None
    assert step.argv[-1] == f"./{name}"


def test_a_compiler_waits_for_the_plainest_program() -> None:
    language = Rust()
    assert isinstance(language, WarmLanguage)
    (prestart,) = language.prestarts("1", COMPILING, ResourceLimits())
    step = plan_of({"main.rs": MAIN}).compile
    assert step is not None
    assert prestart.argv == step.argv
    assert not step.env


SCRIPT, MACRO = ("build_script_build", ""), ("evil", "--crate-type=proc-macro")


@pytest.mark.parametrize(
    ("arguments", "runs"),
    [
        (["-vV"], True),
        (["-", "--crate-name", "___", "--crate-type", "proc-macro"], True),
        (["--crate-name", "a", "--edition=2021", "src/main.rs", "--crate-type", "bin"], True),
        (["--crate-name", "build_script_build", "--edition=2021", "build.rs"], False),
        (["--crate-name", "build_script_x", "x", "--crate-type", "bin"], False),
        (["--crate-name", "a", "src/lib.rs", "--crate-type", "proc-macro"], False),
        (["--crate-name", "a", "packages/lib.rs", "--crate-type", "proc-macro"], False),
        (["--crate-name", "a", "x.txt", "--crate-type", "proc-macro", "/packages/a.rs"], False),
        (
            ["--crate-name", "a", f"{PACKAGES_DIR}/../sandbox/a.rs", "--crate-type", "proc-macro"],
            False,
        ),
        (["--crate-name", "a", f"{PACKAGES_DIR}/a/lib.rs", "--crate-type", "proc-macro"], True),
        (["--crate-name", "build_script_build", f"{PACKAGES_DIR}/a/build.rs"], True),
    ],
)
def test_only_the_operators_packages_run_while_others_are_compiled(
    tmp_path: Path, arguments: list[str], runs: bool
) -> None:
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(rust._WRAPPER)
    done = subprocess.run(
        ["sh", str(wrapper), "echo", *arguments], capture_output=True, text=True, check=False
    )
    assert (done.returncode == 0) == runs
    assert done.stderr.startswith("" if runs else "error: a request's own ")


def test_an_image_gets_the_toolchains_own_programs(tmp_path: Path) -> None:
    """The version manager's stand on PATH by their names, and need its variables."""
    (tmp_path / "rustup").write_text("")
    own = tmp_path / "manager/toolchains/1.85/bin/rustc"
    own.parent.mkdir(parents=True)
    for path in (tmp_path / "rustup", own):
        path.touch()
        path.chmod(0o755)
    (tmp_path / "rustc").symlink_to("rustup")
    ((_, _, script),) = Rust().toolchain.image_commands
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": "/x", "RUSTUP_HOME": f"{tmp_path}/manager"}
    subprocess.run(["sh", "-c", script], env=env, check=True)
    assert (tmp_path / "rustc").resolve() == own
