"""What a request can say, and that the program gets it."""

from __future__ import annotations

import pytest
from tests.conformance.bench import LANGUAGES, Bench

from drybox import ExecutionRequest, InvalidRequest, ResourceLimits, Unsupported
from drybox.languages.registry import find_language

ODD_WORDS = (
    "plain",
    "two words",
    "",
    "-x",
    "--help",
    "--",
    "a=b",
    "ünï 🙂",
    "tab\tend\n",
    "$HOME",
    "*",
)


def test_stdin_arrives_whole_and_ends(bench: Bench) -> None:
    data = bytes(range(256)) * 2000
    result = bench.run(bench.programs.cat, stdin=data)
    assert result.status == "success", result
    assert result.stdout_bytes == data


def test_stdin_may_be_text(bench: Bench) -> None:
    result = bench.run(bench.programs.cat, stdin="zwölf Boxkämpfer 🙂\n")
    assert result.stdout == "zwölf Boxkämpfer 🙂\n"


def test_stdin_is_empty_by_default(bench: Bench) -> None:
    result = bench.run(bench.programs.cat)
    assert (result.status, result.stdout_bytes) == ("success", b"")


def test_stdin_that_nobody_reads_is_no_obstacle(bench: Bench) -> None:
    result = bench.run(bench.programs.hello, stdin=b"x" * 3_000_000)
    assert (result.status, result.stdout) == ("success", "Hello, World!\n")


def test_arguments_arrive_as_they_are(bench: Bench) -> None:
    result = bench.run(bench.programs.words, *ODD_WORDS)
    assert result.status == "success", result
    assert result.stdout.split("\0") == [*ODD_WORDS, ""]


@pytest.mark.parametrize("value", ["hello", "", "ключ = 🔑", "two\nlines "])
def test_variables_arrive_as_they_are(bench: Bench, value: str) -> None:
    result = bench.run(bench.programs.variable, "GREETING", env={"GREETING": value, "B": "b"})
    assert (result.status, result.stdout) == ("success", value)


