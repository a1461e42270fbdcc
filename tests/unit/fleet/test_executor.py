"""The fleet's executor over nodes in this process: who runs what, and what a lost node means."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import anyio
import pytest
from tests.support.fleet import SETTINGS, FakeCluster, fleet
from tests.support.observer import NotingObserver

from drybox import (
    AsyncRayExecutor,
    ExecutionRequest,
    InvalidRequest,
    RayExecutor,
    Rejected,
    SandboxLost,
    Unavailable,
    Unsupported,
)
from drybox.execution.run import new_id
from drybox.executor.settings import ExecutorSettings
from drybox.fleet import members
from drybox.fleet.messages import RunMessage, pack, pack_run, unpack, unpack_reply
from drybox.fleet.sessions.messages import SessionCall, pack_call, unpack_session_reply
from drybox.hooks.hooks import HookContext
from drybox.job import OWNER
from drybox.testing.fake_backend import FakeSandbox, Install, Script

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("way")]

HELLO = Script([("stdout", b"hello\n")])
HANGS = Script([("stdout", b"begun\n")], hangs=True)


def begun(cluster: FakeCluster, method: str = "execute") -> list[str]:
    return [name for name, item in cluster.replicas.items() if method in item.calls]


async def test_a_program_runs_on_a_node(install: Install) -> None:
    backend = install(FakeSandbox([HELLO], cpu_time=0.5))
    async with fleet("a") as (executor, cluster):
        result = await executor.execute("python", "print('hello')", args=["x"])
        assert (result.status, result.stdout, result.isolation) == ("success", "hello\n", "fake")
        assert backend.opened[0].commands[0].argv[-1] == "x"
        assert executor.concurrency == 2
    assert not cluster.is_connected
    assert "leave" in cluster.replicas["a"].calls
    assert backend.opened[0].closed
    assert backend.left == backend.entered == 1
    with pytest.raises(InvalidRequest, match="not open"):
        await executor.execute("python", "x")


async def test_many_run_in_order_and_no_more_than_there_are_slots(install: Install) -> None:
    count = 40
    backend = install(*(FakeSandbox([Script(seconds=0.01)]) for _ in range(count)))
    requests = [ExecutionRequest("python", "", args=[str(n)]) for n in range(count)]
    async with fleet("a", "b") as (executor, cluster):
        told: list[tuple[int, int]] = []
        results = await executor.execute_many(requests, progress=lambda *n: told.append(n))
    assert told == [(n, count) for n in range(1, count + 1)]
    assert [result.status for result in results] == ["success"] * count
    ran = sorted(int(item.commands[0].argv[-1]) for item in backend.opened)
    assert ran == list(range(count))
    shares = [replica.calls.count("execute") for replica in cluster.replicas.values()]
    assert min(shares) > count / 4


async def test_what_is_wrong_is_told_before_anything_runs(install: Install) -> None:
    install()
    async with fleet("a") as (executor, cluster):
        with pytest.raises(InvalidRequest, match="language"):
            await executor.execute("cobol", "x")
        with pytest.raises(InvalidRequest, match="language"):
            await executor.execute_many([ExecutionRequest("python", ""), ExecutionRequest("x")])
        assert begun(cluster) == []


async def test_events_come_and_input_goes_piece_by_piece(install: Install) -> None:
    backend = install(FakeSandbox([Script([("stdout", b"x"), ("stderr", b"y")], reads=True)]))
    pieces = [b"one", b"two", b""]

    async def source() -> bytes:
        return pieces.pop(0)

    async with fleet("a") as (executor, _):
        events = [event async for event in executor.stream("python", "x", stdin=source)]
    told = [event.type for event in events]
    assert told == ["start", "phase", "stdout", "stderr", "phase", "result"]
    assert len({event.id for event in events}) == 1
    assert backend.opened[0].stdin == [b"onetwo"]


async def test_an_input_that_fails_ends_the_program_and_is_the_callers(install: Install) -> None:
    install(FakeSandbox([Script(reads=True)]))

    async def source() -> bytes:
        raise OSError("no input")

    async with fleet("a") as (executor, _):
        with pytest.raises(OSError, match="no input"):
            async for _event in executor.stream("python", "x", stdin=source):
                pass


async def test_a_kill_ends_the_program_and_the_events_go_on(install: Install) -> None:
    install(FakeSandbox([HANGS]), FakeSandbox([HANGS]))
    async with fleet("a") as (executor, _):
        async with executor.stream("python", "x") as events:
            async for event in events:
                if event.type == "stdout":
                    await events.kill()
            assert event.result is not None
            assert event.result.status == "signaled"
        early = executor.stream("python", "x")
        await early.kill()
        last = [event async for event in early][-1]
        assert last.result is not None
        assert (last.result.status, last.result.stdout) == ("signaled", "")


async def test_letting_go_ends_the_program_before_it_returns(install: Install) -> None:
    backend = install(FakeSandbox([HANGS]), FakeSandbox([HANGS]))
    async with fleet("a") as (executor, _):
        async with executor.stream("python", "x") as events:
            async for event in events:
                if event.type == "stdout":
                    break
        assert backend.opened[0].closed
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(executor.execute, "python", "x")
            with anyio.fail_after(20):
                while len(backend.opened) < 2 or not backend.opened[1].commands:
                    await anyio.sleep(0.01)
            tasks.cancel_scope.cancel()
        assert backend.opened[1].closed
        assert executor._members.all()[0].state.running == 0


async def test_what_runs_on_a_node_that_dies_is_lost_and_nothing_runs_twice(
    install: Install,
) -> None:
    backend = install(*(FakeSandbox([HANGS]) for _ in range(2)), FakeSandbox([HELLO]))
    lost: list[Exception] = []
    async with fleet("a") as (executor, cluster):

        async def run() -> None:
            try:
                await executor.execute("python", "x")
            except SandboxLost as error:
                lost.append(error)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            tasks.start_soon(run)
            while sum(bool(item.commands) for item in backend.opened) < 2:
                await anyio.sleep(0.01)
            waits: list[Any] = []

            async def wait() -> None:
                waits.append(await executor.execute("python", "waits"))

            tasks.start_soon(wait)
            await anyio.sleep(0.05)
            assert waits == []
            dead = cluster.replicas.pop("a")
            dead.die()
        assert [str(error) for error in lost] == [str(lost[0])] * 2
        assert "a of the fleet was lost" in str(lost[0])
        assert waits[0].stdout == "hello\n"  # on the replica that came after it
        assert len(backend.specs) == 3
        await dead.node.close("it is over")


async def test_many_go_on_without_the_node_that_was_lost(install: Install) -> None:
    backend = install(*(FakeSandbox([HANGS]) for _ in range(2)))
    backend._sandboxes += [FakeSandbox([HELLO]) for _ in range(6)]
    async with fleet("a") as (executor, cluster):
        results: list[Any] = []

        async def run() -> None:
            results.extend(await executor.execute_many([ExecutionRequest("python", "")] * 8))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run)
            while sum(bool(item.commands) for item in backend.opened) < 2:
                await anyio.sleep(0.01)
            dead = cluster.replicas.pop("a")
            dead.die()
        await dead.node.close("it is over")
    assert sorted(result.status for result in results) == ["sandbox_error"] * 2 + ["success"] * 6
    assert {item.error.type for item in results if item.error} == {"SandboxLost"}


async def test_a_node_that_does_not_answer_is_lost_in_time(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 0.5 * (members.MISSED_REPORTS + 1) < 5  # with the interval as it is
    install(FakeSandbox([HANGS]))
    async with fleet("a") as (executor, cluster), anyio.create_task_group() as tasks:

        async def run() -> None:
            with pytest.raises(SandboxLost, match="has not answered"):
                await executor.execute("python", "x")

        tasks.start_soon(run)
        while not begun(cluster):
            await anyio.sleep(0.01)
        cluster.replicas["a"].is_deaf = True
    await cluster.replicas["a"].node.close("it is over")


async def test_what_one_node_cannot_do_another_does(install: Install) -> None:
    refusal = Unsupported("not here", hint="Elsewhere.")
    install(refusal, FakeSandbox([HELLO]), refusal, refusal)
    async with fleet("a", "b") as (executor, cluster):
        assert (await executor.execute("python", "x")).stdout == "hello\n"
        assert sorted(begun(cluster)) == ["a", "b"]
        with pytest.raises(Unsupported, match="not here"):
            await executor.execute("python", "x")


async def test_a_hook_that_says_no_is_asked_once(install: Install) -> None:
    install(FakeSandbox([HELLO]), FakeSandbox([HELLO]))

    class No:
        def before_run(self, context: HookContext) -> None:
            raise Rejected("never", hint="")

    settings = ExecutorSettings(isolation="fake", concurrency=2, pool=None, hooks=[No()])
    cluster = FakeCluster({"a": settings, "b": settings})
    async with AsyncRayExecutor(cluster=cluster, isolation="fake") as executor:
        with pytest.raises(Rejected, match="never"):
            await executor.execute("python", "x")
        assert len(begun(cluster)) == 1


async def test_a_node_knows_whose_request_it_runs(install: Install) -> None:
    install(FakeSandbox([HELLO]), FakeSandbox([HELLO]))
    seen: list[str] = []
    settings = replace(SETTINGS, hooks=[lambda event: seen.append(OWNER.get())])
    cluster = FakeCluster({"a": settings})
    async with AsyncRayExecutor(cluster=cluster, isolation="fake") as executor:
        OWNER.set("somebody")
        await executor.execute("python", "x")
        assert [event.type async for event in executor.stream("python", "x")][-1] == "result"
    assert set(seen) == {"somebody"}
    assert len(seen) == 8


async def test_a_full_queue_says_so(install: Install) -> None:
    install(FakeSandbox([HANGS]), FakeSandbox([HANGS]))
    async with fleet("a", queue_timeout=0.05) as (executor, _):
        tasks = anyio.create_task_group()
        async with tasks:
            tasks.start_soon(executor.execute, ExecutionRequest("python", ""))
            tasks.start_soon(executor.execute, ExecutionRequest("python", ""))
            while executor._members.all()[0].state.running < 2:
                await anyio.sleep(0.01)
            with pytest.raises(Unavailable, match=r"for 0\.05 s"):
                await executor.execute("python", "x")
            tasks.cancel_scope.cancel()


async def test_two_front_doors_share_a_node_and_its_slots(install: Install) -> None:
    backend = install(*(FakeSandbox([Script(seconds=0.02)]) for _ in range(20)))
    cluster = FakeCluster({"a": SETTINGS})
    requests = [ExecutionRequest("python", "")] * 10
    async with (
        AsyncRayExecutor(cluster=cluster, isolation="fake") as one,
        AsyncRayExecutor(cluster=cluster, isolation="fake") as other,
    ):
        results: list[Any] = []

        async def run(executor: AsyncRayExecutor) -> None:
            results.extend(await executor.execute_many(requests))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run, one)
            tasks.start_soon(run, other)
        assert [result.status for result in results] == ["success"] * 20
    assert len(backend.specs) == 20


async def test_a_node_with_another_version_is_not_used(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install()
    monkeypatch.setattr("drybox.fleet.inventory.FIRST_NODE_TIMEOUT", 0.5)
    cluster = FakeCluster({"a": SETTINGS}, "0.0.1")
    with pytest.raises(Unavailable, match=r"has drybox 0\.0\.1"):
        await AsyncRayExecutor(cluster=cluster, isolation="fake").open()
    assert not cluster.is_connected


async def test_observers_follow_from_the_front_door(install: Install) -> None:
    install(FakeSandbox([HELLO]))
    observer = NotingObserver()
    async with fleet("a", observers=[observer]) as (executor, _):
        result = await executor.execute("python", "x")
    (note,) = observer.notes
    assert (note.id, note.result) == (result.id, result)
    assert note.told == ["queue", "run", "<fake>", "end"]


async def test_languages_are_those_of_all_nodes(install: Install) -> None:
    install()
    async with fleet("a", "b") as (executor, cluster):
        found = {item.name: item.version for item in await executor.languages()}
        assert found["python"] == "9.8.7"
        assert (await executor.language("py")).name == "python"
        assert await executor.environments() == []
        await executor.prepare_languages()
        assert executor.pools() == []
        assert cluster.replicas["b"].calls.count("ask") >= 2


def test_the_sync_one_is_the_same(install: Install) -> None:
    backend = install(FakeSandbox([HELLO]), FakeSandbox([HELLO]))
    cluster = FakeCluster({"a": SETTINGS})
    with RayExecutor(cluster=cluster, isolation="fake") as executor:
        assert executor.execute("python", "x").stdout == "hello\n"
        assert [event.type for event in executor.stream("python", "x")][-1] == "result"
        assert executor.sessions() == []
    assert all(item.closed for item in backend.opened)


async def test_a_front_door_that_stood_still_hears_of_its_nodes_before_it_sends_them_anything(
    install: Install,
) -> None:
    install(FakeSandbox([HELLO]))
    async with fleet("a", "b") as (executor, cluster):
        for member in executor._members.all():
            member.heard_at -= 3600
        for replica in cluster.replicas.values():
            replica.calls.clear()
        await executor.execute("python", "x")
        (ran,) = begun(cluster)
        assert (
            "report" in cluster.replicas[ran].calls[: cluster.replicas[ran].calls.index("execute")]
        )


async def test_what_comes_after_its_front_door_was_given_up_does_not_begin(
    install: Install,
) -> None:
    backend = install()
    async with fleet("a") as (executor, cluster):
        node = cluster.replicas["a"].node
        message = pack_run(RunMessage(ExecutionRequest("python", "x")))
        ((_, answer),) = unpack(await node.exchange("another", pack([(new_id(), message)])))
        reply = unpack_reply(answer)
        assert (reply.kind, reply.reason) == ("refused", "unknown")
        call = pack_call(SessionCall("list", ""))
        assert unpack_session_reply(await node.session("another", "name", call)).kind == "refused"
        assert backend.specs == []
        assert executor._members.all()


async def test_a_node_of_another_version_is_told_once_and_its_replica_ends(
    install: Install, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    install()
    monkeypatch.setattr(members, "VERSION_INTERVAL", 0.01)
    monkeypatch.setattr("drybox.fleet.inventory.FIRST_NODE_TIMEOUT", 0.5)
    cluster = FakeCluster({"a": SETTINGS}, "0.0.1")
    with pytest.raises(Unavailable):
        await AsyncRayExecutor(cluster=cluster, isolation="fake").open()
    calls = cluster.replicas["a"].calls
    assert calls.count("report") > 1
    assert calls.count("leave") == calls.count("report")
    assert [item.message for item in caplog.records if "0.0.1" in item.message] == [
        "Node a is not used: it has drybox 0.0.1."
    ]
