"""Where programs and their data come from, and what the command line says of it all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.support.cli import DRYBOX, calm, drybox

PYTHON = ("run", "-l", "python")


def test_the_source_may_come_from_standard_input() -> None:
    done = drybox(*PYTHON, stdin=b"print(input.__name__)")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"input\n", b"")


def test_a_source_from_standard_input_may_be_in_another_encoding() -> None:
    source = "# -*- coding: latin-1 -*-\nprint('é', __file__)".encode("latin-1")
    for words in (PYTHON, (*PYTHON, "-")):
        done = drybox(*words, stdin=source)
        assert (done.returncode, done.stdout) == (0, "é /sandbox/main.py\n".encode()), done.stderr
    assert b"SyntaxError" in drybox(*PYTHON, stdin=b"print('\xe9')").stderr


def test_a_word_that_is_no_option_of_ours_is_perhaps_the_programs(tmp_path: Path) -> None:
    (tmp_path / "show.py").write_text("import sys; print(sys.argv[1:])")
    refused = drybox("run", "show.py", "--verbose", cwd=tmp_path)
    assert refused.returncode == 2
    assert b"No such option '--verbose'. Words for the program itself come behind '--'." in (
        refused.stderr
    )
    assert b"behind" not in drybox("run", "--verbose", "show.py", cwd=tmp_path).stderr
    done = drybox("run", "show.py", "--", "--verbose", cwd=tmp_path)
    assert done.stdout == b"['--verbose']\n"


def test_data_larger_than_a_source_may_be_lies_beside_the_program(tmp_path: Path) -> None:
    big = tmp_path / "big.bin"
    with big.open("wb") as file:
        file.truncate(20 << 20)
    code = "import os; print(os.path.getsize('big.bin'), os.path.getsize('in/b'))"
    words = ("--file", "big.bin", "--file", "big.bin=in/b", "-c", code)
    done = drybox(*PYTHON, "-t", "60s", *words, cwd=tmp_path)
    assert done.stdout == b"20971520 20971520\n", done.stderr
    refused = drybox(*PYTHON, "--disk", "32m", *words, cwd=tmp_path)
    assert refused.returncode == 2
    assert b"--disk" in refused.stderr


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("script.py", "import sys; print(sys.argv[1:])"),
        ("script.mjs", "console.log(JSON.stringify(process.argv.slice(2)))"),
    ],
)
def test_a_script_is_run_by_its_first_line(tmp_path: Path, name: str, body: str) -> None:
    script = tmp_path / name
    script.write_text(f"#!/usr/bin/env -S drybox run -t 60s\n{body}\n")
    script.chmod(0o755)
    path = f"{Path(DRYBOX).parent}{os.pathsep}{os.environ['PATH']}"
    words = ["--x", "-l", "go", "--json", "--", "last"]
    done = subprocess.run(
        [f"./{name}", *words], cwd=tmp_path, capture_output=True, env={**os.environ, "PATH": path}
    )
    calm(done.stderr)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.replace(b"'", b'"')) == words


def test_a_file_without_that_line_still_takes_options_behind_it(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import sys; print(sys.argv[1:])")
    done = drybox("run", "a.py", "-t", "60s", "--", "--x", cwd=tmp_path)
    assert done.stdout == b"['--x']\n"
    assert drybox("run", "a.py", "--x", cwd=tmp_path).returncode == 2


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("--output", "1k", "-c", "print('x' * 9999)"), b"larger --output."),
        (("-t", "200ms", "-c", "while True: pass"), b"longer --timeout."),
        (("--memory", "1", "-c", "1"), b"--memory: 1 is out of bounds"),
        (("--artifact", "../x", "-c", "1"), b"--artifact: '../x' leaves the folder"),
        (("--artifact", "*.png", "-c", "1"), b"no file matches '*.png'"),
        (("--package", "x", "-c", "1"), b"as --package-dir."),
    ],
)
def test_hints_name_options(tmp_path: Path, words: tuple[str, ...], hint: bytes) -> None:
    done = drybox(*PYTHON, *words, cwd=tmp_path)
    assert hint in done.stderr
    assert b"limits." not in done.stderr


def test_where_artifacts_went_is_said(tmp_path: Path) -> None:
    code = "open('a.txt', 'w').write('1')"
    done = drybox(*PYTHON, "--artifact", "*.txt", "-c", code, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr == b"drybox: written to artifacts: a.txt.\n"
    assert (tmp_path / "artifacts/a.txt").read_text() == "1"


def test_what_is_not_known_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "x.rb").write_text("puts 1")
    done = drybox("run", "x.rb", cwd=tmp_path)
    assert done.returncode == 2
    assert b"'.rb' are not known" in done.stderr
    typed = drybox("run", "-l", "ruby", "-", stdin=b"puts 1")
    assert typed.returncode == 2
    assert b"'ruby' is not known" in typed.stderr


@pytest.mark.parametrize("language", ["go", "java"])
def test_the_advice_for_another_suffix_works(tmp_path: Path, language: str) -> None:
    code = {
        "go": 'package main\nimport "fmt"\nfunc main() { fmt.Println("hi") }',
        "java": 'class A { public static void main(String[] a) { System.out.println("hi"); } }',
    }[language]
    (tmp_path / "hello.txt").write_text(code)
    assert b"--language" in drybox("run", "hello.txt", cwd=tmp_path).stderr
    done = drybox("run", "hello.txt", "-l", language, "-t", "60s", cwd=tmp_path)
    assert done.stdout == b"hi\n", done.stderr


# --- colour ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("env", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "0"}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": ""}, True),
    ],
)
def test_colour_has_one_rule(env: dict[str, str], coloured: bool) -> None:
    bare = {"NO_COLOR": "", "FORCE_COLOR": ""}
    done = drybox("doctor", env={**bare, **env})
    assert (b"\x1b[" in done.stdout) == coloured


# --- completion -----------------------------------------------------------------------------


def completed(shell: str, words: str, at: int) -> str:
    env = {"_DRYBOX_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": str(at)}
    env["DRYBOX_ENVIRONMENTS_DATA_LANGUAGE"] = "python"
    env["DRYBOX_ENVIRONMENTS_DATA_PACKAGES"] = "numpy"
    return drybox(env=env).stdout.decode()


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_commands_options_languages_and_files_are_completed(shell: str) -> None:
    assert "run" in completed(shell, "drybox r", 1)
    assert "--timeout" in completed(shell, "drybox run --t", 2)
    assert "python" in completed(shell, "drybox run -l py", 3)
    assert "file" in completed(shell, "drybox run he", 2)
    assert "gvisor" in completed(shell, "drybox run --isolation gv", 3)
    assert "data" in completed(shell, "drybox run -e da", 3)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_takes_its_script(shell: str, tmp_path: Path) -> None:
    script = drybox(env={"_DRYBOX_COMPLETE": f"{shell}_source"})
    assert script.returncode == 0
    assert b"_DRYBOX_COMPLETE" in script.stdout
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here to read it")
    file = tmp_path / "completion"
    file.write_bytes(script.stdout)
    assert subprocess.run([shell, "-n", str(file)]).returncode == 0
