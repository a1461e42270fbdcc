"""One execution from claim to result: the only orchestration, the same for every backend."""

from __future__ import annotations

import os

from drybox.backends.base import Backend, SandboxSpec
from drybox.environments.environment import BuiltEnvironment
from drybox.execution.compile_cache import CompileCache
from drybox.execution.cpu_meter import CpuMeter
from drybox.execution.kill_switch import KillSwitch
from drybox.execution.phases import Emit, OperatorLimits, Phases, source_of
from drybox.execution.sandbox_lifetime import SandboxLifetime
from drybox.hooks.hooks import Hooks
from drybox.job import Job, Source
from drybox.languages.base import Language
from drybox.model import Event, ExecutionResult
from drybox.monitoring.observers import NULL_OBSERVATION, Observation


def new_id() -> str:
    """A name for an execution that nobody can guess: 32 hexadecimal digits."""
    return os.urandom(16).hex()  # a UUID's arithmetic takes longer than the kernel's part


class Execution:
    """One run of one job.

    Args:
        id: Its unique name.
        job: What to run.
        language: Its language.
        backend: What makes the sandbox.
        operator: Limits of the phases before ``run``.
        emit: Takes the events; None if nobody follows.
        stdin: The program's input as it comes; the job's own bytes if None.
        hooks: Whom to ask before it runs and to tell afterwards.
        observation: Is told of every stage.
        switch: Ends the command that runs.
        cache: What compilers made of sources that came before.
        meter: Is told what it took of the processor, however it ends.
        environment: The job's environment; None if it names none.
    """

    def __init__(
        self,
        id: str,
        job: Job,
        language: Language,
        backend: Backend,
        operator: OperatorLimits,
        emit: Emit | None,
        stdin: Source | None = None,
        hooks: Hooks | None = None,
        observation: Observation = NULL_OBSERVATION,
        switch: KillSwitch | None = None,
        cache: CompileCache | None = None,
        meter: CpuMeter | None = None,
        environment: BuiltEnvironment | None = None,
    ) -> None:
        self._id = id
        self._job = job
        self._language = language
        self._backend = backend
        self._operator = operator.within(job.caps)
        self._emit = emit
        self._streamed = stdin is not None
        self._environment = environment
        self._hooks = hooks or Hooks()
        self._observation = observation
        self._meter = meter or CpuMeter()
        self._phases = Phases(
            self._id,
            self._job,
            self._language,
            backend.name,
            self._operator,
            self._emit,
            stdin or (source_of(job.stdin) if job.stdin else None),
            self._observation,
            switch or KillSwitch(),
            cache,
        )

    async def run(self) -> ExecutionResult:
        """Claim a sandbox, run every phase in it, destroy it.

        Raises:
            Unsupported: A guarantee cannot be enforced here.
            Unavailable: No sandbox could be had, or a hook failed.
            Rejected: A hook said no.
            InvalidRequest: The files do not fit into the sandbox.
        """
        job = self._job
        planned = await self._phases.plan()
        spec = SandboxSpec(
            self._language,
            job.version,
            job.limits,
            job.isolation,
            job.package_dir,
            self._environment,
        )
        hooks = await self._hooks.start(self._id, job, self._backend.name, self._streamed)
        lifetime = SandboxLifetime(
            self._backend, spec, hooks, self._observation, self._meter, planned.cpus
        )
        async with lifetime as sandbox:
            run = hooks.run()
            await run.before_run()
            result = await self._phases.run(sandbox, planned)
            await run.after_run(result)
        if self._emit is not None:
            await self._emit(Event("result", self._id, result=result))
        return result
