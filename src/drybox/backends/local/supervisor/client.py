"""drybox's end of the socket to the supervisor (``supervisor.py``)."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import anyio
from anyio.abc import TaskGroup

from drybox.backends.local.rootfs.layout import Tree
from drybox.backends.local.supervisor.process import close_errors, supervisor_process
from drybox.backends.local.supervisor.sockets import FdSocket
from drybox.backends.local.supervisor.spawner import spawner_path
from drybox.backends.local.supervisor.supervisor import LENGTH
from drybox.errors import Unavailable

START_TIMEOUT = 10.0
"""Seconds until a supervisor must have said hello; systemd's part in it included."""

ANSWER_TIMEOUT = 60.0
"""Seconds until it must have answered, on a host that is busy with other things too."""

CLOSE_TIMEOUT = 10.0
"""Seconds until a supervisor must have ended; it gives dying processes five."""

DESTROY_DELAY = 0.001
"""Seconds that a sandbox whose work is done is left alone."""

Release = Callable[[], Awaitable[None]]


class _Question:
    """What somebody waits for an answer of the supervisor."""

    def __init__(self) -> None:
        self.is_over = anyio.Event()
        self.answer: dict[str, Any] = {}


class SupervisorClient:
    """The one supervisor of a backend. Made by :meth:`start`, ended by :meth:`close`."""

    def __init__(
        self, process: subprocess.Popen[bytes], connection: FdSocket, tasks: TaskGroup
    ) -> None:
        self._tasks = tasks
        self._process = process
        self._connection = connection
        self._lock = anyio.Lock(fast_acquire=True)
        self._waiting: dict[int, _Question] = {}
        self._number = 0
        self._ended = anyio.Event()
        self._done_with: deque[tuple[float, int, Release]] = deque()
        self._has_news = anyio.Event()
        self.instances: list[str] = []
        self.scope = ""

    @property
    def ended(self) -> bool:
        """Whether the supervisor is no more; everything it started has gone with it."""
        return self._ended.is_set()

    @classmethod
    async def start(
        cls, tasks: TaskGroup, folders: Sequence[str], *, own_scope: bool
    ) -> SupervisorClient:
        """Start a supervisor and wait until it is ready.

        Args:
            tasks: Where the reader of its answers runs, and what goes on beside its callers.
            folders: Cgroup folders in which it makes its own.
            own_scope: Start it in a scope of the systemd user manager instead.

        Raises:
            Unavailable: It did not start.
        """
        scope = ["systemd-run", "--user", "--scope", "--quiet", "-p", "Delegate=yes", "--"]
        begin = {
            "parent": os.getpid(),
            "spawner": spawner_path(),
            "folders": list(folders),
            "own_scope": own_scope,
        }
        try:
            started = supervisor_process(scope if own_scope else ())
        except OSError as error:
            raise Unavailable(f"{error.filename}: {error.strerror}.", hint=_DOCTOR) from error
        process = started.process
        client = cls(process, FdSocket(started.connection), tasks)
        hello: dict[str, Any] = {"error": "it said nothing in time"}
        with anyio.move_on_after(START_TIMEOUT):
            with contextlib.suppress(OSError):  # then it has ended, and its last words say why
                await client._connection.send(_message(begin))
            hello = await client._read() or {"error": _last_words(process)}
        if "error" in hello:
            client._connection.close()
            process.kill()
            process.wait()
            close_errors(process)
            raise Unavailable(f"drybox's supervisor did not start: {hello['error']}", hint=_DOCTOR)
        client.instances, client.scope = hello["instances"], hello["scope"]
        tasks.start_soon(client._follow)
        tasks.start_soon(client._destroy_those_done_with)
        return client

    async def spawn(
        self,
        argv: Sequence[str],
        user: str,
        devices: str,
        fds: tuple[int, int],
        *,
        key: int = 0,
        template: int = 0,
    ) -> tuple[int, str]:
        """Start a sandbox's bubblewrap in a new cgroup.

        Args:
            argv: The command line.
            user: Who it becomes first, as ``spawner.c`` spells it.
            devices: Folder in which it is to have device nodes of its own; "" for none.
            fds: Its stdin and stdout, and its stderr.
            key: What a template joins namespaces with; 0 for other sandboxes.
            template: Number of the template that is forked into it; 0 for none.

        Returns:
            The number that names it from now on, and the name of its cgroup.

        Raises:
            Unavailable: It could not be started.
        """
        self._number += 1
        number = self._number
        # Cancelled in between, nobody would know what to destroy.
        with anyio.CancelScope(shield=True):
            order: dict[str, Any] = {"argv": list(argv), "user": user, "devices": devices}
            order |= {"key": key, "template": template}
            answer = await self._ask(number, fds, do="spawn", **order)
        if "cgroup" not in answer:
            raise Unavailable(f"no sandbox was started: {answer.get('error')}.", hint=_DOCTOR)
        return number, str(answer["cgroup"])

    async def mount(self, tree: Tree, expose: Sequence[str]) -> list[str]:
        """Have a sandbox's file system made once for all; see ``mount_namespace.py``.

        Args:
            tree: The file system.
            expose: Further files that everybody must be able to reach.

        Returns:
            The folder that holds it, then the places of the further files.

        Raises:
            Unavailable: It could not be made.
        """
        self._number += 1
        sources = [mount.source for mount in tree.mounts]
        answer = await self._ask(
            self._number,
            (),
            do="mount",
            needed=[*sources, *expose, sys.executable, spawner_path()],
            expose=list(expose),
            tree=tree.to_json(),
        )
        if "mounted" not in answer:
            raise Unavailable(
                f"no mount namespace could be made: {answer.get('error')}.", hint=_DOCTOR
            )
        return [str(path) for path in answer["mounted"]]

    def destroy_soon(self, number: int, release: Release) -> None:
        """Destroy a sandbox whose answer may be on its way to a user: that goes first."""
        if self.ended:
            self._tasks.start_soon(self.destroy, number, release)
            return
        self._done_with.append((time.monotonic() + DESTROY_DELAY, number, release))
        self._has_news.set()

    async def _destroy_those_done_with(self) -> None:
        """One task for all of them: a new one for each would take a part of a short run."""
        with anyio.CancelScope(shield=True):  # it ends with the supervisor
            while not self.ended or self._done_with:
                if not self._done_with:
                    self._has_news = anyio.Event()
                    await self._has_news.wait()
                    continue
                due, number, release = self._done_with.popleft()
                await anyio.sleep(max(0.0, due - time.monotonic()))
                await self.destroy(number, release)

    async def destroy(self, number: int, release: Release) -> None:
        """Have everything of a sandbox killed and taken away, without waiting for it.

        Args:
            number: The sandbox's.
            release: Lets go of what this process has of it.
        """
        with anyio.CancelScope(shield=True):
            await self._order_destruction(number)
            await release()

    async def destroy_and_measure(self, number: int, release: Release) -> float | None:
        """The same, and wait until it is done.

        Returns:
            CPU seconds of everything that ever ran in it; None if that is not known.
        """
        with anyio.CancelScope(shield=True):
            answer: dict[str, Any] = {}
            with contextlib.suppress(Unavailable):
                answer = await self._ask(number, (), do="close", tell=True)
            await release()
        return answer.get("cpu")

    async def _order_destruction(self, number: int) -> None:
        with contextlib.suppress(Unavailable):
            await self._send((), do="close", id=number)

    async def close(self) -> None:
        """Have everything killed and taken away, and wait until the supervisor has ended."""
        with anyio.move_on_after(CLOSE_TIMEOUT, shield=True):
            self._connection.close()
            await anyio.to_thread.run_sync(self._process.wait, abandon_on_cancel=True)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        close_errors(self._process)

    async def _ask(self, number: int, fds: Sequence[int], **message: Any) -> dict[str, Any]:
        question = self._waiting[number] = _Question()
        try:
            with anyio.move_on_after(ANSWER_TIMEOUT) as deadline:
                await self._send(fds, id=number, **message)
                if not self._ended.is_set():  # else nobody reads answers any more
                    await question.is_over.wait()
        finally:
            self._waiting.pop(number, None)
        if deadline.cancelled_caught:
            await self._end_hung()
        return question.answer or {"error": "the supervisor ended or did not respond"}

    async def _end_hung(self) -> None:
        """Its end is that of all it has started; the next request gets another one."""
        self._process.kill()
        with anyio.move_on_after(CLOSE_TIMEOUT, shield=True):
            await self._ended.wait()

    async def _send(self, fds: Sequence[int], **message: Any) -> None:
        data = _message(message)
        try:
            # Half a message would garble every one after it.
            with anyio.move_on_after(ANSWER_TIMEOUT, shield=True) as deadline:
                async with self._lock:
                    await self._connection.send(data, fds)
        except (anyio.ClosedResourceError, OSError) as error:
            raise Unavailable(
                "drybox's supervisor has ended.", hint="Make a new executor; nothing ran."
            ) from error
        if deadline.cancelled_caught:
            await self._end_hung()
            raise Unavailable(
                "drybox's supervisor did not respond and was ended.",
                hint="Try again: another one takes its place.",
            )

    async def _follow(self) -> None:
        try:
            while answer := await self._read():
                if question := self._waiting.pop(answer.get("id", 0), None):
                    question.answer = answer
                    question.is_over.set()
        finally:
            # Whoever waits, shielded perhaps, gets no answer any more, be this the supervisor's
            # end or the backend's.
            self._ended.set()
            self._has_news.set()
            for question in self._waiting.values():
                question.is_over.set()

    async def _read(self) -> dict[str, Any]:
        """The next message, or an empty one at the end."""
        try:
            head = await self._connection.receive(LENGTH.size)
            if len(head) < LENGTH.size:
                return {}
            data = await self._connection.receive(LENGTH.unpack(head)[0])
        except (anyio.ClosedResourceError, OSError):
            return {}
        message: dict[str, Any] = json.loads(data)
        return message


_DOCTOR = "Run 'drybox doctor' to see what this host is missing."


def _last_words(process: subprocess.Popen[bytes]) -> str:
    process.wait()
    assert process.stderr is not None
    return process.stderr.read(2000).decode("utf-8", "replace").strip() or "it ended at once"


def _message(message: dict[str, Any]) -> bytes:
    data = json.dumps(message).encode()
    return LENGTH.pack(len(data)) + data
