"""Pages of other sites: a browser lets them send requests to any server that it reaches.

The operator's browser reaches a server that only this machine can, and asks for no key. So what
a page of another site sends is refused, and what a name leads here that is not this machine's.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from drybox.http.problems import Problem, Refused
from drybox.settings import ServerSettings


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what is bound to this address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def check_site(
    connection: HTTPConnection, settings: ServerSettings, *, asks_for_keys: bool
) -> None:
    """See to it that a browser's request is from the service's own page or a configured one.

    Raises:
        Refused: It is from another site, or came here by another site's name.
    """
    host = connection.headers.get("host", "")
    origin = connection.headers.get("origin")
    if origin is not None and origin not in settings.origins and _place(origin) != host.lower():
        raise Refused(
            Problem(
                "forbidden",
                f"Pages of {origin[:200]} may not use this server.",
                "Have the operator add that origin to server.origins.",
            )
        )
    known = {_place(allowed) for allowed in settings.origins}
    if not asks_for_keys and host.lower() not in known and not is_loopback(_name(host)):
        raise Refused(
            Problem(
                "forbidden",
                f"A server without keys is not to be reached as {host[:200]!r}.",
                "Use 127.0.0.1 or localhost, or have the operator configure a key.",
            )
        )


def _place(origin: str) -> str:
    """Host and port of an origin, as a Host header has them."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _name(host: str) -> str:
    """A Host header without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
