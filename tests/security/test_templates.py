"""Attacks on the template that an interpreter was forked from, and on its other children."""

from __future__ import annotations

import json
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support import host
from tests.support.attack import GONE_WITHIN
from tests.support.forked import ForkedExecutor
from tests.support.warmth import WaitingDrybox, waiting

from drybox import (
    CodeExecutor,
    ExecutionRequest,
    ExecutionResult,
    PoolSettings,
    ResourceLimits,
)

pytestmark = [pytest.mark.isolations("local"), pytest.mark.promise("SPEED-28")]

DRAWS = """
import json, os, random, secrets, ssl, tempfile, uuid
print(json.dumps([
    os.urandom(16).hex(), random.getrandbits(128), random.Random().getrandbits(128),
    secrets.token_hex(16), uuid.uuid4().hex, ssl.RAND_bytes(16).hex(),
    os.path.basename(tempfile.mktemp()), open("/proc/sys/kernel/random/boot_id").read(),
]))
"""

LOOK = """
import json, os, socket, stat
found = {}
found["processes"] = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
found["parents"] = [os.getppid(), os.getpid()]
found["descriptors"] = sorted(int(name) for name in os.listdir("/proc/self/fd"))[:-1]
found["sockets"] = [fd for fd in range(3, 256) if os.path.exists(f"/proc/self/fd/{fd}")
                    and stat.S_ISSOCK(os.stat(fd).st_mode)]
maps = open("/proc/self/maps").read().splitlines()
found["shared"] = [line for line in maps if line.split()[1][1::2] == "ws"]
found["modules"] = [name for name in __import__("sys").modules if "drybox" in name]
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines())
found["status"] = {name: status[name].strip() for name in
                   ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")}
found["users"] = open("/proc/self/uid_map").read().split()
found["attempts"] = {}
for name, act in {
    "exe": lambda: open("/proc/self/exe", "rb"),
    "namespaces": lambda: os.open("/proc/1/ns/pid", os.O_RDONLY),
    "init": lambda: open("/proc/1/mem", "rb"),
    "tasks": lambda: os.kill(-1, 0),
}.items():
    try:
        act()
        found["attempts"][name] = "done"
    except OSError as error:
        found["attempts"][name] = error.__class__.__name__
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
found["setns"] = []
for key in (0, 1, 2**64 - 1):
    for fd in (-1, os.open("/proc/self/ns/user", os.O_RDONLY), os.pidfd_open(os.getpid())):
        libc.syscall(308, fd, 0x10000000, ctypes.c_ulong(key))
        found["setns"].append(ctypes.get_errno())
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def forked() -> Iterator[CodeExecutor]:
    with ForkedExecutor(isolation="local") as executor:
        yield executor


@pytest.fixture
def runner() -> None:
    """These attacks have executors of their own."""


@pytest.fixture(autouse=True)
def nothing_is_left() -> None:
    """What waits here stays until the module's executor is closed."""


def run(executor: CodeExecutor, code: str) -> ExecutionResult:
    result = executor.execute(ExecutionRequest("python", code, isolation="local"))
    assert result.status == "success", result.stderr
    return result


def test_children_of_one_template_draw_different_numbers(forked: CodeExecutor) -> None:
    with ThreadPoolExecutor(2) as threads:
        results = list(threads.map(lambda _: run(forked, DRAWS), range(100)))
    draws = [json.loads(result.stdout) for result in results]
    for kind in zip(*draws, strict=True):
        assert len(set(kind)) == 100
    assert len({result.id for result in results}) == 100


def test_a_child_finds_nothing_of_its_template(forked: CodeExecutor) -> None:
    found = json.loads(run(forked, LOOK).stdout)
    own = found["parents"][1]
    assert found["parents"][0] == 1
    assert found["processes"] == [1, own]
    assert found["descriptors"] == [0, 1, 2]
    assert (found["sockets"], found["shared"], found["modules"]) == ([], [], [])
    status = found["status"]
    assert {status[name] for name in status if name.startswith("Cap")} == {"0" * 16}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert found["users"][::2] == ["1000", "1"]
    assert found["attempts"] == {
        "exe": "PermissionError",
        "namespaces": "PermissionError",
        "init": "PermissionError",
        "tasks": "ProcessLookupError",
    }
    assert set(found["setns"]) == {1}  # EPERM, as without a template


