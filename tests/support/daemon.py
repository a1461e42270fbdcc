"""A Docker daemon of the tests' own, with gVisor as a second runtime.

Its socket, images, containers and cgroups are its own; it leaves the network and any other
daemon of the host alone. Its folder is locked by the test run that owns it; what a killed run has
left of one is cleared by the next.
"""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.support.host import Process, eventually, processes
from tests.support.images import CACHE, Image

from drybox.backends.docker import labels as docker_labels

DOCKERD = "/usr/sbin/dockerd"
CLIENT = "/usr/bin/docker"
"""Debian's, whatever else is on PATH."""

RUNTIMES = {
    "runsc": {
        "path": "/usr/bin/runsc",
        # ptrace is the platform that works inside any virtual machine.
        "runtimeArgs": ["--platform=ptrace", "--network=none"],
    }
}
PLACE = Path(tempfile.gettempdir())
PREFIX = "dockerd-of-tests-"
TIMEOUT = 60.0
"""Seconds for a daemon to start or to end."""

RECIPE = "dev.drybox.tests.recipe"
"""Label that tells what an image of the tests is made from."""

KEPT = CACHE / "daemon"
"""Where images stay between test runs, those too that drybox derives; one run at a time has it."""

KEEP_IMAGES = "336h"

CGROUPS = Path("/sys/fs/cgroup")


