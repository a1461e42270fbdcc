"""Runs attacks in sandboxes and keeps hold of them, so that a test can look from outside."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from tests.support import host
from tests.support.identity import FORK_SERVER, REPO, Runner
from tests.support.isolations import ISOLATIONS

from drybox import ExecutionRequest, ExecutionResult

INSIDE = (REPO / "tests/security/inside.py").read_text()

TIMEOUT = 60.0
"""Seconds for what a loaded machine may take long to do."""

seen_from_host = pytest.mark.isolations(
    *(name for name, isolation in ISOLATIONS.items() if isolation.shows_processes)
)
"""For tests that look at a program from the host: a kernel of its own shows none to it."""

LONG = 45.0
"""Seconds that an attack may take that is to come to its own end."""

GONE_WITHIN = 2.0
"""Seconds in which all of a sandbox must be gone, whatever became of drybox."""

DRYBOX = (sys.executable, "-m", "drybox")


def drybox_run(runner: Runner) -> list[str]:
    """The command line that runs something with the runner's isolation; options follow."""
    return [*DRYBOX, "run", "--isolation", runner.isolation.name]


def source(code: str) -> str:
    """An attack in Python that may use all of ``inside.py``."""
    return f"{INSIDE}\n{dedent(code)}"


def attack(code: str, **fields: Any) -> ExecutionRequest:
    """A request for it; what is busy or emulated gives it more time."""
    fields.setdefault("timeout", LONG)
    if slowness := os.environ.get("TESTS_SLOWNESS"):
        fields["timeout"] *= float(slowness)
    return ExecutionRequest("python", source(code), **fields)


def probe(runner: Runner, code: str, **fields: Any) -> Any:
    """What an attack answers that runs to its end."""
    return answered(runner.execute(attack(code, **fields)))


def answered(result: ExecutionResult) -> Any:
    """What an attack has answered that ran to its end."""
    assert result.status == "success", (result.status, result.stderr, result.error)
    return json.loads(result.stdout)


def new_marker() -> str:
    """A word that names the processes of one attack."""
    return f"attack-{uuid.uuid4().hex}"


MAPS = """
import ctypes, os
marker_file = os.memfd_create("%s")
os.ftruncate(marker_file, 4096)
ctypes.CDLL(None).mmap(None, 4096, 1, 2, marker_file, 0)  # to read, its own
os.close(marker_file)
"""


def marked(request: ExecutionRequest, marker: str) -> ExecutionRequest:
    """The same with the marker in its command line.

    That of an interpreter forked from a template is the template's, so one maps a file that has the
    marker for its name.
    """
    code = request.code
    if FORK_SERVER in os.environ and code is not None and request.language == "python":
        before, future, after = code.rpartition("from __future__ import annotations\n")
        code = f"{before}{future}{MAPS % marker}{after}"
    return replace(request, code=code, args=(*request.args, marker))


class Held:
    """Attacks that hold still, in the order of their requests.

    Attributes:
        pids: Their process ids on the host.
        results: What became of them; filled at the end of :func:`held`.
    """

    def __init__(self, pids: list[int]) -> None:
        self.pids = pids
        self.results: list[ExecutionResult] = []
        self._released: set[int] = set()

    @property
    def pid(self) -> int:
        return self.pids[0]

    def release(self, pid: int) -> None:
        """Let one go on before the others."""
        os.kill(pid, signal.SIGUSR1)
        self._released.add(pid)

    def release_all(self) -> None:
        """Let all go on that still hold."""
        for pid in self.pids:
            if pid not in self._released:
                self.release(pid)

    @property
    def result(self) -> ExecutionResult:
        return self.results[0]


@contextmanager
def held(runner: Runner, *requests: ExecutionRequest) -> Iterator[Held]:
    """Run attacks side by side until each calls ``hold()``; let them go on after the block."""
    assert runner.isolation.shows_processes, "this test wants @seen_from_host"
    markers = [new_marker() for _ in requests]
    running = [marked(request, marker) for request, marker in zip(requests, markers, strict=True)]
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(runner.execute_many, running)
        attacks = Held([])
        try:
            attacks.pids += [_holding(marker, future) for marker in markers]
            yield attacks
        finally:
            attacks.release_all()
        attacks.results += future.result(TIMEOUT)


def _holding(marker: str, future: Future[Any]) -> int:
    def found() -> list[int]:
        return [p.pid for p in host.confined(marker) if host.status(p.pid).get("Name") == "holding"]

    assert host.eventually(lambda: found() or future.done(), TIMEOUT)
    assert not future.done(), future.result()
    return found()[0]


def watched(
    runner: Runner, request: ExecutionRequest, controller: str, figure: Callable[[Path], float]
) -> tuple[ExecutionResult, list[tuple[float, float]]]:
    """Run an attack and read a figure of its cgroup from outside, again and again.

    Args:
        runner: Who runs it.
        request: The attack.
        controller: The controller whose figure it is.
        figure: Reads it from the cgroup's folder.

    Returns:
        What became of the attack, and the figures with the time of each.
    """
    if not runner.isolation.shows_processes:
        return _watched_from_start(runner, request, controller, figure)
    marker = new_marker()
    figures: list[tuple[float, float]] = []
    assert request.code is not None
    held_first = replace(request, code=request.code.replace(INSIDE, f"{INSIDE}\nhold()\n", 1))

    def is_over() -> bool:
        with contextlib.suppress(OSError):
            figures.append((time.monotonic(), figure(folder)))
        return future.done()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(runner.execute, marked(held_first, marker))
        pid = _holding(marker, future)
        folder = host.cgroup_of(pid, controller)
        is_over()
        os.kill(pid, signal.SIGUSR1)
        assert host.eventually(is_over, TIMEOUT)
        return future.result(), figures


def _watched_from_start(
    runner: Runner, request: ExecutionRequest, controller: str, figure: Callable[[Path], float]
) -> tuple[ExecutionResult, list[tuple[float, float]]]:
    """The same where no program can be found; the start of its sandbox is watched too."""
    figures: list[tuple[float, float]] = []

    def is_over() -> bool:
        if folder := runner.isolation.cgroup(controller):
            with contextlib.suppress(OSError):
                figures.append((time.monotonic(), figure(folder)))
        return future.done()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(runner.execute, request)
        assert host.eventually(is_over, TIMEOUT)
        return future.result(), figures


def run_as(
    runner: Runner, argv: Sequence[str], *, change: Callable[[dict[str, str]], Any] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program of the host as the runner's user, to its end.

    Args:
        runner: As whom.
        argv: The program.
        change: Changes its environment.
    """
    argv, env = runner.command(argv)
    if change is not None:
        change(env)
    return subprocess.run(
        argv, env=env, cwd=REPO, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=TIMEOUT,
    )  # fmt: skip


def run_cli(
    runner: Runner,
    code: str,
    *words: str,
    change: Callable[[dict[str, str]], Any] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run an attack with ``drybox run`` in a process of its own, to its end."""
    argv = [*drybox_run(runner), "-l", "python", "-c", source(code), *words]
    return run_as(runner, argv, change=change)
