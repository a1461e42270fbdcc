"""How far a preparation is, as the command line shows it."""

from __future__ import annotations

import os
import pty
from contextlib import suppress

import pytest

from drybox.backends import preparations
from drybox.backends.preparations import Preparations
from drybox.cli.progress import bar, progress

LABEL = "Setting Go up (once for 1.26)"


def prepare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparations, "SHOW_DELAY", 0.0)
    with Preparations(progress()).begin("go", LABEL) as under_way:
        for done in range(5):
            under_way.advance(done, 4)


def prepare_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a terminal gets that is this process's stderr, each writing of the line by itself."""
    ours, theirs = pty.openpty()
    with open(theirs, "w") as stderr, monkeypatch.context() as meanwhile:
        meanwhile.setattr("sys.stderr", stderr)
        prepare(meanwhile)
    written = b""
    with suppress(OSError):  # the kernel's word for the end of a terminal
        while piece := os.read(ours, 4096):
            written += piece
    os.close(ours)
    return written.decode().split("\r\x1b[K")


def test_on_a_terminal_one_line_is_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first, *shown, rest = prepare_on_a_terminal(monkeypatch)
    assert first == f"drybox: {LABEL} ...\r\n"
    assert shown == [bar(f"drybox: {LABEL}", done, 4) for done in range(5)]
    assert shown[2].endswith(" [##########          ] 2/4")
    assert rest == ""  # and what is written next begins on an empty line


def test_a_line_that_is_written_again_fits_into_its_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.get_terminal_size", lambda fd: os.terminal_size((20, 5)))
    _, *shown, _ = prepare_on_a_terminal(monkeypatch)
    assert {len(line) for line in shown} == {19}


def test_elsewhere_there_are_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparations, "TELL_DELAY", 0.0)
    prepare(monkeypatch)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f"drybox: {LABEL} ..."
    assert lines[1:] == [f"drybox: {LABEL}: {done} of 4 ..." for done in range(5)]
