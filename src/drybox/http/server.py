"""The process that serves: uvicorn, and how it starts and goes down."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType

import anyio
import uvicorn
from fastapi import FastAPI

from drybox.errors import InvalidRequest
from drybox.http.service import Service
from drybox.http.sites import is_loopback
from drybox.http.wire_protocol import protocol_for
from drybox.settings import ServerSettings
from drybox.turns import take_short_turns

LAST_ANSWERS = 2
"""Seconds for answers on their way, once nothing runs any more."""

IDLE = 75
"""Seconds that a connection stays open between requests: longer than load balancers keep theirs,
which would otherwise send a request into one that is just being closed."""


def check_address(host: str, *, asks_for_keys: bool) -> None:
    """See to it that a server without keys serves this machine only.

    Raises:
        InvalidRequest: Others could reach it.
    """
    if not asks_for_keys and not is_loopback(host):
        raise InvalidRequest(
            "server.host",
            f"{host!r} is beyond this machine, and no key is configured",
            hint="Configure a key, or leave --host at 127.0.0.1.",
        )


def serve(app: FastAPI, settings: ServerSettings, tell: Callable[[str], None]) -> None:
    """Serve until a signal comes and everything has ended.

    Args:
        app: What ``create_app`` made.
        settings: The server's.
        tell: Takes lines for the operator: the address, and what happens on the way down.

    Raises:
        InvalidRequest: It cannot listen at that address.
    """
    service: Service = app.state.service
    check_address(settings.host, asks_for_keys=service.gate.asks_for_keys)
    config = uvicorn.Config(
        app,
        loop="uvloop" if importlib.util.find_spec("uvloop") else "asyncio",
        http=protocol_for(settings),
        ws="websockets-sansio",
        ws_max_size=settings.max_body,
        ws_per_message_deflate=False,
        lifespan="on",
        # What it has to say is said here, and failures of requests by "drybox.http"; what is left
        # are the clients' own, of which there may be any number.
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=settings.backlog,
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=LAST_ANSWERS,
    )
    _raise_open_files()
    take_short_turns()
    with _listen(settings) as listener:
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        if not service.gate.asks_for_keys:
            tell("No key is configured: only this machine can reach the server.")
        _Server(config, service, settings, tell, f"http://{shown}:{port}").run([listener])


def _raise_open_files() -> None:
    """Each connection takes one, each sandbox some; what shells start with is for other days."""
    least, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if least != most:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _listen(settings: ServerSettings) -> socket.socket:
    try:
        found = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        # Of 'localhost' the address that everybody tries.
        found.sort(key=lambda item: item[0] != socket.AF_INET)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _cannot_listen(settings, error) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections have these from their listener: one whose client takes nothing, or has left
        # without a word, ends, and its run with it.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            patience = round(settings.stall_timeout * 1000)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience)
        listener.bind(address)
        listener.listen(settings.backlog)
    except OSError as error:
        listener.close()
        raise _cannot_listen(settings, error) from error
    return listener


def _cannot_listen(settings: ServerSettings, error: OSError) -> InvalidRequest:
    return InvalidRequest(
        "server.host",
        f"cannot listen at {settings.host} port {settings.port}: {error.strerror}",
        hint="Name another address with --host and --port, or end what listens there.",
    )


class _Server(uvicorn.Server):
    """Drains before it shuts down, and ends with a return rather than by its signal."""

    def __init__(
        self,
        config: uvicorn.Config,
        service: Service,
        settings: ServerSettings,
        tell: Callable[[str], None],
        address: str,
    ) -> None:
        super().__init__(config)
        self._service = service
        self._settings = settings
        self._tell = tell
        self._address = address
        self._patience: anyio.CancelScope | None = None
        self._getting_ready: asyncio.Task[None]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._tell(f"Serving on {self._address}")
        self._getting_ready = asyncio.create_task(self._service.get_ready())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """The listener stays open while it drains, so that /readyz can say so."""
        self._getting_ready.cancel()
        seconds = self._settings.drain_timeout
        self._tell(f"Going down: what runs has {seconds:g} s to end.")
        with anyio.CancelScope() as self._patience:
            await self._service.drain(seconds)
        if self._patience.cancelled_caught:
            await self._service.drain(0)
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {
            number: signal.signal(number, self.handle_exit)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal drains; the next one ends what runs at once."""
        if self._patience is not None:
            self._patience.cancel()
        self.should_exit = True
