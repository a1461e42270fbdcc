"""``drybox run``: what it runs, what it hands through and what it ends with."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
from pathlib import Path

import pytest
from tests.support.cli import DRYBOX, drybox, line_of, started
from tests.support.packages import GREETING, make_packages

from drybox import CodeExecutor, ExecutionRequest
from drybox.languages.registry import known_languages

HELLO = {
    "python": "print('Hello')",
    "node": "console.log('Hello')",
    "go": 'package main\nimport "fmt"\nfunc main() { fmt.Println("Hello") }',
    "java": 'class A { public static void main(String[] a) { System.out.println("Hello"); } }',
}
KILL = "import os, signal; os.kill(os.getpid(), signal.{})"
ECHO = """\
import sys
print("ready", flush=True)
for line in sys.stdin:
    print("got", line.strip(), flush=True)
"""
TIMELESS = ("id", "execution_time", "phases", "usage")


@pytest.mark.parametrize("language", known_languages())
def test_hello(language: str) -> None:
    code = known_languages()[language].samples.numbered(7)
    done = drybox("run", "-l", language, "-c", code)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"hello 7\n", b"")


def test_an_empty_cache_costs_words_on_stderr_alone(tmp_path: Path) -> None:
    env = {"XDG_CACHE_HOME": str(tmp_path)}
    for words in (rb"drybox: [^\n]+ \(once for [\d.]+\) \.\.\.\n", b""):
        done = drybox("run", "-l", "node", "-c", HELLO["node"], env=env)
        assert (done.returncode, done.stdout) == (0, b"Hello\n")
        assert re.fullmatch(words, done.stderr), done.stderr


# --- exit codes ------------------------------------------------------------------------


@pytest.mark.promise("RES-14")
@pytest.mark.parametrize("code", [0, 1, 2, 42, 124, 137, 255])
def test_exit_code_is_the_programs_own(code: int) -> None:
    done = drybox("run", "-l", "python", "-c", f"raise SystemExit({code})")
    assert (done.returncode, done.stdout, done.stderr) == (code, b"", b"")


@pytest.mark.promise("RES-14")
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("SIGHUP", 129),
        ("SIGABRT", 134),
        ("SIGKILL", 137),
        ("SIGSEGV", 139),
        ("SIGTERM", 143),
        ("SIGRTMIN", 162),
        ("SIGRTMAX", 192),
    ],
)
def test_exit_code_of_a_signal(name: str, code: int) -> None:
    done = drybox("run", "-l", "python", "-c", KILL.format(name))
    assert (done.returncode, done.stdout) == (code, b"")


@pytest.mark.promise("RES-14")
def test_exit_code_of_a_timeout() -> None:
    code = "print('before', flush=True)\nimport time; time.sleep(3600)"
    done = drybox("run", "-l", "python", "-c", code, "--timeout", "2s")
    assert (done.returncode, done.stdout) == (124, b"before\n")
    assert done.stderr.startswith(b"drybox: ")
    assert b"2 s" in done.stderr
    assert b"hint: " in done.stderr


@pytest.mark.promise("RES-14")
def test_exit_code_of_the_memory_limit() -> None:
    code = "print('before', flush=True)\nx = []\nwhile True: x.append(b'x' * 1000000)"
    done = drybox("run", "-l", "python", "-c", code, "--memory", "64m")
    assert (done.returncode, done.stdout) == (137, b"before\n")
    assert b"drybox: " in done.stderr
    assert b"memory" in done.stderr


@pytest.mark.promise("RES-14")
def test_exit_code_of_the_output_limit() -> None:
    done = drybox("run", "-l", "python", "-c", "print('x' * 5000)", "--output", "1k")
    assert (done.returncode, done.stdout) == (125, b"x" * 1024)
    assert b"drybox: " in done.stderr


@pytest.mark.promise("RES-14")
@pytest.mark.parametrize("language", ["go", "java"])
def test_exit_code_of_a_compile_error(language: str) -> None:
    done = drybox("run", "-l", language, "-c", "this is nothing")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"main.go:1" in done.stderr or b"Main.java:1" in done.stderr
    assert b"drybox: The program does not compile." in done.stderr


@pytest.mark.promise("RES-14")
def test_exit_code_when_drybox_cannot() -> None:
    done = drybox("run", "-l", "python", "-c", "print(1)", "--isolation", "kata")
    assert (done.returncode, done.stdout) == (125, b"")
    assert b"Docker daemon" in done.stderr
    assert b"hint: " in done.stderr
    missing = drybox("run", "-l", "python@2.99", "-c", "print(1)")
    assert (missing.returncode, missing.stdout) == (125, b"")


# --- what is run -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("a.py", "python"),
        ("b.js", "node"),
        ("c.cjs", "node"),
        ("d.go", "go"),
        ("A.java", "java"),
        ("odd name ü.py", "python"),
        ("UPPER.PY", "python"),
    ],
)
def test_file_by_its_suffix(tmp_path: Path, name: str, language: str) -> None:
    (tmp_path / name).write_text(HELLO[language])
    for path in (str(tmp_path / name), name):
        done = drybox("run", path, cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"Hello\n", b"")


def test_module_by_its_suffix(tmp_path: Path) -> None:
    (tmp_path / "m.mjs").write_text(
        "import fs from 'node:fs';\nawait 0;\nconsole.log(typeof fs);\n"
    )
    done = drybox("run", str(tmp_path / "m.mjs"))
    assert (done.returncode, done.stdout) == (0, b"object\n")


def test_language_before_suffix(tmp_path: Path) -> None:
    (tmp_path / "script").write_text("print('Hello')")
    done = drybox("run", str(tmp_path / "script"), "-l", "python")
    assert (done.returncode, done.stdout) == (0, b"Hello\n")


def test_source_from_standard_input() -> None:
    done = drybox("run", "-", "-l", "python", "--", "x", stdin=b"import sys\nprint(sys.argv[1:])\n")
    assert (done.returncode, done.stdout) == (0, b"['x']\n")


def test_folder(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "parts").mkdir(parents=True)
    (project / ".git").mkdir()
    (project / ".git/secret.py").write_text("x = 1")
    (project / "main.py").write_text(
        "import os, parts.one\n"
        "print(parts.one.NAME, sorted(n for n in os.listdir('.') if n != '__pycache__'))\n"
    )
    (project / "parts/one.py").write_text("NAME = 'one'\n")
    (project / "link.txt").symlink_to("/etc/passwd")
    done = drybox("run", str(project))
    assert (done.returncode, done.stdout) == (0, b"one ['main.py', 'parts']\n"), done.stderr
    other = drybox("run", ".", "--entrypoint", "parts/one.py", cwd=project)
    assert (other.returncode, other.stdout) == (0, b"")


def test_arguments_after_the_dashes(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import sys\nprint(sys.argv[1:])\n")
    words = ["--timeout", "-x", "", "a b", "--", "--json", "ü"]
    done = drybox("run", str(tmp_path / "a.py"), "--", *words)
    assert (done.returncode, done.stdout.decode()) == (0, f"{words}\n")
    code = drybox("run", "-l", "python", "-c", "import sys; print(sys.argv[1:])", "--", *words)
    assert (code.returncode, code.stdout.decode()) == (0, f"{words}\n")


def test_variables() -> None:
    code = "import os\nprint([os.environ.get(name) for name in ('A', 'B', 'C', 'SECRET')])\n"
    words = ["--env", "A=1", "--env", "B=x=y z", "--env", "C="]
    done = drybox("run", "-l", "python", "-c", code, *words, env={"SECRET": "hunter2"})
    assert done.stdout == b"['1', 'x=y z', '', None]\n"


# --- streams ---------------------------------------------------------------------------


def test_output_is_live_and_standard_input_goes_through() -> None:
    with started("run", "-l", "python", "-c", ECHO) as process:
        assert process.stdin is not None
        assert line_of(process) == b"ready\n"
        for word in (b"one", b"two"):
            process.stdin.write(word + b"\n")
            process.stdin.flush()
            assert line_of(process) == b"got " + word + b"\n"
        out, err = process.communicate(b"three\n", timeout=60)
        assert (process.returncode, out, err) == (0, b"got three\n", b"")


def test_the_two_outputs_stay_apart_and_are_bytes() -> None:
    code = "import os\nos.write(1, bytes(range(256)) * 1000)\nos.write(2, b'\\xff\\n')\n"
    done = drybox("run", "-l", "python", "-c", code)
    assert (done.returncode, done.stderr) == (0, b"\xff\n")
    assert done.stdout == bytes(range(256)) * 1000


def test_standard_input_of_megabytes() -> None:
    data = bytes(range(256)) * 20_000
    code = "import hashlib, sys\nprint(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())\n"
    done = drybox("run", "-l", "python", "-c", code, stdin=data)
    assert done.stdout.decode().strip() == hashlib.sha256(data).hexdigest()


def test_a_program_that_does_not_wait_for_its_input() -> None:
    with started("run", "-l", "python", "-c", "print('done')") as process:
        assert line_of(process) == b"done\n"
        assert process.wait(60) == 0  # though its standard input is still open


def test_closed_standard_input(tmp_path: Path) -> None:
    code = "import sys; print(repr(sys.stdin.read()))"
    for redirect in ("<&-", "</dev/null"):
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {redirect}', "sh", DRYBOX, "run", "-l", "python", "-c", code],
            capture_output=True,
            timeout=60,
        )
        assert (done.returncode, done.stdout) == (0, b"''\n"), done.stderr


def test_standard_input_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("from a file\n")
    code = "import sys; print(sys.stdin.read(), end='')"
    done = drybox(
        "run", "-l", "python", "-c", code, "--stdin", str(tmp_path / "in.txt"), stdin=b"not this"
    )
    assert (done.returncode, done.stdout) == (0, b"from a file\n")


# --- limits ----------------------------------------------------------------------------


@pytest.mark.parametrize("size", ["64m", "64MiB", "64MB", "0.0625g", "65536k", "67108864"])
def test_sizes_as_people_write_them(size: str) -> None:
    code = "open('f', 'wb').write(bytes(70 << 20))"
    done = drybox("run", "-l", "python", "-c", code, "--disk", size, "--memory", "512m", "--json")
    document = json.loads(done.stdout)
    assert done.returncode == 1
    assert "No space left" in document["stderr"]


@pytest.mark.parametrize("duration", ["2", "2s", "2000ms", "2.0s"])
def test_durations_as_people_write_them(duration: str) -> None:
    done = drybox(
        *("run", "-l", "python", "-c", "import time; time.sleep(3600)"),
        *("--timeout", duration, "--json"),
    )
    assert done.returncode == 124
    assert 2 <= json.loads(done.stdout)["execution_time"] < 4


# --- the document ----------------------------------------------------------------------


def test_json_is_the_result_and_nothing_else(executor: CodeExecutor) -> None:
    code = """\
