"""Connections to the Docker daemon: kept, and closed where nobody listens."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import Any

from docker.transport import UnixHTTPAdapter
from docker.transport.unixconn import UnixHTTPConnection, UnixHTTPConnectionPool

MAX_POOL = 64
"""Connections that one client keeps."""


class _Connection(UnixHTTPConnection):  # type: ignore[misc]  # docker has no types
    """Closes its socket if nobody listens; docker's own leaves it to the collector."""

    def connect(self) -> None:
        """Connect it."""
        with ExitStack() as opened:
            end = opened.enter_context(socket.socket(socket.AF_UNIX))
            end.settimeout(self.timeout)
            end.connect(self.unix_socket)
            opened.pop_all()
        self.sock = end


class _Connections(UnixHTTPConnectionPool):  # type: ignore[misc]
    def _new_conn(self) -> _Connection:
        return _Connection(self.base_url, self.socket_path, self.timeout)


class OnePool(UnixHTTPAdapter):  # type: ignore[misc]
    """Keeps connections for whatever is asked next; docker's own keeps one for each URL."""

    def get_connection(self, url: str, proxies: object = None) -> Any:
        """The pool of all connections."""
        key = "http+docker://localhost"
        with self.pools.lock:
            pool = self.pools.get(key)
            if pool is None:
                pool = self.pools[key] = _Connections(
                    key, self.socket_path, self.timeout, maxsize=self.max_pool_size
                )
            return pool


def direct(client: Any) -> Any:
    """A client of docker's that keeps its connections, and heeds nothing said about the web.

    A bundle of certificates (``REQUESTS_CA_BUNDLE``) would take the place of the daemon's own.
    """
    api = client.api
    api.trust_env = False
    adapter = api.get_adapter(api.base_url)
    if isinstance(adapter, UnixHTTPAdapter):
        address = f"http+unix://{adapter.socket_path}"
        api.mount("http+docker://", OnePool(address, adapter.timeout, max_pool_size=MAX_POOL))
    return client
