"""Attacks on gcc: what a source, a name or a variable may have it read, load, write or start."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import host
from tests.support.attack import TIMEOUT, new_marker, seen_from_host
from tests.support.identity import REPO, Runner

from drybox import ExecutionRequest

MIB = 1 << 20

LANGUAGES = {"c": ".c", "cpp": ".cpp"}
"""Each with the suffix of its sources."""

MAIN = """\
#include <stdio.h>
#include <unistd.h>

int main(void) {
    int found = !access("/build/escaped", F_OK) || !access("escaped", F_OK);
    printf("%d\\n", found);
    return 0;
}
"""
"""Tells whether something has been made that only code at the wrong time could have made."""


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def secret() -> Iterator[Path]:
    """A header on the host that everybody may read."""
    folder = Path(tempfile.mkdtemp(prefix="drybox-test-"))
    header = folder / "secret.h"
    header.write_text(f'static const char secret[] = "{new_marker()}";\n')
    folder.chmod(0o755)
    yield header
    shutil.rmtree(folder)


def run(runner: Runner, language: str, files: dict[str, str | bytes], **fields: object) -> str:
    """What becomes of a program: its output, or that it was refused."""
    entry = f"main{LANGUAGES[language]}"
    request = ExecutionRequest(language, files=files, entrypoint=entry, **fields)  # type: ignore[arg-type]
    result = runner.execute(request)
    assert "root:x:0:0:root:/root" not in result.stdout + result.stderr
    assert "attack-" not in result.stdout + result.stderr
    if result.status == "compile_error":
        assert (result.phases[0].status, result.stdout) == ("failed", "")
        return "refused"
    assert result.status == "success", result
    return result.stdout


@pytest.mark.parametrize("path", ["/etc/shadow", "SECRET"])
@pytest.mark.parametrize(
    "words",
    [
        '#include "{}"\n',
        "#include <{}>\n",
        '#if __has_include("{}")\n#error attack-found\n#endif\n#include "nothing"\n',
        'asm(".incbin \\"{}\\"");\n',
        'asm(".include \\"{}\\"");\n',
        "#embed <{}>\n#include <nothing>\n",
        '#pragma GCC pch_preprocess "{}"\n#include <nothing>\n',
    ],
    ids=["quotes", "angles", "asked", "incbin", "assembler", "embed", "precompiled"],
)
def test_a_source_takes_in_no_file_of_the_host(
    runner: Runner, language: str, words: str, path: str, secret: Path
) -> None:
    text = words.replace("{}", str(secret) if path == "SECRET" else path)
    name = f"main{LANGUAGES[language]}"
    assert run(runner, language, {name: f"{text}{MAIN}"}) == "refused"


@pytest.mark.parametrize(
    "name",
    [
        "-fplugin=evil.so{}",
        "-wrapper,sh,evil.sh{}",
        "-specs=evil.specs{}",
        "-B.{}",
        "-o=main{}",
        "-o",
        "@evil.args{}",
        "a b; touch escaped #{}",
        "$(touch escaped){}",
        "-xassembler{}",
        "-Wl,-rpath,.{}",
    ],
)
def test_names_of_sources_are_no_options(runner: Runner, language: str, name: str) -> None:
    suffix = LANGUAGES[language]
    files: dict[str, str | bytes] = {
        f"main{suffix}": MAIN,
        name.format(suffix): "int other;\n",
        "evil.args": "-wrapper sh,evil.sh",
        "evil.sh": 'touch escaped; exec "$@"',
        "evil.specs": "*cc1:\n--version",
        "as": 'touch escaped; exec /usr/bin/as "$@"',
        "cc1": "touch escaped",
    }
    assert run(runner, language, files) == "0\n"


@pytest.mark.parametrize(
    "words",
    [
        '#pragma GCC optimize("-fplugin=./evil.so")\n',
        '#pragma GCC optimize("-wrapper,sh")\n',
        '#pragma GCC target("fplugin=./evil.so")\n',
        '__attribute__((optimize("-fplugin=./evil.so"))) int evil(void) { return 1; }\n',
        'asm(".section .init_array,\\"a\\"; .previous");\n',
        "#pragma GCC system_header\n",
        '#pragma comment(linker, "-T evil.ld")\n',
    ],
)
def test_no_word_of_a_source_loads_anything(runner: Runner, language: str, words: str) -> None:
    files: dict[str, str | bytes] = {
        f"main{LANGUAGES[language]}": f"{words}{MAIN}",
        "evil.so": b"\x7fELF" + bytes(60),
        "evil.ld": "SECTIONS { }",
    }
    assert run(runner, language, files) in ("0\n", "refused")


@pytest.mark.parametrize("name", ["part.h.gch", "part.h.gch/any", "sub/x.gch"])
def test_a_header_that_was_compiled_elsewhere_is_refused(
    runner: Runner, language: str, name: str
) -> None:
    """The compiler would take its content for its own memory, under the operator's limits."""
    main = f"main{LANGUAGES[language]}"
    files: dict[str, str | bytes] = {
        main: f'#include "part.h"\n{MAIN}',
        "part.h": "",
        name: b"gpch",
    }
    result = runner.execute(ExecutionRequest(language, files=files, entrypoint=main))
    assert result.status == "compile_error"
    assert result.stderr == f"{name}: a precompiled header is no source: leave it out\n"


