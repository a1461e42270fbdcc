"""When an answer that comes before the whole request is sent."""

from __future__ import annotations

import asyncio
import logging

import pytest
from uvicorn.protocols.http.flow_control import FlowControl

from drybox.server.transport import request_cycle
from drybox.server.transport.request_cycle import SHORT_BODY, RequestCycle

LOGGER = logging.getLogger(__name__)


class Wire(asyncio.Transport):
    """What has been written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def resume_reading(self) -> None:
        pass


def cycle(wire: Wire, head: dict[str, str], *, expects_continue: bool = False) -> RequestCycle:
    """A request whose head has come, and nothing of its body."""
    headers = [(name.encode(), value.encode()) for name, value in head.items()]
    return RequestCycle(
        scope={"type": "http", "method": "POST", "headers": headers},  # type: ignore[typeddict-item]
        transport=wire,
        flow=FlowControl(wire),
        logger=LOGGER,
        access_logger=LOGGER,
        access_log=False,
        default_headers=[],
        message_event=asyncio.Event(),
        expect_100_continue=expects_continue,
        keep_alive=True,
        on_response=lambda: None,
    )


START = {"type": "http.response.start", "status": 403, "headers": [(b"content-length", b"0")]}


async def turns() -> None:
    """Let everybody who can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_an_early_answer_waits_for_a_short_body(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_cycle, "SHORT_WAIT", 60.0)

    async def main() -> None:
        wire = Wire()
        request = cycle(wire, {"content-length": "10"})
        sending = asyncio.create_task(request.send(START))
        await turns()
        assert wire.written == b""
        request.body += b"12345"
        request.message_event.set()
        await turns()
        assert wire.written == b""
        request.more_body = False
        request.message_event.set()
        await sending
        assert wire.written.startswith(b"HTTP/1.1 403")
        received = await asyncio.wait_for(request.receive(), 60)
        assert received["type"] == "http.request"

    asyncio.run(main())


def test_it_does_not_wait_for_one_that_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_cycle, "SHORT_WAIT", 0.0)

    async def main() -> None:
        wire = Wire()
        await cycle(wire, {"content-length": "10"}).send(START)
        assert wire.written.startswith(b"HTTP/1.1 403")

    asyncio.run(main())


def test_it_does_not_wait_for_who_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_cycle, "SHORT_WAIT", 60.0)

    async def main() -> None:
        request = cycle(Wire(), {"content-length": "10"})
        sending = asyncio.create_task(request.send(START))
        await turns()
        request.disconnected = True
        request.message_event.set()
        await sending

    asyncio.run(main())


@pytest.mark.parametrize(
    ("head", "expects_continue"),
    [
        ({"content-length": str(SHORT_BODY + 1)}, False),
        ({"transfer-encoding": "chunked"}, False),
        ({"content-length": "10"}, True),
    ],
    ids=["long", "of any length", "asked for"],
)
def test_an_answer_is_sent_at_once_for_any_other(
    head: dict[str, str], expects_continue: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_cycle, "SHORT_WAIT", 60.0)

    async def main() -> None:
        wire = Wire()
        await cycle(wire, head, expects_continue=expects_continue).send(START)
        assert wire.written.startswith(b"HTTP/1.1 403")

    asyncio.run(main())
