"""The sync facade: the same results from any thread, and nothing left when it is closed."""

from __future__ import annotations

import gc
import inspect
import signal
import sys
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from types import FrameType
from typing import Any

import anyio
import anyio.lowlevel
import pytest

import drybox
from drybox import AsyncCodeExecutor, CodeExecutor, ExecutionRequest, InvalidRequest, Unavailable
from drybox.errors import SandboxLost
from drybox.executor.loop_thread import _Call
from drybox.job import Command, Exit, Sink, Source
from drybox.testing.fake_backend import FakeSandbox, Install, Script

HELLO = Script([("stdout", b"hello")])
REQUEST = ExecutionRequest("python", "1")


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "drybox"]


def test_it_takes_what_its_async_twin_takes() -> None:
    def shape(kind: type) -> list[Any]:
        parameters = inspect.signature(kind).parameters.values()
        return [
            (each.name, each.kind, each.annotation, callable(each.default) or each.default)
            for each in parameters
        ]

    assert shape(CodeExecutor) == shape(AsyncCodeExecutor)
    for name in ("execute", "execute_many", "stream", "check", "languages"):
        twins = [getattr(kind, name) for kind in (AsyncCodeExecutor, CodeExecutor)]
        assert len({tuple(inspect.signature(twin).parameters) for twin in twins}) == 1


def test_results_come_back_and_the_thread_goes(install: Install) -> None:
    before = len(threads())
    backend = install(FakeSandbox([HELLO]), FakeSandbox([HELLO]), FakeSandbox([HELLO]))
    with CodeExecutor(isolation="fake") as executor:
        assert executor.execute(REQUEST).stdout == "hello"
        assert [result.stdout for result in executor.execute_many([REQUEST] * 2)] == ["hello"] * 2
        assert len(threads()) == before + 1
    assert (backend.left, len(threads())) == (1, before)


def test_it_opens_itself_with_the_first_request_and_closes_once(install: Install) -> None:
    backend = install(FakeSandbox([HELLO]))
    executor = CodeExecutor(isolation="fake")
    assert executor.execute(REQUEST).status == "success"
    executor.close()
    executor.close()
    assert backend.left == 1
    with pytest.raises(InvalidRequest, match="closed"):
        executor.execute(REQUEST)


def test_threads_share_it(install: Install) -> None:
    install(*(FakeSandbox([HELLO]) for _ in range(8)))
    with CodeExecutor(isolation="fake") as executor, ThreadPoolExecutor(8) as pool:
        results = list(pool.map(executor.execute, [REQUEST] * 8))
    assert {result.stdout for result in results} == {"hello"}
    assert len({result.id for result in results}) == 8


def test_errors_cross_the_thread_as_they_are(install: Install) -> None:
    install(Unavailable("no room.", hint="Later."), ZeroDivisionError("boom"))
    with CodeExecutor(isolation="fake") as executor:
        with pytest.raises(Unavailable, match="no room"):
            executor.execute(REQUEST)
        with pytest.raises(ZeroDivisionError, match="boom"):
            executor.execute(REQUEST)
        with pytest.raises(InvalidRequest):
            executor.stream(ExecutionRequest("python"))


def test_a_stream_is_an_iterator_of_the_same_events(install: Install) -> None:
    install(FakeSandbox([HELLO]))
    with CodeExecutor(isolation="fake") as executor:
        events = list(executor.stream(REQUEST))
    assert [event.type for event in events] == ["start", "phase", "stdout", "phase", "result"]


def test_leaving_a_stream_destroys_its_sandbox(install: Install) -> None:
    sandbox = FakeSandbox([Script([("stdout", b"x")], deaf=True)])
    install(sandbox)
    with CodeExecutor(isolation="fake") as executor:
        stream: Any = executor.stream(REQUEST)
        assert next(stream).type == "start"
        stream.close()
        assert sandbox.closed


def test_a_stream_left_behind_is_no_trouble_once_the_executor_is_closed(install: Install) -> None:
    sandbox = FakeSandbox([Script(deaf=True)])
    install(sandbox)
    with CodeExecutor(isolation="fake") as executor:
        stream: Any = executor.stream(REQUEST)
        next(stream)
    assert sandbox.closed
    inner = stream.gi_frame.f_locals["events"]
    try:
        stream.close()  # as the garbage collector does; an error there is one nobody can catch
    finally:
        inner._receive.close()  # nothing of a failed test warns in another one


def _waits_for_a_result(frame: FrameType | None) -> bool:
    while frame is not None:
        caller = frame.f_back
        if frame.f_code.co_name == "result" and caller and caller.f_code.co_name == "call":
            return True
        frame = caller
    return False


class _Interrupting(FakeSandbox):
    """Interrupts the test as Ctrl-C does, once its program runs and the test waits for it."""

    async def exec(self, command: Command, sink: Sink, stdin: Source | None = None) -> Exit:
        main = threading.main_thread().ident
        assert main is not None
        while not _waits_for_a_result(sys._current_frames()[main]):
            await anyio.lowlevel.checkpoint()
        signal.pthread_kill(main, signal.SIGINT)
        return await super().exec(command, sink, stdin)


def test_an_interrupt_destroys_the_sandbox_at_once(install: Install) -> None:
    sandbox = _Interrupting([Script(deaf=True)])
    install(sandbox)
    with CodeExecutor(isolation="fake") as executor:
        with pytest.raises(KeyboardInterrupt):
            executor.execute(REQUEST)
        for _ in range(100):  # each one is a pass of the executor's event loop
            executor.languages()
            if sandbox.closed:
                break
        assert sandbox.closed


def test_a_loop_that_breaks_down_keeps_nobody_waiting(install: Install) -> None:
    class Breaking(FakeSandbox):
        async def exec(self, command: Command, sink: Sink, stdin: Source | None = None) -> Exit:
            raise SystemExit

    before = set(threads())
    install(Breaking())
    with CodeExecutor(isolation="fake") as executor:
        (thread,) = set(threads()) - before
        with pytest.raises(SystemExit):
            executor.execute(REQUEST)
        thread.join(20)
        assert not thread.is_alive()
        with pytest.raises(SandboxLost, match="closed"):
            executor.execute(REQUEST)
    del executor
    gc.collect()  # asyncio logs the lost task when it is collected: now, not within another test


def test_the_one_liner_says_which_argument_there_is_not() -> None:
    with pytest.raises(InvalidRequest, match="time_out") as caught:
        drybox.execute("python", "1", time_out=3)  # type: ignore[call-arg]
    assert "ExecutionRequest" in caught.value.hint


def test_the_one_liner_checks_before_anything_runs() -> None:
    with pytest.raises(InvalidRequest, match="cobol"):
        drybox.execute("cobol", "1")


def test_a_call_has_ended_though_its_caller_is_just_being_woken() -> None:
    """Else the loop, which looks once more, would wake it twice."""
    seen: list[bool] = []

    class Watched:
        def __init__(self) -> None:
            self._lock = threading.Lock()
            self.release = self._lock.release
            self.locked = self._lock.locked

        def acquire(self) -> None:
            self._lock.acquire()
            seen.append(call.has_ended)

    async def nothing() -> None:
        return

    call = _Call(nothing, ())
    call._ended = Watched()  # type: ignore[assignment]
    call._ended.acquire()
    call.end()
    with pytest.raises(CancelledError):  # it was never begun
        call.result()
    assert seen == [False, True]
