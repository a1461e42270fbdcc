"""How many nodes a fleet needs, and which it can do without; without Ray.

Front doors tell what waits at them and how full they see the nodes. More nodes are asked for at
once. Fewer, once fewer would have been enough for a while; then nodes are named that are to be
left: front doors begin nothing more there, and leave each as soon as nothing of theirs is on it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from drybox.errors import InvalidRequest
from drybox.execution.validation import check_timeout
from drybox.fleet.messages import pack, unpack

DOOR_TIMEOUT = 10.0
"""Seconds after which a front door that says nothing has gone."""

REPEAT_INTERVAL = 30.0
"""Seconds after which the same number of nodes is asked for again: who was asked may have died."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """How many nodes a fleet may have.

    Attributes:
        min_nodes: There are at least so many, the head's machine among them.
        max_nodes: There are at most so many.
        idle_timeout: Seconds after which nodes that are too many are left.

    Raises:
        InvalidRequest: One of these is wrong.
    """

    min_nodes: int
    max_nodes: int
    idle_timeout: float

    def __post_init__(self) -> None:
        for name in ("min_nodes", "max_nodes"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise InvalidRequest(name, "it is no number of nodes", hint="Pass 1 or more.")
        if self.max_nodes < self.min_nodes:
            raise InvalidRequest(
                "max_nodes",
                f"it is less than min_nodes, {self.min_nodes}",
                hint="Pass as many or more.",
            )
        check_timeout(self.idle_timeout, "node_idle_timeout")


@dataclass(slots=True)
class NodeUse:
    """A node, as one front door or all of them see it.

    Attributes:
        slots: Sandboxes that run there at once; 0 where it has no replica.
        used: Slots that are taken.
        stays: It cannot be left: a front door, a session or the head is there.
    """

    slots: int = 0
    used: int = 0
    stays: bool = False


@dataclass(slots=True)
class _Door:
    """What one front door has told last."""

    heard_at: float
    fleet: str
    scaling: Scaling
    waiting: int
    nodes: Mapping[str, NodeUse]


@dataclass(slots=True)
class _Low:
    """Fewer nodes would be enough.

    Attributes:
        since: From when on.
        most: How many were needed since, at most.
    """

    since: float
    most: int


def pack_use(
    door: str, fleet: str, scaling: Scaling, waiting: int, nodes: Mapping[str, NodeUse]
) -> bytes:
    """What a front door tells.

    Args:
        door: Its name.
        fleet: Front doors of the same one share replicas.
        scaling: How many nodes there may be.
        waiting: Executions that wait there for a slot.
        nodes: All that are alive, by Ray's names of them.
    """
    return pack(
        {"door": door, "fleet": fleet, "scaling": scaling, "waiting": waiting, "nodes": nodes}
    )


def unpack_left(data: bytes) -> frozenset[str]:
    """The nodes that are to be left, as the scaler answers."""
    return frozenset(unpack(data)["left"])


class Scaler:
    """Decides for all front doors.

    Args:
        request: Asks for so many nodes in all.
        clock: Seconds that only go forward.
    """

    def __init__(
        self, request: Callable[[int], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._request = request
        self._clock = clock
        self._doors: dict[str, _Door] = {}
        self._wanted = 0
        self._low: _Low | None = None
        self._asked: tuple[int, float] = (0, -math.inf)
        self._left: frozenset[str] = frozenset()

    def exchange(self, data: bytes) -> bytes:
        """Take what a front door tells; which nodes are to be left."""
        given: dict[str, Any] = unpack(data)
        now = self._clock()
        self._doors[given["door"]] = _Door(
            now,
            given["fleet"],
            Scaling(**given["scaling"]),
            given["waiting"],
            {id: NodeUse(**use) for id, use in given["nodes"].items()},
        )
        self._doors = {
            name: door for name, door in self._doors.items() if now - door.heard_at < DOOR_TIMEOUT
        }
        nodes = self._nodes()
        self._decide(now, nodes)
        self._leave(nodes)
        return pack({"left": sorted(self._left)})

    def close(self) -> None:
        """There is no front door any more: ask for no nodes, which Ray would keep for ever."""
        self._request(0)

    def _nodes(self) -> dict[str, NodeUse]:
        """All that are alive. Front doors of one fleet see the same use, which counts once."""
        by_fleet: dict[tuple[str, str], NodeUse] = {}
        for door in self._doors.values():
            for id, use in door.nodes.items():
                known = by_fleet.setdefault((door.fleet, id), NodeUse())
                known.slots = max(known.slots, use.slots)
                known.used = max(known.used, use.used)
                known.stays |= use.stays
        found: dict[str, NodeUse] = {}
        for (_, id), use in by_fleet.items():
            known = found.setdefault(id, NodeUse())
            known.slots = max(known.slots, use.slots)
            known.used += use.used
            known.stays |= use.stays
        return found

    def _decide(self, now: float, nodes: Mapping[str, NodeUse]) -> None:
        least = max(door.scaling.min_nodes for door in self._doors.values())
        most = max(door.scaling.max_nodes for door in self._doors.values())
        idle = max(door.scaling.idle_timeout for door in self._doors.values())
        busy = sum(use.used for use in nodes.values())
        waiting = sum(door.waiting for door in self._doors.values())
        # Nodes that are on their way are taken for as large as those that are there.
        slots = max((use.slots for use in nodes.values()), default=0) or 1
        need = min(most, max(least, math.ceil((busy + waiting) / slots)))
        if need >= self._wanted:
            self._wanted, self._low = need, None
        elif self._low is None:
            self._low = _Low(now, need)
        else:
            self._low.most = max(self._low.most, need)
            if now - self._low.since >= idle:
                self._wanted, self._low = self._low.most, None
        asked, at = self._asked
        if asked != self._wanted or now - at >= REPEAT_INTERVAL:
            self._asked = self._wanted, now
            self._request(self._wanted)

    def _leave(self, nodes: Mapping[str, NodeUse]) -> None:
        """Name those that are too many: such as have been named, then the emptiest."""
        free = sorted(
            (id for id, use in nodes.items() if not use.stays),
            key=lambda id: (id not in self._left, nodes[id].used, id),
        )
        self._left = frozenset(free[: max(0, len(nodes) - self._wanted)])
