"""A session on a node of a fleet, as a front door has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from anyio.abc import TaskGroup

from drybox.errors import SessionClosed
from drybox.fleet.sessions.calls import SessionCalls
from drybox.fleet.sessions.files import FleetFiles
from drybox.fleet.sessions.messages import command_result, completions, run_result
from drybox.fleet.sessions.process import FleetEvents, FleetProcess
from drybox.fleet.sessions.watch import Following, SessionWatch
from drybox.sessions.base import TERMINAL_SIZE, SessionState
from drybox.sessions.results import CommandResult, Completions, RunResult, Snapshot


class FleetSession:
    """See :class:`drybox.sessions.base.AsyncSession`.

    What changes of it is as its node said last, which is with every answer.

    Args:
        calls: Asks its node.
        tasks: Where events are let go of.
        known: What the node says of it.
        watch: Has the observers follow it.
        disk: Bytes that its files may take.
    """

    def __init__(
        self,
        calls: SessionCalls,
        tasks: TaskGroup,
        known: Mapping[str, Any],
        watch: SessionWatch,
        disk: int,
    ) -> None:
        self._calls = calls
        self._tasks = tasks
        self._known = known
        self._watch = watch
        calls.ended = watch.end
        self.files = FleetFiles(calls, disk)

    def hear(self, state: Mapping[str, Any]) -> None:
        """What its node says of it."""
        self._calls.hear(state)

    async def describe(self) -> Mapping[str, Any]:
        """What its node says of it now.

        Raises:
            SessionClosed: It is closed, or its node is lost.
        """
        found: Mapping[str, Any] = await self._calls.ask("describe")
        return found

    @property
    def id(self) -> str:
        """Its unique name, which names its node."""
        return self._calls.session

    @property
    def language(self) -> str:
        """Canonical name of the language of code that names none."""
        return str(self._known["language"])

    @property
    def version(self) -> str:
        """Version of that language's toolchain."""
        return str(self._known["version"])

    @property
    def environment(self) -> str | None:
        """Name and digest of its environment; None for none."""
        found: str | None = self._known["environment"]
        return found

    @property
    def isolation(self) -> str:
        """What it runs under."""
        return str(self._known["isolation"])

    @property
    def backend(self) -> str:
        """What made its sandbox."""
        return str(self._known["backend"])

    @property
    def weakened(self) -> tuple[str, ...]:
        """Guarantees given up on the caller's request."""
        return tuple(self._known["weakened"])

    @property
    def created_at(self) -> datetime:
        """When it was opened, by the clock of its node."""
        return datetime.fromtimestamp(self._known["created_at"], timezone.utc)

    @property
    def expires_at(self) -> datetime:
        """When it is closed unless something is asked of it, by the clock of this machine."""
        left = timedelta(seconds=max(0.0, self._calls.seconds_left))
        return datetime.now(timezone.utc) + left

    @property
    def idle_timeout(self) -> float:
        """Seconds of idleness after which it is closed."""
        return float(self._calls.state["idle_timeout"])

    @property
    def state(self) -> SessionState:
        """``running``, ``paused`` or ``closed``."""
        found: SessionState = self._calls.state["state"]
        return "closed" if self._calls.is_over() else found

    @property
    def metadata(self) -> Mapping[str, str]:
        """The owner's own words about it."""
        return dict(self._calls.state["metadata"])

    async def run(
        self,
        code: str,
        *,
        language: str | None = None,
        timeout: float | None = None,
        stdin: bytes | str | None = None,
    ) -> RunResult:
        """Run code, with what earlier code of its language left."""
        given = {"code": code, "language": language, "timeout": timeout, "stdin": stdin}
        with self._watch.doing("run", language) as seen:
            result = run_result(await self._calls.ask("run", **given))
            seen.learn(result.status, result.usage)
        return result

    def stream(
        self,
        code: str,
        *,
        language: str | None = None,
        timeout: float | None = None,
        stdin: bytes | str | None = None,
        interactive: bool = False,
    ) -> FleetEvents:
        """Run code and follow it."""
        how = {"language": language, "timeout": timeout, "stdin": stdin}

        async def begin() -> str:
            return await self._calls.begin("follow", code=code, interactive=interactive, **how)

        following = Following(self._watch.doing("run", language))
        return FleetEvents(self._calls, self._tasks, begin, following)

    async def complete(
        self, code: str, cursor: int | None = None, *, language: str | None = None
    ) -> Completions:
        """How code may go on at a position in it, or at its end."""
        ask = self._calls.ask
        return completions(await ask("complete", code=code, cursor=cursor, language=language))

    async def interrupt(self, *, language: str | None = None) -> None:
        """Interrupt the code that runs."""
        await self._calls.ask("interrupt", language=language)

    async def restart(self, *, language: str | None = None) -> None:
        """End what keeps a language's state."""
        await self._calls.ask("restart", language=language)

    async def command(
        self,
        command: str | Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes | str = b"",
        timeout: float | None = None,
    ) -> CommandResult:
        """Run a command to its end."""
        how = {"cwd": cwd, "env": env, "stdin": stdin, "timeout": timeout}
        with self._watch.doing("command") as seen:
            result = command_result(await self._calls.ask("command", command=command, **how))
            seen.learn(result.status, result.usage)
        return result

    async def start(
        self,
        command: str | Sequence[str],
        *,
        terminal: bool = False,
        size: tuple[int, int] = TERMINAL_SIZE,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> FleetProcess:
        """Start a program that runs beside others."""
        how = {"terminal": terminal, "size": size, "cwd": cwd, "env": env, "timeout": timeout}
        with self._watch.doing("start"):
            known = await self._calls.ask("start", command=command, **how)
        return FleetProcess(self._calls, self._tasks, known)

    async def processes(self) -> Sequence[FleetProcess]:
        """What :meth:`start` has started and still runs, and the last few that have ended."""
        found = await self._calls.ask("processes")
        return [FleetProcess(self._calls, self._tasks, known) for known in found]

    async def pause(self) -> None:
        """Stop everything in it until :meth:`resume`."""
        await self._calls.ask("pause")

    async def resume(self) -> None:
        """Go on."""
        await self._calls.ask("resume")

    async def update(
        self,
        *,
        idle_timeout: float | None = None,
        expires_in: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Change what was asked for when it was opened."""
        given = {"idle_timeout": idle_timeout, "expires_in": expires_in, "metadata": metadata}
        await self._calls.ask("update", **given)

    async def extend(self, seconds: float) -> None:
        """Let it live for so many seconds from now on, or for as long as it would have."""
        await self._calls.ask("extend", seconds=seconds)

    async def take_cpu_time(self) -> float | None:
        """CPU seconds of all that ran in it since any front door last asked."""
        used: float | None = await self._calls.ask("take_cpu_time")
        return used

    async def snapshot(self) -> Snapshot:
        """Keep a copy of its files on its node, which sessions on every node may begin with."""
        with self._watch.doing("snapshot"):
            return Snapshot(**await self._calls.ask("snapshot"))

    async def close(self) -> None:
        """End everything in it and take it away. Idempotent."""
        if self._calls.lost is not None:
            return
        try:
            await self._calls.ask("close")
        except SessionClosed:
            pass
        self._watch.end("closed")
        self.hear({**self._calls.state, "state": "closed"})
