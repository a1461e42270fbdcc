"""Locks and watches belong to a file, not to who holds it: here they end at the sandbox."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from tests.support import host
from tests.support.attack import answered, attack, drybox_run, held
from tests.support.identity import REPO, Runner, Self, ordinary_user
from tests.support.isolations import Namespaces
from tests.support.packages import make_packages

from drybox import CodeExecutor, ExecutionRequest

pytestmark = [
    pytest.mark.isolations("local"),
    pytest.mark.promise("ISO-6"),
]  # a container's daemon gives it an overlay of its own

LIBRARY = sysconfig.get_path("stdlib")

FOLDERS = ("/", "/etc", "/usr", "/dev", "/usr/bin", "/usr/lib", "/usr/share/zoneinfo")
FILES = ("/etc/passwd", "/etc/ld.so.cache", "/usr/bin/env", "/drybox-init", f"{LIBRARY}/json")
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
"""Only root can make nodes; an ordinary user's sandboxes have the host's."""

LOCK = """
import fcntl, struct

def lock(path):
    at = os.open(path, os.O_RDONLY)
    found = [attempt(fcntl.flock, at, fcntl.LOCK_EX | fcntl.LOCK_NB)]
    if not os.path.isdir(path):
        found.append(attempt(fcntl.fcntl, at, fcntl.F_SETLK, struct.pack("hhqqi4x", 0, 0, 0, 0, 0)))
        if path == "/dev/null":
            at = os.open(path, os.O_RDWR)
            ask = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0)
            found.append(attempt(fcntl.fcntl, at, fcntl.F_SETLK, ask))
    return found

taken = {path: lock(path) for path in PATHS}
"""

TAKER = LOCK + "hold()\nanswer(taken)\n"
TRIER = "hold()\n" + LOCK + "answer(taken)\n"

CROWD = """
import fcntl, struct
at = [os.open(path, os.O_RDONLY) for path in PATHS]
taken = 0
for fd in at:
    for number in range(4_000):
        fcntl.fcntl(fd, fcntl.F_SETLK, struct.pack("hhqqi4x", 0, 0, 2 * number, 1, 0))
        taken += 1
hold()
answer(taken)
"""

WATCHER = """
watch = libc.inotify_init1(os.O_NONBLOCK)
assert watch >= 0
for path in PATHS:
    assert libc.inotify_add_watch(watch, path.encode(), 0x306) > 0, ctypes.get_errno()
hold()
answer(attempt(os.read, watch, 4096))
"""

GO = """
package main

import (
    "fmt"
    "os"
    "os/signal"
    "syscall"
)

func main() {
    wait := make(chan os.Signal, 1)
    signal.Notify(wait, syscall.SIGUSR1)
    problem := ""
    for _, path := range []string{"/opt/go-cache/trim.txt", "/opt/go-cache", "/opt/go/bin/go"} {
        file, err := os.Open(path)
        if err == nil {
            err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
            defer file.Close()
        }
        if err != nil {
            problem += fmt.Sprint(path, ": ", err, "; ")
        }
    }
    os.WriteFile("/proc/self/comm", []byte("holding"), 0)
    <-wait
    fmt.Print(problem)
}
"""

TENANT = dedent("""
    package main

    import (
        "fmt"

        "tenant/word"
    )

    func main() { fmt.Println(word.Word) }
""")


@pytest.fixture(scope="module")
def package_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="drybox-test-") as folder:
        yield make_packages(Path(folder))


@pytest.fixture(scope="module")
def installer(package_dir: Path) -> Iterator[Runner]:
    with CodeExecutor(package_dir=package_dir, pool=None) as executor:
        yield Self(executor, Namespaces())


@pytest.fixture(scope="module")
def user_installer(package_dir: Path, user_runner: Runner) -> Iterator[Runner]:
    with ordinary_user(str(package_dir)) as user:
        yield user


@pytest.fixture
def runner(runner_name: str, request: pytest.FixtureRequest) -> Runner:
    """drybox with a folder of packages, as the tests' own user and as an ordinary one."""
    found: Runner = request.getfixturevalue(
        {"own": "installer", "user": "user_installer"}[runner_name]
    )
    return found


@contextlib.contextmanager
def beside(runner: Runner) -> Iterator[Runner]:
    """Another one of the same user, with the same caches."""
    if not runner.uid:
        yield runner
        return
    with ordinary_user() as other:
        yield other


def on(code: str, *paths: str) -> ExecutionRequest:
    return attack(f"PATHS = {paths!r}\n{code}", packages=["greet"], timeout=60)


def module(word: str) -> ExecutionRequest:
    """A module to build, other than those that were built before."""
    files = {
        "go.mod": "module tenant\n\ngo 1.19\n",
        "word/word.go": f'package word\n\nconst Word = "{word}"\n',
    }
    return ExecutionRequest("go", TENANT, files=files, timeout=120)


def shared(runner: Runner) -> tuple[str, ...]:
    """Paths that are another inode in each sandbox, as long as nothing there is a device."""
    packages = ("/packages", "/packages/greet-1.2.0-py3-none-any.whl")
    return (*FOLDERS, *FILES, *packages, *(() if runner.uid else DEVICES))


