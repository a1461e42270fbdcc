"""What stages an execution went through on another machine, and how long each took."""

from __future__ import annotations

import time

from drybox.job import Job
from drybox.model import ExecutionResult
from drybox.monitoring.observers import NULL_OBSERVATION, Observation, Stage, StageTime


class StageRecorder:
    """An observer that notes the stages of the executions that somebody wants to know of."""

    def __init__(self) -> None:
        self._wanted: dict[str, _Recording] = {}

    def want(self, id: str) -> None:
        """Note those of an execution that begins now, until they are taken."""
        self._wanted[id] = _Recording()

    def take(self, id: str) -> tuple[StageTime, ...]:
        """What was noted of one."""
        recording = self._wanted.pop(id, None)
        return () if recording is None else tuple(recording.stages)

    def start(self, id: str, job: Job) -> Observation:
        """An execution begins; see :class:`drybox.monitoring.observers.Observer`."""
        return self._wanted.get(id, NULL_OBSERVATION)


class _Recording:
    """One execution."""

    def __init__(self) -> None:
        self.stages: list[StageTime] = []
        self._came_at = time.monotonic()
        self._stage: tuple[Stage, float] | None = None

    def enter(self, stage: Stage) -> None:
        now = self._leave()
        self._stage = stage, now

    def choose(self, isolation: str) -> None:
        pass

    def finish(self, result: ExecutionResult | None, error: BaseException | None) -> None:
        self._leave()

    def _leave(self) -> float:
        now = time.monotonic() - self._came_at
        if self._stage is not None:
            self.stages.append(StageTime(*self._stage, now))
            self._stage = None
        return now
