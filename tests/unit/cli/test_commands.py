"""How the command line ends with errors that are not drybox's own."""

from __future__ import annotations

import errno
import os
import sys

import pytest

from drybox.cli import commands


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
            "the output cannot be written: No space",
        ),
        (ConnectionError("nobody is there"), "internal error: ConnectionError: nobody is there"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Refused"), "internal error: Connection"),
        (FileNotFoundError(errno.ENOENT, "No such file", "x"), "internal error: FileNotFound"),
    ],
)
def test_only_what_writing_ends_with_is_said_of_the_output(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: OSError,
    words: str,
) -> None:
    def main(*, standalone_mode: bool) -> None:
        raise error

    monkeypatch.setattr(commands.group, "main", main)
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    assert commands.run_command() == commands.DRYBOX_FAILED
    assert words in capsys.readouterr().err