import sys
print("ü")
print("e", file=sys.stderr)
open("f.bin", "wb").write(b"\\xff")
sys.exit(3)
"""
    done = drybox("run", "-l", "python", "-c", code, "--json", "--artifact", "*.bin")
    assert (done.returncode, done.stderr) == (3, b"")
    document = json.loads(done.stdout)
    request = ExecutionRequest("python", code, artifacts=["*.bin"])
    wanted = executor.execute(request).to_dict()
    assert document.keys() == wanted.keys()
    for name in document.keys() - set(TIMELESS):
        assert document[name] == wanted[name]
    assert [phase.keys() for phase in document["phases"]] == [p.keys() for p in wanted["phases"]]
    assert document["usage"].keys() == wanted["usage"].keys()
    assert document["artifacts"] == {"f.bin": base64.b64encode(b"\xff").decode()}


def test_json_has_every_field_of_the_contract() -> None:
    document = json.loads(drybox("run", "-l", "python", "-c", "", "--json").stdout)
    assert document.keys() == {
        *("status", "stdout", "stderr", "exit_code", "signal", "execution_time", "error"),
        *("phases", "usage", "truncated", "artifacts"),
        *("id", "language", "version", "isolation", "weakened", "backend", "environment"),
    }
    assert document["phases"][0].keys() == {
        *("name", "status", "stdout", "stderr", "exit_code", "signal"),
        *("execution_time", "cpu_time", "memory_peak"),
    }
    assert document["usage"].keys() == {"cpu_time", "memory_peak"}
    assert document["truncated"] == {"stdout": False, "stderr": False}


def test_json_of_a_failure_of_the_compiler() -> None:
    done = drybox("run", "-l", "go", "-c", "nothing", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["status"], document["stdout"]) == (1, "compile_error", "")
    assert document["error"].keys() == {"type", "message", "hint"}
    assert document["phases"][0]["name"] == "compile"


# --- packages --------------------------------------------------------------------------


def test_packages_are_installed_and_their_installer_is_unheard(tmp_path: Path) -> None:
    words = ("--package-dir", str(make_packages(tmp_path)), "--package", "greet==1.2.0")
    code = "import greet; print(greet.greet())"
    done = drybox("run", "-l", "python", *words, "-c", code)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{GREETING}\n".encode(), b"")


@pytest.mark.promise("RES-14")
def test_exit_code_of_an_install_error_is_1_with_the_installers_text(tmp_path: Path) -> None:
    words = ("--package-dir", str(make_packages(tmp_path)), "--package", "nothing")
    done = drybox("run", "-l", "python", *words, "-c", "print(1)")
    assert done.returncode == 1
    assert b"No matching distribution found for nothing" in done.stderr
    assert b"drybox: A package could not be installed." in done.stderr
    done = drybox("run", "--json", "-l", "python", *words, "-c", "print(1)")
    document = json.loads(done.stdout)
    assert (done.returncode, document["status"]) == (1, "install_error")
    assert [phase["name"] for phase in document["phases"]] == ["install"]
