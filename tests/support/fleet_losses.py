"""A node of a fleet comes to harm while every slot is taken: what has to become of it all.

The same for each kind of harm: what began there is lost and says so in time, what waited runs
elsewhere, nothing runs twice, sessions say that they are closed, and nothing is left behind.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support.host import cgroups, eventually, mounts, running, sandboxes, supervisors

from drybox import ExecutionResult, RayExecutor, SandboxLost, SessionClosed
from drybox.backends.local.cgroups.tree import instance_name
from drybox.fleet.sessions.store import NODE_NAME
from drybox.hooks.hooks import HookContext

Harm = Callable[[Any], None]


@dataclass(frozen=True)
class BeginCounter:
    """A hook that writes down, outside of every sandbox, which programs begin on a node.

    Attributes:
        path: Of the file; a line for each program: the digest of its source.
    """

    path: str

    def before_run(self, context: HookContext) -> None:
        record = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(record, f"{context.source_sha256}\n".encode())
        finally:
            os.close(record)

    def times(self, source: str) -> int:
        """How often the program of this source has begun."""
        file = hashlib.sha256(source.encode()).hexdigest()
        whole = hashlib.sha256(f"{file}  main.py\n".encode()).hexdigest()
        return Counter(Path(self.path).read_text().split())[whole]


def members(executor: RayExecutor) -> list[Any]:
    """The nodes as an executor sees them."""
    return executor._fleet._members.all()


class Losses:
    """Every slot of a fleet is taken, a session is on every node, and some programs wait.

    Args:
        executor: The front door, with the counter as its hook.
        counter: Counts what begins.
        word: What all programs have among their arguments.
    """

    def __init__(self, executor: RayExecutor, counter: BeginCounter, word: str) -> None:
        self.executor = executor
        self.counter = counter
        self.word = word
        self.slots = sum(item.state.slots for item in members(executor))
        count = len(members(executor))
        self.sessions = [executor.open_session("bash", isolation="local") for _ in range(count)]
        self._threads = ThreadPoolExecutor(2 * self.slots)
        self._long = [self._source("time.sleep(600)", n) for n in range(self.slots)]
        self._short = [self._source("print('ran')", n) for n in range(self.slots)]
        self.runs = self._begin(self._long)
        assert eventually(lambda: len(self.inside()) == self.slots, 90), self.inside()
        self.waiting = self._begin(self._short)
        assert eventually(lambda: executor._fleet.waiting == self.slots, 30)

    def _source(self, code: str, number: int) -> str:
        return f"import time\n{code}\n# {self.word} {number}"

    def _begin(self, sources: list[str]) -> list[Future[ExecutionResult]]:
        execute = self.executor.execute
        return [
            self._threads.submit(execute, "python", source, args=[self.word], timeout=900.0)
            for source in sources
        ]

    def inside(self) -> list[int]:
        """Processes of the host that run one of the programs."""
        return [item.pid for item in running(self.word) if "python" in item.cmdline[0]]

    def check(
        self,
        victim: Any,
        harm: Harm,
        told_within: float,
        mend: Callable[[], None] = lambda: None,
    ) -> None:
        """Do harm to a node, and see what becomes of everything.

        Args:
            victim: The node.
            harm: Does it.
            told_within: Seconds in which those whose programs ran there are told.
            mend: Ends the harm, where what is left there could not be cleared up without.
        """
        lost = [item for item in self.sessions if item.id.endswith(victim.info.id[:NODE_NAME])]
        others = [item for item in self.sessions if item not in lost]
        assert len(lost) == 1, [item.id for item in self.sessions]
        instances = [instance_name(item.pid) for item in supervisors(victim.load.pid)]
        taken = victim.state.slots
        harm(victim)
        began = time.monotonic()
        assert eventually(lambda: self._ended() >= taken, told_within), self.runs
        print(f"told after {time.monotonic() - began:.1f} s", flush=True)
        errors = [run.exception() for run in self.runs if run.done()]
        assert [type(error) for error in errors] == [SandboxLost] * taken, errors
        with pytest.raises(SessionClosed) as caught:
            lost[0].command("true")
        assert caught.value.reason == "lost"
        for session in others:
            assert session.command("echo on").stdout == "on\n"
        # The others end now: what has waited begins in their slots.
        assert not any(run.done() for run in self.waiting)
        self._end_others(instances)
        assert {run.result(60).stdout for run in self.waiting} == {"ran\n"}
        for session in self.sessions:
            session.close()
        mend()
        assert [self.counter.times(source) for source in self._short] == [1] * len(self._short)
        assert [self.counter.times(source) for source in self._long] == [1] * len(self._long)
        pid = victim.load.pid
        assert eventually(lambda: self.left(pid, instances) == [], 60), self.left(pid, instances)

    def _ended(self) -> int:
        return sum(run.done() for run in self.runs)

    def _end_others(self, instances: list[str]) -> None:
        """End what runs on the other nodes, from outside."""
        running_yet = [run for run in self.runs if not run.done()]
        for pid in self.inside():
            with contextlib.suppress(OSError):  # it ends at this very moment
                cgroup = Path(f"/proc/{pid}/cgroup").read_text()
                if not any(name in cgroup for name in instances):
                    os.kill(pid, signal.SIGKILL)
        assert {run.result(60).status for run in running_yet} <= {"signaled"}

    def left(self, pid: int, instances: list[str]) -> list[str]:
        """What there still is of the node's sandboxes, and of all these programs."""
        found = [str(item) for item in self.inside()]
        if Path(f"/proc/{pid}").exists():  # it has gone on, with a supervisor for the next ones
            return [*found, *sandboxes(pid)]
        found += [item for item in cgroups() if any(name in item for name in instances)]
        return found + [line for line in mounts() if any(name in line for name in instances)]
