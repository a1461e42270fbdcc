"""The address of a Ray cluster: whether it is one, and whether somebody answers there."""

from __future__ import annotations

import os
import socket

from drybox.errors import InvalidRequest, Unavailable

CONNECT_TIMEOUT = 2.0
"""Seconds in which somebody has to answer at an address."""

_HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_SETTINGS_FRAME = 4

MAX_PORT = 65535


def check_address(address: str) -> str:
    """The same address.

    Raises:
        InvalidRequest: It is none.
    """
    if not isinstance(address, str) or not address:
        raise InvalidRequest(
            "address", "it is no text", hint="Pass 'auto', 'HOST:PORT' or 'local'."
        )
    if address in ("auto", "local"):
        return address
    host, colon, port = address.rpartition(":")
    if "://" in address or not colon or not host or not port.isdecimal() or int(port) > MAX_PORT:
        raise InvalidRequest(
            "address",
            f"{address[:200]!r} is no address of a Ray cluster",
            hint="Pass 'auto', 'HOST:PORT' of its head (port 6379 by default), or 'local'.",
        )
    return address


def check_reachable(address: str) -> None:
    """Ray itself tries for more than a minute, and then ends the process.

    Raises:
        Unavailable: Nobody answers there, or something that does not speak gRPC.
    """
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection(
            (host.strip("[]"), int(port)), timeout=CONNECT_TIMEOUT
        ) as connection:
            if os.environ.get("RAY_USE_TLS", "0") not in ("", "0", "false"):
                return  # it is Ray's to show its certificate
            connection.sendall(_HTTP2_PREFACE)
            answer = connection.recv(9)
            if len(answer) < 4 or answer[3] != _SETTINGS_FRAME:
                raise OSError("what listens there is not Ray")
    except OSError as error:
        raise Unavailable(
            f"the Ray cluster {address!r} cannot be reached: {error}",
            hint="Nothing ran. Give the address of the cluster's head, and see that it is up"
            " ('ray status').",
        ) from None
