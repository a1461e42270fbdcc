"""Programs for data in an environment that imports ahead, beside the same outside any sandbox."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from drybox.backends.registry import host_program
from drybox.bench.idle_memory import idle_sizes, process_size
from drybox.bench.interleave import Contender, interleave, sustain
from drybox.bench.report import BASELINE, COLD, WARM, Group
from drybox.environments.environment import Environment
from drybox.environments.store import EnvironmentStore
from drybox.errors import Unavailable
from drybox.executor.sync_executor import CodeExecutor
from drybox.languages.python import NO_PACKAGES
from drybox.model import GIB, ExecutionRequest
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

WAITING = 32
"""Sandboxes whose memory is measured."""

TIMEOUT = 120.0
"""Seconds that a run may take, and that a sandbox may take until it waits."""


MEASURED_SIZE = "pandas"
"""The program of whose sandboxes the memory is measured: both import the same ahead."""


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
        packages = _packages(warm, options)

        def run_baseline(number: int) -> None:
            code = PROGRAMS[program].format(number=number)
            with _start_baseline(code, packages, folder) as process:
                process.communicate()
            if process.returncode:
                raise subprocess.CalledProcessError(process.returncode, process.args)

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
    if program != MEASURED_SIZE:
        return Group(program, "local", times, rates)
    return Group(program, "local", times, rates, *_sizes(options))


def _sizes(options: Mapping[str, Any]) -> tuple[list[int], int]:
    """Bytes of each of many sandboxes that wait and of their template, and of a bare process."""
    pool = PoolSettings(min_idle=WAITING, max_total=WAITING, memory=WAITING * GIB)
    with (
        tempfile.TemporaryDirectory() as folder,
        CodeExecutor(**{**options, "pool": pool}) as executor,
    ):
        code = PROGRAMS[MEASURED_SIZE].format(number=0) + "import sys\nsys.stdout.flush()\n"
        packages = _packages(executor, options)
        with _start_baseline(code + "sys.stdin.read()\n", packages, folder) as process:
            assert process.stdout is not None
            process.stdout.readline()  # it has imported everything
            baseline = process_size(process.pid)
            process.communicate()
        _run(executor, MEASURED_SIZE, 0)
        if (waiting := _wait(executor, WAITING)) < WAITING:
            raise Unavailable(
                f"{waiting} sandboxes wait and not {WAITING}.",
                hint="Give the machine more memory, or measure on an idle one.",
            )
        return idle_sizes(), baseline


def _packages(executor: CodeExecutor, options: Mapping[str, Any]) -> Path:
    """The environment's folder of packages."""
    built = executor.build_environment(ENVIRONMENT)
    tree = EnvironmentStore(options.get("environment_dir")).tree(str(built.digest))
    (packages,) = tree.glob("lib/python3.*/site-packages")
    return packages


def _start_baseline(code: str, packages: Path, folder: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [host_program("python"), "-S", "-c", NO_PACKAGES + code],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": folder, "PYTHONPATH": str(packages)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def _run(executor: CodeExecutor, program: str, number: int) -> None:
    code = PROGRAMS[program].format(number=number)
    request = ExecutionRequest("python", code, environment=ENVIRONMENT, timeout=TIMEOUT)
    result = executor.execute(request)
    if result.status != "success" or str(number) not in result.stdout:
        raise Unavailable(
            f"{program} ended with {result.status}: {result.stderr.strip()[-300:]}",
            hint=f"See that environment {ENVIRONMENT!r} has what it needs: drybox env show",
        )


def _wait(executor: CodeExecutor, count: int = 1) -> int:
    """Wait until so many sandboxes wait. Returns how many do in the end."""
    until = time.monotonic() + TIMEOUT
    waiting = 0
    while waiting < count and time.monotonic() < until:
        time.sleep(0.005)
        waiting = sum(each.idle for each in executor.pools())
    return waiting
