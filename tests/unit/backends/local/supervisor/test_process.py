"""The supervisor's process where it starts before anybody needs it."""

from __future__ import annotations

import subprocess
import sys

from tests.support import host

from drybox.backends.local.supervisor import process as supervisor


def test_one_that_was_started_ahead_is_taken_once() -> None:
    supervisor.start_ahead()
    first = supervisor.supervisor_process()
    second = supervisor.supervisor_process()
    try:
        assert first.process.pid != second.process.pid
        assert supervisor._ahead is None
    finally:
        first.dismiss()
        second.dismiss()


def test_one_that_nobody_took_is_ended() -> None:
    supervisor.start_ahead()
    started = supervisor._ahead
    assert started is not None
    supervisor.dismiss_ahead()
    assert started.process.returncode is not None
    supervisor.dismiss_ahead()  # there is none any more


def test_one_that_starts_through_another_program_is_new() -> None:
    supervisor.start_ahead()
    try:
        through = supervisor.supervisor_process(["/usr/bin/env"])
        assert supervisor._ahead is not None
        through.dismiss()
    finally:
        supervisor.dismiss_ahead()


def test_it_ends_with_who_started_it() -> None:
    code = (
        "import os\n"
        "from drybox.backends.local.supervisor import process\n"
        "process.start_ahead()\n"
        "print(process._ahead.process.pid, flush=True)\n"
        "os._exit(0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, timeout=60
    )
    pid = int(done.stdout)
    assert host.eventually(lambda: not host.status(pid), 20.0)
