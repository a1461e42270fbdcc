"""One execution from claim to result: the only orchestration, the same for every backend."""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import anyio

from drybox.compile_cache import CachedCompiler, CompileCache, cached_compiler
from drybox.errors import SandboxLost
from drybox.hooks import Hooks
from drybox.kill_switch import KILLED, KillSwitch
from drybox.model import (
    UNBOUNDED,
    Bounds,
    Command,
    ErrorInfo,
    Event,
    ExecutionResult,
    Exit,
    PhaseName,
    PhaseResult,
    ResourceLimits,
    Status,
    Stream,
    Truncated,
)
from drybox.observation import UNSEEN, Observation
from drybox.outcome import error_of, held_to_cpu_time, phase_result, status_of, usage_of
from drybox.output import STREAMS, Output
from drybox.protocols import Backend, Job, Language, Plan, Sandbox, SandboxSpec, Source, Step

DEADLINE_GRACE = 1.0
"""Seconds past its deadline after which a sandbox that did not end the program is destroyed."""

MAX_ARTIFACTS = 64 * 1024 * 1024
"""Bytes that artifacts may have together."""

Emit = Callable[[Event], Awaitable[None]]

_FAILED: Mapping[PhaseName, Status] = {"install": "install_error", "compile": "compile_error"}


def new_id() -> str:
    """A name for an execution that nobody can guess: 32 hexadecimal digits."""
    return os.urandom(16).hex()  # a UUID's arithmetic takes longer than the kernel's part


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

    def within(self, bounds: Bounds) -> OperatorLimits:
        """The stricter of these and an execution's own bounds."""
        if bounds is UNBOUNDED:
            return self
        timeout, memory = self.compile_timeout, self.compile.memory
        if bounds.compile_timeout is not None:
            timeout = min(timeout, bounds.compile_timeout)
        if bounds.compile_memory is not None:
            memory = min(memory, bounds.compile_memory)
        return replace(self, compile_timeout=timeout, compile=replace(self.compile, memory=memory))


class _Step(NamedTuple):
    """A phase that is to come."""

    name: PhaseName
    command: Command
    stdin: Source | None = None


class _Phase(NamedTuple):
    """A phase that is over."""

    result: PhaseResult
    output: Output
    error: ErrorInfo | None


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
        observation: Observation = UNSEEN,
        switch: KillSwitch | None = None,
        cache: CompileCache | None = None,
    ) -> None:
        self._id = id
        self._job = job
        self._language = language
        self._backend = backend
        self._operator = operator.within(job.bounds)
        self._emit = emit
        self._stdin = stdin or (source_of(job.stdin) if job.stdin else None)
        self._streamed = stdin is not None
        self._hooks = hooks or Hooks()
        self._observation = observation
        self._switch = switch or KillSwitch()
        self._cache = cache

    async def run(self) -> ExecutionResult:
        """Claim a sandbox, run every phase in it, destroy it.

        Raises:
            Unsupported: A guarantee cannot be enforced here.
            Unavailable: No sandbox could be had, or a hook failed.
            Rejected: A hook said no.
            InvalidRequest: The files do not fit into the sandbox.
        """
        job = self._job
        plan = self._language.plan(job, self._operator.compile)
        steps = self._steps(plan)
        commands = tuple(step.command for step in steps)
        spec = SandboxSpec(
            self._language, job.version, job.limits, job.isolation, job.package_dir, commands
        )
        life = await self._hooks.follow(self._id, job, self._backend.name, self._streamed)
        sandbox = await self._backend.open(spec)
        self._observation.enter("place")
        try:
            try:
                await life.created(sandbox)
                await life.before_run()
                result = await self._run_in(sandbox, plan, steps)
                await life.after_run(result)
            finally:
                await sandbox.close()
        except BaseException as error:
            life.failed(error)
            raise
        finally:
            await life.destroyed()
        if self._emit is not None:
            await self._emit(Event("result", self._id, result=result))
        return result

    async def _run_in(
        self, sandbox: Sandbox, plan: Plan, steps: Sequence[_Step]
    ) -> ExecutionResult:
        job = self._job
        phases: list[_Phase] = []
        artifacts: dict[str, bytes] = {}
        await sandbox.put(job.files)
        if self._emit is not None:
            await self._emit(Event("start", self._id))
        for step in steps:
            name = step.name
            self._observation.enter(name)
            compiler = self._compiler(sandbox, name, step.command, plan)
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

    def _compiler(
        self, sandbox: Sandbox, name: PhaseName, command: Command, plan: Plan
    ) -> CachedCompiler | None:
        """What stands for the sandbox in a phase that may not be necessary."""
        if name != "compile" or self._cache is None:
            return None
        wall = self._backend.name
        return cached_compiler(self._cache, sandbox, wall, self._job, plan, command)

    def _steps(self, plan: Plan) -> list[_Step]:
        job, operator, bounds = self._job, self._operator, self._job.bounds
        steps = []
        if plan.install is not None:
            command = _command(plan.install, operator.install, operator.install_timeout)
            steps.append(_Step("install", command))
        if plan.compile is not None:
            limits, timeout = operator.compile, operator.compile_timeout
            command = _command(plan.compile, limits, timeout, bounds.compile_cpu_time)
            steps.append(_Step("compile", command))
        run = plan.run
        env = {**run.env, **job.env}
        command = Command(run.argv, job.limits, job.timeout, env, run.cwd, bounds.run_cpu_time)
        steps.append(_Step("run", command, self._stdin))
        return steps

    async def _run_phase(
        self, sandbox: Sandbox | CachedCompiler, step: _Step, marker: bytes | None
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
                text = output.follow(stream, kept)
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
            wall = anyio.current_time() - started
            end = Exit(None, signal.SIGKILL, wall, timed_out=lost is None)
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

    async def _fetch(self, sandbox: Sandbox, last: _Phase) -> tuple[dict[str, bytes], _Phase]:
        try:
            found = await sandbox.get(self._job.artifacts, MAX_ARTIFACTS)
        except ValueError as error:
            info = ErrorInfo("artifacts", f"{error}.", "Ask for fewer files, or write less.")
            return {}, _Phase(last.result, last.output, last.error or info)
        except SandboxLost as error:
            # The program's own outcome is known and stays; only its files are missing.
            info = ErrorInfo("SandboxLost", error.message, error.hint)
            return {}, _Phase(last.result, last.output, last.error or info)
        return dict(found), last

    def _result(
        self, phases: list[_Phase], artifacts: dict[str, bytes], sandbox: Sandbox
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
            isolation=self._backend.name,
            weakened=sandbox.weakened,
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
