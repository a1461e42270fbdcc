"""The nodes of a fleet, as one front door sees them: who is there, lost, or next."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from drybox import __version__
from drybox.errors import Unavailable
from drybox.fleet.cluster import Cluster, NodeInfo, ReplicaGone
from drybox.fleet.member import SILENCE_TIMEOUT, Member
from drybox.fleet.messages import UnreadableLoad, unpack_load, version_of
from drybox.fleet.slots.routing import NodeState, choose_for_session, choose_node, take_slot
from drybox.fleet.slots.waiting import Waiter, WaitingRoom
from drybox.job import Job

REPORT_INTERVAL = 0.5
"""Seconds between two questions to a node for its load."""

MISSED_REPORTS = int(SILENCE_TIMEOUT / REPORT_INTERVAL)
"""Intervals after which a node that has not answered is lost."""

LOOK_INTERVAL = 1.0
"""Seconds between two looks for new nodes, and between two attempts to have a replica."""

JOIN_TIMEOUT = 60.0
"""Seconds in which a new replica has to answer for the first time; its process starts meanwhile."""

VERSION_INTERVAL = 30.0
"""Seconds after which a node with another version is asked again; somebody may have renewed it."""

NODE_TIMEOUT = 10.0
"""Seconds that an execution waits for a node, where there is none."""

LEAVE_TIMEOUT = 10.0
"""Seconds in which a node ends what this front door runs there."""

_log = logging.getLogger("drybox.fleet")


class Members:
    """The nodes.

    Args:
        cluster: Where they are.
        door: This front door's name.

    Attributes:
        door: This front door's name.
        lost: How many were lost so far.
        alive: Those of the cluster, as it said last, whether they have a replica or not.
        own: The one that this process is on; "" before that is known.
        left: Ids of those that the fleet can do without; each is left once nothing runs there.
    """

    def __init__(self, cluster: Cluster, door: str) -> None:
        self._cluster = cluster
        self.door = door
        self._members: dict[str, Member] = {}
        self._joining: set[str] = set()
        self._waiting = WaitingRoom()
        self._wants: set[asyncio.Task[None]] = set()
        self._choices = 0
        self._is_full = False  # nobody who has come since could get a slot
        self._changed = asyncio.Event()
        self._turned_down: dict[str, str] = {}
        self._problem = "no node has answered yet"
        self.lost = 0
        self.alive: Sequence[NodeInfo] = ()
        self.own = ""
        self.left: frozenset[str] = frozenset()

    def all(self) -> list[Member]:
        """Those that are there now."""
        return [member for member in self._members.values() if not member.lost]

    def get(self, id: str) -> Member | None:
        """A node, if it is there now."""
        member = self._members.get(id)
        return None if member is None or member.lost else member

    @property
    def slots(self) -> int:
        """Sandboxes that run at once on all of them."""
        return sum(member.state.slots for member in self.all())

    @property
    def waiting(self) -> int:
        """Executions that wait for a slot."""
        return len(self._waiting)

    async def serve(self, tasks: TaskGroup) -> None:
        """Look for nodes, for ever."""
        tasks.start_soon(self._refuse_without_nodes)
        while True:
            try:
                with anyio.fail_after(JOIN_TIMEOUT):
                    nodes = await anyio.to_thread.run_sync(
                        self._cluster.nodes, abandon_on_cancel=True
                    )
            except Exception as error:  # the head may be away; what is known stays
                _log.warning("The cluster's nodes are not known: %s", error)
            else:
                self._look(nodes, tasks)
            await anyio.sleep(LOOK_INTERVAL)

    async def _refuse_without_nodes(self) -> None:
        """Tell those who have waited for long while there was no node."""
        while True:
            await anyio.sleep(LOOK_INTERVAL)
            if self.all():
                continue
            for waiter in self._waiting.in_order():
                waiter.waited += LOOK_INTERVAL
                if waiter.waited >= NODE_TIMEOUT and not waiter.called.done():
                    self._waiting.remove(waiter)
                    waiter.called.set_exception(self._nobody())

    async def wait(self, seconds: float) -> None:
        """Wait until there is a node.

        Raises:
            Unavailable: There was none in so many seconds.
        """
        with anyio.move_on_after(seconds):
            while not self.all():
                self._changed.clear()
                await self._changed.wait()
        if not self.all():
            raise self._nobody()

    async def acquire(self, job: Job, refused: Collection[str] = (), owner: str = "") -> Member:
        """Wait for a slot, fair between keys, and take it.

        Args:
            job: What is to run.
            refused: Ids of nodes that cannot run it.
            owner: Name of the key whose it is.

        Raises:
            Unavailable: There is no node, or none that it may run on.
        """
        waiter = Waiter(job, refused, owner)
        self._waiting.add(waiter)
        if (
            refused or not self._is_full
        ):  # else those before it wait already, and nothing has changed
            self._serve_waiting()
        try:
            return await waiter.called
        except BaseException:
            if waiter.called.done() and not waiter.called.cancelled():
                if waiter.called.exception() is None:
                    self.release(waiter.called.result(), owner)
            else:
                self._waiting.remove(waiter)
            raise

    async def choose_for_session(self, refused: Collection[str]) -> Member | None:
        """The node for one more session; None if all that there are have refused.

        Whoever gets one takes it back out of ``state.opening``.

        Raises:
            Unavailable: There is no node, or none that takes anything new.
        """
        await self.wait(NODE_TIMEOUT)
        while True:
            able = [item for item in self.all() if item.info.id not in refused]
            chosen = choose_for_session(item.state for item in able if item.is_heard_of())
            if chosen is not None or all(item.is_heard_of() for item in able):
                break
            await anyio.sleep(REPORT_INTERVAL)  # the others answer by then, or are lost soon
        if chosen is None:
            if refused:
                return None
            raise self._nobody()
        self._choices += 1
        chosen.last_chosen = self._choices
        chosen.opening += 1
        return self._members[chosen.id]

    def release(self, member: Member, owner: str = "") -> None:
        """Give a slot back."""
        member.state.running -= 1
        self._waiting.end(owner)
        self._serve_waiting()

    def refuse(self, member: Member, reason: str) -> None:
        """A node has taken nothing: it has no room, or wants nothing new."""
        if reason in ("full", "unknown"):
            member.state.is_full = True  # until it tells of itself again
        elif reason == "ending":
            member.state.is_draining = True

    async def close(self) -> None:
        """Say goodbye to every node, which ends what this front door runs there."""
        async with anyio.create_task_group() as tasks:
            for member in self.all():
                tasks.start_soon(self._leave, member, "this front door was closed")
        self._members.clear()
        for waiter in self._waiting.in_order():
            if not waiter.called.done():
                waiter.called.set_exception(self._nobody())

    def _look(self, nodes: Sequence[NodeInfo], tasks: TaskGroup) -> None:
        self.alive = nodes
        alive = {node.id for node in nodes}
        for id, member in list(self._members.items()):
            if id not in alive:
                member.lose("Ray says that the node is dead")
                self._forget(member)
        for node in nodes:
            if node.id in self.left:
                node = replace(node, is_draining=True)
                self._leave_if_idle(node.id, tasks)
            if node.id in self._members:
                member = self._members[node.id]
                member.info = node
                member.state.is_draining |= node.is_draining
            elif node.id not in self._joining and not node.is_draining:
                self._joining.add(node.id)
                tasks.start_soon(self._keep, node)

    def _leave_if_idle(self, id: str, tasks: TaskGroup) -> None:
        """Leave a node on which nothing of this front door's is, and no session."""
        member = self._members.get(id)
        if member is None or not member.state.is_draining:  # it may be chosen up to now
            return
        if not (member.state.running or member.state.opening or member.state.sessions):
            del self._members[id]
            _log.info("Node %s is left: the fleet can do without.", member.info.name)
            tasks.start_soon(self._leave, member, "the fleet can do without it")

    async def _leave(self, member: Member, reason: str) -> None:
        with anyio.move_on_after(LEAVE_TIMEOUT):
            try:
                await member.call("leave", member.door)
            except ReplicaGone:
                pass
        member.lose(reason)

    async def _keep(self, node: NodeInfo) -> None:
        """Have its replica, and follow it until it is lost."""
        try:
            member = await self._join(node)
            if member is not None:
                self._members[node.id] = member
                self._changed.set()
                self._serve_waiting()
                await self._follow(member)
                self._forget(member)
        finally:
            self._joining.discard(node.id)

    async def _join(self, node: NodeInfo) -> Member | None:
        try:
            with anyio.fail_after(JOIN_TIMEOUT):
                handle, own = await anyio.to_thread.run_sync(
                    lambda: (self._cluster.replica(node.id), self._cluster.own_node()),
                    abandon_on_cancel=True,
                )
                # A name for each time: what ran before this front door lost sight of it is over.
                door = f"{self.door}:{os.urandom(4).hex()}"
                self.own = own
                member = Member(node, handle, door, node.id == own)
                await member.call("open")
                report = await member.call("report", member.door)
                version = version_of(report)
        except Exception as error:  # of any kind: the next look tries again
            self._problem = f"node {node.name} did not get ready: {error or type(error).__name__}"
            _log.info("Node %s did not get ready: %s", node.name, error)
            return None
        if version != __version__:
            await self._turn_down(member, version)
            return None
        try:
            load = unpack_load(report)
        except UnreadableLoad:
            await self._turn_down(member, f"another {version}")
            return None
        if load.is_ending:
            self._problem = f"the replica of node {node.name} ends"
            return None
        member.hear(load)
        if member.state.is_local:
            await member.link()
        return member

    async def _turn_down(self, member: Member, version: str) -> None:
        """Say once that a node is not used, and let its replica end."""
        node = member.info
        self._problem = f"node {node.name} has drybox {version}, this is {__version__}"
        if self._turned_down.get(node.id) != version:
            self._turned_down[node.id] = version
            _log.error("Node %s is not used: it has drybox %s.", node.name, version)
        with contextlib.suppress(ReplicaGone):
            await member.call("leave", member.door)
        await anyio.sleep(VERSION_INTERVAL)

    async def _follow(self, member: Member) -> None:
        while not member.lost:
            await anyio.sleep(REPORT_INTERVAL)
            answer = asyncio.ensure_future(member.call("report", member.door))
            try:
                for _ in range(MISSED_REPORTS):
                    # In steps: one in which this process itself stood still counts once.
                    await asyncio.wait({answer}, timeout=REPORT_INTERVAL)
                    if answer.done():
                        break
                else:
                    seconds = MISSED_REPORTS * REPORT_INTERVAL
                    member.lose(f"it has not answered for {seconds:g} s")
                    return
            finally:
                answer.cancel()
            try:
                load = unpack_load(answer.result())
            except ReplicaGone:
                continue
            except UnreadableLoad as error:
                member.lose(f"its drybox is another one: {error}")
                return
            member.hear(load)
            self._serve_waiting()

    def _forget(self, member: Member) -> None:
        if self._members.get(member.info.id) is member:
            del self._members[member.info.id]
            self._problem = f"node {member.info.name} was lost: {member.lost}"
            _log.warning("Node %s is lost: %s.", member.info.name, member.lost)
            self.lost += 1
            self._serve_waiting()

    def _serve_waiting(self) -> None:
        """Give free slots to those who wait."""
        self._is_full = False
        ids = {member.info.id for member in self.all()}
        heard_of = [member.state for member in self.all() if member.is_heard_of()]
        for waiter in self._waiting.in_order():
            if waiter.called.done():
                continue
            job, known = waiter.job, heard_of
            if waiter.refused:
                if ids and ids.issubset(waiter.refused):
                    self._waiting.remove(waiter)
                    waiter.called.set_exception(self._nobody())
                    continue
                known = [state for state in heard_of if state.id not in waiter.refused]
            chosen = choose_node(known, job.isolation, job.language)
            if chosen is None:
                self._want_slots(known, waiter.owner)
                if not waiter.refused:
                    self._is_full = True
                    return  # nobody behind it has more to choose from
                continue
            self._choices += 1
            take_slot(chosen, job.isolation, job.language, self._choices)
            self._waiting.remove(waiter)
            self._waiting.begin(waiter.owner)
            waiter.called.set_result(self._members[chosen.id])

    def _want_slots(self, states: Iterable[NodeState], owner: str) -> None:
        """Have nodes that other front doors use as well hold their next slots for this one."""
        for state in states:
            if state.is_others() and not state.is_wanted:
                state.is_wanted = True
                task = asyncio.ensure_future(self._want(self._members[state.id], owner))
                self._wants.add(task)
                task.add_done_callback(self._wants.discard)

    async def _want(self, member: Member, owner: str) -> None:
        try:
            is_held = await member.call("want", member.door, owner)
        except ReplicaGone:
            return
        finally:
            member.state.is_wanted = False
        if not is_held:
            return
        member.state.held += 1
        self._serve_waiting()
        if member.state.held:
            member.state.held = 0
            with contextlib.suppress(ReplicaGone):
                await member.call("give_back", member.door)

    def _nobody(self) -> Unavailable:
        return Unavailable(
            f"the fleet has no node that could take this: {self._problem}",
            hint="Nothing ran. See 'drybox fleet status' and the log of drybox.fleet.",
        )
