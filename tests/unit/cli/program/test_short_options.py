"""Short options are spelled out where that changes nothing else."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from drybox.cli.program.short_options import spelled_out
from drybox.cli.run import run


@pytest.mark.parametrize(
    ("args", "spelled"),
    [
        (["-l", "python", "-c", "x"], ["--language", "python", "--code", "x"]),
        (["--json", "-t", "1s", "f.py"], ["--json", "--timeout", "1s", "f.py"]),
        (["--env", "-l", "-c", "x"], ["--env", "-l", "--code", "x"]),
        (["-c", "-l", "-l", "go"], ["--code", "-l", "--language", "go"]),
        (["f.py", "-l", "python"], ["f.py", "-l", "python"]),
        (["--", "-l", "python"], ["--", "-l", "python"]),
        (["-lpython", "-c", "x"], ["-lpython", "-c", "x"]),
        (["-l=python", "-c", "x"], ["-l=python", "-c", "x"]),
        (["--language=go", "-c", "x"], ["--language=go", "-c", "x"]),
        (["-z", "-c", "x"], ["-z", "-c", "x"]),
        (["--json", "-l"], ["--json", "-l"]),
        ([], []),
    ],
)
def test_options_are_spelled_out(args: list[str], spelled: list[str]) -> None:
    assert spelled_out(run.params, args) == spelled


@pytest.mark.parametrize(
    "args",
    [
        ["-l", "python", "-e", "data", "-c", "1", "-t", "2s", "--", "-l"],
        ["-c", "print(1)", "-l", "python", "a", "-b"],
        ["-tpython"],
        ["-l"],
        ["-e", "A=B"],
        ["-t", "soon"],
    ],
)
def test_what_they_mean_is_the_same(args: list[str]) -> None:
    assert _parsed(spelled_out(run.params, args)) == _parsed(args)


def _parsed(args: list[str]) -> object:
    plain = click.Command("run", params=run.params)
    try:
        return plain.make_context("run", list(args)).params
    except click.UsageError as error:
        return error.format_message()


def test_nothing_looks_for_names_that_resemble_them() -> None:
    code = (
        "import sys; sys.argv = ['drybox', 'run', '-l', 'nothing', '-c', '1', '-t', '1s']\n"
        "from drybox.cli.commands import group\n"
        "from drybox.cli.run import run\n"
        "run.make_context('run', sys.argv[2:])\n"
        "print('difflib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
