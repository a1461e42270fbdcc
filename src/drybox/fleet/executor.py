"""The executor whose programs run on a Ray cluster, from async code."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import anyio.to_thread
from anyio.abc import TaskGroup

from drybox.environments.info import EnvironmentInfo
from drybox.errors import InvalidRequest, Rejected, SandboxLost, Unavailable
from drybox.execution.cpu_meter import CpuMeter
from drybox.execution.kill_switch import KillSwitch
from drybox.execution.outcome import nothing_ran
from drybox.execution.phases import Emit, OperatorLimits
from drybox.execution.run import new_id
from drybox.execution.validation import check_caps, check_timeout, make_job
from drybox.executor.background_tasks import BackgroundTasks
from drybox.executor.event_stream import EventStream
from drybox.executor.inventory import usable_isolations
from drybox.executor.many import Done, listed, run_all
from drybox.executor.settings import ExecutorSettings
from drybox.fleet import inventory
from drybox.fleet.cluster import Cluster, RayCluster
from drybox.fleet.dispatch import Dispatch
from drybox.fleet.inventory import FleetInventory
from drybox.fleet.members import Members
from drybox.fleet.messages import RunMessage
from drybox.fleet.scaling.front import scale
from drybox.fleet.scaling.scaler import Scaling
from drybox.fleet.sessions.executor import SessionsExecutor
from drybox.fleet.sessions.store import FleetSessions
from drybox.fleet.status import NodeStatus
from drybox.job import OWNER, ExecutionCaps, Job, Source
from drybox.languages.registry import find_language
from drybox.model import (
    Event,
    ExecutionRequest,
    ExecutionResult,
    LanguageInfo,
    PoolCount,
    PreparationProgress,
    ResourceLimits,
)
from drybox.monitoring.observers import Observer, Observers

if TYPE_CHECKING:
    from typing_extensions import Self

ASSUMED_SLOTS = 64
"""Of a fleet whose nodes nobody has asked yet; a server sets memory aside for as many."""

CHECKED_AT_ONCE = 16
"""Requests that are checked without a pause: nodes give up a front door that is silent for long."""

AHEAD, LEAST_AT_ONCE = 2, 64
"""Executions of one ``execute_many`` that are under way: for each slot, and at least."""


class AsyncRayExecutor(SessionsExecutor):
    """Runs code in sandboxes on the nodes of a Ray cluster, from async code.

    Use it as :class:`drybox.AsyncCodeExecutor`, which runs on each node. What may have begun on a
    node that is lost raises :class:`drybox.SandboxLost` and is never run again; what has not begun
    runs on another node.

    Args:
        address: ``auto`` for the Ray that is initialized in this process, or else runs on this
            machine; ``HOST:PORT`` of a cluster; ``local`` to start one on this machine.
        cluster: Where the nodes are, if they are not Ray's; for tests.
        shares_sessions: Sessions are every front door's of the same settings, and outlive this one;
            else they are closed with it.
        min_nodes: Nodes that there are at least, the head's machine among them; with ``max_nodes``.
        max_nodes: Have Ray's autoscaler add nodes as more slots are needed, up to so many; None to
            use those that there are.
        node_idle_timeout: Seconds after which nodes that are too many are left, so that Ray's
            autoscaler may remove them.
        **settings: Fields of :class:`drybox.executor.settings.ExecutorSettings`, which hold for
            every node's executor. Observers follow the executions here; hooks
            run on the nodes, to which Ray sends them.

    Attributes:
        cluster: Where the nodes are.

    Raises:
        InvalidRequest: One of these is wrong.
        Unsupported: Ray is not installed.
    """

    def __init__(
        self,
        address: str = "auto",
        *,
        cluster: Cluster | None = None,
        shares_sessions: bool = False,
        min_nodes: int = 1,
        max_nodes: int | None = None,
        node_idle_timeout: float = 300.0,
        **settings: Any,
    ) -> None:
        self._settings = given = ExecutorSettings(**settings)
        self._defaults = given.defaults()
        self._operator = given.operator_limits()
        self._observers = Observers(given.observers)
        sent = replace(given, observers=(), progress=ExecutorSettings().progress)
        self.cluster = cluster or RayCluster(address, sent)
        self._queue_timeout = given.queue_timeout
        if given.queue_timeout is not None:
            self._queue_timeout = check_timeout(given.queue_timeout, "queue_timeout")
        self._shares_sessions = shares_sessions
        self._scaling: Scaling | None = None
        if max_nodes is not None:
            self._scaling = Scaling(min_nodes, max_nodes, node_idle_timeout)
        self._sessions: FleetSessions
        self._tasks = BackgroundTasks()
        self._opened: TaskGroup | None = None
        self._opening = anyio.Lock()
        self._meet(Members(self.cluster, new_id()))

    def _meet(self, members: Members) -> None:
        self._members, self._inventory = members, FleetInventory(members)

    @property
    def timeout(self) -> float:
        """Wall seconds of a run phase, where the request names none."""
        return self._defaults.timeout

    @property
    def limits(self) -> ResourceLimits:
        """Limits of a run phase, where the request names none."""
        return self._defaults.limits

    @property
    def isolation(self) -> str:
        """The isolation, where the request names none."""
        return self._defaults.isolation

    @property
    def installs(self) -> bool:
        """Whether a request may ask for packages: there is a folder of them."""
        return bool(self._defaults.package_dir)

    @property
    def operator(self) -> OperatorLimits:
        """Limits of the phases before ``run``."""
        return self._operator

    @property
    def concurrency(self) -> int:
        """Sandboxes that run at once on all nodes that are there now; a guess before it is open."""
        return max(1, self._members.slots) if self._opened else ASSUMED_SLOTS

    async def open(self) -> Self:
        """Join the cluster and have a replica on each node; returns when the first is ready.

        Idempotent.

        Raises:
            InvalidRequest: It is open in another event loop.
            Unavailable: The cluster cannot be reached, or none of its nodes gets ready.
        """
        async with self._opening:
            tasks = await self._tasks.open()
            if self._opened is tasks:
                return self
            try:
                await anyio.to_thread.run_sync(self.cluster.connect)
                self._meet(Members(self.cluster, new_id()))
                self._opened = tasks
                self._sessions = FleetSessions(
                    *(self._members, tasks, self._defaults, self._observers),
                    is_shared=self._shares_sessions,
                )
                tasks.start_soon(self._members.serve, tasks)
                if self._scaling is not None:
                    tasks.start_soon(scale, self.cluster, self._members, self._scaling)
                await self._members.wait(inventory.FIRST_NODE_TIMEOUT)
            except BaseException:
                await self._close()
                raise
        return self

    async def aclose(self) -> None:
        """End what still runs and leave the cluster. Idempotent.

        A replica that serves no other front door ends. A cluster that was started here ends too.
        """
        async with self._opening:
            await self._close()

    async def _close(self) -> None:
        with anyio.CancelScope(shield=True):
            await self._tasks.close()
            if self._opened is not None:
                self._opened = None
                await self._members.close()
            await anyio.to_thread.run_sync(self.cluster.disconnect)

    def prepare(
        self, request: ExecutionRequest, meter: CpuMeter | None = None
    ) -> Callable[[], Coroutine[None, None, ExecutionResult]]:
        """Check a request now; what this returns runs it, and raises what :meth:`execute` would.

        Args:
            request: What to run.
            meter: Is told what it took of the processor, however it ends.

        Raises:
            InvalidRequest: The request is wrong.
        """
        _, job = make_job(request, self._defaults)
        return lambda: self._execute(new_id(), job, RunMessage(request), meter=meter)

    async def execute_many(
        self, requests: Sequence[ExecutionRequest], *, progress: Done | None = None
    ) -> list[ExecutionResult]:
        """Run requests on all nodes, a bounded number at once.

        Args:
            requests: What to run.
            progress: Called with how many results there are and how many requests, after each one,
                in the thread that executes: it must be quick. What it raises ends the rest.

        Returns:
            Their results, in the order of the requests. One that found no sandbox, that a hook
            refused or whose node was lost has the status ``sandbox_error``, and its ``error`` says
            which: it takes no other's result along.

        Raises:
            InvalidRequest: One is wrong; none of them ran.
            Unsupported: What one asks for cannot be enforced on any node.
        """
        self._open_tasks()
        for index, request in enumerate(requests := listed(requests)):
            make_job(request, self._defaults)
            if index % CHECKED_AT_ONCE == 0:
                await anyio.lowlevel.checkpoint()

        async def run(index: int) -> ExecutionResult:
            id, message = new_id(), RunMessage(requests[index])
            language, job = make_job(message.request, self._defaults)
            try:
                return await self._execute(id, job, message)
            except (Unavailable, InvalidRequest, Rejected, SandboxLost) as error:
                return nothing_ran(id, language, job, error)

        most = max(LEAST_AT_ONCE, AHEAD * self.concurrency)
        return await run_all(run, len(requests), most, progress)

    def _stream(
        self, request: ExecutionRequest, stdin: Source | None, caps: ExecutionCaps
    ) -> EventStream:
        return self.follow(request, stdin, caps)

    def follow(
        self,
        request: ExecutionRequest,
        stdin: Source | None,
        caps: ExecutionCaps,
        meter: CpuMeter | None = None,
    ) -> EventStream:
        """What :meth:`stream` does, and tell a meter what it took of the processor."""
        _, job = make_job(request, self._defaults)
        message = RunMessage(request, check_caps(caps), stdin is not None)
        switch = KillSwitch()

        async def run(emit: Emit) -> None:
            await self._execute(new_id(), job, message, emit, stdin, switch, meter)

        return EventStream(self._open_tasks(), run, switch)

    async def languages(self) -> list[LanguageInfo]:
        """Every known language, and the versions that some node has."""
        self._open_tasks()
        return await self._inventory.languages()

    async def language(self, name: str) -> LanguageInfo:
        """One of them, by name or alias.

        Raises:
            InvalidRequest: There is none of that name.
        """
        wanted, _ = find_language(name)
        return next(item for item in await self.languages() if item.name == wanted.name)

    async def environments(self) -> list[EnvironmentInfo]:
        """The environments that requests may name; built is what is on the node that is asked."""
        self._open_tasks()
        return await self._inventory.environments()

    def isolations(self) -> list[str]:
        """The words that ``isolation`` takes, without asking the nodes whether they work."""
        return usable_isolations(self._settings.docker)

    async def probe(self, language: str) -> None:
        """Open a sandbox on a node as a plain request would, and give it up.

        Raises:
            Unsupported: A guarantee cannot be enforced there.
            Unavailable: No sandbox could be had.
        """
        self._open_tasks()
        await self._inventory.probe(language)

    async def prepare_languages(self) -> None:
        """Make what programs of each language need on every node, before somebody asks for it."""
        self._open_tasks()
        await self._inventory.prepare()

    def preparations(self) -> list[PreparationProgress]:
        """Nothing: each node makes what it needs, and tells its own log."""
        return []

    def nodes(self) -> list[NodeStatus]:
        """The nodes that are there now."""
        return self._inventory.nodes()

    @property
    def waiting(self) -> int:
        """Executions that wait here for a slot."""
        return self._members.waiting

    @property
    def lost(self) -> int:
        """Nodes that were lost so far."""
        return self._members.lost

    def observe(self, observer: Observer) -> None:
        """Have one more observer follow the executions that begin from now on."""
        self._observers.add(observer)

    def pools(self) -> list[PoolCount]:
        """What the pools of all nodes hold and have served so far, by isolation and language."""
        return self._inventory.pools()

    def _fleet_sessions(self) -> FleetSessions:
        self._open_tasks()
        return self._sessions

    async def _execute(
        self,
        id: str,
        job: Job,
        message: RunMessage,
        emit: Emit | None = None,
        stdin: Source | None = None,
        switch: KillSwitch | None = None,
        meter: CpuMeter | None = None,
    ) -> ExecutionResult:
        self._open_tasks()
        observation = self._observers.start(id, job)
        kept: list[ExecutionResult] = []

        async def pass_on(event: Event) -> None:
            if event.result is not None:
                kept.append(event.result)
            if emit is not None:
                await emit(event)

        if owner := OWNER.get():
            message = replace(message, owner=owner)
        dispatch = Dispatch(self._members, id, job, message, self._queue_timeout)
        try:
            reply = await dispatch.run(
                observation, pass_on if emit else None, stdin, switch or KillSwitch()
            )
            if meter is not None:
                meter.add(reply.cpu_time)
            if reply.error is not None:
                raise reply.error
            result = reply.result or kept[-1]
        except BaseException as error:
            observation.finish(None, error)
            raise
        observation.finish(result, None)
        return result

    def _open_tasks(self) -> TaskGroup:
        tasks = self._tasks.here()
        if tasks is None or self._opened is None:
            raise InvalidRequest(
                "executor",
                "it is not open",
                hint="Use it in 'async with AsyncRayExecutor()', or call 'await open()' before.",
            )
        return tasks
