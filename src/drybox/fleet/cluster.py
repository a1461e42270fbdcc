"""The Ray cluster: how to reach it, its nodes, and the replica of each."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Awaitable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

from drybox import __version__
from drybox.errors import Unavailable, Unsupported
from drybox.executor.settings import ExecutorSettings
from drybox.fleet.actors.single import LedgerActor, ScalerActor
from drybox.fleet.address import check_address, check_reachable
from drybox.fleet.node import CALLS_AT_ONCE
from drybox.fleet.replica import Replica

NAMESPACE = "drybox"
"""Of Ray's names of actors."""

LEDGER, SCALER = "ledger:1", "scaler:1"
"""Names of what there is one of; the number is that of what it is told and answers."""

HEAD = "node:__internal_head__"
"""What the head's node alone has some of."""

REPORTS_AT_ONCE = 64

OBJECT_STORE = 256 << 20
"""Bytes of shared memory for large results, in a cluster that is started here."""

_log = logging.getLogger("drybox.fleet")

_lock = threading.Lock()
_users = 0
_is_ours = False


class ReplicaGone(Exception):
    """A replica did not answer, and whether it did what was asked is not known.

    Args:
        reason: What Ray says.
        is_certain: The replica is dead, and not just this answer lost.
    """

    def __init__(self, reason: str, *, is_certain: bool) -> None:
        super().__init__(reason)
        self.is_certain = is_certain


class Handle(Protocol):
    """What calls the methods of a :class:`Replica`."""

    def call(self, method: str, *arguments: str | bytes) -> Awaitable[bytes]:
        """What one of them returns.

        Raises:
            ReplicaGone: Nobody knows.
        """


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """A machine of the cluster.

    Attributes:
        id: Ray's name of it.
        name: Its address and the beginning of its id, for people.
        is_draining: It is about to be removed: ``ray drain-node``, or what scales the cluster.
        is_head: The cluster's head is there.
    """

    id: str
    name: str
    is_draining: bool = False
    is_head: bool = False


@dataclass(frozen=True, slots=True)
class FoundReplica:
    """A replica that is there.

    Attributes:
        node: Ray's name of its node.
        version: Of its drybox.
        handle: What calls it.
    """

    node: str
    version: str
    handle: Handle


class Cluster(Protocol):
    """Where the nodes of a fleet are. Its methods block.

    Attributes:
        name: Front doors of the same one share the replicas.
    """

    name: str

    def connect(self) -> None:
        """Reach it."""

    def nodes(self) -> list[NodeInfo]:
        """Those that are alive."""

    def own_node(self) -> str:
        """The id of the node that this process is on."""

    def replica(self, node: str) -> Handle:
        """The replica of a node, made if there is none."""

    def ledger(self) -> Handle:
        """What counts for all front doors what keys use, made if there is none."""

    def scaler(self) -> Handle:
        """What decides for all front doors how many nodes there are, made if there is none."""

    def disconnect(self) -> None:
        """Leave it."""