def holders(path: Path) -> set[int]:
    """The processes of which the host sees a lock there."""
    file = os.stat(path)
    name = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
    lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    return {int(words[4]) for words in lines if len(words) == 8 and words[5] == name}


def test_a_lock_is_none_outside_nor_in_another_sandbox(runner: Runner, package_dir: Path) -> None:
    paths = shared(runner)
    outside = [path for path in paths if not path.startswith(("/packages", "/drybox-init"))]

    with held(runner, on(TAKER, *paths), on(TRIER, *paths)) as attacks:
        everything = [*map(Path, outside), *package_dir.rglob("*")]
        locked = [str(path) for path in everything if holders(path) & set(attacks.pids)]
        attacks.release(attacks.pids[1])
        # The other one tries while the first still has its locks.
        assert host.eventually(lambda: not host.status(attacks.pids[1]), 60)
    taken, tried = (answered(result) for result in attacks.results)

    assert locked == []
    assert taken == tried
    assert {word for words in taken.values() for word in words} == {"allowed"}


def test_many_locks_slow_no_close_of_the_hosts(runner: Runner) -> None:
    paths = ("/usr/bin/env", *(() if runner.uid else ("/dev/null",)))
    before = [close_time(path) for path in paths]

    with held(runner, on(CROWD, *paths)) as attacks:
        beside = [close_time(path) for path in paths]

    assert answered(attacks.result) == 4_000 * len(paths)
    assert all(now < 2 * then + 2e-6 for now, then in zip(beside, before, strict=True))


def close_time(path: str) -> float:
    """Seconds that a close takes when nothing else is in the way."""
    times = []
    for _ in range(400):
        at = os.open(path, os.O_RDONLY)
        start = time.perf_counter()
        os.close(at)
        times.append(time.perf_counter() - start)
    return min(times)


def test_what_the_host_changes_is_not_to_be_watched(runner: Runner, package_dir: Path) -> None:
    with held(
        runner, on(WATCHER, "/packages", "/packages/greet-1.2.0-py3-none-any.whl")
    ) as attacks:
        (package_dir / "python/new").write_text("new")
        (package_dir / "python/new").unlink()
        (package_dir / "python/greet-1.2.0-py3-none-any.whl").touch()

    assert answered(attacks.result) == "EAGAIN"


def test_a_locked_compile_cache_keeps_no_other_tenant_waiting(runner: Runner) -> None:
    assert runner.execute(module("first")).stdout == "first\n"  # it makes the cache

    # A process of drybox that serves one call at a time is the attacker's meanwhile.
    with beside(runner) as other, held(runner, ExecutionRequest("go", GO, timeout=300)) as attacks:
        tenant = other.execute(module("second"))

    assert (tenant.status, tenant.stdout) == ("success", "second\n"), tenant
    assert (attacks.result.status, attacks.result.stdout) == ("success", ""), attacks.result


WITHIN = """
import fcntl, sys
for path in PATHS:
    at = os.open(path, os.O_RDONLY)
    fcntl.flock(at, fcntl.LOCK_EX | fcntl.LOCK_NB)
print("locked", os.listdir(PATHS[0]), flush=True)
sys.stdin.read()
"""


def test_what_is_mounted_inside_a_folder_leaves_all_its_own_inodes(runner: Runner) -> None:
    """An ordinary user cannot have a folder apart from such a mount: WSL has one in /usr/lib."""
    mounted = next(
        path
        for path in sorted(Path("/usr/lib").glob("[a-o]*/*"))
        if path.is_dir() and not path.is_symlink() and not path.parent.is_symlink()
    )
    paths = (str(mounted), f"{mounted}/file", str(mounted.parent), "/usr/lib", LIBRARY)
    mount = f"mount -t tmpfs inside {mounted}; echo 1 > {mounted}/file; "
    mount += "mount --bind /etc/passwd /usr/lib/os-release; "  # a file, as for NVIDIA's libraries
    code = f"import os\nPATHS = {paths!r}\n{WITHIN}"
    argv, env = runner.command([*drybox_run(runner), "-l", "python", "-c", code])
    alone = ["unshare", "--mount", "--propagation", "private", "sh", "-c", mount + 'exec "$@"']
    with subprocess.Popen(
        [*alone, "sh", *argv], env=env, cwd=REPO, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as drybox:  # fmt: skip
        assert drybox.stdout is not None
        assert drybox.stdin is not None
        assert drybox.stderr is not None
        said = drybox.stdout.readline()
        assert said == "locked ['file']\n", said + drybox.stderr.read()
        seen = [Path(f"/proc/{drybox.pid}/root{path}") for path in paths]
        assert [str(path) for path in seen if holders(path)] == []
        assert os.getpid() in _locked_here(seen[0])  # what holders() would have seen
        drybox.stdin.close()
    assert drybox.returncode == 0


def _locked_here(path: Path) -> set[int]:
    at = os.open(path, os.O_RDONLY)
    fcntl.flock(at, fcntl.LOCK_EX | fcntl.LOCK_NB)
    found = holders(path)
    os.close(at)
    return found
