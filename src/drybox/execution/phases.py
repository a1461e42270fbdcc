"""The phases of one execution in an open sandbox: install, compile, run."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple, TypeVar

import anyio
import anyio.to_thread

from drybox.backends.base import Sandbox
from drybox.backends.registry import backend_of
from drybox.errors import SandboxLost
from drybox.execution.compile_cache import CachedCompiler, CompileCache, cached_compiler
from drybox.execution.kill_switch import KILLED, KillSwitch
from drybox.execution.outcome import (
    error_of,
    held_to_cpu_time,
    phase_result,
    status_of,
    usage_of,
    with_left_out,
)
from drybox.execution.output import STREAMS, Output
from drybox.job import UNCAPPED, Command, ExecutionCaps, Exit, Job, Plan, Source, Step
from drybox.languages.base import Language
from drybox.model import (
    KIB,
    ErrorInfo,
    Event,
    ExecutionResult,
    PhaseName,
    PhaseResult,
    ResourceLimits,
    Status,
    Stream,
    Truncated,
)
from drybox.monitoring.observers import Observation

LARGE_SOURCE = 256 * KIB
"""Bytes of source from which on a change of threads is less than what it saves everybody else."""

T = TypeVar("T")


DEADLINE_GRACE = 1.0
"""Seconds past its deadline after which a sandbox that did not end the program is destroyed."""

MAX_ARTIFACTS = 64 * 1024 * 1024
"""Bytes that artifacts may have together."""

Emit = Callable[[Event], Awaitable[None]]

_FAILED: Mapping[PhaseName, Status] = {"install": "install_error", "compile": "compile_error"}


@dataclass(frozen=True, slots=True)
class OperatorLimits:
    """What the phases before ``run`` may use: the operator's to set, never the request's.

    Attributes:
        compile: Limits of a compiler.
        compile_timeout: Wall seconds it may take.
        install: Limits of an installer.
        install_timeout: Wall seconds it may take.
    """

    compile: ResourceLimits
    compile_timeout: float
    install: ResourceLimits
    install_timeout: float

    def most_cpu_time(self, cpus: int, *, installs: bool) -> float:
        """CPU seconds that the phases before ``run`` may take at most, where there are so many."""
        most = self.compile_timeout * min(self.compile.cpus, cpus)
        return most + self.install_timeout * min(self.install.cpus, cpus) * installs

    def within(self, caps: ExecutionCaps) -> OperatorLimits:
        """The stricter of these and an execution's own bounds."""
        if caps is UNCAPPED:
            return self
        timeout, memory = self.compile_timeout, self.compile.memory
        if caps.compile_timeout is not None:
            timeout = min(timeout, caps.compile_timeout)
        if caps.compile_memory is not None:
            memory = min(memory, caps.compile_memory)
        return replace(self, compile_timeout=timeout, compile=replace(self.compile, memory=memory))


class PhaseStep(NamedTuple):
    """A phase that is to come."""

    name: PhaseName
    command: Command
    stdin: Source | None = None


class PlannedPhases(NamedTuple):
    """What is to be done in a sandbox that is not open yet."""

    plan: Plan
    steps: Sequence[PhaseStep]

    @property
    def cpus(self) -> float:
        """CPUs that one of them may use at most."""
        return max(step.command.limits.cpus for step in self.steps)


class _Phase(NamedTuple):
    """A phase that is over."""

    result: PhaseResult
    output: Output
    error: ErrorInfo | None


