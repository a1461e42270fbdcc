"""An executor whose every request finds a sandbox that waits for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from tests.support import host
from tests.support.identity import REPO

from drybox import CodeExecutor, ExecutionRequest, ExecutionResult
from drybox.languages.registry import find_language

TIMEOUT = 120.0
"""Seconds until a sandbox waits."""


def waiting(executor: CodeExecutor, request: ExecutionRequest) -> int:
    """How many sandboxes wait for requests like this one, as the executor itself tells."""
    name = find_language(request.language)[0].name
    isolations = (request.isolation,) if request.isolation not in (None, "auto") else None
    return sum(
        count.idle
        for count in executor.pools()
        if count.language == name and (isolations is None or count.isolation in isolations)
    )


class Warm:
    """Waits until sandboxes wait, then executes.

    Args:
        executor: An executor with a pool that keeps at least ``least`` of a kind.
        least: How many must wait: as many as there are threads that share it.
    """

    def __init__(self, executor: CodeExecutor, least: int = 2) -> None:
        self.executor = executor
        self._least = least

    def wait(self, request: ExecutionRequest) -> None:
        """Wait until sandboxes wait for requests like this one."""
        deadline = time.monotonic() + TIMEOUT
        while waiting(self.executor, request) < self._least:
            if not waiting(self.executor, request):
                self.executor.execute(request)  # so that the pool knows of its kind
            assert time.monotonic() < deadline, "no sandbox waits"
            time.sleep(0.05)

    def execute(self, request: ExecutionRequest) -> ExecutionResult:
        """Execute in a sandbox that waited."""
        self.wait(request)
        return self.executor.execute(request)


OTHER = """
import sys
from drybox import CodeExecutor, ExecutionRequest, PoolSettings
from tests.support.warmth import Warm
language, code, least, fork_server = sys.argv[1:]
request = ExecutionRequest(language, code, isolation="local")
pool = PoolSettings(min_idle=int(least), fork_server=fork_server)
with CodeExecutor(isolation="local", pool=pool) as executor:
    Warm(executor, int(least)).wait(request)
    print("ready", flush=True)
    for _ in range(int(sys.stdin.readline())):
        print(executor.execute(request).status, flush=True)
print("closed", flush=True)
sys.stdin.read()
"""


class WaitingDrybox:
    """A drybox in a process of its own, in which sandboxes wait; seen from outside.

    Args:
        request: What they wait for.
        least: How many wait.
        fork_server: Whether they are forked from a template, whose sandbox is seen as well.

    Attributes:
        process: The process.
        folders: The sandboxes' cgroups.
        pids: Their processes.
    """

    def __init__(self, request: ExecutionRequest, least: int, fork_server: str = "off") -> None:
        assert request.code is not None
        words = [request.language, request.code, str(least), fork_server]
        argv = [sys.executable, "-c", OTHER, *words]
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPO
        )
        self.folders: set[str] = set()
        self.pids: set[int] = set()
        self._least = least

    def __enter__(self) -> WaitingDrybox:
        assert self._read() == "ready"
        self.folders = host.sandboxes(self.process.pid)
        files = (Path(folder, "cgroup.procs") for folder in self.folders)
        self.pids = {int(pid) for file in files for pid in file.read_text().split()}
        assert len(self.pids) >= self._least
        return self

    def __exit__(self, *_: object) -> None:
        with self.process:
            self.process.kill()

    def kill(self, pids: set[int]) -> None:
        """End some of the processes, and wait until they are gone."""
        for pid in pids:
            with suppress(ProcessLookupError):  # gone with its parent
                os.kill(pid, signal.SIGKILL)
        assert host.eventually(lambda: not _existing(pids))

    def run(self, count: int) -> list[str]:
        """Statuses of so many executions, after which it closes its executor."""
        assert self.process.stdin
        print(count, file=self.process.stdin, flush=True)
        statuses = [self._read() for _ in range(count)]
        assert self._read() == "closed"
        return statuses

    def left_nothing(self, within: float = host.TIMEOUT) -> bool:
        """Whether all that waited is gone, its numbers too, or is within so many seconds."""
        return host.eventually(
            lambda: not _existing(self.pids) and not any(map(os.path.exists, self.folders)), within
        )

    def _read(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()


def _existing(pids: set[int]) -> list[int]:
    return [pid for pid in pids if os.path.exists(f"/proc/{pid}")]
