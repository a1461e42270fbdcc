"""What a session of Python costs beside a bare ipykernel: its start, a round trip, and its memory.

Also what a command in it costs beside a bare ``bash -lc``, which has no profile to read, as in the
sandbox. All are interleaved. Prints the medians, and ends with 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import warnings

from drybox import CodeExecutor, Session
from drybox.backends.registry import host_program
from drybox.bench.idle_memory import idle_sizes
from drybox.bench.interleave import Contender, interleave
from drybox.languages.python import NO_PACKAGES
from drybox.model import MIB

GOALS = {"start": 0.05, "round trip": 0.5, "command": 1.5}
MOST_MEMORY = 35 * MIB
STARTED = 14 * MIB
"""Bytes that a sandbox takes once its kernel has nearly started."""

REST = 2.0
"""Seconds in which it gets ready from there, and others come to rest."""

TIMEOUT = 120


KERNEL = """
import sys
sys.path.append(sys.argv.pop(1))
from ipykernel.kernelapp import launch_new_instance
launch_new_instance()
"""


class Jupyter:
    """A bare ipykernel through jupyter_client, without the .pth files of the host's packages."""

    def __init__(self, folder: str) -> None:
        from jupyter_client.manager import KernelManager

        packages = sysconfig.get_path("purelib")
        command = [host_program("python"), "-S", "-c", NO_PACKAGES + KERNEL, packages]
        self._manager = KernelManager()
        assert self._manager.kernel_spec is not None
        self._manager.kernel_spec.argv = [*command, "-f", "{connection_file}"]
        self._manager.start_kernel(cwd=folder)
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=TIMEOUT)

    def run(self, code: str) -> str:
        """Run a cell; the value of its last expression."""
        value = ""

        def take(message: dict[str, object]) -> None:
            nonlocal value
            if message["msg_type"] == "execute_result":
                value = message["content"]["data"]["text/plain"]  # type: ignore[index]

        self._client.execute_interactive(code, timeout=TIMEOUT, output_hook=take)
        return value

    def close(self) -> None:
        """End it."""
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()


def measure(rounds: int) -> bool:
    """Measure, print, and say whether every goal was met."""
    with tempfile.TemporaryDirectory() as folder, CodeExecutor(isolation="local") as executor:
        kept: list[Session | Jupyter] = []

        def jupyter(number: int) -> None:
            kernel = Jupyter(folder)
            kept.append(kernel)
            assert kernel.run("1+1") == "2"

        def session(number: int) -> None:
            opened = executor.open_session("python")
            kept.append(opened)
            assert opened.run("1+1").results[0].data["text/plain"] == "2"

        def rest() -> None:
            while kept:
                kept.pop().close()
            until = time.monotonic() + TIMEOUT
            while not any(size > STARTED for size in idle_sizes()) and time.monotonic() < until:
                time.sleep(0.2)
            time.sleep(REST)

        starts = {"ipykernel": Contender(jupyter, rest), "session": Contender(session, rest)}
        executor.open_session("python").close()  # from now on one waits
        interleave(starts, 1)
        started = interleave(starts, rounds)
        rest()
        bare, opened = Jupyter(folder), executor.open_session("python")
        trips = {
            "ipykernel": Contender(lambda number: bare.run("1+1")),
            "session": Contender(lambda number: opened.run("1+1")),
        }
        interleave(trips, 20)
        tripped = interleave(trips, 50 * rounds)
        bare.close()

        def shell(number: int) -> None:
            argv = ["bash", "--noprofile", "-lc", "true"]
            subprocess.run(argv, cwd=folder, stdin=subprocess.DEVNULL, check=True)

        def command(number: int) -> None:
            assert opened.command("true").exit_code == 0

        lines = {"bash -lc": Contender(shell), "session": Contender(command)}
        interleave(lines, 20)
        ran = interleave(lines, 50 * rounds)
        time.sleep(REST)
        memory = max(idle_sizes())
        opened.close()
    met = memory <= MOST_MEMORY
    for name, times in (("start", started), ("round trip", tripped), ("command", ran)):
        (other,) = times.keys() - {"session"}
        theirs, ours = (statistics.median(times[who]) for who in (other, "session"))
        ratio = ours / theirs
        met = met and ratio <= GOALS[name]
        print(f"{name}: session {ours * 1e3:.2f} ms, {other} {theirs * 1e3:.2f} ms: {ratio:.3f}")
    print(f"idle session: {memory / MIB:.1f} MiB proportional set size")
    return met


def main() -> int:
    """Do it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    return not measure(rounds)


if __name__ == "__main__":
    sys.exit(main())
