"""Measures languages behind walls: warm, cold and beside the bare process."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drybox.bench.bare import BareProcess
from drybox.bench.idle import idle_sizes
from drybox.bench.machine import describe
from drybox.bench.programs import PROGRAMS
from drybox.bench.report import AGAIN, BARE, COLD, WARM, Group, Missing, Report
from drybox.bench.turns import Side, sustain, take_turns
from drybox.errors import DryboxError, Unavailable
from drybox.model import ExecutionRequest
from drybox.settings import PoolSettings
from drybox.sync import CodeExecutor

SETTLE = {"local": 0.02}
SETTLE_CONTAINERS = 0.2
"""Seconds between runs, so that what one leaves to be taken away does not slow the next."""

PATIENCE, MORE_PATIENCE = 5.0, 1.0
"""Seconds until a sandbox must wait, where none ever does a warm run is a cold one; and until as
many do as the pool keeps."""

COLD_SHARE = 4
"""Of so many rounds one has a cold run: they are there to compare with, and take their time."""

RATE_SHARE = 0.35
"""Of a group's time that goes to its rates."""


@dataclass(frozen=True)
class Course:
    """What to measure.

    Attributes:
        languages: By their canonical names.
        walls: The walls.
        rounds: Warm runs of each, at most.
        seconds: How long all of it may take, about.
        concurrency: Runs under way at once for the rates; 0 to leave them out.
        options: Arguments of the executors beside those that the course sets.
        tell: Told what is being measured.
    """

    languages: Sequence[str] = tuple(PROGRAMS)
    walls: Sequence[str] = ("local",)
    rounds: int = 100
    seconds: float = 60.0
    concurrency: int = 2
    options: Mapping[str, Any] = field(default_factory=dict)
    tell: Callable[[str], None] = lambda _: None

    def run(self) -> Report:
        """Measure all of it, one language behind one wall after the other."""
        pairs = [(language, wall) for wall in self.walls for language in self.languages]
        machine, groups, missing = describe(), [], []
        until = time.monotonic() + self.seconds
        for number, (language, wall) in enumerate(pairs):
            share = max(0.0, until - time.monotonic()) / (len(pairs) - number)
            self.tell(f"measuring {language} behind {wall}")
            try:
                groups.append(self.measure(language, wall, share))
            except (DryboxError, subprocess.CalledProcessError, OSError) as error:
                missing.append(Missing(language, wall, str(error)))
        return Report(machine, groups, missing, self.concurrency)

    def measure(
        self,
        language: str,
        wall: str,
        seconds: float,
        others: Mapping[str, Side] | None = None,
    ) -> Group:
        """Measure one language behind one wall.

        Args:
            language: The language.
            wall: The wall.
            seconds: How long that may take, about.
            others: Further sides that take turns with drybox's.

        Raises:
            DryboxError: It does not run here.
        """
        options = {**self.options, "isolation": wall, "progress": self.tell}
        options["concurrency"] = max(1, self.concurrency)
        with (
            tempfile.TemporaryDirectory() as folder,
            CodeExecutor(**{**options, "pool": PoolSettings()}) as warm,
            CodeExecutor(**{**options, "pool": None}) as cold,
        ):
            settle = SETTLE.get(wall, SETTLE_CONTAINERS)
            sides = self._sides(language, BareProcess(language, Path(folder)), warm, cold, settle)
            sides.update(others or {})
            begun = time.monotonic()
            # Fills what every side keeps from one run to the next.
            take_turns({name: Side(side.run, side.ready) for name, side in sides.items()}, 2)
            rated = self.concurrency > 0
            left = seconds * (1 - RATE_SHARE if rated else 1) - (time.monotonic() - begun)
            times = take_turns(sides, self.rounds, left, first=2)
            wait_for(warm, language)
            idle = idle_sizes() if wall == "local" else []
            rates = {}
            if rated and time.monotonic() - begun < 2 * seconds:
                steady = {name: sides[name] for name in (BARE, WARM)}
                rates = sustain(steady, self.concurrency, seconds * RATE_SHARE / 2)
            return Group(language, wall, times, rates, idle)

    def _sides(
        self,
        language: str,
        bare: BareProcess,
        warm: CodeExecutor,
        cold: CodeExecutor,
        settle: float,
    ) -> dict[str, Side]:
        rest = resting(settle)

        def wait() -> None:
            wait_for(warm, language)
            rest()

        sides = {
            BARE: Side(bare.run, rest),
            WARM: Side(lambda number: run(warm, language, number), wait),
        }
        if PROGRAMS[language].compiles:
            sides[AGAIN] = Side(lambda _: run(warm, language, -1), wait)
        sides[COLD] = Side(lambda number: run(cold, language, number), rest, COLD_SHARE)
        return sides


def resting(seconds: float) -> Callable[[], None]:
    """What a side does before a run: let what the last one left be taken away."""
    return lambda: time.sleep(seconds)


def run(executor: CodeExecutor, language: str, number: int) -> None:
    """Run a language's program once.

    Raises:
        DryboxError: It could not be run.
        Unavailable: It ran, but not as it should.
    """
    source = PROGRAMS[language].numbered(number)
    result = executor.execute(ExecutionRequest(language, source))
    if result.status != "success" or str(number) not in result.stdout:
        said = result.stderr.strip() or (result.error.message if result.error else "")
        raise Unavailable(
            f"the program of the benchmark ended with {result.status}: {said[-300:]}",
            hint="Run 'drybox doctor' to see what this host is missing.",
        )


def wait_for(executor: CodeExecutor, language: str) -> None:
    """Wait until as many sandboxes wait as the pool keeps, if it ever keeps any."""
    begun = time.monotonic()
    while (waited := time.monotonic() - begun) < PATIENCE:
        counts = [count for count in executor.pools() if count.language == language]
        idle = max((count.idle for count in counts), default=0)
        fails = any(count.failures > 1 for count in counts) and not idle
        if (
            not counts
            or fails
            or idle >= (PoolSettings().min_idle if waited < MORE_PATIENCE else 1)
        ):
            return
        time.sleep(0.005)
