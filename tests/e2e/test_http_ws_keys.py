"""Keys, names and limits over WebSockets, which are requests like any other."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from tests.support.server import Server, serving
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from drybox.service.api_keys import hash_key, new_key

SHOP, NARROW = new_key(), new_key()
KEYS = {
    "DRYBOX_KEYS_SHOP_HASH": hash_key(SHOP),
    "DRYBOX_KEYS_NARROW_HASH": hash_key(NARROW),
    "DRYBOX_KEYS_NARROW_RATE": "1/h",
}
REQUEST = json.dumps({"language": "python", "code": "print(1)"})


def session(server: Server, key: str, **headers: str) -> ClientConnection:
    given = {"Authorization": f"Bearer {key}", **headers}
    address = f"ws://127.0.0.1:{server.port}/v1/execute/ws"
    return connect(address, additional_headers=given, proxy=None)


def test_a_websocket_needs_a_key_and_has_a_name_and_a_line() -> None:
    with tempfile.NamedTemporaryFile() as file:
        with serving(env=KEYS, lines=file.file) as server:
            with pytest.raises(InvalidStatus) as caught:
                session(server, new_key())
            assert caught.value.response.status_code == 401
            assert caught.value.response.headers["x-request-id"]
            with session(server, SHOP, **{"X-Request-ID": "mine"}) as socket:
                assert socket.response is not None
                assert socket.response.headers["x-request-id"] == "mine"
                socket.send(REQUEST)
                events = [json.loads(message) for message in socket]
            assert events[-1]["type"] == "result"
            server.stop()
        lines = [json.loads(line) for line in Path(file.name).read_text().splitlines()]
    assert [line.get("status") for line in lines] == [401, 101], json.dumps(lines)
    assert [line["method"] for line in lines] == ["WEBSOCKET", "WEBSOCKET"]
    assert (lines[1]["request_id"], lines[1]["key"]) == ("mine", "shop")
    assert lines[1]["execution"]["status"] == "success"
    assert lines[1]["bytes"] > 0


def test_a_rate_holds_for_websockets_too() -> None:
    with serving(env=KEYS) as server:
        with session(server, NARROW) as socket:
            socket.send(REQUEST)
            assert json.loads(list(socket)[-1])["type"] == "result"
        with pytest.raises(InvalidStatus) as caught:
            session(server, NARROW)
        answer = caught.value.response
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["retry-after"]) <= 3600
