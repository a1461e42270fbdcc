"""The cgroup v2 job: run a command in a virtual machine that has no cgroup hierarchy but v2.

The guest is Debian with systemd as its first process, on Debian's cloud kernel, emulated (no KVM):

    python tests/vm/vm.py prepare
    python tests/vm/vm.py run --user tester --share src:/repo/src -- 'cd /repo && ...'

`prepare` needs root and Debian's package archive; `run` needs neither. The command's stdout and
stderr come back as they are and its exit code becomes ours, except 124 (time was up) and 125 (the
job itself failed). How the guest is made is said in `guest/build.sh`, how it runs in
`guest/job.sh`; nothing of a run is kept, here or in the guest.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import fcntl
import hashlib
import io
import os
import platform
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

PACKAGES = (
    "bubblewrap",
    "dbus-user-session",
    "kmod",
    "libpam-systemd",
    "libseccomp2",
    "passwd",
    "procps",
    "python3",
    "systemd-sysv",
    "util-linux",
)
TOOLS = {
    "mke2fs": "e2fsprogs",
    "mmdebstrap": "mmdebstrap",
    "qemu-system-x86_64": "qemu-system-x86",
    "setpriv": "util-linux",
}
GUEST = Path(__file__).resolve().parent / "guest"
CACHE = Path.home() / ".cache" / "drybox-tests" / "v2-job"
DISK_SIZE = "3G"  # sparse
KEEP_UNUSED = 14 * 86400.0  # seconds
UIDS = {"root": 0, "tester": 1000}
NOT_SHARED = {".git", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
TIMED_OUT = 124
LANE_FAILED = 125


class LaneError(Exception):
    """The job itself failed; the command's fate is unknown."""


@dataclasses.dataclass(frozen=True)
class Job:
    """What one boot of the guest is for.

    Attributes:
        command: A bash script.
        user: Whom it runs as, a key of `UIDS`.
        place: `delegated` for a scope of its own with `Delegate=yes` (a tester's is made by the
            user's own systemd), `login` for a plain login session's, delegated to nobody.
        shares: Pairs of a path here and the absolute path it is copied to in the guest, where it
            belongs to `user`.
        timeout: Seconds, the boot included.
        memory: The guest's memory, in MiB.
        verbose: Whether to show the guest's console on stderr.
    """

    command: str
    user: str
    place: str
    shares: Sequence[tuple[Path, str]]
    timeout: float
    memory: int
    verbose: bool


def _say(text: str) -> None:
    print(f"v2-job: {text}", file=sys.stderr, flush=True)


# --- the guest's image, made once and kept in the cache -------------------------------------------


def prepare(packages: Sequence[str]) -> None:
    """Install what is missing and build the image with these extra packages, unless it is there.

    Raises:
        LaneError: It cannot be made here.
    """
    image = _image(packages)
    if image.exists() and not _missing_tools():
        return
    if os.geteuid() != 0 or platform.machine() != "x86_64":
        raise LaneError("prepare installs packages and makes a root filesystem: be root on x86-64")
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _do("apt-get", "-q", "update")
        if missing := _missing_tools():
            _say(f"installing {' '.join(missing)}")
            options = ("--yes", "--no-install-recommends", "-oDPkg::Lock::Timeout=300")
            _do("apt-get", "-q", "install", *options, *missing)
        if image.exists():
            return
        for old in CACHE.glob("*-*"):
            if old.stat().st_mtime < time.time() - KEEP_UNUSED:
                shutil.rmtree(old)
        _say(f"building {image.name}, which takes a minute")
        with tempfile.TemporaryDirectory(prefix="build-", dir=CACHE) as build:
            wanted = sorted({*PACKAGES, *packages})
            _do("sh", str(GUEST / "build.sh"), build, _suite(), DISK_SIZE, *wanted)
            (Path(build) / "image").rename(image)


def find(packages: Sequence[str]) -> Path:
    """Return the directory of the image with these extra packages.

    Raises:
        LaneError: It has not been prepared.
    """
    image = _image(packages)
    if not shutil.which("qemu-system-x86_64") or not image.exists():
        raise LaneError("first run `vm.py prepare`, with the same --package options")
    with contextlib.suppress(PermissionError):  # Another user, with the owner's HOME, may run it.
        os.utime(image)  # It is in use; see KEEP_UNUSED.
    return image


