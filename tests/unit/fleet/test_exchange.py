"""Executions and results travel together, and none is lost or told twice on its way."""

from __future__ import annotations

import asyncio

import anyio
import pytest

from drybox.fleet.cluster import ReplicaGone
from drybox.fleet.exchange.answers import MOST_BYTES, Answers
from drybox.fleet.exchange.sender import Sender
from drybox.fleet.messages import pack, unpack

pytestmark = pytest.mark.anyio


class FakeNode:
    """Ends what it is told to, and has every call of a front door seen."""

    def __init__(self) -> None:
        self.answers = Answers()
        self.calls: list[list[str]] = []
        self.gone: ReplicaGone | None = None

    async def call(self, data: bytes) -> bytes:
        items = unpack(data)
        self.calls.append([id for id, _ in items])
        if self.gone is not None:
            raise self.gone
        for id, message in items:
            if message == b"at once":
                self.answers.put(id, b"done")
        return pack(await self.answers.next())


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_what_comes_at_once_goes_in_one_call_and_comes_back_in_one() -> None:
    node = FakeNode()
    sender = Sender(node.call)
    tasks = [asyncio.ensure_future(sender.execute(str(n), b"at once")) for n in range(10)]
    assert await asyncio.gather(*tasks) == [b"done"] * 10
    assert node.calls == [[str(n) for n in range(10)]]


async def test_one_call_waits_as_long_as_something_runs() -> None:
    node = FakeNode()
    sender = Sender(node.call)
    tasks = [asyncio.ensure_future(sender.execute(name, b"")) for name in "abc"]
    await settle()
    node.answers.put("b", b"2")
    assert await tasks[1] == b"2"
    await settle()
    assert node.calls == [["a", "b", "c"], []]  # for the others
    later = asyncio.ensure_future(sender.execute("d", b""))
    await settle()
    assert node.calls[2:] == [["d"]]  # waits in the place of the one before it
    for name in "acd":
        node.answers.put(name, name.encode())
    assert [await task for task in (tasks[0], tasks[2], later)] == [b"a", b"c", b"d"]
    await settle()
    assert len(node.calls) == 3


async def test_what_is_large_does_not_travel_with_others() -> None:
    node = FakeNode()
    sender = Sender(node.call)
    large = b"x" * MOST_BYTES
    tasks = [asyncio.ensure_future(sender.execute(name, large)) for name in "ab"]
    tasks.append(asyncio.ensure_future(sender.execute("c", b"x")))
    await settle()
    assert [call for call in node.calls if call] == [["a"], ["b"], ["c"]]
    for name in "abc":
        node.answers.put(name, large)
    with anyio.fail_after(5):
        assert await asyncio.gather(*tasks) == [large] * 3


async def test_what_was_sent_to_a_lost_node_is_lost_and_the_rest_was_not_sent() -> None:
    node = FakeNode()
    sender = Sender(node.call)
    sent = asyncio.ensure_future(sender.execute("sent", b""))
    await settle()
    unsent = asyncio.ensure_future(sender.execute("unsent", b""))
    await asyncio.sleep(0)
    sender.lose("it is dead")
    with pytest.raises(ReplicaGone, match="dead"):
        await sent
    assert await unsent is None
    assert node.calls == [["sent"]]


async def test_a_lost_answer_loses_what_it_may_have_told_of() -> None:
    node = FakeNode()
    sender = Sender(node.call)
    first = asyncio.ensure_future(sender.execute("first", b""))
    await settle()
    node.gone = ReplicaGone("no answer", is_certain=False)
    second = asyncio.ensure_future(sender.execute("second", b""))
    for task in (first, second):
        with pytest.raises(ReplicaGone, match="no answer"):
            await task
