"""HTTP on the wire: uvicorn's protocol, with limits and deadlines for all that a client sends."""

from __future__ import annotations

import asyncio
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from drybox.server.transport.connection_table import ConnectionTable
from drybox.server.transport.message_framing import Framing
from drybox.server.transport.problem_response import problem_response, status_of
from drybox.server.transport.problems import FULL, NONSENSE, OTHER_HOST
from drybox.server.transport.read_turns import ReadTurns
from drybox.server.transport.request_cycle import RequestCycle
from drybox.server.transport.websocket.protocol import WebSocket
from drybox.server.transport.write_deadline import LINGER, WriteDeadline
from drybox.service.memory_budget import UNCOUNTED, MemoryBudget, Reservation
from drybox.service.refusals import Problem
from drybox.settings import ServerSettings

PIPELINED_BYTES = 32 * 1024
"""What may come behind a request that has no answer yet; all of more is dropped."""

LIFETIME = 3600.0
"""Seconds after which a connection ends with its next answer."""


def protocol_for(
    settings: ServerSettings, budget: MemoryBudget, table: ConnectionTable
) -> type[HttpToolsProtocol]:
    """The class of connections of a server.

    Args:
        settings: The server's.
        budget: What they may have in memory together.
        table: Where each of them is entered.
    """
    members = {"settings": settings, "budget": budget, "table": table, "turns": ReadTurns()}
    return type("Protocol", (_Protocol,), members)