def test_children_have_users_and_inodes_of_their_own(forked: CodeExecutor) -> None:
    look = (
        "import os, socket, time\n"
        "files = ['/', '/usr/bin', '/usr/lib', '/dev/null', '/tmp', '/etc/passwd', os.__file__]\n"
        "print([(os.stat(f).st_dev, os.stat(f).st_ino) for f in files])\n"
        "print([os.readlink(f'/proc/self/ns/{n}') for n in\n"
        "       ('user', 'mnt', 'pid', 'ipc', 'uts', 'net', 'cgroup')])\n"
    )
    with _Held(forked, 2) as pids:
        if os.geteuid() == 0:
            assert len({host.status(pid)["Uid"] for pid in pids}) == 2
        for kind in ("user", "mnt", "pid", "ipc", "uts", "net", "cgroup"):
            spaces = {os.readlink(f"/proc/{pid}/ns/{kind}") for pid in pids}
            assert len(spaces) == 2, kind
            assert os.readlink(f"/proc/self/ns/{kind}") not in spaces
        assert len({Path(f"/proc/{pid}/cgroup").read_text() for pid in pids}) == 2
    assert run(forked, look).stdout


class _Held:
    """So many programs that run until it is left: their processes, by host pid."""

    def __init__(self, executor: CodeExecutor, count: int) -> None:
        self._executor, self._count = executor, count
        self._name = os.urandom(7).hex()

    def __enter__(self) -> list[int]:
        code = f"import time; open('/proc/self/comm', 'w').write({self._name!r}); time.sleep(60)"
        request = ExecutionRequest("python", code, isolation="local", timeout=60)
        self._threads = ThreadPoolExecutor(self._count)
        self._runs = [
            self._threads.submit(self._executor.execute, request) for _ in range(self._count)
        ]
        assert host.eventually(lambda: len(self._pids()) == self._count, 60.0)
        return self._pids()

    def _pids(self) -> list[int]:
        return [pid for pid in _pids() if host.status(pid).get("Name") == self._name]

    def __exit__(self, *_: object) -> None:
        for pid in self._pids():
            os.kill(pid, signal.SIGKILL)
        for each in self._runs:
            each.result(60)
        self._threads.shutdown()


def test_the_first_process_waits_once_the_program_has_ended(forked: CodeExecutor) -> None:
    """It hears of sockets that the program makes; of nobody's it hears no end."""
    name = os.urandom(7).hex()
    code = f"open('/proc/self/comm', 'w').write({name!r})\nprint('x' * (4 << 20))"
    limits = ResourceLimits(output=16 << 20)
    request = ExecutionRequest("python", code, isolation="local", limits=limits)
    run(forked, "")
    assert host.eventually(lambda: waiting(forked, request), 60.0)
    events = forked.stream(request)
    assert next(events).type == "start"

    def named() -> list[int]:
        return [pid for pid in _pids() if host.status(pid).get("Name") == name]

    assert host.eventually(lambda: bool(named()))
    (pid,) = named()
    init = int(host.status(pid)["PPid"])
    assert host.eventually(lambda: "pipe" in host.waits_in(pid))  # nobody takes its output
    os.kill(pid, signal.SIGKILL)
    assert host.eventually(lambda: not os.path.exists(f"/proc/{pid}"))
    looks = {Path(f"/proc/{init}/schedstat").read_text().split()[0] for _ in range(5000)}
    assert len(looks) < 5  # nanoseconds that it has had of a processor
    assert [event.result.status for event in events if event.result] == ["signaled"]


def _own_share(pid: int) -> dict[str, float]:
    """How much of the interpreter's variables and of its heap in memory is a process's own."""
    found, name = {}, ""
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        words = line.split()
        if "-" in words[0] and words[0].isascii() and ":" not in words[0]:
            name = os.path.basename(words[-1]) if words[1] == "rw-p" and len(words) > 5 else ""
        elif name == "[heap]" or name.startswith(("python3", "libpython3")):
            if words[0] == "Rss:":
                size = int(words[1])
            elif words[0] == "Private_Dirty:":
                found[name] = int(words[1]) / size
    return found


