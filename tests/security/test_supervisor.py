"""Attacks on the sandbox's own first process, which keeps the deadline and tells the result."""

from __future__ import annotations

import os
import subprocess

import pytest
from tests.support import host
from tests.support.attack import attack, held, probe, seen_from_host
from tests.support.identity import Runner

from drybox import ResourceLimits

pytestmark = pytest.mark.promise("ISO-18")

HARMLESS = {
    *("arch_status", "autogroup", "cgroup", "cmdline", "comm", "coredump_filter", "cpuset"),
    *("cpu_resctrl_groups", "gid_map", "limits", "loginuid", "mountinfo", "mounts", "net"),
    *("numa_maps", "oom_adj", "oom_score", "oom_score_adj", "projid_map", "sched", "schedstat"),
    *("sessionid", "setgroups", "stat", "statm", "status", "task", "uid_map", "wchan", "attr"),
    *("ksm_merging_pages", "ksm_stat", "latency", "mountstats", "timens_offsets", "patch_state"),
}
"""What Linux shows of every process to everybody; nothing of it is drybox's."""


def test_init_is_closed_to_the_program(runner: Runner) -> None:
    readable, writable, links = probe(
        runner,
        """
        readable, writable, links = [], [], []
        for name in os.listdir("/proc/1"):
            path = f"/proc/1/{name}"
            if attempt(os.readlink, path) == "allowed":
                links.append(name)
            if os.path.isdir(path):
                if attempt(os.listdir, path) == "allowed":
                    readable.append(name)
            elif attempt(lambda: open(path, "rb").read(1)) == "allowed":
                readable.append(name)
            if attempt(lambda: os.write(os.open(path, os.O_WRONLY), b"1")) == "allowed":
                writable.append(name)
        answer([readable, writable, links])
        """,
    )

    # Of the descriptors test_output.py has more, of the environment test_host_secrets.py.
    shown = runner.isolation.kernel.init_shows
    assert set(readable) <= HARMLESS | shown
    assert not {"mem", "maps", "fd", "exe", "environ", "root", "cwd", "ns"} - shown & set(readable)
    assert (writable, links) == ([], [])


def test_init_cannot_be_traced(runner: Runner) -> None:
    refused = probe(
        runner,
        """
        attach, seize = 16, 0x4206
        refused = [attempt(call, "ptrace", request, 1, 0, 0) for request in (attach, seize)]
        refused.append(attempt(call, "process_vm_readv", 1, None, 0, None, 0, 0))
        refused.append(attempt(lambda: call("pidfd_getfd", os.pidfd_open(1), 0, 0)))
        refused += [attempt(os.open, "/proc/1/mem", flags) for flags in (os.O_RDONLY, os.O_RDWR)]
        answer(refused)
        """,
    )

    # ENOSYS where there is no descriptor of a process to be had in the first place.
    assert refused.pop(3) in ("EPERM", "ENOSYS")
    assert refused == ["EPERM"] * 3 + ["EACCES"] * 2


def test_no_process_but_init_runs_beside_the_program(runner: Runner) -> None:
    pids = probe(
        runner, "answer(sorted(int(name) for name in os.listdir('/proc') if name.isdigit()))"
    )

    assert len(pids) == 2
    assert pids[0] == 1


def test_limits_of_init_cannot_be_lowered(runner: Runner) -> None:
    strangler = attack(
        """
        import resource
        names = [name for name in dir(resource) if name.startswith("RLIMIT_")]
        for name in names:
            attempt(resource.prlimit, 1, getattr(resource, name), (0, 0))
        with open("made.txt", "w") as file:
            file.write("made")
        answer("done")
        """,
        artifacts=["made.txt"],
    )

    result = runner.execute(strangler)

    assert (result.status, result.stdout) == ("success", '"done"\n')
    assert result.artifacts == {"made.txt": b"made"}


