"""The command line: parses, renders, nothing else."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys

from drybox.cli.interrupt import leave_interrupts, take_interrupts

INTERRUPTED = 130


def main() -> None:
    """Entry point of the ``drybox`` program; ends the process with its exit code."""
    try:
        take_interrupts()
        _fill_standard_descriptors()
        code = _run()
        leave_interrupts()
    except KeyboardInterrupt:
        code = INTERRUPTED
        _flush()
    if sys.argv[1:2] == ["run"]:
        _end_at_once(code)
    sys.exit(code)


def _run() -> int:
    if sys.argv[1:2] != ["run"]:
        return _run_command()
    from drybox.backends.ahead import started_ahead

    gc.disable()  # until most that there ever is has been made
    with started_ahead():
        return _run_command()


def _run_command() -> int:
    from drybox.cli.commands import run_command  # it imports most of drybox, which takes time

    code = run_command()
    _flush()
    return code


def _end_at_once(code: int) -> None:
    """End without taking apart every module that was loaded, which nobody waits for gladly.

    Not where an operator's hook, say, has a thread that is to end by itself.
    """
    threads = sys.modules.get("threading")
    if threads is not None and any(
        not thread.daemon for thread in threads.enumerate() if thread is not threads.main_thread()
    ):
        return
    atexit._run_exitfuncs()
    _flush()
    if sys.stdout is None or sys.stderr is None:
        return
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(code)


def _flush() -> None:
    try:
        sys.stdout.flush()
    except (OSError, ValueError, AttributeError):
        sys.stdout = None  # its words cannot be written; Python would complain once more


def _fill_standard_descriptors() -> None:
    """Where one is closed drybox's own next file would get its number, and a stranger's output."""
    while (fd := os.open(os.devnull, os.O_RDWR)) < 3:
        continue
    os.close(fd)
