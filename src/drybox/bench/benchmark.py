"""Measures languages with isolation: warm, cold and beside the baseline process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drybox.bench import data_programs
from drybox.bench.baseline import BaselineProcess
from drybox.bench.idle_memory import idle_sizes
from drybox.bench.interleave import Contender, interleave, sustain
from drybox.bench.machine import describe
from drybox.bench.report import (
    BASELINE,
    CACHED,
    COLD,
    COMMAND,
    FORKED,
    WARM,
    Group,
    Missing,
    Report,
)
from drybox.errors import DryboxError, Unavailable
from drybox.executor.sync_executor import CodeExecutor
from drybox.languages.base import EnvironmentLanguage
from drybox.languages.registry import known_languages
from drybox.model import ExecutionRequest
from drybox.settings import PoolSettings

SETTLE = {"local": 0.02}
SETTLE_CONTAINERS = 0.2
"""Seconds between runs, so that what one leaves to be taken away does not slow the next."""

TIMEOUT, MORE_TIMEOUT = 5.0, 1.0
"""Seconds until a sandbox must wait, where none ever does a warm run is a cold one; and until as
many do as the pool keeps."""

COLD_SHARE = 4
"""Of so many rounds one has a cold run: they are there to compare with, and take their time."""

LONGEST = 4
"""A group that has taken so many times its time has no rates."""

RATE_SHARE = 0.35
"""Of a group's time that goes to its rates."""


@dataclass(frozen=True)
class Benchmark:
    """What to measure.

    Attributes:
        languages: By their canonical names.
        isolations: Their names.
        rounds: Warm runs of each, at most.
        seconds: How long all of it may take, about.
        concurrency: Runs under way at once for the rates; 0 to leave them out.
        options: Arguments of the executors beside those that the benchmark sets.
        tell: Told what is being measured.
    """

    languages: Sequence[str] = field(default_factory=lambda: list(known_languages()))
    isolations: Sequence[str] = ("local",)
    rounds: int = 100
    seconds: float = 60.0
    concurrency: int = 2
    options: Mapping[str, Any] = field(default_factory=dict)
    tell: Callable[[str], None] = lambda _: None

    def run(self) -> Report:
        """Measure all of it, one language with one isolation after the other."""
        pairs = [
            (language, isolation) for isolation in self.isolations for language in self.languages
        ]
        machine, groups, missing = describe(), list[Group](), list[Missing]()
        until = time.monotonic() + self.seconds
        for number, (language, isolation) in enumerate(pairs):
            share = max(0.0, until - time.monotonic()) / (len(pairs) - number)
            self.tell(f"measuring {language} with isolation {isolation}")
            try:
                groups.append(self.measure(language, isolation, share))
            except (DryboxError, subprocess.CalledProcessError, OSError) as error:
                missing.append(Missing(language, isolation, str(error)))
        if "local" in self.isolations and data_programs.find(self.options):
            for program in data_programs.PROGRAMS:
                self._measure_program(program, groups, missing)
        return Report(machine, groups, missing, self.concurrency)

    def _measure_program(self, program: str, groups: list[Group], missing: list[Missing]) -> None:
        seconds = self.seconds / (len(self.languages) * len(self.isolations) + 1)
        self.tell(f"measuring {program} in environment {data_programs.ENVIRONMENT}")
        try:
            groups.append(
                data_programs.measure(program, self.options, self.rounds, seconds, self.concurrency)
            )
        except (DryboxError, subprocess.CalledProcessError, OSError) as error:
            missing.append(Missing(program, "local", str(error)))

    def measure(
        self,
        language: str,
        isolation: str,
        seconds: float,
        others: Mapping[str, Contender] | None = None,
    ) -> Group:
        """Measure one language with one isolation.

        Args:
            language: The language.
            isolation: Its name.
            seconds: How long that may take, about.
            others: Further contenders that are interleaved with drybox's.

        Raises:
            DryboxError: It does not run here.
        """
        options = {**self.options, "isolation": isolation, "progress": self.tell}
        options["concurrency"] = max(1, self.concurrency)
        with (
            tempfile.TemporaryDirectory() as folder,
            CodeExecutor(**{**options, "pool": PoolSettings()}) as warm,
            CodeExecutor(**{**options, "pool": None}) as cold,
            CodeExecutor(**{**options, "pool": PoolSettings(fork_server="on")}) as forking,
        ):
            settle = SETTLE.get(isolation, SETTLE_CONTAINERS)
            contenders = self._contenders(
                language, BaselineProcess(language, Path(folder)), warm, cold, settle
            )
            if isolation == "local" and _has_templates(language):
                contenders[FORKED] = _waiting(forking, language, settle)
            if isolation == "local" and language == "python":
                compiled = Path(folder) / "compiled"
                run_command(0, compiled)
                contenders[COMMAND] = Contender(
                    lambda number: run_command(number, compiled), resting(settle), COLD_SHARE
                )
            contenders.update(others or {})
            begun = time.monotonic()
            # Fills what every contender keeps from one run to the next.
            interleave(
                {
                    name: Contender(contender.run, contender.ready)
                    for name, contender in contenders.items()
                    if name != COMMAND
                },
                2,
            )
            rated = self.concurrency > 0
            left = seconds * (1 - RATE_SHARE if rated else 1) - (time.monotonic() - begun)
            times = interleave(contenders, self.rounds, left, first=2)
            wait_for(warm, language)
            idle = idle_sizes() if isolation == "local" else []
            rates = {}
            if rated and time.monotonic() - begun < LONGEST * seconds:
                kept = (BASELINE, WARM, FORKED)
                steady = {name: contenders[name] for name in kept if name in contenders}
                rates = sustain(steady, self.concurrency, seconds * RATE_SHARE / 2)
            return Group(language, isolation, times, rates, idle)

    def _contenders(
        self,
        language: str,
        baseline: BaselineProcess,
        warm: CodeExecutor,
        cold: CodeExecutor,
        settle: float,
    ) -> dict[str, Contender]:
        rest = resting(settle)
        waiting = _waiting(warm, language, settle)
        contenders = {BASELINE: Contender(baseline.run, rest), WARM: waiting}
        if known_languages()[language].samples.compiles:
            contenders[CACHED] = Contender(lambda _: run(warm, language, -1), waiting.ready)
        contenders[COLD] = Contender(lambda number: run(cold, language, number), rest, COLD_SHARE)
        return contenders