class _Protocol(HttpToolsProtocol):
    """One connection.

    One request at a time: what comes behind it is held until it has its answer. So the parser is
    given no more than what may be the end of a message.
    """

    settings: ServerSettings
    budget: MemoryBudget
    table: ConnectionTable
    turns: ReadTurns

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._made_at = self.loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._is_entered = False
        self._is_deaf = False
        self._held = self.url = b""
        self._reservation: Reservation
        self._deadline: WriteDeadline
        self._framing = Framing()
        self._is_whole = True  # no message has begun

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """It begins."""
        super().connection_made(transport)
        self._deadline = WriteDeadline(transport, self.settings.stall_timeout, self.loop)
        self._reservation = self.budget.reserve(f"address {self._host}")
        self._is_entered = self.table.enter(self._host, self)
        if not self._is_entered:
            self._is_deaf = True
            self._answer(FULL)
            transport.close()
            return
        self._set_timer(self.settings.body_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        """It ends."""
        self._stop_timer()
        self._deadline.stop()
        self._reservation.release()
        self._held = b""
        if self._is_entered:
            self._is_entered = False
            self.table.leave(self._host, self)
        super().connection_lost(exc)

    def abort(self) -> None:
        """End it at once."""
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """The client sent this."""
        if not self._is_deaf:
            if self._held or self._is_answering:
                self._hold(data)
            else:
                self._feed(data)
            self._account()
        if self.transport.get_protocol() is self:
            self.turns.took(self, len(data), self.loop)

    def rest(self) -> None:
        """Read nothing for now."""
        self.transport.pause_reading()

    def read_on(self) -> None:
        """Read again, unless what has come waits to be taken."""
        if not self.flow.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()

    # What comes in

    @property
    def _host(self) -> str:
        return self.client[0] if self.client else ""

    @property
    def _is_answering(self) -> bool:
        """Whether a request has come whole and has no whole answer."""
        return self._is_whole and self.cycle is not None and not self.cycle.response_complete

    def _hold(self, data: bytes) -> None:
        if len(self._held) + len(data) > PIPELINED_BYTES:
            # It is read on nevertheless, for otherwise the client's leaving would go unseen.
            self._end_with_this_answer()
        else:
            self._held += data

    def _end_with_this_answer(self) -> None:
        self._is_deaf = True
        self._held = b""
        self.cycle.keep_alive = False

    def _feed(self, data: bytes) -> None:
        """Give the parser message by message."""
        at = 0
        while at < len(data) and not self._is_deaf:
            if self._is_answering:
                self._hold(data[at:])
                return
            piece = data[at : self._framing.end_of_piece(data, at)]
            at += len(piece)
            try:
                self.parser.feed_data(piece)
            except httptools.HttpParserUpgrade:
                if not self._is_deaf:  # else it has been refused
                    self._upgrade(data[at:])
                return
            except httptools.HttpParserError:
                self._refuse(NONSENSE)
                return
            self._check()

    def _check(self) -> bool:
        """Whether what the parser was given is within bounds; it is refused if not."""
        problem = self._framing.problem(self.url)
        if problem is not None:
            self._refuse(problem)
        return problem is None

    def _account(self) -> None:
        """Have the budget know what waits here."""
        if self._is_deaf:
            return
        waits = len(self._held) + self._framing.head_size
        if self.cycle is not None and not self.cycle.response_complete:
            waits += len(self.cycle.body)
        if not self._reservation.try_resize(max(0, waits - UNCOUNTED)):
            self._refuse(FULL)

    def _upgrade(self, rest: bytes) -> None:
        self._is_whole = True
        if not self._should_upgrade():
            self._end_with_this_answer()  # nobody knows what the client takes the rest for
            return
        self._stop_timer()
        self._is_deaf = True
        self.connections.discard(self)
        head = [self.scope["method"].encode(), b" ", self.url, b" HTTP/1.1\r\n"]
        for name, value in self.scope["headers"]:
            head += [name, b": ", value, b"\r\n"]
        protocol = WebSocket(
            config=self.config, server_state=self.server_state, app_state=self.app_state
        )
        protocol.take_over(self, self._reservation, self._deadline)
        protocol.connection_made(self.transport)
        self.transport.set_protocol(protocol)
        protocol.data_received(b"".join([*head, b"\r\n"]))
        if rest:
            protocol.data_received(rest)

    def websocket_lost(self) -> None:
        """What it became has ended."""
        if self._is_entered:
            self._is_entered = False
            self.table.leave(self._host, self)
        self._reservation.release()

    # What the parser tells

    def on_message_begin(self) -> None:
        """A request begins: its head has so long, as its body has."""
        if self._is_answering:  # behind a chunked body, in one piece with it
            self._end_with_this_answer()
        if self._is_deaf:
            return
        super().on_message_begin()
        self._is_whole = False
        self._set_timer(self.settings.body_timeout)

    def on_url(self, url: bytes) -> None:
        """A part of the URL has come."""
        if not self._is_deaf:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header has come, or a trailer, which nobody asks for."""
        if self._framing.is_another_line() and not self._is_deaf:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """A head has come."""
        if self._is_deaf or not self._check():
            return
        if not self.url.startswith(b"/") and not self._is_for_host():
            self._refuse(OTHER_HOST)
            return
        self._framing.end_head(self.headers)
        if not self._check():
            return
        self._stop_timer()
        self.table.set_busy(self._host, self)
        self._deadline.begin_anew()
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:
            self._dress(self.cycle)

    def _is_for_host(self) -> bool:
        """Whether a URL with a host has the same as the header that everybody else looks at."""
        try:
            url = httptools.parse_url(self.url)
        except httptools.HttpParserInvalidURLError:
            return False
        host = (url.host or b"") + (b":%d" % url.port if url.port else b"")
        named = [value.lower() for name, value in self.headers if name == b"host"]
        return url.path is not None and named == [host.lower()]

    def _dress(self, cycle: RequestResponseCycle) -> None:
        """Have its answer go by the bounds here."""
        cycle.__class__ = RequestCycle
        cycle.transport = _AnswerTransport(self)  # type: ignore[assignment]
        if self.loop.time() - self._made_at > LIFETIME:
            cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """A part of a body has come."""
        if self._is_deaf:
            return
        self._framing.add_body(len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request has come whole."""
        if self._is_deaf:
            return
        self._is_whole = True
        if not (self.parser.should_upgrade() and self._should_upgrade()):
            super().on_message_complete()
            if self.cycle.response_complete:
                self._wait_for_next()

    # What goes out

    def on_response_complete(self) -> None:
        """An answer has been written."""
        self.server_state.total_requests += 1
        if self._is_deaf or self.transport.is_closing():
            return
        self.flow.resume_reading()
        if not self._is_whole:
            self._set_timer(LINGER)  # what still comes of the body is thrown away
            return
        self._wait_for_next()

    def _wait_for_next(self) -> None:
        self._framing = Framing()
        self._is_whole = True
        self._set_timer(self.timeout_keep_alive)
        if self._is_entered:
            self.table.set_idle(self._host, self)
        self._account()
        if self._held:
            self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        if self._is_deaf or self._is_answering or self.transport.is_closing():
            return
        held, self._held = self._held, b""
        if held:
            self._feed(held)
            self._account()

    def pause_writing(self) -> None:
        """The client is slow."""
        self._deadline.pause()
        super().pause_writing()

    def resume_writing(self) -> None:
        """It has read."""
        self._deadline.resume()
        super().resume_writing()

    def _refuse(self, problem: Problem) -> None:
        """Answer with a problem, and end."""
        if self._is_deaf:
            return
        cycle = self.cycle
        in_work = cycle is not None and not cycle.response_complete
        if in_work:
            cycle.disconnected = True
            cycle.message_event.set()
        if not (in_work and cycle.response_started):
            self._answer(problem)
        self._is_whole = False
        self.close_gently()

    def _answer(self, problem: Problem) -> None:
        answer = problem_response(problem)
        status = status_of(problem)
        first = f"HTTP/1.1 {status.value} {status.phrase}".encode()
        head = [first, *(b": ".join(item) for item in answer.raw_headers), b"connection: close"]
        self.transport.write(b"\r\n".join([*head, b"", bytes(answer.body)]))

    def close_gently(self) -> None:
        """End the connection; gently if the client still sends."""
        still_sends = not self._is_whole or self._is_deaf or bool(self._held)
        self._is_deaf = True
        self._held = b""
        self._reservation.release()
        if self.transport.is_closing():
            return
        self._stop_timer()
        if not still_sends:
            self._deadline.close()
            return
        self.flow.resume_reading()
        if self._is_entered:
            self.table.set_idle(self._host, self)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._deadline.close_gently()

    def _set_timer(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, self._deadline.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _AnswerTransport:
    """What a request's answer is written to."""

    def __init__(self, protocol: _Protocol) -> None:
        self._protocol = protocol

    def write(self, data: bytes) -> None:
        self._protocol._deadline.wrote(len(data))
        self._protocol.transport.write(data)

    def close(self) -> None:
        self._protocol.close_gently()

    def is_closing(self) -> bool:
        return self._protocol.transport.is_closing()