class Phases:
    """Runs the phases of one execution in a sandbox that somebody else opens and closes.

    Args:
        id: The execution's name.
        job: What to run.
        language: Its language.
        isolation: Its name.
        operator: Limits of the phases before ``run``.
        emit: Takes the events; None if nobody follows.
        stdin: The program's input; None for none.
        observation: Is told of every stage.
        switch: Ends the command that runs.
        cache: What compilers made of sources that came before.
    """

    def __init__(
        self,
        id: str,
        job: Job,
        language: Language,
        isolation: str,
        operator: OperatorLimits,
        emit: Emit | None,
        stdin: Source | None,
        observation: Observation,
        switch: KillSwitch,
        cache: CompileCache | None,
    ) -> None:
        self._id = id
        self._job = job
        self._language = language
        self._isolation = isolation
        self._operator = operator
        self._emit = emit
        self._stdin = stdin
        self._observation = observation
        self._switch = switch
        self._cache = cache

    async def plan(self) -> PlannedPhases:
        """Find out what is to be done: the language's word, under the operator's limits."""
        find = partial(self._language.plan, self._job, self._operator.compile)
        plan = await self._aside(find)
        return PlannedPhases(plan, self._steps(plan))

    async def run(self, sandbox: Sandbox, planned: PlannedPhases) -> ExecutionResult:
        """Take each step in the sandbox; its result is that of the execution.

        Args:
            sandbox: One that somebody else has opened and closes.
            planned: What :meth:`plan` found.

        Raises:
            InvalidRequest: The files do not fit into the sandbox.
        """
        job, (plan, steps) = self._job, planned
        phases: list[_Phase] = []
        artifacts: Mapping[str, bytes] = {}
        await sandbox.put(job.files)
        if self._emit is not None:
            await self._emit(Event("start", self._id))
        for step in steps:
            name = step.name
            self._observation.enter(name)
            compiler = await self._compiler(sandbox, name, step.command, plan)
            stage = compiler or sandbox
            phase = await self._run_phase(stage, step, plan.memory_marker)
            phases.append(phase)
            if self._emit is not None:
                await self._tell_end(self._emit, phase)
            if name != "run" and phase.result.status != "success":
                break
            if compiler is not None:
                await compiler.keep()
        self._observation.enter("collect")
        if job.artifacts and phases[-1].result.status != "sandbox_error":
            artifacts, phases[-1] = await self._fetch(sandbox, phases[-1])
        return self._result(phases, artifacts, sandbox)

    async def _compiler(
        self, sandbox: Sandbox, name: PhaseName, command: Command, plan: Plan
    ) -> CachedCompiler | None:
        """What stands for the sandbox in a phase that may not be necessary."""
        if name != "compile" or self._cache is None:
            return None
        isolation = self._isolation
        find = partial(cached_compiler, self._cache, sandbox, isolation, self._job, plan, command)
        return await self._aside(find)

    async def _aside(self, work: Callable[[], T]) -> T:
        """Do what reads all of the files, which holds nobody up where these are large."""
        if sum(len(file.content) for file in self._job.files) <= LARGE_SOURCE:
            return work()
        return await anyio.to_thread.run_sync(work)

    def _steps(self, plan: Plan) -> list[PhaseStep]:
        """The commands of a plan, one for each phase."""
        job, operator, caps = self._job, self._operator, self._job.caps
        steps = []
        if plan.install is not None:
            command = _command(plan.install, operator.install, operator.install_timeout)
            steps.append(PhaseStep("install", command))
        if plan.compile is not None:
            limits, timeout = operator.compile, operator.compile_timeout
            command = _command(plan.compile, limits, timeout, caps.compile_cpu_time)
            steps.append(PhaseStep("compile", command))
        run = plan.run
        env = {**run.env, **job.env}
        command = Command(run.argv, job.limits, job.timeout, env, run.cwd, caps.run_cpu_time)
        steps.append(PhaseStep("run", command, self._stdin))
        return steps

    async def _run_phase(
        self, sandbox: Sandbox | CachedCompiler, step: PhaseStep, marker: bytes | None
    ) -> _Phase:
        name, command, emit = step.name, step.command, self._emit
        if emit is not None:
            await emit(Event("phase", self._id, name))
        output = Output(command.limits.output)

        async def sink(stream: Stream, data: bytes) -> None:
            if output.overflowed:
                return
            kept = output.add(stream, data)
            if name == "run" and kept and emit is not None:
                text = output.decode(stream, kept)
                await emit(Event(stream, self._id, name, text, kept))
            if len(kept) < len(data):
                await sandbox.kill()

        started = anyio.current_time()
        end: Exit | None = KILLED if self._switch.is_thrown else None
        lost: ErrorInfo | None = None
        try:
            if end is None:
                with (
                    self._switch.over(sandbox),
                    anyio.move_on_after(command.timeout + DEADLINE_GRACE),
                ):
                    end = await sandbox.exec(command, sink, step.stdin)
        except SandboxLost as loss:
            lost = ErrorInfo("SandboxLost", loss.message, loss.hint)
        if end is None:
            elapsed = anyio.current_time() - started
            end = Exit(None, signal.SIGKILL, elapsed, timed_out=lost is None)
        end = held_to_cpu_time(end, command)
        status = status_of(end, output, command.limits, marker) if lost is None else "sandbox_error"
        error = lost or (None if self._was_killed(status) else error_of(status, name, command))
        return _Phase(phase_result(name, status, end, output), output, error)

    def _was_killed(self, status: Status) -> bool:
        """Whether the follower ended it: that is what became of it, in whichever phase."""
        return self._switch.is_thrown and status == "signaled"

    async def _tell_end(self, emit: Emit, phase: _Phase) -> None:
        """What the phases before wrote is told only if it is the result: else the program's is."""
        name = phase.result.name
        for stream in STREAMS:
            if name == "run":
                rest = phase.output.finish(stream)
                if rest:
                    await emit(Event(stream, self._id, name, rest))
            elif phase.result.status != "success" and phase.output.bytes(stream):
                text, data = phase.result[stream], phase.output.bytes(stream)
                await emit(Event(stream, self._id, name, text, data))
        await emit(Event("phase", self._id, name, outcome=phase.result))

    async def _fetch(self, sandbox: Sandbox, last: _Phase) -> tuple[Mapping[str, bytes], _Phase]:
        try:
            found = await sandbox.get(self._job.artifacts, MAX_ARTIFACTS)
        except SandboxLost as error:
            # The program's own outcome is known and stays; only its files are missing.
            info = ErrorInfo("SandboxLost", error.message, error.hint)
            return {}, last._replace(error=last.error or info)
        has_run = last.result.name == "run"
        return found.files, last._replace(error=with_left_out(last.error, found, has_run=has_run))

    def _result(
        self, phases: list[_Phase], artifacts: Mapping[str, bytes], sandbox: Sandbox
    ) -> ExecutionResult:
        last = phases[-1]
        outcome, output = last.result, last.output
        status = outcome.status
        if outcome.name != "run" and status != "sandbox_error" and not self._was_killed(status):
            status = _FAILED[outcome.name]
        results = [phase.result for phase in phases]
        return ExecutionResult(
            status=status,
            stdout_bytes=output.bytes("stdout"),
            stderr_bytes=output.bytes("stderr"),
            exit_code=outcome.exit_code,
            signal=outcome.signal,
            execution_time=outcome.execution_time if outcome.name == "run" else 0.0,
            error=last.error,
            phases=results,
            usage=usage_of(results),
            truncated=Truncated(**output.truncated),
            artifacts=artifacts,
            id=self._id,
            language=self._language.name,
            version=sandbox.version,
            isolation=self._isolation,
            weakened=sandbox.weakened,
            backend=backend_of(self._isolation),
            environment=self._job.environment or None,
        )


def _command(
    step: Step, limits: ResourceLimits, timeout: float, cpu_time: float | None = None
) -> Command:
    return Command(step.argv, limits, timeout, step.env, step.cwd, cpu_time)


def source_of(data: bytes) -> Source:
    """Bytes as a source of standard input."""
    rest = [data]

    async def source() -> bytes:
        return rest.pop() if rest else b""

    return source