def _has_templates(language: str) -> bool:
    found = known_languages()[language]
    return isinstance(found, EnvironmentLanguage) and found.environments.preload is not None


def _waiting(executor: CodeExecutor, language: str, settle: float) -> Contender:
    """Runs in sandboxes that wait."""

    def wait() -> None:
        wait_for(executor, language)
        time.sleep(settle)

    return Contender(lambda number: run(executor, language, number), wait)


def run_command(number: int, compiled: Path) -> None:
    """Run a Python program by ``drybox run``, as a person would.

    Args:
        number: What it prints.
        compiled: Where drybox's modules are compiled to, as an installer does, whatever this
            process was told of that.

    Raises:
        subprocess.CalledProcessError: It failed.
    """
    words = ["run", "-l", "python", "--isolation", "local", "-c", f"print({number})"]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(
        [sys.executable, "-m", "drybox", *words],
        env={**env, "PYTHONPYCACHEPREFIX": str(compiled)},
        stdin=subprocess.DEVNULL,
        check=True,
        capture_output=True,
    )


def resting(seconds: float) -> Callable[[], None]:
    """What a contender does before a run: let what the last one left be taken away."""
    return lambda: time.sleep(seconds)


def run(executor: CodeExecutor, language: str, number: int) -> None:
    """Run a language's program once.

    Raises:
        DryboxError: It could not be run.
        Unavailable: It ran, but not as it should.
    """
    source = known_languages()[language].samples.numbered(number)
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
    while (waited := time.monotonic() - begun) < TIMEOUT:
        counts = [count for count in executor.pools() if count.language == language]
        idle = max((count.idle for count in counts), default=0)
        fails = any(count.failures > 1 for count in counts) and not idle
        if not counts or fails or idle >= (PoolSettings().min_idle if waited < MORE_TIMEOUT else 1):
            return
        time.sleep(0.005)
