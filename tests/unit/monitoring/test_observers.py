"""What observers are told, and that they have no say."""

from __future__ import annotations

import logging
from typing import Any

import anyio
import pytest
from tests.support.clock import INSTANT
from tests.support.observer import Note, NotingObserver

from drybox import AsyncCodeExecutor, CodeExecutor, ExecutionRequest, Rejected, Unavailable
from drybox.job import Exit, Job
from drybox.monitoring.observers import NULL_OBSERVATION, Observers
from drybox.testing.fake_backend import FakeSandbox, Install, Script

pytestmark = [pytest.mark.anyio, pytest.mark.promise("MON-4")]
HELLO = Script([("stdout", b"hello")])
REQUEST = ExecutionRequest("python", "1")


@pytest.fixture
def anyio_backend() -> Any:
    return INSTANT


def executor_of(*observers: Any, **settings: Any) -> AsyncCodeExecutor:
    return AsyncCodeExecutor(isolation="fake", observers=observers, **settings)


async def test_every_stage_is_told_in_its_order(install: Install) -> None:
    install(FakeSandbox([HELLO]), FakeSandbox([Script(), HELLO]))
    observer = NotingObserver()
    async with executor_of(observer) as executor:
        results = [
            await executor.execute(REQUEST),
            await executor.execute(ExecutionRequest("java", "class A {}")),
        ]
    interpreted, compiled = observer.notes
    assert interpreted.told == ["claim", "<fake>", "place", "run", "collect", "end"]
    assert compiled.told == ["claim", "<fake>", "place", "compile", "run", "collect", "end"]
    assert [note.id for note in observer.notes] == [result.id for result in results]
    assert [note.result for note in observer.notes] == results
    assert [note.job.language for note in observer.notes] == ["python", "java"]


async def test_a_compiler_that_refuses_is_followed_by_no_run(install: Install) -> None:
    install(FakeSandbox([Script(end=Exit(1, None, 0.1))]))
    observer = NotingObserver()
    async with executor_of(observer) as executor:
        await executor.execute(ExecutionRequest("java", "class A {"))
    assert observer.notes[0].told == ["claim", "<fake>", "place", "compile", "collect", "end"]


async def test_only_who_waits_is_in_the_queue(install: Install) -> None:
    install(FakeSandbox([Script(seconds=1.0)]), FakeSandbox([HELLO]))
    observer = NotingObserver()
    # Not by execute_many, which has no more in hand than run.
    async with executor_of(observer, concurrency=1) as executor, anyio.create_task_group() as tasks:
        for _ in range(2):
            tasks.start_soon(executor.execute, REQUEST)
    assert [note.told[0] for note in observer.notes] == ["claim", "queue"]
    assert observer.notes[1].told[1] == "claim"


async def test_the_end_is_told_however_it_comes(install: Install) -> None:
    install(
        Unavailable("none", hint="wait"), FakeSandbox([HELLO]), FakeSandbox([Script(deaf=True)])
    )

    class Refusal:
        refused = True

        async def before_run(self, context: object) -> None:
            if self.refused:
                raise Rejected("no", hint="never")

    hook, observer = Refusal(), NotingObserver()
    async with executor_of(observer, hooks=[hook]) as executor:
        for kind in (Unavailable, Rejected):
            with pytest.raises(kind):
                await executor.execute(REQUEST)
        hook.refused = False
        with anyio.move_on_after(0.5):
            await executor.execute(REQUEST)
    errors = [type(note.error) for note in observer.notes]
    assert errors == [Unavailable, Rejected, anyio.get_cancelled_exc_class()]
    assert [note.told[-2:] for note in observer.notes] == [
        ["<fake>", "end"],
        ["place", "end"],
        ["run", "end"],
    ]


async def test_streams_are_followed_too(install: Install) -> None:
    install(FakeSandbox([HELLO]))
    observer = NotingObserver()
    async with executor_of(observer) as executor:
        async for _ in executor.stream(REQUEST):
            pass
    assert observer.notes[0].told[-1] == "end"


async def test_what_an_observer_raises_changes_nothing(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    install(FakeSandbox([HELLO]), FakeSandbox([HELLO]))

    class Refusing:
        def start(self, id: str, job: Job) -> Note:
            raise OSError("full")

    class Failing(NotingObserver):
        def start(self, id: str, job: Job) -> Note:
            class Broken(Note):
                def enter(self, stage: str) -> None:
                    raise KeyError("a secret")

            return Broken(id, job)

    good = NotingObserver()
    with caplog.at_level(logging.ERROR, "drybox.observers"):
        async with executor_of(Refusing(), Failing(), good) as executor:
            assert (await executor.execute(REQUEST)).status == "success"
    assert good.notes[0].told[-1] == "end"
    assert any("Refusing.start raised OSError" in line for line in caplog.messages)
    assert any("Broken.enter raised KeyError" in line for line in caplog.messages)
    assert "a secret" not in caplog.text


def test_nobody_who_follows_costs_no_object() -> None:
    job: Any = None
    assert Observers().start("1", job) is NULL_OBSERVATION
    assert Observers().start("2", job) is NULL_OBSERVATION


def test_code_that_is_not_async_is_followed_too(install: Install) -> None:
    install(FakeSandbox([HELLO]))
    observer = NotingObserver()
    with CodeExecutor(isolation="fake", observers=[observer]) as executor:
        executor.execute(REQUEST)
        assert [(count.isolation, count.cold) for count in executor.pools()] == [("fake", 1)]
    assert observer.notes[0].told[-1] == "end"
