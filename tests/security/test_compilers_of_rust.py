"""Attacks on rustc and cargo: what a source, a name, a manifest or a setting may have them do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support import host
from tests.support.attack import TIMEOUT, new_marker, seen_from_host
from tests.support.identity import REPO, Runner
from tests.support.packages import make_crate

from drybox import CodeExecutor, ExecutionRequest

MIB = 1 << 20

MAIN = """\
fn main() {
    let made = |path: &str| std::path::Path::new(path).exists();
    let found = made("/build/escaped") || made("escaped");
    println!("{found}");
}
"""
"""Tells whether something has been made that only code at the wrong time could have made."""

EVIL = 'fn main() { std::fs::write("/build/escaped", "").unwrap(); }\n'
MANIFEST = '[package]\nname = "main"\nversion = "0.1.0"\nedition = "2021"\n'
MACRO = """\
extern crate proc_macro;
#[proc_macro]
pub fn evil(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
    std::fs::write("/build/escaped", "").unwrap();
    proc_macro::TokenStream::new()
}
"""


def run(runner: Runner, files: dict[str, str], **fields: object) -> str:
    """What becomes of a program: its output, or that it was refused."""
    entry = "src/main.rs" if "src/main.rs" in files else "main.rs"
    request = ExecutionRequest("rust", files=files, entrypoint=entry, **fields)  # type: ignore[arg-type]
    result = runner.execute(request)
    assert "root:x:0:0:root:/root" not in result.stdout + result.stderr
    if result.status == "compile_error":
        assert (result.phases[0].status, result.stdout) == ("failed", "")
        return "refused"
    assert result.status == "success", result
    return result.stdout


@pytest.mark.parametrize(
    "words",
    [
        'const X: &str = include_str!("/etc/shadow");',
        'const X: &[u8] = include_bytes!("../../../etc/shadow");',
        'include!("/etc/gshadow");',
        '#[path = "/etc/shadow"]\nmod x;',
        'std::arch::global_asm!(".incbin \\"/etc/shadow\\"");',
        'const X: &str = env!("CARGO_HOME");',
        '#[link(name = "evil", kind = "static")]\nextern "C" {}',
        "extern crate evil;",
        "#![feature(plugin)]\n#![plugin(evil)]",
    ],
)
def test_a_source_takes_in_nothing_of_the_host(runner: Runner, words: str) -> None:
    files = {"main.rs": f"{words}\n{MAIN}", "libevil.so": "\x7fELF", "libevil.a": "!<arch>\n"}
    assert run(runner, files) == "refused"


@pytest.mark.parametrize(
    "name",
    ["@evil.rs", "-Clinker=sh.rs", "-o.rs", "--emit=x.rs", "a b;touch escaped #.rs", "-.rs"],
)
def test_names_of_rust_files_are_no_options(runner: Runner, name: str) -> None:
    files = {name: MAIN, "evil.rs": "-Clinker=/sandbox/evil.sh", "evil.sh": "touch escaped"}
    result = runner.execute(ExecutionRequest("rust", files=files, entrypoint=name))
    assert (result.status, result.stdout) == ("success", "false\n"), result


PROJECTS = {
    "a build script": {"build.rs": EVIL},
    "a named build script": {"Cargo.toml": f'{MANIFEST}build = "other.rs"\n', "other.rs": EVIL},
    "a build script of no suffix": {"Cargo.toml": f'{MANIFEST}build = "other"\n', "other": EVIL},
    "a build script by another way": {
        "Cargo.toml": f'{MANIFEST}build = "/packages/../sandbox/other.rs"\n',
        "other.rs": EVIL,
    },
    "a build script of an old edition": {
        "Cargo.toml": MANIFEST.replace("2021", "2015"),
        "build.rs": EVIL,
    },
    "a macro": {
        "Cargo.toml": f'{MANIFEST}[dependencies]\nevil = {{ path = "packages/evil" }}\n',
        "packages/evil/Cargo.toml": f"{MANIFEST.replace('main', 'evil')}[lib]\nproc-macro = true\n",
        "packages/evil/src/lib.rs": MACRO,
        "src/main.rs": f"evil::evil!();\n{MAIN}",
    },
}


@pytest.mark.parametrize("project", PROJECTS)
def test_nothing_of_a_request_runs_while_it_is_compiled(runner: Runner, project: str) -> None:
    files = {"Cargo.toml": MANIFEST, "src/main.rs": MAIN, **PROJECTS[project]}
    result = runner.execute(ExecutionRequest("rust", files=files, entrypoint="src/main.rs"))
    assert (result.status, result.stdout) == ("compile_error", ""), result
    assert "error: a request's own " in result.stderr


def test_settings_of_a_project_start_nothing(runner: Runner) -> None:
    evil = (
        '[build]\nrustc = "/sandbox/evil.sh"\nrustc-wrapper = "sh"\n'
        'rustflags = ["-Clinker=sh"]\n[target.x86_64-unknown-linux-gnu]\nlinker = "sh"\n'
        '[env]\nPATH = "/sandbox"\n[alias]\nbuild = "run"\n'
    )
    files = {
        "Cargo.toml": MANIFEST,
        "src/main.rs": MAIN,
        ".cargo/config.toml": evil,
        "rust-toolchain.toml": '[toolchain]\npath = "/sandbox"\n',
        "evil.sh": "touch /build/escaped",
        "cc": "touch /build/escaped",
    }
    env = {"RUSTFLAGS": "-Clinker=sh", "RUSTC": "sh", "CARGO_HOME": "/sandbox/.cargo", "CC": "sh"}
    assert run(runner, files, env=env) == "false\n"


def test_a_package_of_the_operators_may_have_a_build_script(runner: Runner, tmp_path: Path) -> None:
    folder = tmp_path / "packages/rust"
    code = 'pub fn made() -> &\'static str { env!("MADE") }\n'
    script = 'fn main() { println!("cargo:rustc-env=MADE=by its script"); }\n'
    make_crate(folder, "scripted", "1.0.0", {"src/lib.rs": code, "build.rs": script})
    for path in (folder, folder.parent):
        path.chmod(0o755)
    main = 'fn main() { println!("{}", scripted::made()); }\n'
    with CodeExecutor(package_dir=tmp_path / "packages", pool=None) as executor:
        request = ExecutionRequest(
            "rust", main, packages=["scripted@1"], isolation=runner.isolation.name
        )
        result = executor.execute(request)
    assert (result.status, result.stdout) == ("success", "by its script\n"), result


COMPILE = """
import json, sys
from drybox import CodeExecutor, ExecutionRequest, ResourceLimits

