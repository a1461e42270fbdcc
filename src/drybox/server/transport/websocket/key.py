"""A key from a browser, whose pages set no header of a WebSocket: it comes as a subprotocol.

Beside the subprotocol ``drybox``, which the server accepts, the page offers ``drybox.key.`` and
the key in base64url without padding. Unlike a part of the address, that is in no log.
"""

from __future__ import annotations

import base64
import binascii

from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

SUBPROTOCOL = "drybox"
KEY_PREFIX = f"{SUBPROTOCOL}.key."


def accepted_subprotocol(websocket: WebSocket) -> str | None:
    """The subprotocol to answer with; the key itself is never sent back."""
    return SUBPROTOCOL if SUBPROTOCOL in websocket.scope.get("subprotocols", ()) else None


def with_key(websocket: WebSocket) -> HTTPConnection:
    """The connection as if the key of its subprotocols had come in the usual header.

    A header that did come counts, whatever the subprotocols say.
    """
    if "authorization" in websocket.headers:
        return websocket
    for offered in websocket.scope.get("subprotocols", ()):
        if offered.startswith(KEY_PREFIX) and (key := _decode(offered.removeprefix(KEY_PREFIX))):
            header = (b"authorization", b"Bearer " + key)
            return HTTPConnection(
                {**websocket.scope, "headers": [*websocket.scope["headers"], header]}
            )
    return websocket


def _decode(text: str) -> bytes:
    """The bytes of base64url; b"" if it is none."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
