"""An interrupt ends a run in order, whatever the event loop does when it comes."""

from __future__ import annotations

import inspect
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import TypeAlias

import anyio
import pytest

from drybox.cli.interrupt import Interruption, run_until_interrupted, take_interrupts

pytestmark = pytest.mark.promise("LEFT-2")

FOREVER = 3600.0

Trace: TypeAlias = "Callable[[FrameType, str, object], Trace | None]"


@pytest.fixture(autouse=True)
def _taken(_interrupts: None) -> None:
    take_interrupts()


def interrupt() -> None:
    """It is there when this returns, between two instructions of whoever calls."""
    signal.raise_signal(signal.SIGINT)


class Ends:
    """Which of the tasks came to their ends in order."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    async def wait(self, name: str) -> None:
        try:
            await anyio.sleep(FOREVER)
        except anyio.get_cancelled_exc_class():
            await self._clear_up(name)
            raise

    async def _clear_up(self, name: str) -> None:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(0)
        self.ended.append(name)


async def in_the_main_task(ends: Ends) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ends.wait, "other")
        await anyio.sleep(0)
        interrupt()
        await ends.wait("main")


async def in_another_task(ends: Ends) -> None:
    async def other() -> None:
        interrupt()
        await ends.wait("other")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(other)
        await ends.wait("main")


async def in_a_callback(ends: Ends) -> None:
    import asyncio

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ends.wait, "other")
        asyncio.get_running_loop().call_soon(interrupt)
        await ends.wait("main")


@pytest.mark.parametrize("main", [in_the_main_task, in_another_task, in_a_callback])
def test_an_interrupt_cancels_all_tasks(main: Callable[[Ends], Awaitable[None]]) -> None:
    ends = Ends()
    with pytest.raises(KeyboardInterrupt):
        run_until_interrupted(lambda: main(ends))
    assert sorted(ends.ended) == ["main", "other"]


def test_an_interrupt_counts_though_the_work_is_done() -> None:
    async def main() -> int:
        interrupt()
        return 1

    with pytest.raises(KeyboardInterrupt):
        run_until_interrupted(main)


def test_an_interrupt_counts_though_clearing_up_fails() -> None:
    async def main() -> None:
        try:
            interrupt()
            await anyio.sleep(FOREVER)
        finally:
            raise OSError("no more room")

    with pytest.raises(KeyboardInterrupt):
        run_until_interrupted(main)


@pytest.mark.parametrize("place", ["before is _interrupt:", "interruptible.interrupted:"])
def test_an_interrupt_counts_though_the_loop_has_ended(place: str) -> None:
    """It comes as one of the last lines of what runs the loop is about to be run."""
    lines, first = inspect.getsourcelines(run_until_interrupted)
    last = max(number for number, line in enumerate(lines) if place in line)

    def trace(frame: FrameType, event: str, _: object) -> Trace | None:
        if frame.f_code is not run_until_interrupted.__code__:
            return None
        if event == "line" and frame.f_lineno == first + last:
            sys.settrace(None)
            interrupt()
        return trace

    async def main() -> int:
        return 1

    sys.settrace(trace)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_until_interrupted(main)
    finally:
        sys.settrace(None)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL  # as after every first one


def test_work_that_can_end_by_itself_does_so_and_has_a_result() -> None:
    interruption = Interruption()

    async def main() -> int:
        ended = anyio.Event()

        async def end() -> None:
            ended.set()

        interruption.end = end
        interrupt()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL  # the second waits for nothing
        await ended.wait()
        return 1

    assert run_until_interrupted(main, interruption) == 1
    assert interruption.came


def test_before_there_is_anything_to_end_all_of_it_is_cancelled() -> None:
    async def main() -> None:
        interrupt()
        await anyio.sleep(FOREVER)

    with pytest.raises(KeyboardInterrupt):
        run_until_interrupted(main, Interruption())


def test_without_an_interrupt_nothing_changes() -> None:
    async def main() -> int:
        return 1

    before = signal.getsignal(signal.SIGINT)
    assert run_until_interrupted(main) == 1
    assert signal.getsignal(signal.SIGINT) is before


def test_whoever_ignores_interrupts_goes_on_ignoring_them() -> None:
    async def main() -> int:
        interrupt()
        await anyio.sleep(0)
        return 1

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    take_interrupts()
    assert run_until_interrupted(main) == 1


TWICE = """\
import signal, anyio
from drybox.cli.interrupt import run_until_interrupted, take_interrupts

async def main():
    try:
        signal.raise_signal(signal.SIGINT)
        await anyio.sleep_forever()
    finally:
        with anyio.CancelScope(shield=True):
            signal.raise_signal(signal.SIGINT)
            await anyio.sleep_forever()

take_interrupts()
run_until_interrupted(main)
"""


def test_the_second_interrupt_does_not_wait() -> None:
    done = subprocess.run([sys.executable, "-c", TWICE], capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, b"")


INTERRUPTED_COMMAND = """\
import drybox.cli, drybox.cli.commands

def command():
    print("words that are not written yet", end="")
    raise KeyboardInterrupt

drybox.cli.commands.run_command = command
drybox.cli.main()
"""


def test_words_that_nobody_reads_are_no_trouble_after_an_interrupt() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as pipe:
        words, env = [sys.executable, "-c", INTERRUPTED_COMMAND], {"PYTHONUNBUFFERED": ""}
        done = subprocess.run(
            words, stdout=pipe, stderr=subprocess.PIPE, timeout=60, env={**os.environ, **env}
        )
    assert (done.returncode, done.stderr) == (130, b"")


INTERRUPTED_FLUSH = """\
import signal, sys
import drybox.cli, drybox.cli.commands

class Slow:
    def flush(self):
        sys.stdout = sys.__stdout__
        signal.raise_signal(signal.SIGINT)

drybox.cli.commands.run_command = lambda: 0
sys.stdout = Slow()
drybox.cli.main()
"""


def test_an_interrupt_while_the_last_words_are_written_is_one_like_others() -> None:
    words = [sys.executable, "-c", INTERRUPTED_FLUSH]
    done = subprocess.run(words, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (130, b"")
