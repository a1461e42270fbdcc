"""What there is to tell of the nodes of a fleet, without being one of its front doors."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from drybox.executor.settings import ExecutorSettings
from drybox.fleet.cluster import NodeInfo, RayCluster, ReplicaGone
from drybox.fleet.messages import Load, UnreadableLoad, unpack_load, version_of
from drybox.model import Record

ANSWER_TIMEOUT = 5.0
"""Seconds in which a replica has to answer."""


@dataclass(frozen=True, slots=True)
class NodeStatus(Record):
    """A node, or one of several replicas on it.

    Attributes:
        node: Ray's name of it.
        name: Its address and the beginning of its id.
        version: Of its drybox; None without a replica.
        state: ``ready``, ``draining``, ``silent`` where it does not answer, ``refused`` where its
            drybox is not its front doors' version or tells of itself in another way, or
            ``unused`` without a replica.
        slots: Sandboxes that run at once.
        running: Executions that run.
        idle: Sandboxes that wait for a request.
        sessions: Sessions that are open.
        pid: The replica's process; 0 without one.
    """

    node: str
    name: str
    version: str | None = None
    state: str = "unused"
    slots: int = 0
    running: int = 0
    idle: int = 0
    sessions: int = 0
    pid: int = 0


def status_of(info: NodeInfo, load: Load) -> NodeStatus:
    """What a node says of itself."""
    state = "draining" if load.is_ending or info.is_draining else "ready"
    idle = sum(item.idle for item in load.pools)
    taken = (load.slots, load.running, idle, load.sessions)
    return NodeStatus(info.id, info.name, load.version, state, *taken, load.pid)


def fleet_status(address: str) -> list[NodeStatus]:
    """Every node of a cluster, with its replicas; none is started.

    Args:
        address: As :class:`drybox.RayExecutor` takes it.

    Raises:
        InvalidRequest: It is no address.
        Unsupported: Ray is not installed.
        Unavailable: The cluster cannot be reached.
    """
    cluster = RayCluster(address, ExecutorSettings())
    cluster.connect()
    try:
        return asyncio.run(_status(cluster))
    finally:
        cluster.disconnect()


async def _status(cluster: RayCluster) -> list[NodeStatus]:
    replicas = cluster.replicas()
    found = []
    for info in cluster.nodes():
        own = [item for item in replicas if item.node == info.id]
        for replica in own:
            try:
                answer = await asyncio.wait_for(replica.handle.call("report", ""), ANSWER_TIMEOUT)
                version = version_of(answer)
                if version != replica.version:
                    found.append(NodeStatus(info.id, info.name, version, "refused"))
                else:
                    found.append(status_of(info, unpack_load(answer)))
            except UnreadableLoad:
                found.append(NodeStatus(info.id, info.name, replica.version, "refused"))
            except (ReplicaGone, asyncio.TimeoutError):
                found.append(NodeStatus(info.id, info.name, replica.version, "silent"))
        if not own:
            found.append(NodeStatus(info.id, info.name))
    return found
