"""The open connections: limited in number, and shared fairly between addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol


class Connection(Protocol):
    """One that can be ended."""

    def abort(self) -> None:
        """End it at once."""


@dataclass(slots=True)
class _Address:
    count: int = 0
    idle: dict[Connection, None] = field(default_factory=dict)
    """Those without a request, the oldest first."""


class ConnectionTable:
    """The connections of a server.

    An address may have as many as it leaves free: one alone half of them. One that has its share
    loses its oldest connection without a request for the next one, so that idle and trickling
    connections keep nobody out.

    Args:
        most: How many there may be.
        is_trusted: Whether an address is a proxy's, behind which are many clients.
    """

    def __init__(self, most: int, is_trusted: Callable[[str], bool] = lambda _: False) -> None:
        self.most = most
        self.count = 0
        self._is_trusted = is_trusted
        self._addresses: dict[str, _Address] = {}

    def enter(self, host: str, connection: Connection) -> bool:
        """Take a new connection; False if there is no room for it."""
        name = network_of(host)
        address = self._addresses.setdefault(name, _Address())
        if not self._has_room(address, host):
            # Where the table is full of others, the greediest gives one up.
            greedy = address
            if self.count >= self.most:
                greedy = max(self._addresses.values(), key=lambda item: item.count)
            oldest = next(iter(greedy.idle), None)
            if oldest is None:
                self._forget(name)
                return False
            del greedy.idle[oldest]
            oldest.abort()  # it leaves on its own, in a moment
        address.count += 1
        self.count += 1
        address.idle[connection] = None
        return True

    def leave(self, host: str, connection: Connection) -> None:
        """A connection that was taken has ended."""
        name = network_of(host)
        address = self._addresses[name]
        address.count -= 1
        self.count -= 1
        address.idle.pop(connection, None)
        self._forget(name)

    def set_busy(self, host: str, connection: Connection) -> None:
        """It has a request now."""
        self._addresses[network_of(host)].idle.pop(connection, None)

    def set_idle(self, host: str, connection: Connection) -> None:
        """It has none any more."""
        self._addresses[network_of(host)].idle[connection] = None

    def _has_room(self, address: _Address, host: str) -> bool:
        if self._is_trusted(host):
            return self.count < self.most
        return address.count + 1 <= self.most - self.count - 1

    def _forget(self, name: str) -> None:
        if not self._addresses[name].count:
            del self._addresses[name]


def network_of(host: str) -> str:
    """The address itself; of IPv6 the network of which one customer usually has all."""
    if ":" not in host:
        return host
    try:
        address = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((address, 64), strict=False))