def load_ray() -> ModuleType:
    """Ray.

    Raises:
        Unsupported: It is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise Unsupported(
            "a fleet needs Ray, which is not installed",
            hint="Install it: pip install 'drybox[ray]'",
        ) from error
    found: ModuleType = ray
    return found


class RayCluster:
    """A Ray cluster that is there, or one that is started on this machine.

    Args:
        address: ``auto``, ``HOST:PORT``, or ``local`` to start one here.
        settings: Those of every node's executor.
    """

    def __init__(self, address: str, settings: ExecutorSettings) -> None:
        self._ray = load_ray()
        self._address = check_address(address)
        self._settings = settings
        self.name = _fleet_name(settings)
        self._is_connected = False

    def connect(self) -> None:
        """Reach it; Ray that is initialized in this process already is used as it is.

        Raises:
            Unavailable: It cannot be reached.
        """
        global _users, _is_ours
        with _lock:
            if not self._ray.is_initialized():
                self._initialize()
                _is_ours, _users = True, 0
            elif self._address not in ("auto", "local"):
                self._check_same()
            _users += 1
            self._is_connected = True

    def _initialize(self) -> None:
        options: dict[str, Any] = {"address": self._address}
        if self._address == "local":
            options |= {"include_dashboard": False, "object_store_memory": OBJECT_STORE}
            # Else a replica and its sandboxes give way to everything else on the machine.
            options["_system_config"] = {"worker_niceness": 0}
        elif self._address == "auto":
            options["address"] = self._find()
        if options["address"] != "local":
            check_reachable(options["address"])
        try:
            self._ray.init(
                **options, namespace=NAMESPACE, log_to_driver=False, logging_level="ERROR"
            )
        except (Exception, SystemExit) as error:  # Ray ends the process where it gives up
            raise Unavailable(
                f"the Ray cluster {self._address!r} cannot be joined:"
                f" {str(error).strip().partition(chr(10))[0] or type(error).__name__}",
                hint="A process joins the cluster through a Ray node on its own machine: run"
                " 'ray start --address=HOST:PORT' there, with the cluster's token if it has one.",
            ) from None

    def _check_same(self) -> None:
        """See to it that the cluster that this process is a part of already is the one asked for.

        Raises:
            Unavailable: It is another one; a process can be a part of one alone.
        """
        from ray._private.services import canonicalize_bootstrap_address

        check_reachable(self._address)
        joined = str(self._ray.get_runtime_context().gcs_address)
        if canonicalize_bootstrap_address(self._address) != joined:
            raise Unavailable(
                f"this process is a part of the Ray cluster {joined!r} already,"
                f" and cannot join {self._address!r} as well",
                hint="Pass address='auto' to use that one, or use another process.",
            )

    def _find(self) -> str:
        from ray._private.services import canonicalize_bootstrap_address

        try:
            found = canonicalize_bootstrap_address("auto")
        except ConnectionError:  # it advises options that we do not have
            found = None
        if found is None:
            raise Unavailable(
                "no Ray cluster runs on this machine",
                hint="Start one with 'ray start --head', name another with RAY_ADDRESS or"
                " address='HOST:PORT', or have one started with address='local'.",
            )
        return str(found)

    def nodes(self) -> list[NodeInfo]:
        """Those that are alive."""
        from ray._private.state import state

        draining = state.get_draining_nodes()
        return [
            NodeInfo(
                *(id, f"{node['NodeManagerAddress']} ({id[:8]})", id in draining),
                is_head=HEAD in node["Resources"],
            )
            for node in self._ray.nodes()
            if node["Alive"] and (id := node["NodeID"])
        ]

    def own_node(self) -> str:
        """The id of the node that this process is on."""
        return str(self._ray.get_runtime_context().get_node_id())

    def replica(self, node: str) -> Handle:
        """The replica of a node, made if there is none."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        # In a thread of its own: a busy event loop does not make a node seem dead.
        self._ray.method(concurrency_group="reports")(Replica.report)
        actor = self._ray.remote(concurrency_groups={"reports": REPORTS_AT_ONCE})(Replica)
        made = actor.options(
            name=f"{self.name}:{node}",
            namespace=NAMESPACE,
            lifetime="detached",
            get_if_exists=True,
            num_cpus=0,
            max_concurrency=CALLS_AT_ONCE,
            max_restarts=0,
            max_task_retries=0,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False),
        ).remote(self._settings)
        return _RayHandle(made)

    def ledger(self) -> Handle:
        """What counts for all front doors what keys use, made if there is none.

        On the head's machine, without which no other one could be made. It is one for front doors
        of all settings and versions.
        """
        return self._single(LedgerActor, LEDGER)

    def scaler(self) -> Handle:
        """What decides for all front doors how many nodes there are, made if there is none."""
        return self._single(ScalerActor, SCALER)

    def _single(self, kind: type[object], name: str) -> Handle:
        made = self._ray.remote(kind).options(
            name=name,
            namespace=NAMESPACE,
            lifetime="detached",
            get_if_exists=True,
            num_cpus=0,
            resources={HEAD: 0.001},
            max_restarts=-1,
            max_task_retries=0,
        )
        return _RayHandle(made.remote())

    def replicas(self) -> list[FoundReplica]:
        """Those that are there, whatever their settings."""
        from ray.util import list_named_actors

        found = []
        for item in list_named_actors(all_namespaces=True):
            kind, *words = item["name"].split(":")
            if item["namespace"] == NAMESPACE and kind == "replica" and len(words) == 3:
                try:
                    actor = self._ray.get_actor(item["name"], namespace=NAMESPACE)
                except ValueError:  # it has ended meanwhile
                    continue
                found.append(FoundReplica(words[2], words[0], _RayHandle(actor)))
        return found

    def disconnect(self) -> None:
        """Leave it; the last one who does ends what was begun here."""
        global _users, _is_ours
        with _lock:
            if not self._is_connected:
                return
            self._is_connected = False
            _users -= 1
            if _is_ours and _users == 0:
                _is_ours = False
                self._ray.shutdown()


class _RayHandle:
    """An actor's handle."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    async def call(self, method: str, *arguments: str | bytes) -> bytes:
        from ray import exceptions

        try:
            asked = getattr(self._actor, method).remote(*arguments)
        except (AttributeError, TypeError) as error:  # Ray knows what its methods take
            reason = f"its drybox is another one: {error}"
            raise ReplicaGone(reason, is_certain=False) from None
        try:
            found: bytes = await asked
        except exceptions.ActorDiedError as error:
            _log.info("%s", error)
            raise ReplicaGone("its replica has died", is_certain=True) from None
        except exceptions.ActorUnavailableError as error:
            _log.info("%s", error)
            raise ReplicaGone("its replica cannot be reached", is_certain=True) from None
        except exceptions.RayError as error:
            reason = f"{type(error).__name__}: {str(error).strip()[:200]}"
            raise ReplicaGone(reason, is_certain=False) from None
        return found


def _fleet_name(settings: ExecutorSettings) -> str:
    """Front doors of the same settings share the replicas; others have their own."""
    told = settings.changed()
    words = repr(sorted((name, repr(value)) for name, value in told.items()))
    if told.get("hooks"):
        words += os.urandom(16).hex()  # what two objects do cannot be compared
    return f"replica:{__version__}:{hashlib.sha256(words.encode()).hexdigest()[:16]}"
