"""Pages of other sites: a browser lets them send requests to any server that it reaches.

The operator's browser reaches a server that only this machine can, and asks for no key. So what
a page of another site sends is refused, and what a name leads here that is not this machine's.
"""

from __future__ import annotations

import ipaddress
import re

from starlette.requests import HTTPConnection

from drybox.server.transport.forwarding import is_trusted, peer_of, sign_of_proxy
from drybox.service.admission import Caller
from drybox.service.refusals import Problem, Refused
from drybox.service.service import Service
from drybox.settings import ServerSettings

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::[0-9]{1,5})?")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([^/@?#\s]+)")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what is bound to this address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def check_origin(
    connection: HTTPConnection, settings: ServerSettings, *, asks_for_keys: bool
) -> None:
    """See to it that a request is from the service's own page, a configured one, or none.

    Without keys it has to come from this machine itself, by one of its names and through no proxy
    that the operator does not know of.

    Raises:
        Refused: It is from another site, came here by another site's name, or is ambiguous.
    """
    host = _only(connection, "host").lower()
    origin = _only(connection, "origin") if "origin" in connection.headers else None
    if origin is not None and origin not in settings.origins:
        place = _place(origin)
        if not place or place != host:
            raise _other_site(f"Pages of {origin[:200]} may not use this server.")
    elif origin is None and _is_sent_by_other_site(connection):
        raise _other_site("Pages of other sites may not use this server.")
    if asks_for_keys:
        return
    known = {_place(allowed) for allowed in settings.origins}
    if host not in known and not is_loopback(_name(host)):
        raise Refused(
            Problem(
                "forbidden",
                f"A server without keys is not to be reached as {host[:200]!r}.",
                "Use 127.0.0.1 or localhost, or have the operator configure a key.",
            )
        )
    sign = sign_of_proxy(connection)
    if sign and not is_trusted(settings, peer_of(connection.scope)):
        raise Refused(
            Problem(
                "forbidden",
                f"The request seems to come through a proxy: {sign}. Without keys the server is "
                "for this machine alone.",
                "Have the operator configure a key, or name the proxy in server.trusted_proxy.",
            )
        )


def _only(connection: HTTPConnection, name: str) -> str:
    """The one value of a header; "" if it is not there."""
    values = connection.headers.getlist(name)
    if len(values) > 1:
        detail = f"There is more than one {name.title()} header."
        raise Refused(Problem("bad-request", detail, "Send one."))
    return values[0] if values else ""


def _other_site(detail: str) -> Refused:
    hint = "Have the operator add that origin to server.origins."
    return Refused(Problem("forbidden", detail, hint))


def _is_sent_by_other_site(connection: HTTPConnection) -> bool:
    """Whether a browser says so of a request that can do something."""
    is_reading = connection.scope.get("method") in ("GET", "HEAD", "OPTIONS")
    site = connection.headers.get("sec-fetch-site", "")
    return not is_reading and site in ("cross-site", "same-site")


async def identify(connection: HTTPConnection, service: Service) -> Caller:
    """Who asks.

    Raises:
        Refused: Nobody who may, or a page of another site in somebody's browser.
    """
    check_origin(connection, service.settings, asks_for_keys=service.admission.asks_for_keys)
    begins = connection.scope.get("method") != "GET"
    return await service.identify(bearer_token(connection), begins=begins)


def bearer_token(connection: HTTPConnection) -> str | None:
    """The key that a client shows; "" if it is none that the service takes, None for none.

    Raises:
        Refused: It shows more than one.
    """
    scheme, _, shown = _only(connection, "authorization").partition(" ")
    if not shown.strip():
        return None
    return shown.strip() if scheme.lower() == "bearer" else ""


def _place(origin: str) -> str:
    """Host and port of an origin, as a Host header has them; "" if it is none."""
    match = _ORIGIN.fullmatch(origin.lower())
    return match[1] if match else ""


def _name(host: str) -> str:
    """A Host header without its port; "" if it is no name or address."""
    match = _HOST.fullmatch(host)
    return (match[1] or match[2]) if match else ""
