"""The judges of the self-test, with sandboxes that keep nothing in: they must say so."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from drybox.errors import Unavailable
from drybox.model import ExecutionRequest, ExecutionResult, LanguageInfo, Truncated, Usage
from drybox.testing.attempts import ATTEMPTS, Attempt
from drybox.testing.selftest import CHECKS, SHARED, CheckResult, Host, prepared_host, selftest

pytestmark = pytest.mark.promise("RES-12")

DONE = ExecutionResult(
    status="success",
    stdout_bytes=b"",
    stderr_bytes=b"",
    exit_code=0,
    signal=None,
    execution_time=0.1,
    error=None,
    phases=[],
    usage=Usage(),
    truncated=Truncated(),
    artifacts={},
    id="0",
    language="python",
    version="3",
    isolation="none",
)


@pytest.fixture
def host() -> Iterator[Host]:
    with prepared_host() as host:
        yield host


def bare(name: str, host: Host, folder: Path) -> str:
    """What a check says of its program when nothing holds that."""
    check = next(check for check in CHECKS if check.name == name)
    code = check.code.replace("{file}", host.file).replace("{secret}", host.secret)
    code = code.replace("{port}", str(host.listener.getsockname()[1]))
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, timeout=20)
    return check.judge(replace(DONE, stdout_bytes=done.stdout, stderr_bytes=done.stderr), host)


def test_a_program_that_reaches_the_host_is_seen(host: Host, tmp_path: Path) -> None:
    assert bare("network", host, tmp_path) == "it reached the host's loopback"


def test_a_program_that_reads_the_host_is_seen(host: Host, tmp_path: Path) -> None:
    assert bare("secrets", host, tmp_path) == "it read a secret of the host's"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_silence_is_no_success(host: Host, check: object) -> None:
    found = next(item for item in CHECKS if item is check)
    silent = replace(DONE, status="failed", exit_code=1)
    assert found.judge(silent, host).startswith("it ")


def test_a_process_that_outlives_its_program_is_seen(host: Host) -> None:
    check = next(check for check in CHECKS if check.name == "deadline")
    command = [sys.executable, "-c", "print(flush=True); input()", host.secret]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as left:
        # The kernel tells of its start before it shows its arguments.
        assert left.stdout is not None
        left.stdout.readline()
        assert check.judge(replace(DONE, status="timeout"), host) == (
            "a process of it is still there"
        )
    assert check.judge(replace(DONE, status="timeout"), host) == ""


class Weak:
    """An executor that gives some guarantees up, and keeps what it was asked to run."""

    def __init__(self, *weakened: str) -> None:
        self.weakened = weakened
        self.codes: list[str | None] = []

    def languages(self) -> list[LanguageInfo]:
        return []

    def execute(self, request: ExecutionRequest) -> ExecutionResult:
        self.codes.append(request.code)
        return replace(DONE, weakened=self.weakened)


GUARDED = {check.guarantee: check for check in CHECKS if check.guarantee}


@pytest.mark.parametrize("given_up", [(), *((name,) for name in GUARDED), tuple(GUARDED)])
def test_what_is_given_up_is_named_and_its_programs_are_not_run(given_up: tuple[str, ...]) -> None:
    executor = Weak(*given_up)
    findings = selftest(executor, "local", lambda _: None)  # type: ignore[arg-type]
    assert [item.name for item in findings if item.status == "skipped"] == [*given_up]
    ran = {name for name, check in GUARDED.items() if check.code in executor.codes}
    assert ran == set(GUARDED) - {*given_up}
    tried = [item.name for item in findings if item.status != "skipped"]
    assert tried == [check.name for check in CHECKS if check.guarantee not in given_up]


class Absent:
    """An executor that has no sandbox, and no toolchain but Python's."""

    def languages(self) -> list[LanguageInfo]:
        names = ("python", "java")
        found = (("3", ""), (None, "Install it."))
        return [LanguageInfo(n, (), (), *f) for n, f in zip(names, found, strict=True)]

    def execute(self, request: ExecutionRequest) -> ExecutionResult:
        raise Unavailable("there is none.", hint="Start the daemon.")


def test_what_did_not_run_was_not_held() -> None:
    told: list[CheckResult] = []
    findings = selftest(Absent(), "docker", told.append)  # type: ignore[arg-type]
    assert told == findings
    assert [item.status for item in findings if item.name == "java"] == ["missing"]
    others = [item for item in findings if item.name != "java"]
    assert {item.status for item in others} == {"failed"}
    assert {item.detail for item in others} == {"there is none. Start the daemon."}


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.name)
def test_an_attempt_that_is_not_refused_is_seen(
    host: Host, tmp_path: Path, attempt: Attempt
) -> None:
    # Without a sandbox everything is to be had that this host has.
    if os.getuid() and attempt.name in {"settings", "interfaces"}:
        pytest.skip("an ordinary user is refused these anyway")
    assert bare(attempt.name, host, tmp_path).startswith("it says success"), attempt


def test_a_file_that_is_the_hosts_own_is_seen(host: Host, tmp_path: Path) -> None:
    assert bare("inodes", host, tmp_path) == f"{SHARED} is the host's own, and so are locks on it"