def test_a_child_has_memory_of_its_own_before_its_program_comes(forked: CodeExecutor) -> None:
    """What every program writes to; of the rest it has no copy that nobody needs."""
    run(forked, "")
    request = ExecutionRequest("python", "", isolation="local")
    assert host.eventually(lambda: waiting(forked, request), 60.0)
    _, template = _template_pids()
    names = {pid: host.status(pid).get("Name", "") for pid in _pids()}
    children = [pid for pid, name in names.items() if name.startswith("python") and pid != template]
    shares = [_own_share(pid) for pid in children]
    assert shares
    for share in shares:
        assert len(share) == 2
        assert min(share.values()) > 0.95, share


def _pids() -> list[int]:
    """Every process of a sandbox of this process's, and of its templates'."""
    files = [Path(folder, "cgroup.procs") for folder in host.sandboxes(os.getpid())]
    return sorted({int(p) for file in files if file.exists() for p in file.read_text().split()})


def is_stopped(pid: int) -> bool:
    """Whether a process waits to be told to go on."""
    return host.eventually(lambda: host.status(pid).get("State", "T")[0] in "TZX", 20.0) and (
        host.status(pid).get("State", "X")[0] == "T"
    )


def _template_pids() -> tuple[int, int]:
    """A template's first process and its interpreter, by what only they have."""
    found = [pid for pid in _pids() if os.path.lexists(f"/proc/{pid}/fd/101")]
    assert found, "there is no template"
    return int(host.status(found[-1])["PPid"]), found[-1]


@pytest.mark.parametrize(
    "ends",
    [
        lambda init, interpreter: os.kill(interpreter, signal.SIGKILL),
        lambda init, interpreter: os.kill(init, signal.SIGKILL),
        lambda init, interpreter: os.kill(interpreter, signal.SIGSTOP),
    ],
    ids=["killed", "first process killed", "stopped"],
)
def test_without_its_template_programs_start_as_usual(
    ends: Callable[[int, int], None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    settings, before = PoolSettings(min_idle=1, fork_server="on"), host.sandboxes(os.getpid())
    with CodeExecutor(isolation="local", pool=settings) as executor:
        request = ExecutionRequest("python", "print(1)", isolation="local")
        run(executor, "print(1)")
        assert host.eventually(lambda: waiting(executor, request) > 0, 60.0)
        init, interpreter = _template_pids()
        ends(init, interpreter)
        if not is_stopped(interpreter):  # what has been killed may still be about to go
            assert host.eventually(lambda: not host.status(interpreter), 20.0)
        for _ in range(4):
            assert run(executor, "print(1)").stdout == "1\n"
        assert host.eventually(lambda: waiting(executor, request) > 0, 60.0)
        assert run(executor, "print(1)").stdout == "1\n"
    assert host.eventually(lambda: host.sandboxes(os.getpid()) <= before, 10.0)


@pytest.mark.parametrize("fork_server", ["on", "off"])
def test_nothing_is_left_of_a_killed_drybox_and_its_templates(fork_server: str) -> None:
    request = ExecutionRequest("python", "print(1)", isolation="local")
    with WaitingDrybox(request, 4, fork_server) as drybox:
        os.kill(drybox.process.pid, signal.SIGKILL)
        assert drybox.left_nothing(GONE_WITHIN)


def test_what_runs_outlives_its_templates_interpreter() -> None:
    settings = PoolSettings(min_idle=1, fork_server="on")
    with CodeExecutor(isolation="local", pool=settings) as executor:
        request = ExecutionRequest("python", "print(1)", isolation="local")
        run(executor, "print(1)")
        assert host.eventually(lambda: waiting(executor, request) > 0, 60.0)
        code = "import sys; print(len(sys.stdin.read()))"
        begun = time.monotonic()

        def end_template() -> None:
            os.kill(_template_pids()[1], signal.SIGKILL)

        end_template()
        result = executor.execute("python", code, stdin=b"x" * 5, isolation="local")
        assert result.stdout == "5\n"
        assert time.monotonic() - begun < 30
