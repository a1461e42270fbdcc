"""A key that comes as a subprotocol of a WebSocket."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from starlette.websockets import WebSocket

from drybox.server.transport.websocket.key import accepted_subprotocol, with_key


def websocket(*subprotocols: str, headers: list[tuple[bytes, bytes]] | None = None) -> WebSocket:
    async def nothing(*_: Any) -> Any:
        raise AssertionError("nobody speaks here")

    scope = {"type": "websocket", "headers": headers or [], "subprotocols": list(subprotocols)}
    return WebSocket(scope, nothing, nothing)


def offered(key: str) -> str:
    return "drybox.key." + base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


@pytest.mark.parametrize("key", ["k", "drybox_abc-123", "ü/+?", "x" * 200])
def test_a_key_of_a_subprotocol_is_the_key_of_the_header(key: str) -> None:
    connection = with_key(websocket("drybox", offered(key)))
    value = connection.headers["authorization"]
    assert value.encode("latin-1") == b"Bearer " + key.encode()


def test_the_answer_names_the_subprotocol_and_never_the_key() -> None:
    assert accepted_subprotocol(websocket("drybox", offered("k"))) == "drybox"
    assert accepted_subprotocol(websocket(offered("k"))) is None
    assert accepted_subprotocol(websocket("graphql-ws")) is None


def test_a_header_counts_before_a_subprotocol() -> None:
    header = (b"authorization", b"Bearer real")
    connection = with_key(websocket("drybox", offered("other"), headers=[header]))
    assert connection.headers.getlist("authorization") == ["Bearer real"]


@pytest.mark.parametrize("bad", ["drybox.key.", "drybox.key.!", "drybox.key.A", "drybox.key.é", ""])
def test_what_is_no_key_is_none(bad: str) -> None:
    assert "authorization" not in with_key(websocket("drybox", bad)).headers