SLOW = """
import itertools
for which, who in itertools.product((os.PRIO_PROCESS, os.PRIO_PGRP, os.PRIO_USER), (0, 1, 1000)):
    if (which, who) != (os.PRIO_PROCESS, 0):
        attempt(os.setpriority, which, who, 19)
ioprio_set, idle = {"x86_64": 251, "aarch64": 30}[platform.machine()], 3 << 13
for which, who in itertools.product((1, 2, 3), (0, 1, 1000)):
    if (which, who) != (1, 0):
        libc.syscall(ioprio_set, which, who, idle)
attempt(os.sched_setscheduler, 1, os.SCHED_IDLE, os.sched_param(0))
attempt(os.sched_setscheduler, 1, os.SCHED_BATCH, os.sched_param(0))
attempt(os.sched_setaffinity, 1, {0})
"""


@seen_from_host
def test_init_cannot_be_slowed(runner: Runner) -> None:
    with held(runner, attack(f"{SLOW}\nhold()")) as attacks:
        init = int(host.status(attacks.pid)["PPid"])
        outside = int(host.status(init)["PPid"])
        nice, same_nice = (os.getpriority(os.PRIO_PROCESS, pid) for pid in (init, outside))
        policy, same_policy = (os.sched_getscheduler(pid) for pid in (init, outside))
        processors, same_processors = (os.sched_getaffinity(pid) for pid in (init, outside))
        disk, same_disk = (_disk_priority(pid) for pid in (init, outside))

    assert nice == same_nice
    assert policy == same_policy
    assert processors == same_processors
    assert disk == same_disk


def _disk_priority(pid: int) -> str:
    done = subprocess.run(["ionice", "-p", str(pid)], check=True, capture_output=True, text=True)
    return done.stdout


def test_a_program_may_still_divide_its_own_share(runner: Runner) -> None:
    answers = probe(
        runner,
        """
        import resource, threading
        gate = threading.Event()
        thread = threading.Thread(target=gate.wait)
        thread.start()
        answers = []
        for pid in (0, os.getpid(), thread.native_id, child(signal.pause)):
            answers += [
                attempt(os.setpriority, os.PRIO_PROCESS, pid, 10),
                attempt(os.sched_setaffinity, pid, os.sched_getaffinity(0)),
                attempt(os.sched_setscheduler, pid, os.SCHED_BATCH, os.sched_param(0)),
                attempt(resource.prlimit, pid, resource.RLIMIT_CPU, (60, 60)),
            ]
        gate.set()
        answer(answers)
        """,
    )

    classes = answers[2::4]
    assert set(classes) in ({"allowed"}, {"EINVAL"})  # not every kernel has SCHED_BATCH
    assert answers == ["allowed", "allowed", classes[0], "allowed"] * 4


def test_a_crowd_with_a_slowed_init_ends_at_the_deadline(runner: Runner) -> None:
    crowd = attack(
        """
        for _ in range(6):
            attempt(os.fork)
        answer("begun")
        exec(sys.argv[1])
        while True:
            pass
        """,
        args=[SLOW],
        timeout=5,
    )

    result = runner.execute(crowd)

    assert result.status in runner.isolation.kernel.crowds_end
    if runner.isolation.kernel.counts_processes:
        assert set(result.stdout.split()) == {'"begun"'}
    assert result.execution_time < 60


def test_memory_ends_the_program_before_its_init(runner: Runner) -> None:
    greedy = attack(
        """
        attempt(lambda: open("/proc/self/oom_score_adj", "w").write("-1000"))
        attempt(lambda: open("/proc/self/oom_score_adj", "w").write("0"))
        answer("begun")
        kept = []
        while True:
            kept.append(bytes(1 << 20).replace(b"\\0", b"1"))
        """,
        limits=ResourceLimits(memory=48 << 20),
    )

    result = runner.execute(greedy)

    assert (result.status, result.stdout) == ("memory_limit", '"begun"\n')
