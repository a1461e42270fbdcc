"""What goes over the socket to this machine's replica, what does not, and what its end means."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys

import anyio
import pytest
from tests.support.fleet import SETTINGS, FakeReplica, fleet

from drybox import AsyncRayExecutor, ResourceLimits, SandboxLost, __version__
from drybox.fleet.cluster import ReplicaGone
from drybox.fleet.link import front
from drybox.fleet.link.frames import LARGE, MOST_FRAME, Frames
from drybox.fleet.link.front import LinkedHandle, linked
from drybox.fleet.node import Node
from drybox.testing.fake_backend import FakeBackend, FakeSandbox, Install, Script

pytestmark = pytest.mark.anyio

PID = os.getpid()

HELLO = Script([("stdout", b"hello\n")])
HANGS = Script([("stdout", b"begun\n")], hangs=True)


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """Replicas have uvloop where it is installed; front doors mostly not."""
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture(autouse=True)
def _links(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.fleet.HAS_LINKS", True)


async def begin(executor: AsyncRayExecutor, backend: FakeBackend) -> asyncio.Task[object]:
    """A program that runs."""
    run = asyncio.ensure_future(executor.execute("python", "x"))
    with anyio.fail_after(20):
        while not (opened := backend.opened) or not opened[-1].commands:
            await anyio.sleep(0.01)
    return run


async def test_only_this_machines_node_is_linked(install: Install) -> None:
    install(*(FakeSandbox([HELLO]) for _ in range(8)))
    async with fleet("a", "b") as (executor, cluster):
        async with anyio.create_task_group() as tasks:
            for _ in range(4):
                tasks.start_soon(executor.execute, "python", "x")
        own, other = cluster.replicas["a"], cluster.replicas["b"]
        assert "exchange" in own.linked
        assert own.linked.count("exchange") == own.calls.count("exchange")
        assert "exchange" in other.calls
        assert other.linked == []


async def test_what_is_large_goes_through_ray_there_and_back(install: Install) -> None:
    size = LARGE + 1
    install(FakeSandbox([HELLO]), FakeSandbox([Script([("stdout", b"x" * size)])]))
    async with fleet("a") as (executor, cluster):
        replica = cluster.replicas["a"]
        await executor.execute("python", "x", stdin=b"x" * size)
        assert "exchange" in replica.calls
        assert "exchange" not in replica.linked
        limits = ResourceLimits(output=4 * LARGE)
        result = await executor.execute("python", "x", limits=limits)
        assert len(result.stdout_bytes) == size
        assert replica.calls[-1] == "fetch"
        assert replica.links is not None
        assert replica.links._kept == {}


async def test_what_runs_when_the_socket_ends_is_lost_and_nothing_runs_twice(
    install: Install,
) -> None:
    backend = install(FakeSandbox([HANGS]), FakeSandbox([HELLO]))
    async with fleet("a") as (executor, cluster):
        run = await begin(executor, backend)
        cluster.replicas["a"].cut()
        with pytest.raises(SandboxLost, match="closed the connection"):
            await run
        # The node is there still: it is joined anew, and what belonged to the door before ends.
        result = await executor.execute("python", "x")
        assert result.stdout == "hello\n"
        with anyio.fail_after(20):
            while not backend.opened[0].closed:
                await anyio.sleep(0.01)
    assert len(backend.opened) == 2


async def test_a_kill_waits_for_a_large_request_that_goes_another_way(install: Install) -> None:
    install(FakeSandbox([HANGS]))
    async with fleet("a") as (executor, cluster):
        gate, answer = asyncio.Event(), FakeReplica._answer

        async def late(replica: FakeReplica, method: str, *given: str | bytes) -> bytes:
            if method == "start":
                await gate.wait()
            return await answer(replica, method, *given)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(FakeReplica, "_answer", late)
            events = executor.stream("python", "x" * (LARGE + 1))
            first = asyncio.ensure_future(events.__anext__())
            with anyio.fail_after(20):
                while "start" not in cluster.replicas["a"].calls:
                    await anyio.sleep(0.01)
            kill = asyncio.ensure_future(events.kill())
            await anyio.sleep(0.05)
            gate.set()
            await kill
            await first
            with anyio.fail_after(20):
                last = [event async for event in events][-1]
        assert last.result is not None
        assert last.result.status == "signaled"


async def test_another_process_is_not_taken_for_the_replica(install: Install) -> None:
    install()
    replica = FakeReplica(Node(SETTINGS, __version__), has_links=True)
    assert await linked(replica, "door", PID + 1) is None
    assert await linked(FakeReplica(Node(SETTINGS, __version__)), "door", PID) is None
    found = await linked(replica, "door", PID)
    assert isinstance(found, LinkedHandle)
    found.close()


async def test_another_process_that_comes_first_is_sent_away(install: Install) -> None:
    install()

    class Intruded(FakeReplica):
        async def call(self, method: str, *arguments: str | bytes) -> bytes:
            if method == "link":
                code = (
                    "import socket, sys; s = socket.socket(socket.AF_UNIX);"
                    "s.connect('\\0' + sys.argv[1]); s.close()"
                )
                subprocess.run([sys.executable, "-c", code, str(arguments[1])], check=True)
            return await super().call(method, *arguments)

    replica = Intruded(Node(SETTINGS, __version__), has_links=True)
    found = await linked(replica, "door", PID)
    assert found is not None
    await replica.node.open()
    assert await found.call("ask", "languages")
    assert replica.linked == ["ask"]
    found.close()
    await replica.node.close("it is over")


async def test_another_users_front_door_and_one_that_is_not_there_are_not_linked(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install()
    replica = FakeReplica(Node(SETTINGS, __version__), has_links=True)
    assert replica.links is not None
    assert not await replica.links.connect("door", "nobody-listens-here")
    monkeypatch.setattr("drybox.fleet.link.frames.os.geteuid", lambda: os.getuid() + 1)
    assert await linked(replica, "door", PID) is None


@pytest.mark.parametrize(
    "garbage",
    [(MOST_FRAME + 1).to_bytes(4, "big"), b"\0\0\0\1\xc1", b"\0\0\0\7\x93\1\xa2op\x90"],
    ids=["too long", "no message", "incomplete"],
)
async def test_what_is_no_call_ends_the_connection(install: Install, garbage: bytes) -> None:
    install()
    replica = FakeReplica(Node(SETTINGS, __version__), has_links=True)
    assert replica.links is not None
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("")  # a name of the kernel's choice
        listener.listen(1)
        assert await replica.links.connect("door", listener.getsockname()[1:].decode())
        connection, _ = listener.accept()
        with connection:
            connection.sendall(garbage)
            if garbage[4:]:
                connection.shutdown(socket.SHUT_WR)
            connection.settimeout(20)
            assert await anyio.to_thread.run_sync(connection.recv, 1) == b""
    assert replica.calls == []


async def test_what_no_front_door_may_call_over_a_socket_ends_the_connection(
    install: Install,
) -> None:
    install()
    replica = FakeReplica(Node(SETTINGS, __version__), has_links=True)
    found = await linked(replica, "door", PID)
    assert found is not None
    with pytest.raises(ReplicaGone, match="closed"):
        await found.call("close", "now")
    assert replica.linked == []
    assert "close" not in front.THROUGH_RAY


async def test_frames_come_whole_however_they_are_cut() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    told: list[object] = []
    frames = Frames(told.append, lambda: None)
    await frames.begin(ours)
    frames.send((1, b"x" * 10))
    theirs.settimeout(20)
    data = theirs.recv(100)
    for at in range(len(data)):
        theirs.send(data[at : at + 1])
    theirs.send(data * 2)
    with anyio.fail_after(20):
        while len(told) < 3:
            await anyio.sleep(0.01)
    assert told == [(1, b"x" * 10)] * 3
    frames.close()
    theirs.close()
