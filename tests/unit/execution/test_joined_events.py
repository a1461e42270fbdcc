"""Output that waits is joined, and nothing of it is lost, changed or put in another order."""

from __future__ import annotations

import anyio
import pytest

from drybox.execution.joined_events import PIECE, JoinedEvents
from drybox.model import Event
from drybox.service.event_buffer import EventBuffer
from drybox.sessions.results import Display, SessionEvent, joined_output


def output(type: str, data: bytes) -> SessionEvent:
    return SessionEvent(type, data.decode("utf-8", "ignore"), data)  # type: ignore[arg-type]


def drained(events: JoinedEvents[SessionEvent]) -> list[SessionEvent]:
    async def main() -> list[SessionEvent]:
        found = []
        while True:
            try:
                found.append(await events.get())
            except StopAsyncIteration:
                return found

    events.end()
    return anyio.run(main)


def test_output_is_joined_by_stream_up_to_a_size() -> None:
    events = JoinedEvents(joined_output)
    for _ in range(3 * PIECE):
        events.put(output("stdout", b"x"))
    events.put(output("stderr", b"e"))
    events.put(output("stdout", b"y"))
    assert events.waiting == 3 * PIECE + 2
    found = drained(events)
    assert [len(event.data_bytes) for event in found] == [PIECE, PIECE, PIECE, 1, 1]
    assert [event.type for event in found] == ["stdout"] * 3 + ["stderr", "stdout"]
    assert events.waiting == 0


def test_what_is_no_output_stands_where_it_happened() -> None:
    events = JoinedEvents(joined_output)
    shown = SessionEvent("display", display=Display({"text/plain": "1"}))
    for event in (output("stdout", b"a"), output("stdout", b"b"), shown, output("stdout", b"c")):
        events.put(event)
    assert [event.data for event in drained(events)] == ["ab", "", "c"]


def test_half_a_character_stays_with_its_bytes() -> None:
    events = JoinedEvents(joined_output)
    events.put(SessionEvent("stdout", "", b"\xe2\x82"))
    events.put(SessionEvent("stdout", "\u20ac", b"\xac"))
    assert drained(events) == [SessionEvent("stdout", "\u20ac", b"\xe2\x82\xac")]


def test_an_error_comes_after_the_events_and_once() -> None:
    events = JoinedEvents(joined_output)
    events.put(output("stdout", b"a"))
    events.end(ValueError("no"))

    async def main() -> None:
        assert (await events.get()).data == "a"
        with pytest.raises(ValueError, match="no"):
            await events.get()
        with pytest.raises(StopAsyncIteration):
            await events.get()

    anyio.run(main)


def test_a_slow_client_has_the_program_wait_until_its_deadline() -> None:
    large = Event("stdout", "id", "run", "x" * (2 << 20), b"x" * (2 << 20))

    async def main() -> None:
        buffer = EventBuffer()
        await buffer.put(large, anyio.current_time())
        with anyio.move_on_after(0) as waiting:
            await buffer.put(large, anyio.current_time() + 600)
        assert waiting.cancelled_caught
        await buffer.put(large, anyio.current_time())  # its own end is not the client's to move
        event = await buffer.get()
        assert (len(event.data), event.data_bytes) == (2 << 20, b"")

    anyio.run(main)
