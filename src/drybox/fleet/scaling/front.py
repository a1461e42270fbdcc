"""A front door's part of scaling: it tells the scaler what it sees, and leaves nodes."""

from __future__ import annotations

import logging

import anyio

from drybox.fleet.actors.caller import ActorCaller
from drybox.fleet.cluster import Cluster, ReplicaGone
from drybox.fleet.members import Members
from drybox.fleet.scaling.scaler import NodeUse, Scaling, pack_use, unpack_left

INTERVAL = 1.0
"""Seconds between two exchanges with the scaler."""

ANSWER_TIMEOUT = 5.0
"""Seconds in which it answers; the head may be away."""

_log = logging.getLogger("drybox.fleet")


async def scale(cluster: Cluster, members: Members, scaling: Scaling) -> None:
    """Have as many nodes as are needed, for ever.

    Args:
        cluster: Where they are.
        members: The nodes.
        scaling: How many there may be.
    """
    call = ActorCaller(cluster.scaler)
    while True:
        told = pack_use(
            *(members.door, cluster.name, scaling, members.waiting), nodes=used(members)
        )
        try:
            with anyio.fail_after(ANSWER_TIMEOUT):
                members.left = unpack_left(await call(told))
        except (ReplicaGone, TimeoutError) as error:
            _log.info("The fleet is not scaled: %s", error or "the scaler does not answer")
        await anyio.sleep(INTERVAL)


def used(members: Members) -> dict[str, NodeUse]:
    """All nodes that are alive, as this front door sees them."""
    found = {}
    for info in members.alive:
        member = members.get(info.id)
        use = found[info.id] = NodeUse(stays=info.is_head or info.id == members.own)
        if member is not None:
            state = member.state
            use.slots, use.used = state.slots, state.taken
            use.stays |= bool(state.sessions or state.opening)
    return found