class Daemon:
    """A running daemon; see :func:`running_daemon`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "d.sock"
        self.host = f"unix://{self.socket}"
        self.options: list[str] = []
        """What its next start is told beside what it always is."""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The daemon's process."""
        assert self._process is not None, "it is not running"
        return self._process.pid

    def start(self) -> None:
        """Start it, on what an earlier start has left in its folder; returns when it answers."""
        assert self._process is None, "it is running"
        (self.folder / "daemon.json").write_text(json.dumps({"runtimes": RUNTIMES}))
        for name in ("pid", "exec/containerd/containerd.pid"):
            # What a daemon that was killed leaves may name somebody else's process by now.
            (self.folder / name).unlink(missing_ok=True)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        process = self._process
        eventually(lambda: self._answers() or process.poll() is not None, TIMEOUT)
        assert self._answers(), f"dockerd does not answer; its log ends so:\n{self.log()[-4000:]}"

    def _command(self) -> list[str]:
        at = self.folder
        paths = [f"--data-root={at}/data", f"--exec-root={at}/exec", f"--pidfile={at}/pid"]
        network = ["--bridge=none", "--iptables=false", "--ip6tables=false"]
        # Groups of our own are found again; a slice of systemd's would need its D-Bus.
        groups = ["--exec-opt=native.cgroupdriver=cgroupfs", f"--cgroup-parent=/{at.name}"]
        options = [f"--config-file={at}/daemon.json", "--shutdown-timeout=2"]
        return [DOCKERD, f"--host={self.host}", *paths, *network, *groups, *options, *self.options]

    def _answers(self) -> bool:
        try:
            return self.get("/_ping") == b"OK"
        except OSError:
            return False

    def stop(self) -> None:
        """End it as an administrator does; its containers end, and stay known to it."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it and its containerd as a crash does; the processes of its containers live on."""
        self._end(signal.SIGKILL)
        # A next daemon would take a containerd that is about to end for its own.
        found = [p for p in self._processes() if os.path.basename(p.cmdline[0]) == "containerd"]
        self._signal(signal.SIGKILL, found)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        self._process.wait(TIMEOUT)
        self._process = None

    def restart(self) -> None:
        """Stop it and start it."""
        self.stop()
        self.start()

    def get(self, path: str) -> bytes:
        """Ask its HTTP interface.

        Raises:
            FileNotFoundError: It knows of nothing there.
            OSError: It does not answer, or not with 200.
        """
        connection = http.client.HTTPConnection("localhost", timeout=TIMEOUT)
        try:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(TIMEOUT)
            connection.sock.connect(str(self.socket))
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
        except http.client.HTTPException as error:
            raise OSError(f"no answer to {path}: {error}") from error
        finally:
            connection.close()
        if answer.status == 404:
            raise FileNotFoundError(f"{path} gives 404: {body.decode()}")
        if answer.status != 200:
            raise OSError(f"{path} gives {answer.status}: {body.decode()}")
        return body

    def containers(self, *, running: bool = False) -> list[str]:
        """Ids of its containers, or only of those that run.

        Its list alone does not tell: news of one's memory that comes after its removal puts it
        back there for good, and no command finds it any more.
        """
        listed = json.loads(self.get(f"/containers/json{'' if running else '?all=1'}"))
        return [each["Id"] for each in listed if self._knows(each["Id"])]

    def _knows(self, container: str) -> bool:
        try:
            self.get(f"/containers/{container}/json")
        except FileNotFoundError:
            return False
        return True

    def docker(self, *words: str, with_errors: bool = False, seconds: float | None = None) -> str:
        """Run Docker's command line on it; returns what that printed, its stderr too if asked.

        Raises:
            subprocess.TimeoutExpired: It took longer than so many seconds.
        """
        done = subprocess.run(
            [CLIENT, "--host", self.host, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        assert not done.returncode, f"docker {words} exited {done.returncode}: {done.stderr}"
        return (done.stdout + done.stderr if with_errors else done.stdout).strip()

    def load(self, image: Image) -> None:
        """Import an image under all of its tags, unless it is there."""
        label = f"{RECIPE}={image.recipe}"
        if self.docker("images", "-q", "--filter", f"label={label}", image.tags[0]):
            return
        changes = [f"--change=ENV {name}={value}" for name, value in image.env.items()]
        changes += [f"--change=LABEL {label}"]
        self.docker("import", *changes, str(image.tarball), image.tags[0])
        for tag in image.tags[1:]:
            self.docker("tag", image.tags[0], tag)

    def log(self) -> str:
        """What it has said."""
        return (self.folder / "log").read_text("utf-8", "replace")

    def clear(self) -> None:
        """End whatever of it still runs, and remove it; images that are kept stay."""
        data = (self.folder / "data").resolve()
        self._signal(signal.SIGTERM, [p for p in self._processes() if p.cmdline[0] == DOCKERD])
        self._clear_cgroups()
        self._signal(signal.SIGKILL, self._processes())
        for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
            at = line.split()[1]
            if Path(at).is_relative_to(self.folder) or Path(at).is_relative_to(data):
                subprocess.run(["umount", "--lazy", at], check=False)
        shutil.rmtree(self.folder)

    def _signal(self, number: signal.Signals, found: list[Process]) -> None:
        for process in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, number)
        pids = {process.pid for process in found}
        ended = eventually(lambda: not pids & {p.pid for p in self._processes()}, TIMEOUT)
        assert ended, f"these do not end: {found}"

    def _processes(self) -> list[Process]:
        """Its own, and those of containerd, of the shims and of the runtimes."""
        return [p for p in processes() if any(f"{self.folder}/" in word for word in p.cmdline)]

    def _clear_cgroups(self) -> None:
        """Kill what is in its cgroups, and remove them."""
        for top in CGROUPS.glob(f"*/{self.folder.name}"):
            self._clear_cgroup(top)
        if (CGROUPS / self.folder.name).is_dir():
            self._clear_cgroup(CGROUPS / self.folder.name)

    def _clear_cgroup(self, top: Path) -> None:
        folders = [Path(at) for at, _, _ in os.walk(top, topdown=False)]

        def emptied() -> bool:
            left = [pid for folder in folders for pid in _members(folder)]
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not left

        eventually(emptied, TIMEOUT)
        for folder in folders:
            with contextlib.suppress(FileNotFoundError):
                folder.rmdir()


def _members(folder: Path) -> list[int]:
    try:
        return [int(pid) for pid in (folder / "cgroup.procs").read_text().split()]
    except FileNotFoundError:
        return []


@contextlib.contextmanager
def running_daemon() -> Iterator[Daemon]:
    """A daemon without any container; nothing but images is left of it afterwards."""
    with contextlib.ExitStack() as owned, _alone():
        _clear_leftovers()
        # Short: the path of a socket has 107 bytes at most.
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=PLACE))
        _own(folder, owned)
        KEPT.mkdir(exist_ok=True)
        with contextlib.suppress(BlockingIOError):
            _own(KEPT, owned)
            (folder / "data").symlink_to(KEPT)
        until_the_end = owned.pop_all()
    with until_the_end:
        daemon = Daemon(folder)
        try:
            daemon.start()
            daemon.docker("container", "prune", "--force")
            daemon.docker("image", "prune", "--all", "--force", f"--filter=until={KEEP_IMAGES}")
            # Folders of packages are new in every run.
            with_packages = ("--filter", f"label={docker_labels.PACKAGES}")
            daemon.docker("image", "prune", "--all", "--force", *with_packages)
            yield daemon
        finally:
            daemon.stop()
            daemon.clear()


def _own(folder: Path, stack: contextlib.ExitStack) -> None:
    """Lock a folder until the stack is unwound.

    Raises:
        BlockingIOError: Another test run has it.
    """
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    stack.callback(os.close, opened)
    fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """No other test run looks for leftovers meanwhile."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _clear_leftovers() -> None:
    """Clear the daemons whose test run is gone, however that ended."""
    for folder in PLACE.glob(f"{PREFIX}*"):
        if folder.stat().st_uid != os.getuid():
            continue
        with contextlib.suppress(BlockingIOError), contextlib.ExitStack() as owned:
            _own(folder, owned)
            Daemon(folder).clear()