name, isolation = sys.argv[1:3]
limits = ResourceLimits(memory=256 << 20, pids=64)
with CodeExecutor(isolation=isolation, compile_timeout=3.0, compile_limits=limits) as executor:
    request = ExecutionRequest("rust", files={name: sys.stdin.read()}, entrypoint=name)
    result = executor.execute(request)
phase = result.phases[0]
print(json.dumps([result.status, len(result.phases), phase.status, phase.execution_time,
    len(result.stderr_bytes)]))
"""

WIDE = "\n".join(
    f"macro_rules! m{n + 1} {{ ($($t:tt)*) => {{ m{n}!($($t)* $($t)*) }} }}" for n in range(40)
)
BOMBS = {
    "macros": f"macro_rules! m0 {{ ($($t:tt)*) => {{ 1 $(+ {{ $t }})* }} }}\n{WIDE}\n"
    "fn main() { let _ = m40!(1 2 3 4); }\n",
    "types": "struct A<T>(T);\nfn f<T>(n: u8, t: T) { if n > 0 { f(n - 1, A((t, 1))) } }\n"
    "fn main() { f(9, 1) }\n",
    "computing": "const fn f(n: u64) -> u64 { if n < 2 { n } else { f(n - 1) + f(n - 2) } }\n"
    '#[allow(long_running_const_eval)]\nconst X: u64 = f(60);\nfn main() { println!("{X}"); }\n',
    "a large object": "static A: [u8; 1 << 33] = [1; 1 << 33];\n"
    'fn main() { println!("{}", A[std::env::args().count()]); }\n',
    "complaints": "fn main() {\n" + '    let x: i32 = "text";\n' * 20000 + "}\n",
}


@seen_from_host
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_for_rustc_is_contained(runner: Runner, bomb: str) -> None:
    name = f"{new_marker()}.rs"
    argv, env = runner.command([sys.executable, "-c", COMPILE, name, runner.isolation.name])
    done = subprocess.run(
        argv, env=env, cwd=REPO, input=BOMBS[bomb], capture_output=True, text=True, timeout=TIMEOUT
    )
    assert done.returncode == 0, done.stderr
    status, phases, compiled, seconds, said = json.loads(done.stdout)
    assert (status, phases) == ("compile_error", 1)
    assert compiled in ("timeout", "memory_limit", "output_limit", "failed", "signaled")
    assert seconds < 20
    assert said <= MIB
    assert not host.running(name)
