"""Many executions in one executor, and what is to be counted before and after."""

from __future__ import annotations

import gc
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.support import host

from drybox import CodeExecutor, ExecutionRequest, PoolSettings, ResourceLimits
from drybox.backends.local.supervisor.spawner import spawner_path
from drybox.backends.local.supervisor.supervisor import PREFORKED
from drybox.languages.registry import known_languages

MOST_GROWTH = 0.05
"""What drybox's memory may grow by over all executions but the first ones."""

WARM_UP = 0.1
"""Share of the executions after which memory is looked at first."""

SIDE_BY_SIDE = 4

TEMPLATE_FD = 101
"""A descriptor that only a template's interpreter has."""


@dataclass(frozen=True)
class Found:
    """What was counted.

    Attributes:
        runs: Executions.
        seconds: How long they took.
        start: Bytes of drybox's own process after the warm-up.
        end: The same after the last.
        before: What there was before the executor, by name.
        after: What there was after it.
        open: The same while it is idle, after the warm-up and at the end.
        templates: Bytes that the interpreter has that others are forked from, after the warm-up and
            at the end; 0 for none.
    """

    runs: int
    seconds: float
    start: int
    end: int
    before: dict[str, int]
    after: dict[str, int]
    open: tuple[dict[str, int], dict[str, int]]
    templates: tuple[int, int] = (0, 0)

    @property
    def growth(self) -> float:
        """By how much of itself memory has grown."""
        return self.end / self.start - 1

    @property
    def template_growth(self) -> float:
        """The same of templates."""
        return self.templates[1] / self.templates[0] - 1

    @property
    def text(self) -> str:
        """The figures for people."""
        return (
            f"{self.runs} executions in {self.seconds:.0f} s: memory {self.start / 1e6:.2f} MB, "
            f"then {self.end / 1e6:.2f} MB ({self.growth:+.1%})\n"
            f"idle, after the warm-up and at the end: {self.open[0]} {self.open[1]}\n"
            f"before and after: {self.before} {self.after}\n"
            f"templates: {self.templates[0] / 1e6:.2f} MB, then {self.templates[1] / 1e6:.2f} MB"
        )


def soak(
    runs: int,
    languages: tuple[str, ...] = ("python",),
    tell: Callable[[str], object] = lambda _: None,
    *,
    forked: bool = False,
) -> Found:
    """Execute so often, four at a time.

    Args:
        runs: How often in all.
        languages: The first of them runs most.
        tell: Told of memory now and then.
        forked: Whether Python's are forked from a template.
    """
    pool = PoolSettings(fork_server="on") if forked else PoolSettings()
    with tempfile.TemporaryDirectory() as folder, temporary_files_in(folder):
        return _soak(runs, languages, tell, pool)


@contextmanager
def temporary_files_in(folder: str) -> Iterator[None]:
    """Meanwhile temporary files of this process and below it go where nobody else's are."""
    before, tempfile.tempdir = tempfile.tempdir, folder
    given, os.environ["TMPDIR"] = os.environ.get("TMPDIR"), folder
    try:
        yield
    finally:
        tempfile.tempdir = before
        if given is None:
            del os.environ["TMPDIR"]
        else:
            os.environ["TMPDIR"] = given


