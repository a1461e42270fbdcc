"""drybox beside another one that it cannot see: neither takes the other's sandboxes for left."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from tests.support import host
from tests.support.attack import (
    DRYBOX,
    GONE_WITHIN,
    TIMEOUT,
    attack,
    held,
    new_marker,
    run_cli,
    source,
)
from tests.support.identity import REPO, Runner

from drybox.host.processes import INITIAL_PID_NAMESPACE

pytestmark = [
    pytest.mark.promise("LEFT-5"),
    pytest.mark.isolations("local"),  # it is about the supervisor and its cgroups
    pytest.mark.skipif(os.geteuid() != 0, reason="makes PID namespaces as root"),
]

ELSEWHERE = {
    "another PID namespace": [
        "unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
    ],
    "another time namespace": ["unshare", "--time", "--boottime", "100000", "--fork"],
}  # fmt: skip


def elsewhere(
    runner: Runner, where: str, code: str, *words: str
) -> tuple[list[str], dict[str, str]]:
    argv, env = runner.command([*DRYBOX, "run", "-l", "python", "-c", source(code), "--", *words])
    return [*ELSEWHERE[where], *argv], env


@contextmanager
def _running(argv: Sequence[str], env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        argv, env=env, cwd=REPO, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b'"up"\n'
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("where", ELSEWHERE)
def test_one_that_starts_elsewhere_leaves_a_live_sandbox_alone(runner: Runner, where: str) -> None:
    argv, env = elsewhere(runner, where, "answer('beside')")

    with held(runner, attack("hold()\nanswer('whole')")) as attacks:
        groups = {host.cgroup_of(attacks.pid, name) for name in ("memory", "pids", "cpu")}
        done = subprocess.run(
            argv, env=env, cwd=REPO, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=TIMEOUT,
        )  # fmt: skip
        assert all(folder.exists() for folder in groups)

    assert (done.returncode, done.stdout) == (0, '"beside"\n'), done.stderr
    assert (attacks.result.status, attacks.result.stdout) == ("success", '"whole"\n')


@pytest.mark.parametrize("where", ELSEWHERE)
def test_one_that_runs_elsewhere_is_left_alone(runner: Runner, where: str) -> None:
    argv, env = elsewhere(runner, where, "answer('up')\nanswer(input())")
    with _running(argv, env) as process:
        done = run_cli(runner, "answer('beside')")
        output, _ = process.communicate(b"whole\n", timeout=TIMEOUT)

    assert (done.returncode, done.stdout) == (0, '"beside"\n'), done.stderr
    assert (process.returncode, output) == (0, b'"whole"\n')


def test_what_is_left_of_one_whose_pid_namespace_is_gone_is_swept(runner: Runner) -> None:
    own = os.readlink("/proc/self/ns/pid")
    if runner.uid or own != f"pid:[{INITIAL_PID_NAMESPACE}]":
        pytest.skip("only root of the initial PID namespace can tell")
    marker = new_marker()
    argv, env = elsewhere(runner, "another PID namespace", "answer('up')\ninput()", marker)
    with _running(argv, env) as process:
        inside = host.confined(marker)[-1]
        folders = {host.cgroup_of(inside.pid, name).parent for name in ("memory", "pids", "cpu")}
        family = [each.pid for each in host.descendants(process.pid)]
        process.kill()
        assert host.eventually(lambda: not any(_lives(pid) for pid in family), GONE_WITHIN)
    assert all(folder.exists() for folder in folders)

    done = run_cli(runner, "answer('next')")

    assert done.stdout == '"next"\n'
    assert host.eventually(lambda: not any(folder.exists() for folder in folders), GONE_WITHIN)


def _lives(pid: int) -> bool:
    return host.status(pid).get("State", "Z")[0] not in "ZX"
