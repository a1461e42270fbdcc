"""Hooks on real sandboxes: whatever one does, no program runs unasked and no sandbox stays."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import pytest
from tests.conformance.bench import Bench, marker
from tests.support.host import eventually
from tests.support.isolations import Isolation

from drybox import (
    AsyncCodeExecutor,
    CodeExecutor,
    ExecutionRequest,
    HookContext,
    HookEvent,
    Rejected,
    Unavailable,
)
from drybox.hooks.hooks import EVENT_NAMES

GONE_WITHIN = 2.0
SLEEP = "import sys, time; print('up', flush=True); time.sleep(3600)"
USES: dict[str, Callable[[CodeExecutor, ExecutionRequest], object]] = {
    "execute": lambda executor, request: executor.execute(request),
    "stream": lambda executor, request: list(executor.stream(request)),
}


def request_of(isolation: Isolation, code: str = "print(1)", *args: str) -> ExecutionRequest:
    return ExecutionRequest("python", code, args=args, isolation=isolation.name, timeout=600)


class Watch:
    """At one event it looks from outside whether a sandbox is there, and then acts."""

    def __init__(self, isolation: Isolation, event: str, act: Any = None) -> None:
        self.isolation, self.event, self.act = isolation, event, act
        self.there = False
        self.heard: list[str] = []
        self.last: HookContext | None = None

    def __call__(self, event: HookEvent) -> None:
        self.heard.append(event.name)
        self.last = event.context
        if event.name == self.event:
            self.there = bool(self.isolation.sandboxes(os.getpid()))
            if self.act is not None:
                self.act()


@pytest.fixture
def held() -> Iterator[threading.Event]:
    """What a hook that hangs waits for; set at the end, so that its thread ends."""
    event = threading.Event()
    yield event
    event.set()


def no_sandbox(isolation: Isolation) -> bool:
    return eventually(lambda: not isolation.sandboxes(os.getpid()), GONE_WITHIN)


def raise_(error: BaseException) -> None:
    raise error


@pytest.mark.promise("HOOK-3")
def test_hooks_hear_the_same_whatever_is_called_and_whatever_runs(bench: Bench) -> None:
    heard: list[tuple[str, str]] = []

    async def note(event: HookEvent) -> None:
        heard.append((event.context.id, event.name))

    request = bench.request(bench.programs.hello)
    with CodeExecutor(pool=None, hooks=[note]) as executor:
        first = executor.execute(request)
        (second,) = executor.execute_many([request])
        third = list(executor.stream(request))[-1].result
    assert third is not None
    assert heard == [(result.id, name) for result in (first, second, third) for name in EVENT_NAMES]
    assert {result.status for result in (first, second, third)} == {"success"}


def test_what_a_hook_may_read_is_what_the_result_says(bench: Bench) -> None:
    contexts: dict[str, HookContext] = {}

    def note(event: HookEvent) -> None:
        contexts[event.name] = event.context

    with CodeExecutor(pool=None, hooks=[note]) as executor:
        result = executor.execute(bench.request(bench.programs.hello))
    for context in contexts.values():
        assert (context.id, context.language) == (result.id, result.language)
        assert (context.version, context.isolation) == (result.version, result.isolation)
        assert context.weakened == result.weakened
    assert contexts["after_run"].result == result


@pytest.mark.promise("HOOK-1")
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("event", ["sandbox_created", "before_run"])
def test_a_rejection_leaves_no_program_and_no_sandbox(
    isolation: Isolation, event: str, use: str
) -> None:
    word, no = marker(), Rejected("not here", hint="Elsewhere.")
    watch = Watch(isolation, event, lambda: raise_(no))
    with CodeExecutor(pool=None, hooks=[watch]) as executor:
        with pytest.raises(Rejected, match="not here") as caught:
            USES[use](executor, request_of(isolation, SLEEP, word))
        assert caught.value is no
        assert watch.there
        assert watch.heard[-1] == "sandbox_destroyed"
        assert not isolation.runs(word)
        assert no_sandbox(isolation)


@pytest.mark.promise("HOOK-1")
@pytest.mark.parametrize("event", ["sandbox_created", "before_run"])
def test_a_hook_that_fails_leaves_no_program_and_no_sandbox(
    isolation: Isolation, event: str
) -> None:
    word = marker()
    watch = Watch(isolation, event, lambda: raise_(ZeroDivisionError("oops")))
    with CodeExecutor(pool=None, hooks=[watch]) as executor:
        with pytest.raises(Unavailable, match=r"Watch .* raised ZeroDivisionError: oops"):
            executor.execute(request_of(isolation, SLEEP, word))
        assert watch.there
        assert not isolation.runs(word)
        assert no_sandbox(isolation)


@pytest.mark.promise("HOOK-1")
@pytest.mark.parametrize("event", ["sandbox_created", "before_run"])
def test_a_hook_that_hangs_leaves_no_program_and_no_sandbox(
    isolation: Isolation, event: str, held: threading.Event
) -> None:
    word = marker()
    watch = Watch(isolation, event, held.wait)
    with CodeExecutor(pool=None, hooks=[watch], hook_timeout=0.5) as executor:
        with pytest.raises(Unavailable, match=r"took longer than 0\.5 s"):
            executor.execute(request_of(isolation, SLEEP, word))
        assert watch.there
        assert not isolation.runs(word)
        assert no_sandbox(isolation)


@pytest.mark.promise("HOOK-2")
@pytest.mark.parametrize("event", ["after_run", "sandbox_destroyed"])
@pytest.mark.parametrize("hangs", [False, True], ids=["raises", "hangs"])
def test_a_hook_that_fails_after_the_run_changes_nothing(
    isolation: Isolation,
    event: str,
    hangs: bool,
    held: threading.Event,
    caplog: pytest.LogCaptureFixture,
) -> None:
    watch = Watch(isolation, event, held.wait if hangs else lambda: raise_(ValueError("late")))
    with CodeExecutor(pool=None, hooks=[watch], hook_timeout=0.5) as executor:
        assert executor.execute(request_of(isolation)).stdout == "1\n"
        assert no_sandbox(isolation)
    (record,) = [item for item in caplog.records if item.name == "drybox.hooks"]
    assert event in record.getMessage()


@pytest.mark.promise("HOOK-3")
@pytest.mark.parametrize("event", ["sandbox_created", "before_run", "run", "after_run"])
def test_cancelling_leaves_no_sandbox_whatever_a_hook_is_doing(
    isolation: Isolation, event: str, held: threading.Event
) -> None:
    word, reached = marker(), threading.Event()

    def hang() -> None:
        reached.set()
        held.wait()

    watch = Watch(isolation, event, hang)
    code = SLEEP if event == "run" else "print(1)"

    async def main() -> None:
        with anyio.fail_after(60):
            async with AsyncCodeExecutor(pool=None, hooks=[watch], hook_timeout=50) as executor:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(executor.execute, request_of(isolation, code, word))
                    while not (isolation.runs(word) if event == "run" else reached.is_set()):
                        await anyio.sleep(0.01)
                    tasks.cancel_scope.cancel()
                assert watch.heard[-1] == "sandbox_destroyed"
                assert no_sandbox(isolation)
                assert not isolation.runs(word)

    anyio.run(main)
    assert watch.there or event == "run"
    assert watch.last is not None
    if event != "after_run":
        assert watch.last.error is not None
        assert watch.last.error.type == "Cancelled"


@pytest.mark.promise("HOOK-3")
def test_leaving_a_stream_is_told(isolation: Isolation) -> None:
    watch = Watch(isolation, "before_run")
    with CodeExecutor(pool=None, hooks=[watch]) as executor:
        for event in executor.stream(request_of(isolation, SLEEP)):
            if event.type == "stdout":
                break
        del event
        assert eventually(lambda: watch.heard[-1] == "sandbox_destroyed", GONE_WITHIN)
        assert no_sandbox(isolation)
    assert watch.last is not None
    assert watch.last.error is not None
    assert watch.last.error.type == "Cancelled"
