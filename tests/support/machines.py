"""Machines of a Ray cluster that are network namespaces: their network can be cut.

All of them are on one bridge, which is in a namespace as well, so that the host's own network
sees nothing of it. They share the host's processes and files.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.host import descendants, eventually, processes, thread_waits

HUB = "hub"
PORT = 6379
START_TIMEOUT = 120.0

OUR_ACTORS = ("ray::Replica", "ray::LedgerActor")
"""How the names of workers begin that run drybox."""

RAY = str(Path(sys.executable).with_name("ray"))


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@dataclass
class Machine:
    """One namespace.

    Attributes:
        name: Of the namespace.
        address: Its only one, beside loopback.
        port: Its end of the bridge.
        process: Its part of the cluster.
    """

    name: str
    address: str
    hub: str
    port: str
    process: subprocess.Popen[bytes] | None = None

    def inside(self, words: Sequence[str]) -> list[str]:
        """The command that runs something there."""
        # Not `ip netns exec`, which hides the host's cgroups.
        return ["nsenter", f"--net=/run/netns/{self.name}", *words]

    def cut(self) -> None:
        """Take its network away."""
        _ip("-n", self.hub, "link", "set", self.port, "down")

    def mend(self) -> None:
        """Give its network back."""
        _ip("-n", self.hub, "link", "set", self.port, "up")

    def kill(self) -> None:
        """End all that is Ray's in it; what Ray has run of ours is left to see for itself."""
        ours: set[int] = set()

        def has_ended() -> bool:
            ours.update(self._ours())  # also what it has begun before it ended
            rays = self.processes() - ours
            for pid in rays:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not rays

        # Again and again: what is killed first may just have begun something.
        assert eventually(has_ended), self.left()
        if self.process is not None:
            self.process.wait()
            self.process = None

    def _ours(self) -> set[int]:
        """What runs drybox in it, with all that this has begun.

        Ray's own agents have names of the same form, and take up to minutes to miss their raylet.
        """
        actors = [
            item.pid for item in processes() if "".join(item.cmdline[:1]).startswith(OUR_ACTORS)
        ]
        return {pid for actor in actors for pid in (actor, *(p.pid for p in descendants(actor)))}

    def is_empty(self) -> bool:
        """Whether no process is left in it."""
        return not self.processes()

    def left(self) -> list[str]:
        """What is left in it, for people: processes and what they wait in."""
        words = []
        for item in processes():
            if item.pid in self.processes():
                waits = " ".join(sorted(thread_waits(item.pid)))
                words.append(f"{item.pid} of {item.ppid}: {' '.join(item.cmdline)[:200]} ({waits})")
        return words

    def processes(self) -> set[int]:
        """Ids of the processes in it."""
        words = ["ip", "netns", "pids", self.name]
        found = subprocess.run(words, check=True, capture_output=True, text=True)
        return set(map(int, found.stdout.split()))


@dataclass
class Machines:
    """Several of them; the first is the cluster's head.

    Attributes:
        all: They.
        folder: For what they write.
    """

    all: list[Machine]
    folder: Path
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Of the cluster."""
        return f"{self.all[0].address}:{PORT}"

    def of(self, address: str) -> Machine:
        """The one with this address."""
        return next(item for item in self.all if item.address == address)

    def start(self, machine: Machine) -> None:
        """Have it be a part of the cluster."""
        words = [RAY, "start", "--block", f"--node-ip-address={machine.address}", "--num-cpus=1"]
        words += [f"--object-store-memory={80 << 20}", "--disable-usage-stats"]
        if machine is self.all[0]:
            words += ["--head", f"--port={PORT}", "--include-dashboard=false"]
            words += [f"--temp-dir={self.folder / 'ray'}"]
            # Ray looks among all processes of this host, and finds those of the other machines.
            (self.folder / "ray/ray_current_cluster").unlink(missing_ok=True)
        else:
            words += [f"--address={self.address}"]
        log = self.folder / f"{machine.name}.log"
        with log.open("wb") as output:
            machine.process = subprocess.Popen(
                machine.inside(words),
                env={**os.environ, **self.env},
                stdout=output,
                stderr=output,
            )
        process = machine.process

        def is_up() -> bool:
            assert process.poll() is None, log.read_text()
            return "Ray runtime started" in log.read_text()

        assert eventually(is_up, START_TIMEOUT), log.read_text()


@contextmanager
def machines(count: int, folder: Path, env: Mapping[str, str]) -> Iterator[Machines]:
    """So many of them, which are a cluster; everything is gone afterwards.

    Args:
        count: How many.
        folder: For what they write; with a short path, as sockets are in it.
        env: Variables of all their processes.
    """
    word = f"dbx{os.getpid()}"
    hub = f"{word}{HUB}"
    made: list[Machine] = []
    try:
        _ip("netns", "add", hub)
        _ip("-n", hub, "link", "add", "bridge", "type", "bridge")
        _ip("-n", hub, "link", "set", "bridge", "up")
        for number in range(1, count + 1):
            machine = Machine(f"{word}n{number}", f"10.77.0.{number}", hub, f"port{number}")
            _ip("netns", "add", machine.name)
            made.append(machine)
            peer = ("peer", "name", "eth0", "netns", machine.name)
            _ip("-n", hub, "link", "add", machine.port, "type", "veth", *peer)
            _ip("-n", hub, "link", "set", machine.port, "master", "bridge", "up")
            _ip("-n", machine.name, "link", "set", "lo", "up")
            _ip("-n", machine.name, "address", "add", f"{machine.address}/24", "dev", "eth0")
            _ip("-n", machine.name, "link", "set", "eth0", "up")
        found = Machines(made, folder, env)
        for machine in made:
            found.start(machine)
        yield found
    finally:
        for machine in made:
            machine.kill()
            assert eventually(machine.is_empty), machine.left()
            subprocess.run(["ip", "netns", "delete", machine.name], check=False)
        subprocess.run(["ip", "netns", "delete", hub], check=False)
