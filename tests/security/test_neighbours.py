"""Attacks of one sandbox on another that runs beside it."""

from __future__ import annotations

import pytest
from tests.support import host
from tests.support.attack import answered, attack, held, new_marker, seen_from_host
from tests.support.identity import Runner

pytestmark = pytest.mark.promise("ISO-11")

VICTIM = """
import socket
name = {name!r}
server = socket.socket(socket.AF_UNIX)
server.bind("\\0" + name)
server.listen()
server.setblocking(False)
tcp = socket.create_server(("127.0.0.1", {port}))
tcp.setblocking(False)
for folder in ("/sandbox", "/tmp", "/dev/shm", "/build"):
    with open(f"{{folder}}/{{name}}", "w") as file:
        file.write("secret")
libc.shmat.restype = ctypes.c_void_p
segment = libc.shmget({key}, 4096, 0o1666)
assert segment >= 0
ctypes.memmove(libc.shmat(segment, None, 0), b"secret", 6)
assert libc.semget({key}, 1, 0o1666) >= 0
queue = libc.mq_open(f"/{{name}}".encode(), os.O_CREAT | os.O_RDWR, 0o666, None)
assert queue >= 0, ctypes.get_errno()
caught = []
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2):
    signal.signal(number, lambda number, frame: caught.append(number))
hold()
answer([caught, attempt(server.accept), attempt(tcp.accept), open(f"/tmp/{{name}}").read()])
"""

THIEF = """
name = {name!r}
hold()
found = [path for folder in ("/sandbox", "/tmp", "/dev/shm", "/build", "/var/tmp", "/run")
         if os.path.exists(path := f"{{folder}}/{{name}}")]
found += [path for at, _, files in os.walk("/proc", onerror=None) if at.count("/") < 4
          for path in files if name in path]
others = []
for pid in range(2, 200):
    if pid != os.getpid():
        for number in (0, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2, signal.SIGKILL):
            others.append(attempt(os.kill, pid, number))
answer({{
    "files": found,
    "signals": sorted(set(others)),
    "others": sorted({{int(n) for n in os.listdir("/proc") if n.isdigit()}} - {{os.getpid()}}),
    "command lines": [n for n in os.listdir("/proc") if n.isdigit()
                      and name in read(f"/proc/{{n}}/cmdline") and int(n) != os.getpid()],
    "abstract socket": attempt(connect, socket.AF_UNIX, "\\0" + name),
    "loopback": attempt(connect, socket.AF_INET, ("127.0.0.1", {port})),
    "shared memory": libc.shmget({key}, 4096, 0),
    "semaphores": libc.semget({key}, 1, 0),
    "message queue": libc.mq_open(f"/{{name}}".encode(), os.O_RDWR),
    "listed": [len(read(f"/proc/sysvipc/{{kind}}").splitlines()) for kind in ("shm", "sem", "msg")],
    "bound": attempt(lambda: socket.socket(socket.AF_UNIX).bind("\\0" + name)),
    "keyring": attempt(call, "keyctl", 0, -3, 0),
}})
"""


@seen_from_host
def test_one_sandbox_neither_sees_nor_reaches_another(runner: Runner) -> None:
    facts = {"name": new_marker(), "port": 40001, "key": 0x6472_7962}

    with held(runner, attack(VICTIM.format(**facts)), attack(THIEF.format(**facts))) as attacks:
        victim, thief = attacks.pids
        # Both are there at once; only now may the thief go on, and the victim after it.
        folders = {host.cgroup_of(pid, "pids") for pid in (victim, thief)}
        attacks.release(thief)
        assert host.eventually(lambda: not host.status(thief), 60)

    (caught, visited, reached, kept), stolen = (answered(result) for result in attacks.results)
    assert len(folders) == 2
    assert (caught, visited, reached, kept) == ([], "EAGAIN", "EAGAIN", "secret")
    assert stolen == {
        "files": [],
        "signals": ["ESRCH"],
        "others": [1],
        "command lines": [],
        "abstract socket": "ECONNREFUSED",
        "loopback": "ECONNREFUSED",
        "shared memory": -1,
        "semaphores": -1,
        "message queue": -1,
        "listed": [1, 1, 1],
        "bound": "allowed",
        "keyring": "EPERM",
    }


def test_what_one_sandbox_left_is_not_in_the_next(runner: Runner) -> None:
    name = new_marker()
    places = ("/sandbox", "/tmp", "/dev/shm", "/build")
    leave = attack(f"answer([attempt(os.mkdir, f'{{p}}/{name}') for p in {places!r}])")
    look = attack(f"answer([os.listdir(place) for place in {places!r}])")

    left = answered(runner.execute(leave))
    found = answered(runner.execute(look))

    assert left == ["allowed"] * 4
    assert found == [["main.py"], [], [], []]