def test_nothing_of_the_hosts_environment_arrives(
    python_bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRYBOX_TEST_SECRET", "hunter2")
    code = "import os\nprint(*sorted(os.environ))\nprint(os.environ['HOME'], os.getcwd())\n"
    result = python_bench.run(code, env={"MINE": "1"})
    names, places = result.stdout.splitlines()
    assert "MINE" in names.split()
    assert "DRYBOX_TEST_SECRET" not in names
    assert places == "/sandbox /sandbox"


@pytest.mark.promise("RES-10")
def test_as_few_processes_as_a_language_needs_are_enough(bench: Bench) -> None:
    language, _ = find_language(bench.programs.language)
    least = language.toolchain.least_pids
    result = bench.run(bench.programs.hello, limits=ResourceLimits(pids=least), timeout=30)
    assert (result.status, result.stdout) == ("success", "Hello, World!\n"), result
    assert result.stderr == "a word\n"
    if least > 1:
        with pytest.raises(InvalidRequest, match=r"limits\.pids"):
            bench.run(bench.programs.hello, limits=ResourceLimits(pids=least - 1))


def test_project_of_several_files(bench: Bench) -> None:
    result = bench.run(None, files=bench.programs.project)
    assert result.status == "success", result
    assert result.stdout == "whole project\n"


def test_entrypoint_chooses_the_file(bench: Bench) -> None:
    programs = bench.programs
    result = bench.run(None, files=programs.project, entrypoint=programs.other_entry)
    assert result.status == "success", result
    assert (result.stdout + result.stderr) == "other entry\n"


def test_code_and_files_together(python_bench: Bench) -> None:
    files = {
        "numbers/data.txt": b"1 2 3",
        "helper.py": "def total(t): return sum(map(int, t.split()))",
    }
    code = "import helper\nprint(helper.total(open('numbers/data.txt').read()))\n"
    assert python_bench.run(code, files=files).stdout == "6\n"


def test_code_is_placed_at_the_entrypoint(python_bench: Bench) -> None:
    result = python_bench.run("print(__file__)", entrypoint="app/start.py")
    assert (result.status, result.stdout.strip()[-12:]) == ("success", "app/start.py")


@pytest.mark.promise("ISO-23")
def test_artifacts_are_brought_back_whatever_the_program_ends_with(bench: Bench) -> None:
    result = bench.run(bench.programs.write, artifacts=["out/*.txt", "out/**/*.bin", "none/*"])
    assert (result.status, result.exit_code) == ("failed", 3), result
    assert result.error is not None
    assert "'none/*'" in result.error.message
    assert dict(result.artifacts) == {
        "out/text.txt": b"text\n",
        "out/deep/bytes.bin": bytes(range(256)),
    }


@pytest.mark.promise("ISO-23")
def test_artifacts_never_come_through_a_link(bench: Bench) -> None:
    result = bench.run(bench.programs.write, artifacts=["out/**"])
    assert sorted(result.artifacts) == ["out/deep/bytes.bin", "out/text.txt"]


@pytest.mark.promise("ISO-23")
def test_artifacts_of_a_program_that_ran_out_of_time(python_bench: Bench) -> None:
    code = "import time\nopen('kept.txt', 'w').write('kept')\ntime.sleep(3600)\n"
    result = python_bench.run(code, timeout=2, artifacts=["*.txt"])
    assert (result.status, dict(result.artifacts)) == ("timeout", {"kept.txt": b"kept"})


@pytest.mark.promise("ISO-23")
def test_every_artifact_that_is_left_out_is_told(python_bench: Bench) -> None:
    code = """
import os, socket
os.close(os.open("secret.bin", os.O_CREAT, 0))
os.mkfifo("pipe.bin")
os.symlink("/etc/passwd", "link.bin")
socket.socket(socket.AF_UNIX).bind("socket.bin")
open(b"\\xff.bin", "wb").write(b"odd")
with open("large.bin", "wb") as file:
    file.truncate(65 << 20)
open("small.bin", "w").write("small")
for _ in range(100):
    os.mkdir("d")
    os.chdir("d")
open("deep.bin", "w").write("deep")
"""
    result = python_bench.run(
        code, artifacts=["**/*.bin", "*.png"], limits=ResourceLimits(disk="128m")
    )
    assert result.status == "success", result
    assert dict(result.artifacts) == {
        "\\xff.bin": b"odd",
        "small.bin": b"small",
        "d/" * 100 + "deep.bin": b"deep",
    }
    assert result.error is not None
    for name in ("secret.bin", "pipe.bin", "link.bin", "socket.bin", "large.bin", "*.png"):
        assert f"'{name}'" in result.error.message, name


@pytest.mark.promise("ISO-23")
@pytest.mark.parametrize(
    ("shut", "left_out"),
    [
        ("os.chmod('d', 0)", "'d' is a folder without permission"),
        ("os.chmod('d', 0o100)", "'d' is a folder without permission"),
        ("os.chmod('d', 0o400)", "'d/in.txt' is a file without permission"),
        ("os.mkdir('d/e'); os.chmod('d/e', 0)", "'d/e' is a folder without permission"),
        ("os.chmod('d/in.txt', 0o200)", "'d/in.txt' is a file without permission"),
        ("os.chmod('.', 0)", "the working directory is a folder without permission"),
    ],
)
def test_artifacts_that_cannot_be_read_are_told(
    python_bench: Bench, shut: str, left_out: str
) -> None:
    code = f"import os; os.mkdir('d'); open('d/in.txt', 'w').write('in'); {shut}"
    result = python_bench.run(code, artifacts=["d/**"])
    assert result.status == "success", result
    assert result.error is not None
    assert left_out in result.error.message


@pytest.mark.promise("ISO-23")
def test_of_too_many_artifacts_some_come(python_bench: Bench) -> None:
    code = "for i in range(10_005): open(f'{i}.txt', 'w').close()"
    result = python_bench.run(code, artifacts=["*.txt"])
    assert (result.status, len(result.artifacts)) == ("success", 10_000)
    assert result.error is not None
    assert "10,005 files" in result.error.message


@pytest.mark.promise("ISO-23")
def test_artifacts_that_nobody_asked_for_stay(bench: Bench) -> None:
    assert bench.run(bench.programs.write).artifacts == {}


def test_nothing_of_one_run_is_there_in_the_next(bench: Bench) -> None:
    bench.run(bench.programs.write)
    result = bench.run(bench.programs.hello, artifacts=["**"])
    assert not [path for path in result.artifacts if path.startswith(("out", "top"))]


# --- languages and versions -------------------------------------------------------------


@pytest.mark.parametrize(
    ("programs", "name"),
    [
        pytest.param(programs, name, id=name)
        for programs in LANGUAGES
        for name in (*programs.names, programs.names[-1].upper())
    ],
    indirect=["programs"],
)
def test_every_name_of_a_language(bench: Bench, name: str) -> None:
    request = ExecutionRequest(name, bench.programs.hello, isolation=bench.isolation.name)
    result = bench.executor.execute(request)
    assert (result.status, result.language) == ("success", bench.programs.language)


def test_a_version_may_be_asked_for(bench: Bench) -> None:
    language, isolation = bench.programs.language, bench.isolation.name
    full = bench.run(bench.programs.hello).version
    parts = full.split(".")
    for version in {parts[0], ".".join(parts[:2]), full}:
        request = ExecutionRequest(
            f"{language}@{version}", bench.programs.hello, isolation=isolation
        )
        result = bench.executor.execute(request)
        assert result.status == "success", result
        assert (result.language, f"{result.version}.".startswith(f"{version}.")) == (language, True)


@pytest.mark.parametrize("version", ["3", "3.11"])
def test_python_versions(python_bench: Bench, version: str) -> None:
    code = "import sys\nprint('%d.%d' % sys.version_info[:2])\n"
    isolation = python_bench.isolation.name
    result = python_bench.executor.execute(
        ExecutionRequest(f"python@{version}", code, isolation=isolation)
    )
    assert result.version.startswith(version)
    assert result.stdout.startswith(version)


@pytest.mark.parametrize("version", ["2.99", "99"])
def test_a_version_that_is_not_here_is_unsupported(bench: Bench, version: str) -> None:
    here = bench.run(bench.programs.hello).version
    wanted = f"{bench.programs.language}@{version}"
    request = ExecutionRequest(wanted, bench.programs.hello, isolation=bench.isolation.name)
    with pytest.raises(Unsupported) as caught:
        bench.executor.execute(request)
    assert version in caught.value.message
    assert here in caught.value.message
    assert caught.value.hint


def test_isolation_is_reported(python_bench: Bench) -> None:
    assert python_bench.run("").isolation == python_bench.isolation.name
    by_default = python_bench.executor.execute(ExecutionRequest("python", ""))
    assert by_default.isolation in ("docker", "local")
    automatic = python_bench.executor.execute(ExecutionRequest("python", "", isolation="auto"))
    assert automatic.isolation == by_default.isolation
