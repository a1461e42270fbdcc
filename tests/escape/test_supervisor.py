"""Attacks on the sandbox's own first process, which keeps the deadline and tells the result."""

from __future__ import annotations

import os

from tests.support import host
from tests.support.attack import attack, held, probe
from tests.support.identity import Runner

HARMLESS = {
    *("arch_status", "autogroup", "cgroup", "cmdline", "comm", "coredump_filter", "cpuset"),
    *("cpu_resctrl_groups", "gid_map", "limits", "loginuid", "mountinfo", "mounts", "net"),
    *("numa_maps", "oom_adj", "oom_score", "oom_score_adj", "projid_map", "sched", "schedstat"),
    *("sessionid", "setgroups", "stat", "statm", "status", "task", "uid_map", "wchan", "attr"),
    *("ksm_merging_pages", "ksm_stat", "latency", "mountstats", "timens_offsets", "patch_state"),
}
"""What Linux shows of every process to everybody; nothing of it is drybox's."""


def test_the_supervisor_is_closed_to_the_program(runner: Runner) -> None:
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

    assert set(readable) <= HARMLESS
    assert not {"mem", "maps", "fd", "exe", "environ", "root", "cwd", "ns"} & set(readable)
    assert (writable, links) == ([], [])


def test_the_supervisor_cannot_be_traced(runner: Runner) -> None:
    refused = probe(
        runner,
        """
        attach, seize = 16, 0x4206
        refused = [attempt(call, "ptrace", request, 1, 0, 0) for request in (attach, seize)]
        refused.append(attempt(call, "process_vm_readv", 1, None, 0, None, 0, 0))
        refused.append(attempt(call, "pidfd_getfd", os.pidfd_open(1), 0, 0))
        refused += [attempt(os.open, "/proc/1/mem", flags) for flags in (os.O_RDONLY, os.O_RDWR)]
        answer(refused)
        """,
    )

    assert refused == ["EPERM"] * 4 + ["EACCES"] * 2


def test_no_process_but_the_supervisor_runs_beside_the_program(runner: Runner) -> None:
    pids = probe(
        runner, "answer(sorted(int(name) for name in os.listdir('/proc') if name.isdigit()))"
    )

    assert len(pids) == 2
    assert pids[0] == 1


def test_limits_of_the_supervisor_cannot_be_lowered(runner: Runner) -> None:
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


def test_the_supervisor_cannot_be_slowed(runner: Runner) -> None:
    slow = attack(
        """
        attempt(os.setpriority, os.PRIO_PROCESS, 1, 19)
        attempt(os.sched_setscheduler, 1, os.SCHED_IDLE, os.sched_param(0))
        attempt(os.sched_setaffinity, 1, {0})
        hold()
        """
    )
    with held(runner, slow) as attacks:
        supervisor = int(host.status(attacks.pid)["PPid"])
        outside = int(host.status(supervisor)["PPid"])
        nice = [os.getpriority(os.PRIO_PROCESS, pid) for pid in (supervisor, outside)]
        policy = [os.sched_getscheduler(pid) for pid in (supervisor, outside)]
        processors = [os.sched_getaffinity(pid) for pid in (supervisor, outside)]

    assert nice[0] == nice[1]
    assert policy[0] == policy[1]
    assert processors[0] == processors[1]


def test_a_crowd_with_a_slowed_supervisor_ends_at_the_deadline(runner: Runner) -> None:
    crowd = attack(
        """
        for _ in range(6):
            attempt(os.fork)
        answer("begun")
        attempt(os.setpriority, os.PRIO_PROCESS, 1, 19)
        attempt(os.sched_setscheduler, 1, os.SCHED_IDLE, os.sched_param(0))
        while True:
            pass
        """,
        timeout=2,
    )

    result = runner.execute(crowd)

    assert (result.status, set(result.stdout.split())) == ("timeout", {'"begun"'})
    assert result.execution_time < 10


def test_memory_ends_the_program_before_its_supervisor(runner: Runner) -> None:
    greedy = attack(
        """
        attempt(lambda: open("/proc/self/oom_score_adj", "w").write("-1000"))
        attempt(lambda: open("/proc/self/oom_score_adj", "w").write("0"))
        answer("begun")
        kept = []
        while True:
            kept.append(bytes(1 << 20).replace(b"\\0", b"1"))
        """
    )

    result = runner.execute(greedy)

    assert (result.status, result.stdout) == ("memory_limit", '"begun"\n')
