"""Arguments of calls on processes and their limits."""

from __future__ import annotations

import errno
from typing import Final

from drybox.guest.seccomp.verdicts import ALLOW, PRETEND, Guard, Switch, only, without

# CLONE_NEWTIME cannot be asked of clone(): its bit belongs to the exit signal there.
CLONE_NAMESPACES: Final = {
    "CLONE_NEWNS": 0x0002_0000,
    "CLONE_NEWCGROUP": 0x0200_0000,
    "CLONE_NEWUTS": 0x0400_0000,
    "CLONE_NEWIPC": 0x0800_0000,
    "CLONE_NEWUSER": 0x1000_0000,
    "CLONE_NEWPID": 0x2000_0000,
    "CLONE_NEWNET": 0x4000_0000,
}
CLONE_PARENT: Final = 0x0000_8000

_SUPERVISOR: Final = {"PID 1": 1}
_SUPERVISOR_REASON: Final = """
The supervisor, PID 1, has the program's user id, but neither its limits nor its share of the
processor may be the program's to change.
"""


def _not_the_supervisor(answer: int, otherwise: int | Switch = ALLOW, arg: int = 0) -> Switch:
    return Switch(arg, {1: answer}, otherwise, names=_SUPERVISOR)


def _which(process: int) -> Switch:
    """For calls that say in their first argument of what the second is an id: of a process."""
    return Switch(
        0, {process: _not_the_supervisor(errno.EPERM, arg=1)}, errno.EPERM,
        names={"of a process": process},
    )  # fmt: skip


RLIMIT_CORE: Final = 4
SCHEDULERS: Final = {"SCHED_OTHER": 0, "SCHED_BATCH": 3, "SCHED_IDLE": 5}
_SCHED_RESET_ON_FORK: Final = 0x4000_0000

PERSONALITIES: Final = {
    "PER_LINUX": 0,
    "ADDR_NO_RANDOMIZE": 0x4_0000,
    "query": 0xFFFF_FFFF,
}

PRCTL_OPTIONS: Final = {
    "PR_SET_PDEATHSIG": 1,
    "PR_GET_PDEATHSIG": 2,
    "PR_GET_DUMPABLE": 3,
    "PR_SET_DUMPABLE": 4,
    "PR_GET_KEEPCAPS": 7,
    "PR_SET_KEEPCAPS": 8,
    "PR_SET_NAME": 15,
    "PR_GET_NAME": 16,
    "PR_GET_SECCOMP": 21,
    "PR_CAPBSET_READ": 23,
    "PR_CAPBSET_DROP": 24,
    "PR_GET_SECUREBITS": 27,
    "PR_SET_TIMERSLACK": 29,
    "PR_GET_TIMERSLACK": 30,
    "PR_SET_CHILD_SUBREAPER": 36,
    "PR_GET_CHILD_SUBREAPER": 37,
    "PR_SET_NO_NEW_PRIVS": 38,
    "PR_GET_NO_NEW_PRIVS": 39,
    "PR_SET_THP_DISABLE": 41,
    "PR_GET_THP_DISABLE": 42,
    "PR_CAP_AMBIENT": 47,
    "PR_SVE_SET_VL": 50,  # aarch64, as the PAC, tag and SME ones below; HotSpot asks for them
    "PR_SVE_GET_VL": 51,
    "PR_GET_SPECULATION_CTRL": 52,
    "PR_PAC_RESET_KEYS": 54,
    "PR_SET_TAGGED_ADDR_CTRL": 55,
    "PR_GET_TAGGED_ADDR_CTRL": 56,
    "PR_PAC_SET_ENABLED_KEYS": 60,
    "PR_PAC_GET_ENABLED_KEYS": 61,
    "PR_SME_SET_VL": 63,
    "PR_SME_GET_VL": 64,
    "PR_SET_MDWE": 65,
    "PR_GET_MDWE": 66,
}
PR_SET_SECCOMP: Final = 22
SECCOMP_MODES: Final = {"SECCOMP_MODE_STRICT": 1}
SECCOMP_OPERATIONS: Final = {
    "SECCOMP_SET_MODE_STRICT": 0,
    "SECCOMP_GET_ACTION_AVAIL": 2,
    "SECCOMP_GET_NOTIF_SIZES": 3,
}
_OWN_FILTERS: Final = """
A program's own filter is compiled into memory of which the whole host has one pool, and which
no limit of a sandbox counts. The answer is that of a kernel without filters, at which programs
go on without.
"""

