"""Arguments of calls on memory."""

from __future__ import annotations

import errno
from typing import Final

from drybox.guest.seccomp.verdicts import ALLOW, PRETEND, Guard, Switch, only, only_flags, without

_HUGE: Final = """
Huge pages are taken from a pool of the host's that no limit of a sandbox counts.
"""

# Advice on memory of one's own. MADV_MERGEABLE is missing: equal pages that the kernel has merged
# are slower to write to, which tells one sandbox what is in another's memory.
MEMORY_ADVICE: Final = {
    "MADV_NORMAL": 0,
    "MADV_RANDOM": 1,
    "MADV_SEQUENTIAL": 2,
    "MADV_WILLNEED": 3,
    "MADV_DONTNEED": 4,
    "MADV_FREE": 8,
    "MADV_REMOVE": 9,
    "MADV_DONTFORK": 10,
    "MADV_DOFORK": 11,
    "MADV_HUGEPAGE": 14,
    "MADV_NOHUGEPAGE": 15,
    "MADV_DONTDUMP": 16,
    "MADV_DODUMP": 17,
    "MADV_WIPEONFORK": 18,
    "MADV_KEEPONFORK": 19,
    "MADV_POPULATE_READ": 22,
    "MADV_POPULATE_WRITE": 23,
    "MADV_DONTNEED_LOCKED": 24,
    "MADV_GUARD_INSTALL": 102,
    "MADV_GUARD_REMOVE": 103,
}

MEMORY_BARRIERS: Final = {
    "MEMBARRIER_CMD_QUERY": 0,
    "MEMBARRIER_CMD_PRIVATE_EXPEDITED": 0x8,
    "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED": 0x10,
    "MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE": 0x20,
    "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE": 0x40,
    "MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ": 0x80,
    "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ": 0x100,
    "MEMBARRIER_CMD_GET_REGISTRATIONS": 0x200,
}

MEMFD_FLAGS: Final = {
    "MFD_CLOEXEC": 0x1,
    "MFD_ALLOW_SEALING": 0x2,
    "MFD_NOEXEC_SEAL": 0x8,
    "MFD_EXEC": 0x10,
}

MS_SYNC: Final = 4

GUARDS: Final = (
    Guard("mmap", without(3, {"MAP_HUGETLB": 0x4_0000}, errno.ENOMEM), _HUGE),
    Guard("shmget", without(2, {"SHM_HUGETLB": 0o4000}, errno.ENOMEM), _HUGE),
    Guard("memfd_create", only_flags(1, MEMFD_FLAGS, errno.EINVAL), _HUGE),
    Guard(
        "madvise",
        only(2, MEMORY_ADVICE, errno.EINVAL),
        """
        `MADV_MERGEABLE` tells by time what is in another sandbox's memory; `MADV_COLD` and
        `MADV_PAGEOUT` push out pages of files that are shared, `MADV_COLLAPSE` moves memory
        about for it; the rest is for administrators.
        """,
    ),
    Guard(
        "membarrier",
        only(0, MEMORY_BARRIERS, errno.EINVAL),
        "Barriers among the program's own threads; the global ones interrupt other processors.",
    ),
    Guard(
        "msync",
        Switch(2, {0: ALLOW}, PRETEND, mask=MS_SYNC, names={"MS_SYNC": MS_SYNC}, flags="without"),
        "Writes back the file that is mapped: see `fsync`.",
    ),
)
