"""Proxy headers, believed only from proxies that the operator trusts."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from drybox.errors import InvalidRequest
from drybox.settings import ServerSettings

PREFIX_HEADER = "x-forwarded-prefix"

_HEADERS = frozenset(
    (
        *("forwarded", "x-forwarded", "forwarded-for", "via", "proxy-connection", "cdn-loop"),
        *("x-client-ip", "x-cluster-client-ip", "client-ip", "true-client-ip", "x-remote-ip"),
        *("x-proxyuser-ip", "proxy-client-ip", "wl-proxy-client-ip", "incap-client-ip"),
        *("do-connecting-ip", "x-originating-ip", "x-amzn-trace-id", "x-cloud-trace-context"),
        *("x-rewrite-url", "x-scheme", "x-url-scheme", "front-end-https", "x-nginx-proxy"),
        *("x-request-start", "x-varnish", "surrogate-capability", "max-forwards"),
    )
)
_PREFIXES = (
    *("x-forwarded-", "x-original-", "x-real-", "x-envoy-", "x-azure-", "x-arr-", "x-amz-cf-"),
    *("x-appengine-", "x-vercel-", "x-nf-", "cf-", "cloudfront-", "fastly-", "fly-"),
    *("akamai-", "x-akamai-", "x-goog-", "x-sucuri-", "x-bluecoat-", "x-haproxy-", "x-traefik-"),
    *("tailscale-", "ngrok-", "x-ms-proxy", "x-waws-", "x-cloudfront-", "x-forwarder-", "x-proxy-"),
)
_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def check_forwarding(settings: ServerSettings) -> None:
    """See to it that what the operator says of proxies can be meant.

    Raises:
        InvalidRequest: An address is none, or the path.
    """
    for word in settings.trusted_proxy:
        try:
            ipaddress.ip_network(word, strict=False)
        except ValueError:
            raise InvalidRequest(
                "server.trusted_proxy",
                f"{word!r} is not an address or network",
                hint="Write it like 127.0.0.1 or 10.0.0.0/8.",
            ) from None
    if settings.root_path and not _PATH.fullmatch(settings.root_path.rstrip("/")):
        raise InvalidRequest(
            "server.root_path",
            f"{settings.root_path!r} is not a path of plain names",
            hint="Write it like /sandbox.",
        )


def is_trusted(settings: ServerSettings, host: str) -> bool:
    """Whether an address is a proxy's that the operator trusts."""
    if not settings.trusted_proxy:
        return False
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in _networks(settings.trusted_proxy))


@lru_cache
def _networks(words: tuple[str, ...]) -> tuple[_Network, ...]:
    return tuple(ipaddress.ip_network(word, strict=False) for word in words)


def peer_of(scope: Scope) -> str:
    """The address at the other end of a connection."""
    return (scope.get("client") or ("",))[0]


def sign_of_proxy(connection: HTTPConnection) -> str:
    """What gives away that a request came through a proxy; "" if nothing does."""
    if connection.scope.get("http_version", "1.1") < "1.1":
        return "it is HTTP/1.0"
    for name in connection.headers:
        if name in _HEADERS or name.startswith(_PREFIXES):
            return f"it has the header {name!r}"
    return ""


class BelowPath:
    """ASGI middleware for a service that a proxy has below a path.

    The path is the operator's, or what a proxy that is trusted names. It does not matter whether
    the proxy takes it away before it passes a request on.

    Args:
        app: The application.
        settings: The server's.
    """

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        prefix = self._prefix(scope) if scope["type"] in ("http", "websocket") else ""
        if not prefix:
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if path == prefix and scope["type"] == "http":
            await RedirectResponse(f"{prefix}/")(scope, receive, send)
            return
        if not path.startswith(f"{prefix}/"):
            path = prefix + path
        await self._app({**scope, "path": path, "root_path": prefix}, receive, send)

    def _prefix(self, scope: Scope) -> str:
        if self._settings.root_path:
            return self._settings.root_path.rstrip("/")
        if not is_trusted(self._settings, peer_of(scope)):
            return ""
        named = Headers(scope=scope).get(PREFIX_HEADER, "").rstrip("/")
        return named if len(named) <= 200 and _PATH.fullmatch(named) else ""