ARCH_PRCTL_OPTIONS: Final = {
    "ARCH_SET_GS": 0x1001,
    "ARCH_SET_FS": 0x1002,
    "ARCH_GET_FS": 0x1003,
    "ARCH_GET_GS": 0x1004,
    "ARCH_GET_CPUID": 0x1011,
    "ARCH_GET_XCOMP_SUPP": 0x1021,
    "ARCH_GET_XCOMP_PERM": 0x1022,
    "ARCH_REQ_XCOMP_PERM": 0x1023,
    "ARCH_SHSTK_ENABLE": 0x5001,
    "ARCH_SHSTK_DISABLE": 0x5002,
    "ARCH_SHSTK_LOCK": 0x5003,
    "ARCH_SHSTK_STATUS": 0x5005,
}

GUARDS: Final = (
    Guard(
        "clone",
        without(0, {**CLONE_NAMESPACES, "CLONE_PARENT": CLONE_PARENT}, errno.EPERM),
        """
        A user namespace gives its maker every capability inside it, and with them the parts of
        the kernel that most local exploits of recent years live in. `CLONE_PARENT` would make a
        program's child a child of the sandbox's supervisor, which has not started it.
        """,
    ),
    Guard(
        "kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo",
        _not_the_supervisor(PRETEND),
        """
        Linux drops signals to PID 1 and says that they were sent. gVisor's kernel delivers them,
        `SIGKILL` and `SIGSTOP` too, so that the filter has to do the same there.
        """,
    ),
    Guard(
        "sched_setaffinity sched_setattr sched_setparam",
        _not_the_supervisor(errno.EPERM),
        _SUPERVISOR_REASON,
    ),
    Guard(
        "sched_setscheduler",
        _not_the_supervisor(
            errno.EPERM, only(1, SCHEDULERS, errno.EPERM, 0xFFFF_FFFF ^ _SCHED_RESET_ON_FORK)
        ),
        _SUPERVISOR_REASON + "Schedulers that go before all other programs are root's.",
    ),
    Guard("setpriority", _which(0), _SUPERVISOR_REASON),
    Guard("ioprio_set", _which(1), _SUPERVISOR_REASON),
    Guard(
        "prlimit64",
        _not_the_supervisor(
            errno.EPERM,
            Switch(
                1,
                {
                    RLIMIT_CORE: Switch(
                        2,
                        {0: Switch(2, {0: ALLOW}, PRETEND, high=True, names={"NULL": 0})},
                        PRETEND,
                        names={"NULL": 0},
                    )
                },
                ALLOW,
                names={"RLIMIT_CORE": RLIMIT_CORE},
            ),
        ),
        _SUPERVISOR_REASON + "What a crash starts on the host is decided before the program runs.",
    ),
    Guard(
        "setrlimit",
        Switch(0, {RLIMIT_CORE: PRETEND}, ALLOW, names={"RLIMIT_CORE": RLIMIT_CORE}),
        "What a crash starts on the host is decided before the program runs.",
    ),
    Guard(
        "personality",
        only(0, PERSONALITIES, errno.EPERM),
        """
        Running without address randomisation is what sanitizers ask for, and is a program's own
        affair. `MMAP_PAGE_ZERO`, `READ_IMPLIES_EXEC` and the emulation of other systems are not.
        """,
    ),
    Guard(
        "prctl",
        Switch(
            0,
            {
                **dict.fromkeys(PRCTL_OPTIONS.values(), ALLOW),
                PR_SET_SECCOMP: only(1, SECCOMP_MODES, errno.EINVAL),
            },
            errno.EINVAL,
            names={**PRCTL_OPTIONS, "PR_SET_SECCOMP": PR_SET_SECCOMP},
        ),
        """
        What is missing, above all: `PR_SET_MM` (rewrites what `/proc` tells about the process),
        `PR_SET_SPECULATION_CTRL` (can lift mitigations), `PR_SET_SYSCALL_USER_DISPATCH`,
        `PR_SCHED_CORE`, `PR_SET_MEMORY_MERGE` (see `madvise`), `PR_SET_VMA` (Go and glibc stop
        naming their mappings when they hear `EINVAL`), and filters of the program's own (see
        `seccomp`).
        """,
    ),
    Guard("seccomp", only(0, SECCOMP_OPERATIONS, errno.EINVAL), _OWN_FILTERS),
    Guard(
        "arch_prctl",
        only(0, ARCH_PRCTL_OPTIONS, errno.EINVAL),
        "Registers, wide vectors and shadow stacks of the program's own threads (x86_64).",
    ),
)
