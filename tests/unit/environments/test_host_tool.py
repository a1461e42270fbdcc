"""Tools on this host: how they end, and what ends with them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from tests.support.host import eventually

from drybox.environments import host_tool
from drybox.environments.host_tool import run_tool

pytestmark = pytest.mark.promise("ENV-2")

DAEMON = "(setsid sleep 1000 >/dev/null 2>&1 & echo $!); echo begun; exec sleep 1001"
"""Starts one that is nobody's child, as a version control system that a tool calls does."""


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"Z"
    except OSError:
        return True


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        ("echo out; echo err >&2", 0, "out\nerr\n"),
        ("exit 7", 7, ""),
        ("kill -9 $$", -9, ""),
        ("kill -6 $$", -6, ""),
        ("echo $A.$B", 0, "a.\n"),
    ],
)
def test_a_tool_ends_as_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, code: int, said: str
) -> None:
    monkeypatch.setenv("B", "b")
    end = run_tool(["sh", "-c", script], cwd=tmp_path, env={"A": "a", "B": ""})
    assert (end.code, end.output) == (code, said)


def test_one_that_is_not_there_says_so(tmp_path: Path) -> None:
    end = run_tool(["/no/such/tool"], cwd=tmp_path)
    assert end.code == 127
    assert "No such file" in end.output


def test_memory_is_bounded(tmp_path: Path) -> None:
    code = "bytes(1 << 30)"
    end = run_tool([sys.executable, "-c", code], cwd=tmp_path, memory=300 << 20)
    assert "MemoryError" in end.output


def test_one_that_takes_too_long_ends_with_all_that_it_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_tool, "TIMEOUT", 1.0)
    lines = list[str]()
    with pytest.raises(TimeoutError, match="sh took longer than 1 s"):
        run_tool(["sh", "-c", DAEMON], cwd=tmp_path, on_line=lines.append)
    assert is_gone(int(lines[0]))


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "of a terminal"])
def test_nothing_is_left_of_a_tool_when_drybox_is_killed(tmp_path: Path, name: str) -> None:
    code = (
        "import sys; from pathlib import Path; from drybox.environments.host_tool import run_tool\n"
        f"run_tool(['sh', '-c', {DAEMON!r}], cwd=Path({str(tmp_path)!r}),"
        " on_line=lambda line: print(line, flush=True))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as made:
        assert made.stdout is not None
        left = int(made.stdout.readline())
        assert made.stdout.readline() == "begun\n"
        children = Path(f"/proc/{made.pid}/task/{made.pid}/children").read_text().split()
        if name.startswith("SIG"):
            made.send_signal(getattr(signal, name))
        else:
            os.killpg(made.pid, signal.SIGINT)
    for pid in (left, *map(int, children)):
        assert eventually(partial(is_gone, pid))
