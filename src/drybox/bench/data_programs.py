"""Programs for data in an environment that imports ahead, beside the same outside any sandbox."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Mapping
from typing import Any

from drybox.backends.registry import host_program
from drybox.bench.interleave import Contender, interleave, sustain
from drybox.bench.report import BASELINE, COLD, WARM, Group
from drybox.environments.environment import Environment
from drybox.environments.store import EnvironmentStore
from drybox.errors import Unavailable
from drybox.executor.sync_executor import CodeExecutor
from drybox.languages.python import NO_PACKAGES
from drybox.model import ExecutionRequest
from drybox.settings import PoolSettings

ENVIRONMENT = "data"
"""The environment that they run in, as the documents describe it."""

PROGRAMS = {
    "pandas": "import pandas, numpy\n"
    'print(pandas.DataFrame({{"a": [{number}]}}).sum().a, numpy.arange(3).sum())\n',
    "matplotlib": "import matplotlib.pyplot as plot\n"
    'plot.plot([1, 2])\nplot.savefig("drawn.png")\nprint({number})\n',
}
"""By the name that their figures have."""

RATE_SHARE = 0.35
"""Of a program's time that goes to its rates."""

TIMEOUT = 120.0
"""Seconds that a run may take, and that a sandbox may take until it waits."""


def find(options: Mapping[str, Any]) -> Environment | None:
    """The environment, where it is configured and imports ahead."""
    for environment in options.get("environments", ()):
        if environment.name == ENVIRONMENT and environment.preload:
            return environment  # type: ignore[no-any-return]
    return None


def measure(
    program: str, options: Mapping[str, Any], rounds: int, seconds: float, concurrency: int
) -> Group:
    """Measure one program.

    Args:
        program: Its name.
        options: Arguments of the executors.
        rounds: Runs of each contender at most.
        seconds: How long all may take, about.
        concurrency: Runs under way at once for the rates; 0 to leave them out.

    Raises:
        DryboxError: It does not run here.
    """
    options = {**options, "isolation": "local", "concurrency": max(1, concurrency)}
    with (
        tempfile.TemporaryDirectory() as folder,
        CodeExecutor(**{**options, "pool": PoolSettings()}) as warm,
        CodeExecutor(**{**options, "pool": None}) as cold,
    ):
        built = warm.build_environment(ENVIRONMENT)
        tree = EnvironmentStore(options.get("environment_dir")).tree(str(built.digest))
        (packages,) = tree.glob("lib/python3.*/site-packages")

        def run_baseline(number: int) -> None:
            code = NO_PACKAGES + PROGRAMS[program].format(number=number)
            subprocess.run(
                [host_program("python"), "-S", "-c", code],
                cwd=folder,
                env={"PATH": "/usr/bin:/bin", "HOME": folder, "PYTHONPATH": str(packages)},
                stdin=subprocess.DEVNULL,
                check=True,
                capture_output=True,
            )

        contenders = {
            BASELINE: Contender(run_baseline),
            WARM: Contender(lambda number: _run(warm, program, number), lambda: _wait(warm)),
            COLD: Contender(lambda number: _run(cold, program, number)),
        }
        interleave(contenders, 2)  # fills what each keeps from one run to the next
        rated = concurrency > 0
        times = interleave(contenders, rounds, seconds * (1 - RATE_SHARE * rated), first=2)
        rates = {}
        if rated:
            steady = {name: contenders[name] for name in (BASELINE, WARM)}
            rates = sustain(steady, concurrency, seconds * RATE_SHARE / 2)
        return Group(program, "local", times, rates)


def _run(executor: CodeExecutor, program: str, number: int) -> None:
    code = PROGRAMS[program].format(number=number)
    request = ExecutionRequest("python", code, environment=ENVIRONMENT, timeout=TIMEOUT)
    result = executor.execute(request)
    if result.status != "success" or str(number) not in result.stdout:
        raise Unavailable(
            f"{program} ended with {result.status}: {result.stderr.strip()[-300:]}",
            hint=f"See that environment {ENVIRONMENT!r} has what it needs: drybox env show",
        )


def _wait(executor: CodeExecutor) -> None:
    """Wait until a sandbox waits."""
    until = time.monotonic() + TIMEOUT
    while time.monotonic() < until:
        counts = executor.pools()
        if not counts or any(count.idle for count in counts):
            return
        time.sleep(0.005)