def _image(packages: Sequence[str]) -> Path:
    """Name the directory of the image that today's recipe makes, made or not."""
    recipe = [DISK_SIZE, *sorted({*PACKAGES, *packages})]
    recipe += [f"{file.name}\n{file.read_text()}" for file in sorted(GUEST.iterdir())]
    return CACHE / f"{_suite()}-{hashlib.sha256('|'.join(recipe).encode()).hexdigest()[:16]}"


def _suite() -> str:
    """Name this machine's Debian release, which is also the guest's."""
    return platform.freedesktop_os_release().get("VERSION_CODENAME", "unknown")


def _missing_tools() -> list[str]:
    return [package for tool, package in TOOLS.items() if not shutil.which(tool)]


def _do(*command: str) -> None:
    """Run a command, all of whose processes end when it is broken off."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate()
    except BaseException:
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate()
        raise
    if process.returncode:
        tail = output[-4000:].decode(errors="replace")
        raise LaneError(f"{shlex.join(command)} exited {process.returncode}:\n{tail}")


# --- one run --------------------------------------------------------------------------------------


def run(image: Path, job: Job) -> int:
    """Boot the guest, run the job, pass its output on, and end the guest.

    Returns:
        The command's exit code, or `TIMED_OUT`.

    Raises:
        LaneError: The guest ended without telling an exit code.
    """
    deadline = time.monotonic() + job.timeout
    console: deque[int] = deque(maxlen=4000)  # its last bytes
    sinks = (_writer(2) if job.verbose else console.extend, _writer(1), _writer(2))
    with tempfile.TemporaryFile() as disk:
        _pack(job, disk)
        pipes = [os.pipe() for _ in range(4)]
        writers = [writer for _, writer in pipes]
        machine = subprocess.Popen(
            _qemu(image, job, disk.fileno(), writers),
            stdin=subprocess.DEVNULL,
            stdout=writers[0],
            stderr=writers[0],
            pass_fds=[disk.fileno(), *writers],
        )
    for writer in writers:
        os.close(writer)
    closed = threading.Event()

    def stop() -> None:
        closed.set()
        machine.kill()

    pumps = [
        threading.Thread(target=_pump, args=(reader, sink, stop))
        for (reader, _), sink in zip(pipes[:3], sinks, strict=True)
    ]
    for pump in pumps:
        pump.start()
    try:
        code = _exit_code(pipes[3][0], deadline)
        fate = "the guest ended without telling an exit code"
    except TimeoutError:
        code, fate = None, f"the time was up after {job.timeout:g} s"
    finally:
        machine.kill()
        machine.wait()
        for pump in pumps:  # What the guest had sent is in the pipes.
            pump.join()
    if code is not None:
        return code
    if closed.is_set():
        return 128 + signal.SIGPIPE
    fate += f"; its console said last:\n{bytes(console).decode(errors='replace')}"
    if time.monotonic() < deadline:
        raise LaneError(fate)
    _say(fate)
    return TIMED_OUT


def _pack(job: Job, disk: IO[bytes]) -> None:
    """Write the guest's second disk: a tar with the job's description and the shared paths."""

    def owned(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        if NOT_SHARED & set(Path(member.name).parts):
            return None
        member.uid = member.gid = UIDS[job.user]
        member.uname = member.gname = ""
        return member

    with tarfile.open(fileobj=disk, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, text in {"command": job.command, "user": job.user, "place": job.place}.items():
            content = f"{text}\n".encode()
            member = tarfile.TarInfo(f"job/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for path, target in job.shares:
            tar.add(path.resolve(), arcname=target.strip("/"), filter=owned)
    disk.flush()


def _qemu(image: Path, job: Job, disk: int, ports: Sequence[int]) -> list[str]:
    """Make qemu's command line.

    Args:
        image: The directory with the kernel and the root disk.
        job: What to boot for.
        disk: The file descriptor of the second disk.
        ports: The file descriptors that the serial ports are written to: the console, and the
            job's stdout, stderr and exit code.
    """
    kernel = "console=ttyS0 root=/dev/nvme0n1 rootfstype=ext4 rootflags=noinit_itable rw panic=-1"
    kernel += " mitigations=off cryptomgr.notests systemd.unit=job.target"
    kernel += " loglevel=6" if job.verbose else " quiet systemd.show_status=error"
    # setpriv: should this process be killed outright, the host's kernel kills qemu.
    command = ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-no-user-config"]
    command += ["-nodefaults", "-display", "none", "-no-reboot", "-machine", "pc"]
    command += ["-accel", "tcg,thread=multi,tb-size=256", "-cpu", "max,-la57", "-smp", "2"]
    command += ["-m", f"{job.memory}M", "-kernel", f"{image}/vmlinuz", "-append", kernel]
    # snapshot=on: writes go to a file that qemu unlinks as soon as it has opened it.
    root = f"if=none,id=root,format=raw,snapshot=on,cache=unsafe,file={image}/root.ext4"
    command += [
        "-drive",
        root,
        "-device",
        "nvme,serial=job",
        "-device",
        "nvme-ns,drive=root,nsid=1",
    ]
    command += ["-drive", f"if=none,id=job,format=raw,readonly=on,file=/dev/fd/{disk}"]
    command += ["-device", "nvme-ns,drive=job,nsid=2"]
    for index, (port, irq) in enumerate(zip(ports, (4, 3, 6, 7), strict=True)):
        command += ["-chardev", f"file,id=port{index},path=/dev/fd/{port}"]
        command += ["-device", f"isa-serial,chardev=port{index},index={index},irq={irq}"]
    return command


def _writer(descriptor: int) -> Callable[[bytes], None]:
    def write(chunk: bytes) -> None:
        rest = memoryview(chunk)
        while rest:
            rest = rest[os.write(descriptor, rest) :]  # may be less than all

    return write


def _pump(source: int, sink: Callable[[bytes], None], stop: Callable[[], None]) -> None:
    """Hand everything from a pipe to `sink`; call `stop` when `sink` takes no more."""
    with open(source, "rb", buffering=0) as pipe:
        try:
            while chunk := pipe.read(65536):
                sink(chunk)
        except OSError:
            stop()


def _exit_code(port: int, deadline: float) -> int | None:
    """Wait for the guest's report.

    Returns:
        The command's exit code, or None when the machine ended without telling one.

    Raises:
        TimeoutError: The deadline came first.
    """
    said = b""
    with open(port, "rb", buffering=0) as pipe:
        while not said.endswith(b"\n"):
            if not select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError
            if not (chunk := pipe.read(64)):
                return None
            said += chunk
    return int(said)


# --- the command line -----------------------------------------------------------------------------


def _share(text: str) -> tuple[Path, str]:
    path, _, target = text.rpartition(":")
    if not target.startswith("/") or not Path(path).exists():
        raise argparse.ArgumentTypeError(f"{text!r} is not EXISTING_PATH:/ABSOLUTE/GUEST/PATH")
    return Path(path), target


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run a command where cgroup v2 is all there is.")
    actions = parser.add_subparsers(dest="action", required=True)
    build = actions.add_parser("prepare", help="install qemu and mmdebstrap, build the guest")
    boot = actions.add_parser("run", help="boot the guest and run one command in it")
    for action in (build, boot):
        action.add_argument(
            "--package", action="append", default=[], help="one more Debian package in the guest"
        )
    boot.add_argument("--user", choices=UIDS, default="root")
    boot.add_argument(
        "--place", choices=("delegated", "login"), default="delegated", help="the command's cgroup"
    )
    boot.add_argument(
        "--share", type=_share, action="append", default=[], metavar="PATH:GUESTPATH",
        help="copy a file or directory into the guest",
    )  # fmt: skip
    boot.add_argument("--timeout", type=float, default=600, help="seconds, the boot included")
    boot.add_argument("--memory", type=int, default=3072, help="MiB")
    boot.add_argument("--verbose", action="store_true", help="show the guest's console on stderr")
    boot.add_argument("command", nargs="+", help="a bash script, or a command and its arguments")
    return parser.parse_args()


def main() -> int:
    """Do what the command line says."""
    args = _arguments()
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        if args.action == "prepare":
            prepare(args.package)
            return 0
        words: list[str] = args.command
        command = words[0] if len(words) == 1 else shlex.join(words)
        job = Job(
            command, args.user, args.place, args.share, args.timeout, args.memory, args.verbose
        )
        return run(find(args.package), job)
    except LaneError as error:
        _say(str(error))
        return LANE_FAILED
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())
