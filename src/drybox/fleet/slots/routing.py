"""Which node gets the next execution: pure, without clock and I/O.

A sandbox that waits for just this kind of request saves most of what a run costs, so it comes
first: on this machine, which saves the way, and then wherever there are most. Else the node with
the smallest part of its slots taken; among equals this machine, then the one that was chosen
longest ago.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

MAX_LAG = 1.0
"""Seconds that a node's event loop may be behind; one that is further behind gets nothing new."""


@dataclass(slots=True)
class NodeState:
    """What a front door knows of a node.

    Attributes:
        id: Ray's name of it.
        is_local: It is this machine.
        slots: Sandboxes that run there at once.
        running: Executions that this front door has running there.
        elsewhere: Executions that others have running there, as the node said last.
        sandboxes: Sandboxes that wait, by isolation and language, less those that were sent for.
        lag: Seconds that its event loop is behind.
        is_draining: It takes nothing new, as its node or its replica is about to end.
        is_full: It has said so since it last told of its load.
        held: Slots that it holds for this front door.
        is_wanted: It was asked to hold the next one, and has not answered yet.
        last_chosen: Number of the last choice that fell on it.
        sessions: Sessions that are open there.
        opening: Sessions that this front door is opening there.
    """

    id: str
    is_local: bool = False
    slots: int = 0
    running: int = 0
    elsewhere: int = 0
    sandboxes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    lag: float = 0.0
    is_draining: bool = False
    is_full: bool = False
    held: int = 0
    is_wanted: bool = False
    last_chosen: int = 0
    sessions: int = 0
    opening: int = 0

    @property
    def taken(self) -> int:
        """Slots that are taken."""
        return self.running + self.elsewhere

    def has_room(self) -> bool:
        """Whether it takes one more."""
        if self.is_draining or self.lag > MAX_LAG:
            return False
        return self.held > 0 or (self.taken < self.slots and not self.is_full)

    def is_others(self) -> bool:
        """Whether it has no room as other front doors use it, so that nobody here sees room."""
        return not self.has_room() and not self.is_draining and bool(self.is_full or self.elsewhere)

    def warm(self, isolation: str, language: str) -> int:
        """Sandboxes that wait for requests of this kind."""
        return sum(
            count
            for (kind, name), count in self.sandboxes.items()
            if name == language and isolation in ("auto", kind)
        )


def choose_node(nodes: Iterable[NodeState], isolation: str, language: str) -> NodeState | None:
    """The node for one more execution; None if none has room.

    Args:
        nodes: Those that may be chosen.
        isolation: The one asked for; ``auto`` for any.
        language: Name of the language.
    """

    def rank(node: NodeState) -> tuple[bool, bool, int, float, bool, int]:
        warm = node.warm(isolation, language)
        return (
            not node.held,  # nobody else can use it
            not (node.is_local and warm),
            -warm,
            node.taken / node.slots,
            not node.is_local,
            node.last_chosen,
        )

    return min((node for node in nodes if node.has_room()), key=rank, default=None)


def choose_for_session(nodes: Iterable[NodeState]) -> NodeState | None:
    """The node for one more session; None if none takes any.

    A session stays for long and mostly does nothing: what runs at the moment says little.
    """

    def rank(node: NodeState) -> tuple[float, bool, int]:
        count = node.sessions + node.opening
        return (count / max(1, node.slots), not node.is_local, node.last_chosen)

    able = (node for node in nodes if not node.is_draining and node.lag <= MAX_LAG)
    return min(able, key=rank, default=None)


def take_slot(node: NodeState, isolation: str, language: str, number: int) -> None:
    """One more execution goes there, and to a sandbox that waits if there is one."""
    node.running += 1
    node.held = max(0, node.held - 1)
    node.last_chosen = number
    for kind, count in node.sandboxes.items():
        if kind[1] == language and isolation in ("auto", kind[0]) and count:
            node.sandboxes = {**node.sandboxes, kind: count - 1}
            return
