"""An observer that writes down what it is told."""

from __future__ import annotations

from drybox.job import Job
from drybox.model import ExecutionResult
from drybox.monitoring.observers import Stage


class Note:
    """What one execution was followed through.

    Attributes:
        told: Stages, isolations in angle brackets, and ``end``.
        result: What it ended with, if it did with a result.
        error: What else it ended with.
    """

    def __init__(self, id: str, job: Job) -> None:
        self.id, self.job = id, job
        self.told: list[str] = []
        self.result: ExecutionResult | None = None
        self.error: BaseException | None = None

    def enter(self, stage: Stage) -> None:
        self.told.append(stage)

    def choose(self, isolation: str) -> None:
        self.told.append(f"<{isolation}>")

    def finish(self, result: ExecutionResult | None, error: BaseException | None) -> None:
        self.told.append("end")
        self.result, self.error = result, error


class NotingObserver:
    """Makes a note of every execution."""

    def __init__(self) -> None:
        self.notes: list[Note] = []

    def start(self, id: str, job: Job) -> Note:
        self.notes.append(Note(id, job))
        return self.notes[-1]
