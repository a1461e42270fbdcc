"""Who runs drybox in a test: whoever runs the tests, or an ordinary user of their own.

The ordinary user has no privileges but a delegated cgroup, as a systemd user manager
gives one. On a host with cgroup version 1 root hands the folders on in the same way.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import pwd
import secrets
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Protocol

from tests.support.host import FORK_SERVER as FORK_SERVER
from tests.support.isolations import Isolation, Namespaces

from drybox import CodeExecutor, ExecutionRequest, ExecutionResult
from drybox.backends.local.cgroups.cgroup import find_location

USER = "drybox-tester"
REPO = Path(__file__).resolve().parents[2]


class Runner(Protocol):
    """Runs requests as somebody, with one isolation."""

    @property
    def isolation(self) -> Isolation:
        """The isolation."""

    def execute(self, request: ExecutionRequest) -> ExecutionResult:
        """Run one; raises what drybox raises."""

    def execute_many(self, requests: Sequence[ExecutionRequest]) -> list[ExecutionResult]:
        """Run some side by side; raises what drybox raises."""

    @property
    def uid(self) -> int:
        """The user that drybox runs as."""

    @property
    def pid(self) -> int:
        """The process that drybox runs in."""

    def command(self, argv: Sequence[str]) -> tuple[list[str], dict[str, str]]:
        """The argument list and environment that start a program as the same somebody."""


def behind(isolation: Isolation, request: ExecutionRequest) -> ExecutionRequest:
    """The same request, for this isolation and no other."""
    return replace(request, isolation=isolation.name)


class Self:
    """drybox in the test's own process."""

    def __init__(self, executor: CodeExecutor, isolation: Isolation) -> None:
        self._executor = executor
        self.isolation = isolation
        self.uid = os.getuid()
        self.pid = os.getpid()

    def execute(self, request: ExecutionRequest) -> ExecutionResult:
        return self._executor.execute(behind(self.isolation, request))

    def execute_many(self, requests: Sequence[ExecutionRequest]) -> list[ExecutionResult]:
        return self._executor.execute_many(
            [behind(self.isolation, request) for request in requests]
        )

    def command(self, argv: Sequence[str]) -> tuple[list[str], dict[str, str]]:
        return list(argv), dict(os.environ)


class OtherUser:
    """drybox in a process of an ordinary user; requests and results are pickled to and fro."""

    isolation: Isolation = Namespaces()

    def __init__(self, folders: Sequence[str], package_dir: str) -> None:
        entry = pwd.getpwnam(USER)
        self.uid = entry.pw_uid
        self._folders = folders
        self._home = entry.pw_dir
        argv, env = self.command([sys.executable, "-m", "tests.support.driver", package_dir])
        self._process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, cwd=REPO
        )
        self.pid = self._process.pid

    def command(self, argv: Sequence[str]) -> tuple[list[str], dict[str, str]]:
        # The shell enters the delegated cgroups as root, then setpriv gives root up.
        enter = "".join(f"echo 0 > {folder}/cgroup.procs; " for folder in self._folders)
        user = str(self.uid)
        drop = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--no-new-privs"]
        env = {"PATH": os.environ["PATH"], "HOME": self._home, "LANG": "C.UTF-8"}
        env.update({FORK_SERVER: os.environ[FORK_SERVER]} if FORK_SERVER in os.environ else {})
        return ["sh", "-c", f'{enter} exec "$@"', "sh", *drop, *argv], env

    def execute(self, request: ExecutionRequest) -> ExecutionResult:
        answer = self._ask(behind(self.isolation, request))
        assert isinstance(answer, ExecutionResult)
        return answer

    def execute_many(self, requests: Sequence[ExecutionRequest]) -> list[ExecutionResult]:
        answer = self._ask([behind(self.isolation, request) for request in requests])
        assert isinstance(answer, list)
        return answer

    def _ask(self, question: object) -> object:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        send(self._process.stdin, question)
        answer = receive(self._process.stdout)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


def send(stream: IO[bytes], value: Any) -> None:
    """Write a value with its length before it."""
    data = pickle.dumps(value)
    stream.write(struct.pack("<I", len(data)) + data)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Read what :func:`send` wrote; None at the end."""
    head = stream.read(4)
    return pickle.loads(stream.read(struct.unpack("<I", head)[0])) if len(head) == 4 else None


@contextlib.contextmanager
def _way_to_the_repository() -> Iterator[None]:
    """Lets others pass the folders above a checkout that is, say, in root's home."""
    shut = {
        folder: mode
        for folder in (REPO, *REPO.parents)
        if not (mode := folder.stat().st_mode & 0o7777) & 0o001
    }
    for folder, mode in shut.items():
        folder.chmod(mode | 0o001)
    try:
        yield
    finally:
        for folder, mode in shut.items():
            folder.chmod(mode)


@contextlib.contextmanager
def ordinary_user(package_dir: str = "") -> Iterator[OtherUser]:
    """An ordinary user with delegated cgroups, who goes with their last process.

    Args:
        package_dir: Where their packages come from, if from anywhere.
    """
    if subprocess.run(["id", USER], capture_output=True).returncode:
        subprocess.run(["useradd", "--create-home", "--shell", "/bin/sh", USER], check=True)
    uid = pwd.getpwnam(USER).pw_uid
    place = find_location()
    word = secrets.token_hex(4)
    folders = [f"{folder}/tester-{os.getpid()}-{word}" for folder in place.folders]
    for folder in folders:
        os.mkdir(folder)
        if place.version == 2:
            for controller in ("cpu", "memory", "pids"):
                Path(folder, "cgroup.subtree_control").write_text(f"+{controller}")
            os.mkdir(f"{folder}/session")
        for at, _, names in os.walk(folder):
            os.chown(at, uid, uid)
            for name in names:
                if name in ("cgroup.procs", "cgroup.subtree_control", "cgroup.threads", "tasks"):
                    os.chown(f"{at}/{name}", uid, uid)
    try:
        with _way_to_the_repository():
            user = OtherUser(
                [f"{f}/session" for f in folders] if place.version == 2 else folders, package_dir
            )
            try:
                yield user
            finally:
                user.close()
    finally:
        for folder in folders:
            for at, _, _ in os.walk(folder, topdown=False):
                os.rmdir(at)
