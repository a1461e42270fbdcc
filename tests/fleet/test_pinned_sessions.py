"""Sessions of a fleet: each on the node that its id names, and lost with it alone."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest
from tests.conformance.bench import marker
from tests.fleet.conftest import NODES, SLOTS, Nodes, members, wait_for_nodes
from tests.support.host import eventually, running

from drybox import RayExecutor, SandboxLost, SessionClosed
from drybox.sessions.sync import Session

pytestmark = pytest.mark.isolations("local")


@pytest.fixture
def opened(executor: RayExecutor) -> Iterator[list[Session]]:
    """A session on each node."""
    wait_for_nodes(executor)
    found: dict[str, Session] = {}
    for _ in range(100):  # a node that was lost just now may get two of the first three
        session = executor.open_session("bash", isolation="local")
        if found.setdefault(node_of(session), session) is not session:
            session.close()
        if len(found) == NODES:
            break
    yield list(found.values())
    for session in found.values():
        session.close()


def sleeping(word: str) -> list[int]:
    """Processes of the host that were started in sessions with this word."""
    return [item.pid for item in running(word) if item.cmdline[0].endswith("bash")]


def node_of(session: Session) -> str:
    return session.id.rpartition("-")[2]


def test_a_session_stays_on_the_node_that_its_id_names(
    executor: RayExecutor, opened: list[Session]
) -> None:
    nodes = {item.info.id[:16]: item.load.pid for item in members(executor)}
    assert {node_of(session) for session in opened} == set(nodes)
    for number, session in enumerate(opened):
        session.run(f"x={number}")
        session.files.write("a/b", b"\0\xff" * 300_000)
    assert {item.id for item in executor.sessions()} >= {item.id for item in opened}
    for number, session in enumerate(opened):
        assert session.run("echo $x").stdout == f"{number}\n"
        assert session.files.read("a/b") == b"\0\xff" * 300_000
        assert [event.data for event in session.stream("echo 1; echo 2 >&2") if event.data] == [
            "1\n",
            "2\n",
        ]


def test_sessions_of_a_node_that_dies_are_closed_and_say_so(
    executor: RayExecutor, nodes: Nodes, opened: list[Session], told_within: float
) -> None:
    victim = nodes.victim(executor)
    (lost,) = [item for item in opened if node_of(item) == victim.info.id[:16]]
    others = [item for item in opened if item is not lost]
    word = marker()
    for session in opened:
        session.start(["bash", "-c", f"sleep 300; true # {word}"])
    told: list[BaseException] = []

    def run() -> None:
        try:
            lost.run(f"sleep 301 # {word}", timeout=100)
        except BaseException as error:
            told.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert eventually(lambda: any("301" in item.cmdline for item in running("301")))
        os.kill(victim.load.pid, signal.SIGKILL)
    finally:
        thread.join(told_within)
    assert [type(error) for error in told] == [SandboxLost], told
    with pytest.raises(SessionClosed) as caught:
        lost.command("true")
    assert caught.value.reason == "lost"
    assert "lost" in caught.value.message
    assert lost.state == "closed"
    lost.close()
    assert eventually(lambda: len(sleeping(word)) == NODES - 1), running(word)
    for session in others:
        assert session.command("echo on").stdout == "on\n"
        session.close()
    assert eventually(lambda: not sleeping(word))


def test_another_front_door_uses_a_session_and_keeps_it(
    executor: RayExecutor, nodes: Nodes
) -> None:
    given = {"concurrency": SLOTS, "pool": None, "shares_sessions": True}
    with (
        RayExecutor(nodes.address, **given) as first,
        RayExecutor(nodes.address, **given) as second,
    ):
        wait_for_nodes(first)
        wait_for_nodes(second)
        session = first.open_session("bash", isolation="local")
        session.run("x=kept")
        found = second._call(second._fleet.shared_session, session.id)
        assert found is not None
        assert second._call(second._fleet.shared_session, f"x{session.id}") is None
        assert second._call(found.session.run, "echo $x").stdout == "kept\n"
        first.close()
        assert second._call(found.session.run, "echo $x").stdout == "kept\n"
        assert session.id in {
            item.session.id for item in second._call(second._fleet.shared_sessions)
        }
        second._call(found.session.close)
        assert second._call(second._fleet.shared_session, session.id) is None


def test_sessions_end_with_a_front_door_that_shares_none(
    executor: RayExecutor, nodes: Nodes
) -> None:
    word = marker()
    with RayExecutor(nodes.address, concurrency=SLOTS, pool=None) as other:
        wait_for_nodes(other)
        other.open_session("bash", isolation="local").start(
            ["bash", "-c", f"sleep 300; true # {word}"]
        )
        assert eventually(lambda: sleeping(word))
    assert eventually(lambda: not sleeping(word))