def test_variables_of_a_request_are_not_the_compilers(
    runner: Runner, language: str, secret: Path
) -> None:
    folder = str(secret.parent)
    env = {
        **dict.fromkeys(("CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH"), folder),
        **dict.fromkeys(("COMPILER_PATH", "GCC_EXEC_PREFIX", "LIBRARY_PATH"), "/sandbox"),
        **dict.fromkeys(("DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES"), "/build/escaped"),
        "TMPDIR": "/sandbox",
    }
    main = f"main{LANGUAGES[language]}"
    assert run(runner, language, {main: MAIN, "as": "touch escaped"}, env=env) == "0\n"
    assert run(runner, language, {main: f"#include <secret.h>\n{MAIN}"}, env=env) == "refused"


def test_the_output_stands_for_no_source(runner: Runner, language: str) -> None:
    main = f"main{LANGUAGES[language]}"
    files: dict[str, str | bytes] = {main: MAIN, "main": "text", "a.out": "text", "main.o": "text"}
    request = ExecutionRequest(language, files=files, entrypoint=main, artifacts=["**"])
    result = runner.execute(request)
    assert (result.status, result.stdout) == ("success", "0\n"), result.stderr
    assert {name: result.artifacts[name] for name in files if name != main} == {
        name: b"text" for name in files if name != main
    }
    assert set(result.artifacts) == set(files)


COMPILE = """
import json, sys
from drybox import CodeExecutor, ExecutionRequest, ResourceLimits

language, name, isolation = sys.argv[1:4]
limits = ResourceLimits(memory=int(sys.argv[4]), pids=64)
with CodeExecutor(isolation=isolation, compile_timeout=3.0, compile_limits=limits) as executor:
    request = ExecutionRequest(language, files={name: sys.stdin.read()}, entrypoint=name)
    result = executor.execute(request)
phase = result.phases[0]
print(json.dumps([result.status, len(result.phases), phase.status, phase.execution_time,
    len(result.stderr_bytes)]))
"""

WIDE = "".join(f"#define M{n + 1} M{n} M{n} M{n} M{n}\n" for n in range(30))

BOMBS = {
    "macros": f"#define M0 +1\n{WIDE}int x = 0 M30;\n",
    "inclusion": "#if __INCLUDE_LEVEL__ < 60\n#include __FILE__\n#include __FILE__\n#endif\n",
    "inclusion without end": "#include __FILE__\n",
    "a large object": "char a[1u << 30] = {1};\nint main(void) { return a[5]; }\n",
    "an assembler's loop": 'asm(".rept 1000000000\\n.quad 1\\n.endr");\nint main(void) {}\n',
    "complaints": '#pragma GCC diagnostic warning "-Wall"\n#define X(n) int n = "\'" + ;\n'
    + "#define XX X(a) X(b) X(c) X(d)\n#define Y XX XX XX XX XX XX XX XX\n"
    + "Y Y Y Y Y Y Y Y Y Y Y Y Y Y Y Y\n" * 2000,
}


OF_CPP = {
    "templates": "template <int n> struct A { A<n + 1> a; };\nA<0> a;\n",
    "templates in a tree": "template <int n, class T> struct A { A<n - 1, A<n, T>> a;"
    " A<n - 1, T *> b; };\ntemplate <class T> struct A<0, T> {};\nA<200, int> a;\n",
    "computing": "constexpr long f(long n) { return n < 2 ? n : f(n - 1) + f(n - 2); }\n"
    "constexpr long g(long n) { long s = 0; for (long i = 0; i < n; i++) s += i; return s; }\n"
    "template <long n> struct B { static constexpr long v = g(200000) + B<n - 1>::v; };\n"
    "template <> struct B<0> { static constexpr long v = 0; };\nlong x = B<800>::v;\n",
}


@seen_from_host
@pytest.mark.parametrize(
    ("language", "bomb"),
    [*(("c", bomb) for bomb in BOMBS), *(("cpp", bomb) for bomb in OF_CPP)],
    indirect=["language"],
)
def test_a_bomb_for_gcc_is_contained(runner: Runner, language: str, bomb: str) -> None:
    name = f"{new_marker()}{LANGUAGES[language]}"
    words = [language, name, runner.isolation.name, str(256 * MIB)]
    argv, env = runner.command([sys.executable, "-c", COMPILE, *words])
    done = subprocess.run(
        argv,
        env=env,
        cwd=REPO,
        input={**BOMBS, **OF_CPP}[bomb],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert done.returncode == 0, done.stderr
    status, phases, compiled, seconds, said = json.loads(done.stdout)
    assert (status, phases) == ("compile_error", 1)
    assert compiled in ("timeout", "memory_limit", "output_limit", "failed")
    assert seconds < 20
    assert said <= MIB
    assert not host.running(name)
