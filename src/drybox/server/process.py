"""The server process: uvicorn, its start and its graceful shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import resource
import signal
import socket
from collections.abc import Callable, Iterator
from functools import partial
from types import FrameType

import anyio
import uvicorn
from fastapi import FastAPI

from drybox.errors import InvalidRequest
from drybox.host.time_slice import request_short_time_slice
from drybox.server.transport.connection_table import ConnectionTable
from drybox.server.transport.forwarding import check_forwarding, is_trusted
from drybox.server.transport.http_protocol import protocol_for
from drybox.server.transport.origins import is_loopback
from drybox.service.service import Service
from drybox.settings import ServerSettings

LAST_ANSWERS = 2
"""Seconds for answers on their way, once nothing runs any more."""

IDLE = 75
"""Seconds that a connection stays open between requests: longer than load balancers keep theirs,
which would otherwise send a request into one that is just being closed."""

KERNEL_BUFFER = 128 * 1024
"""Bytes that the kernel holds of a connection in each direction; it counts as many again for its
own."""


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
        DryboxError: What opening the executor raised.
    """
    service: Service = app.state.service
    check_forwarding(settings)
    check_address(settings.host, asks_for_keys=service.admission.asks_for_keys)
    _raise_open_files()
    table = ConnectionTable(_connections(settings), partial(is_trusted, settings))
    config = uvicorn.Config(
        app,
        loop="uvloop" if importlib.util.find_spec("uvloop") else "asyncio",
        http=protocol_for(settings, service.memory, table),
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
    request_short_time_slice()
    with _listen(settings) as listener:
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        if not service.admission.asks_for_keys:
            tell("No key is configured: only this machine can reach the server.")
        try:
            _Server(config, service, settings, tell, f"http://{shown}:{port}").run([listener])
        except SystemExit:  # how uvicorn ends where the application does not start
            if app.state.failure is not None:
                raise app.state.failure from None
            raise


def _raise_open_files() -> None:
    """Each connection takes one, each sandbox some; what shells start with is for other days."""
    least, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if least != most:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _connections(settings: ServerSettings) -> int:
    """How many there may be: sandboxes need descriptors too, of which each takes some."""
    return min(settings.connections, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)


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
            timeout = round(settings.stall_timeout * 1000)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, timeout)
        # The kernel's memory is not in the budget, and it would take megabytes for each.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL_BUFFER)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER)
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
        self._drain_scope: anyio.CancelScope | None = None
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
        with anyio.CancelScope() as self._drain_scope:
            await self._service.drain(seconds)
        if self._drain_scope.cancelled_caught:
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
        if self._drain_scope is not None:
            self._drain_scope.cancel()
        self.should_exit = True