def _soak(
    runs: int, languages: tuple[str, ...], tell: Callable[[str], object], pool: PoolSettings
) -> Found:
    before = left(())
    others = {supervisor.pid for supervisor in host.supervisors(os.getpid())}
    began = time.monotonic()
    with CodeExecutor(isolation="local", pool=pool) as executor:
        warm_up = max(1, int(runs * WARM_UP))
        executor.execute(_request(0, languages))
        found = {supervisor.pid for supervisor in host.supervisors(os.getpid())}
        supervisors = tuple(found - others)
        assert supervisors
        _execute(executor, 0, warm_up, languages)
        start, idle = _settled(executor, supervisors)
        template = max(map(host.resident, _templates(supervisors)), default=0)
        tell(f"after {warm_up}: {start / 1e6:.2f} MB")
        step = max(1, (runs - warm_up) // 5)
        for first in range(warm_up, runs, step):
            _execute(executor, first, min(first + step, runs), languages)
            tell(f"after {min(first + step, runs)}: {resident() / 1e6:.2f} MB")
        end, idle_at_end = _settled(executor, supervisors)
        template_at_end = max(map(host.resident, _templates(supervisors)), default=0)
    seconds = time.monotonic() - began
    host.eventually(lambda: left(supervisors) == before, 10)
    opened, templates = (idle, idle_at_end), (template, template_at_end)
    return Found(runs, seconds, start, end, before, left(supervisors), opened, templates)


def left(supervisors: tuple[int, ...]) -> dict[str, int]:
    """What an executor could leave behind, of this process, below it and of its supervisors."""
    return {
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": threading.active_count(),
        "processes": len(host.descendants(os.getpid())),
        "cgroups": sum(f"/drybox-{pid}-" in path for pid in supervisors for path in host.cgroups()),
        "mounts": sum("drybox" in line and "tests" not in line for line in host.mounts()),
        "files": len(os.listdir(tempfile.gettempdir())),
    }


def _templates(supervisors: tuple[int, ...]) -> list[int]:
    """The interpreters that others are forked from."""
    family = {process.pid for pid in supervisors for process in host.descendants(pid)}
    return [pid for pid in family if os.path.lexists(f"/proc/{pid}/fd/{TEMPLATE_FD}")]


def at_rest(supervisors: tuple[int, ...], waiting: int, forked: int = 0) -> bool:
    """Whether so many sandboxes are all that an executor has, each once in every hierarchy.

    Args:
        supervisors: The executor's; there may be others in this process.
        waiting: Sandboxes, those of templates among them.
        forked: Those of them that were forked: each has a process of the spawner's.
    """
    own = tuple(f"/drybox-{pid}-" for pid in supervisors)
    boxes = {path for path in host.sandboxes(os.getpid()) if any(name in path for name in own)}
    family = [process for pid in supervisors for process in host.descendants(pid)]
    spawned = [process for process in family if process.cmdline == (spawner_path(),)]
    return (
        len(set(map(os.path.basename, boxes))) == waiting and len(spawned) == 1 + PREFORKED + forked
    )


def resident() -> int:
    """Bytes of memory that this process has of its own."""
    gc.collect()
    return host.resident(os.getpid())


def _settled(executor: CodeExecutor, supervisors: tuple[int, ...]) -> tuple[int, dict[str, int]]:
    """Memory, and what is open, once the pool waits and nothing is on its way out."""

    def rests() -> bool:
        idle = [count.idle for count in executor.pools()]
        made = len(_templates(supervisors))
        forked = sum(idle) if made else 0
        return all(idle) and at_rest(supervisors, sum(idle) + made, forked)

    host.eventually(rests, 20)
    counted = left(supervisors)
    names = ("descriptors", "threads", "processes", "cgroups")
    return resident(), {name: counted[name] for name in names}


def _execute(executor: CodeExecutor, first: int, end: int, languages: tuple[str, ...]) -> None:
    for at in range(first, end, SIDE_BY_SIDE):
        requests = [
            _request(number, languages) for number in range(at, min(at + SIDE_BY_SIDE, end))
        ]
        for request, result in zip(requests, executor.execute_many(requests), strict=True):
            assert result.status == _expected(request), result


def _request(number: int, languages: tuple[str, ...]) -> ExecutionRequest:
    if number % 50 == 7:
        return ExecutionRequest("python", "raise SystemExit(3)", args=("failed",))
    if number % 50 == 17:
        return ExecutionRequest("python", "while True: pass", timeout=0.05, args=("timeout",))
    if number % 50 == 27:
        small = ResourceLimits(output=1000)
        code = "print('x' * 9999)"
        return ExecutionRequest("python", code, limits=small, args=("output_limit",))
    if number % 50 == 37:
        small = ResourceLimits(memory=64 << 20)
        code = f"open('a', 'w').write('{number}'); print(input())"
        return ExecutionRequest("python", code, limits=small, stdin=b"hello", artifacts=("a",))
    language = languages[0] if number % 10 else languages[number // 10 % len(languages)]
    return ExecutionRequest(language, known_languages()[language].samples.numbered(1))


def _expected(request: ExecutionRequest) -> str:
    return request.args[0] if request.args else "success"
