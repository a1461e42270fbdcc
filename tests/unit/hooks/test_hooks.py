"""Hooks around one execution on a scripted sandbox: who is called when, and what it changes."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import inspect
import logging
import threading
from collections.abc import Awaitable, Callable
from dataclasses import FrozenInstanceError, fields
from datetime import datetime, timedelta, timezone
from typing import Any

import anyio
import pytest
from tests.support.clock import INSTANT
from tests.support.hook import Note
from tests.support.play import LIMITS, play

from drybox import (
    ErrorInfo,
    HookContext,
    HookEvent,
    InvalidRequest,
    Rejected,
    SandboxLost,
    Unavailable,
)
from drybox.hooks.hooks import EVENT_NAMES, LONG_SOURCE, FileDigest, Hooks
from drybox.testing.fake_backend import FakeSandbox, Script

pytestmark = pytest.mark.anyio
HELLO = Script([("stdout", b"hello")])
ASKING, TELLING = EVENT_NAMES[:2], EVENT_NAMES[2:]
PROBLEMS = (ValueError("boom"), SystemExit(3), StopIteration(), SandboxLost("x", hint="y"))


@pytest.fixture(params=["instant", "threads"])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    """Where hooks run: on a loop whose time is free, or with worker threads besides."""
    return INSTANT if request.param == "instant" else "asyncio"


@pytest.fixture
def kind(anyio_backend: Any) -> Callable[[Callable[[Any], None]], Callable[[Any], Any]]:
    """Makes a hook of the kind that the loop is for: async on the one, plain on the other."""

    def make(function: Callable[[Any], None]) -> Callable[[Any], Any]:
        async def hook(given: Any) -> None:
            function(given)

        return hook if anyio_backend == INSTANT else function

    return make


async def refused(sandbox: FakeSandbox, *hooks: object, timeout: float = 5.0) -> Exception:
    """What the caller gets; nothing has run, and the sandbox is gone."""
    with pytest.raises((Rejected, Unavailable)) as caught:
        await play(sandbox, hooks=Hooks(hooks, timeout))
    assert sandbox.calls == ["close"]
    return caught.value


# --- who is called, when, and with what -----------------------------------------------------


async def test_hooks_are_asked_in_order_and_told_in_reverse() -> None:
    heard: list[Any] = []
    sandbox = FakeSandbox([HELLO])
    result, _ = await play(sandbox, hooks=Hooks([Note("a", heard), Note("b", heard)]))
    assert result.stdout == "hello"
    assert heard == [
        *(("a", "sandbox_created"), ("b", "sandbox_created")),
        *(("a", "before_run"), ("b", "before_run")),
        *(("b", "after_run"), ("a", "after_run")),
        *(("b", "sandbox_destroyed"), ("a", "sandbox_destroyed")),
    ]


async def test_each_event_comes_at_its_time() -> None:
    sandbox, seen = FakeSandbox([HELLO]), {}

    async def hook(event: HookEvent) -> None:
        seen[event.name] = list(sandbox.calls)

    await play(sandbox, hooks=Hooks([hook]))
    assert seen == {
        "sandbox_created": [],
        "before_run": [],
        "after_run": ["put", "exec"],
        "sandbox_destroyed": ["put", "exec", "close"],
    }


async def test_a_plain_callable_hears_of_every_event(kind: Any) -> None:
    events: list[HookEvent] = []
    await play(FakeSandbox([HELLO]), hooks=Hooks([kind(events.append)]))
    assert tuple(event.name for event in events) == EVENT_NAMES
    assert {event.context.id for event in events} == {"e1"}


async def test_an_object_hears_of_what_it_has_methods_for(kind: Any) -> None:
    class Some:
        pass

    heard: list[HookContext] = []
    some = Some()
    some.after_run = kind(heard.append)  # type: ignore[attr-defined]
    result, _ = await play(FakeSandbox([HELLO]), hooks=Hooks([some]))
    assert [context.result for context in heard] == [result]


async def test_a_hook_may_read_everything_but_contents() -> None:
    note = Note("a", [])
    before = datetime.now(timezone.utc)
    result, _ = await play(
        FakeSandbox([HELLO], weakened=("pids",)),
        hooks=Hooks([note]),
        code="print()",
        files={"b": b"2", "a/x": b""},
        args=["secret-arg", "y"],
        env={"KEY": "secret-value"},
        artifacts=["*.svg"],
    )
    created, asked, told, destroyed = note.contexts
    sums = {
        path: hashlib.sha256(data).hexdigest() for path, data in {"a/x": b"", "b": b"2"}.items()
    }
    main = hashlib.sha256(b"print()").hexdigest()
    listing = f"{sums['a/x']}  a/x\n{sums['b']}  b\n{main}  main.py\n"
    assert asked.files == (
        FileDigest("a/x", 0, sums["a/x"]),
        FileDigest("b", 1, sums["b"]),
        FileDigest("main.py", 7, main),
    )
    assert asked.source_sha256 == hashlib.sha256(listing.encode()).hexdigest()
    assert (asked.language, asked.version, asked.isolation) == ("python", "9.8.7", "fake")
    assert (asked.weakened, asked.limits, asked.timeout) == (("pids",), LIMITS, 5.0)
    assert (asked.entry, asked.arg_count, asked.env_names) == ("main.py", 2, ("KEY",))
    assert (asked.stdin_size, asked.packages, asked.artifacts) == (0, (), ("*.svg",))
    assert timedelta() <= asked.started_at - before < timedelta(minutes=5)
    assert created.wall_time <= asked.wall_time <= told.wall_time <= destroyed.wall_time
    assert [context.result for context in note.contexts] == [None, None, result, result]
    assert {context.error for context in note.contexts} == {None}
    assert "secret" not in repr([created, asked])
    for item in fields(asked):
        with pytest.raises(FrozenInstanceError):
            setattr(asked, item.name, None)


async def test_the_hash_of_the_source_is_that_of_its_files_in_any_order() -> None:
    hashes = []
    for files in ({"a": b"1", "b": b"2"}, {"b": b"2", "a": b"1"}, {"a": b"12", "b": b""}):
        note = Note("a", [])
        await play(FakeSandbox([HELLO]), hooks=Hooks([note]), files=files)
        hashes.append(note.contexts[0].source_sha256)
    assert hashes[0] == hashes[1] != hashes[2]


async def test_input_that_is_streamed_has_no_size() -> None:
    async def source() -> bytes:
        return b""

    note = Note("a", [])
    await play(FakeSandbox([HELLO]), hooks=Hooks([note]), stdin=source)
    assert note.contexts[0].stdin_size is None


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_plain_hooks_and_long_sources_leave_the_event_loop_alone() -> None:
    threads: list[int] = []
    code = "#" * (LONG_SOURCE + 1)

    def hook(event: HookEvent) -> None:
        assert event.context.files[0].size == len(code)
        threads.append(threading.get_ident())

    await play(FakeSandbox([HELLO]), hooks=Hooks([hook]), code=code)
    assert len(threads) == 4
    assert threading.get_ident() not in threads


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_async_hooks_of_every_shape_are_awaited_on_the_loop() -> None:
    threads: list[int] = []

    async def note(*_: object) -> None:
        threads.append(threading.get_ident())

    class Callable_:
        async def __call__(self, event: HookEvent) -> None:
            await note()

    def later(event: HookEvent) -> Awaitable[None]:
        return note()

    hooks = Hooks([note, functools.partial(note, 1), Callable_(), later])
    await play(FakeSandbox([HELLO]), hooks=hooks)
    assert threads == [threading.get_ident()] * 16


# --- saying no ------------------------------------------------------------------------------


@pytest.mark.parametrize("event", ASKING)
async def test_a_rejection_reaches_the_caller_as_it_is(kind: Any, event: str) -> None:
    no, heard = Rejected("not on Sundays", hint="Come on Monday."), list[Any]()

    def hook(given: HookEvent) -> None:
        if given.name == event:
            raise no

    first, last = Note("first", heard), Note("last", heard)
    error = await refused(FakeSandbox([HELLO]), first, kind(hook), last)
    assert error is no
    assert ("first", event) in heard
    assert ("last", event) not in heard
    assert heard[-2:] == [("last", "sandbox_destroyed"), ("first", "sandbox_destroyed")]
    assert not any(name == "after_run" for _, name in heard)
    assert first.contexts[-1].error == ErrorInfo("Rejected", "not on Sundays", "Come on Monday.")


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("event", ASKING)
async def test_a_hook_that_fails_lets_nothing_run(
    kind: Any, event: str, problem: BaseException
) -> None:
    def policy(given: HookEvent) -> None:
        if given.name == event:
            raise problem

    error = await refused(FakeSandbox([HELLO]), kind(policy))
    assert isinstance(error, Unavailable)
    assert f"({event})" in error.message
    assert type(problem).__name__ in error.message or "RuntimeError" in error.message
    assert error.hint


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("problem", [KeyboardInterrupt, GeneratorExit, asyncio.CancelledError])
async def test_nothing_that_comes_out_of_a_thread_ends_the_event_loop(
    problem: type[BaseException],
) -> None:
    def policy(given: HookEvent) -> None:
        raise problem

    error = await refused(FakeSandbox([HELLO]), policy)
    assert problem.__name__ in str(error)


async def test_a_hook_that_fails_is_named() -> None:
    error = await refused(FakeSandbox(), Note("a", [], before_run=ValueError("no such user")))
    assert str(error).startswith(
        "the hook Note.before_run raised ValueError: no such user; nothing ran."
    )
    assert isinstance(error.__cause__, ValueError)


@pytest.mark.parametrize("event", ASKING)
async def test_a_hook_that_hangs_lets_nothing_run(kind: Any, event: str) -> None:
    released = threading.Event()

    async def hang(given: HookEvent) -> None:
        if given.name == event:
            await anyio.sleep_forever()

    def block(given: HookEvent) -> None:
        if given.name == event:
            released.wait()

    hook = hang if inspect.iscoroutinefunction(kind(print)) else block
    try:
        error = await refused(FakeSandbox([HELLO]), hook, timeout=0.05)
    finally:
        released.set()
    assert "took longer than 0.05 s" in str(error)


# --- after the run --------------------------------------------------------------------------


@pytest.mark.parametrize("problem", [*PROBLEMS, Rejected("late", hint="")], ids=repr)
@pytest.mark.parametrize("event", TELLING)
async def test_what_fails_after_the_run_is_logged_and_the_result_stays(
    kind: Any, event: str, problem: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[Any] = []

    def careless(given: HookEvent) -> None:
        if given.name == event:
            raise problem

    result, _ = await play(
        FakeSandbox([HELLO]), hooks=Hooks([Note("first", heard), kind(careless)])
    )
    assert result.stdout == "hello"
    assert ("first", event) in heard
    (record,) = caplog.records
    assert (record.name, record.levelname, record.exc_info) == ("drybox.hooks", "ERROR", None)
    assert f"({event})" in record.getMessage()
    assert "e1" in record.getMessage()


async def test_the_traceback_of_a_hook_is_there_for_who_asks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "drybox.hooks")
    await play(FakeSandbox([HELLO]), hooks=Hooks([Note("a", [], after_run=ValueError("boom"))]))
    (record,) = caplog.records
    assert record.exc_info
    assert record.exc_info[0] is ValueError


@pytest.mark.parametrize("event", TELLING)
async def test_a_hook_that_hangs_after_the_run_is_left_behind(
    event: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def hang(given: HookEvent) -> None:
        if given.name == event:
            await anyio.sleep_forever()

    result, _ = await play(FakeSandbox([HELLO]), hooks=Hooks([hang], 0.05))
    assert result.stdout == "hello"
    assert "took longer than 0.05 s" in caplog.text


# --- what is no hook ------------------------------------------------------------------------


class Broken:
    before_run = 3


@pytest.mark.parametrize(
    ("hooks", "field", "word"),
    [
        ([print, "x"], "hooks[1]", "str is not a hook"),
        ([None], "hooks[0]", "NoneType is not a hook"),
        ([Note], "hooks[0]", "Note is a class"),
        ([Broken()], "hooks[0].before_run", "not a method"),
        (print, "hooks", "print is not a list"),
    ],
)
def test_what_is_no_hook_is_refused_at_once(hooks: Any, field: str, word: str) -> None:
    with pytest.raises(InvalidRequest, match=word) as caught:
        Hooks(hooks)
    assert caught.value.field == field
    assert caught.value.hint
