"""Arguments of calls on files, directories, pipes and terminals."""

from __future__ import annotations

import errno
from typing import Final

from drybox.guest.seccomp.verdicts import (
    ALLOW,
    PRETEND,
    Guard,
    Switch,
    only,
    only_flags,
    without,
)

O_ASYNC: Final = 0o20000
O_DIRECT: Final = {"x86_64": 0o40000, "aarch64": 0o200000}

FCNTL_COMMANDS: Final = {
    "F_DUPFD": 0,
    "F_GETFD": 1,
    "F_SETFD": 2,
    "F_GETFL": 3,
    "F_GETLK": 5,
    "F_SETLK": 6,
    "F_SETLKW": 7,
    "F_GETOWN": 9,
    "F_OFD_GETLK": 36,
    "F_OFD_SETLK": 37,
    "F_OFD_SETLKW": 38,
    "F_DUPFD_QUERY": 1027,
    "F_CREATED_QUERY": 1028,
    "F_DUPFD_CLOEXEC": 1030,
    "F_SETPIPE_SZ": 1031,
    "F_GETPIPE_SZ": 1032,
    "F_ADD_SEALS": 1033,
    "F_GET_SEALS": 1034,
}
F_SETFL: Final = 4

# Those of terminals are asked of pseudo-terminals of the sandbox's own.
IOCTL_REQUESTS: Final = {
    "FIONREAD": 0x541B,
    "FIONBIO": 0x5421,
    "FIONCLEX": 0x5450,
    "FIOCLEX": 0x5451,
    "TCGETS": 0x5401,
    "TCSETS": 0x5402,
    "TCSETSW": 0x5403,
    "TCSETSF": 0x5404,
    "TCGETA": 0x5405,
    "TCSETA": 0x5406,
    "TCSETAW": 0x5407,
    "TCSETAF": 0x5408,
    "TCSBRK": 0x5409,
    "TCXONC": 0x540A,
    "TCFLSH": 0x540B,
    "TIOCEXCL": 0x540C,
    "TIOCNXCL": 0x540D,
    "TIOCSCTTY": 0x540E,
    "TIOCGPGRP": 0x540F,
    "TIOCSPGRP": 0x5410,
    "TIOCOUTQ": 0x5411,
    "TIOCGWINSZ": 0x5413,
    "TIOCSWINSZ": 0x5414,
    "TIOCPKT": 0x5420,
    "TIOCNOTTY": 0x5422,
    "TIOCGETD": 0x5424,
    "TCSBRKP": 0x5425,
    "TIOCSBRK": 0x5427,
    "TIOCCBRK": 0x5428,
    "TIOCGSID": 0x5429,
    "TIOCGPTPEER": 0x5441,
    "TCGETS2": 0x802C_542A,
    "TCSETS2": 0x402C_542B,
    "TCSETSW2": 0x402C_542C,
    "TCSETSF2": 0x402C_542D,
    "TIOCGPTN": 0x8004_5430,
    "TIOCSPTLCK": 0x4004_5431,
    "SIOCATMARK": 0x8905,
    "SIOCGIFNAME": 0x8910,
    "SIOCGIFCONF": 0x8912,
    "SIOCGIFFLAGS": 0x8913,
    "SIOCGIFADDR": 0x8915,
    "SIOCGIFDSTADDR": 0x8917,
    "SIOCGIFBRDADDR": 0x8919,
    "SIOCGIFNETMASK": 0x891B,
    "SIOCGIFMETRIC": 0x891D,
    "SIOCGIFMTU": 0x8921,
    "SIOCGIFHWADDR": 0x8927,
    "SIOCGIFINDEX": 0x8933,
    "SIOCGIFTXQLEN": 0x8942,
    "SIOCOUTQNSD": 0x894B,
    # PID 1's, which has the only descriptor that takes them.
    "SECCOMP_IOCTL_NOTIF_RECV": 0xC050_2100,
    "SECCOMP_IOCTL_NOTIF_SEND": 0xC018_2101,
}
# The first two type into the terminal as if the user did. The third makes the kernel load and
# run a line discipline (n_hdlc, n_gsm, slip ...) on any pseudo-terminal that the program opens.
TERMINAL_IOCTLS: Final = {"TIOCSTI": 0x5412, "TIOCLINUX": 0x541C, "TIOCSETD": 0x5423}
# Asked for by programs that go on without them when they get the answer of tmpfs and of the
# loopback: copying by reference, and the speed of a network card.
UNSUPPORTED_IOCTLS: Final = {
    "FICLONE": 0x4004_9409,
    "FICLONERANGE": 0x4020_940D,
    "FIDEDUPERANGE": 0xC018_9436,
    "SIOCETHTOOL": 0x8946,
}

# Marks that look for these make each reading of a file slower, for the host as well; the others
# tell of changes, and nobody changes what sandboxes share while they run.
INOTIFY_READING: Final = {"IN_ACCESS": 0x1, "IN_CLOSE_NOWRITE": 0x10, "IN_OPEN": 0x20}

FADVICE: Final = {
    "POSIX_FADV_NORMAL": 0,
    "POSIX_FADV_RANDOM": 1,
    "POSIX_FADV_SEQUENTIAL": 2,
    "POSIX_FADV_WILLNEED": 3,
    "POSIX_FADV_NOREUSE": 5,
}
POSIX_FADV_DONTNEED: Final = 4

READ_WRITE_FLAGS: Final = {
    "RWF_DSYNC": 0x2,
    "RWF_SYNC": 0x4,
    "RWF_APPEND": 0x10,
    "RWF_NOAPPEND": 0x20,
}

NODE_TYPES: Final = {"default": 0, "S_IFREG": 0o100000, "S_IFIFO": 0o010000, "S_IFSOCK": 0o140000}
_S_IFMT: Final = 0o170000
_NODES: Final = "Devices are what is refused: a regular file, a FIFO and a socket are only names."

_READ_WRITE: Final = """
The rest is for disks, or tells whether the host has a file in memory (`RWF_NOWAIT`), or drops it
from there (`RWF_DONTCACHE`).
"""

GUARDS: Final = (
    Guard(
        "ioctl",
        Switch(
            1,
            {
                **dict.fromkeys(IOCTL_REQUESTS.values(), ALLOW),
                **dict.fromkeys(TERMINAL_IOCTLS.values(), errno.EPERM),
                **dict.fromkeys(UNSUPPORTED_IOCTLS.values(), errno.EOPNOTSUPP),
            },
            errno.ENOTTY,
            names={**IOCTL_REQUESTS, **TERMINAL_IOCTLS, **UNSUPPORTED_IOCTLS},
        ),
        """
        Requests of every file system, device and protocol hide behind this call. Allowed is what
        terminals, pipes, sockets and lists of network interfaces need, which is answered from
        the sandbox's own objects. Not so: `FIOASYNC`, `FIOSETOWN` and `SIOCSPGRP` (signals that
        whoever uses the other end has to send), `SIOCGSTAMP` (stamps packets of the whole
        host), `FS_IOC_FIEMAP` (waits for the host's disk), and `TIOCSTI`, `TIOCLINUX`,
        `TIOCSETD` (type for the user, load line disciplines).
        """,
    ),
    Guard(
        "inotify_add_watch",
        without(2, INOTIFY_READING, errno.EINVAL),
        """
        Watching who reads a file slows the reader, and tells what the host and other sandboxes
        do with files that are shared. Changes can be watched.
        """,
    ),
    Guard(
        "fadvise64",
        Switch(
            3,
            {**dict.fromkeys(FADVICE.values(), ALLOW), POSIX_FADV_DONTNEED: PRETEND},
            errno.EINVAL,
            names={**FADVICE, "POSIX_FADV_DONTNEED": POSIX_FADV_DONTNEED},
        ),
        "`POSIX_FADV_DONTNEED` makes the host read its own files from the disk again.",
    ),
    Guard("preadv2 pwritev2", only_flags(5, READ_WRITE_FLAGS, errno.EOPNOTSUPP), _READ_WRITE),
    Guard(
        "pipe2",
        without(1, {"O_NOTIFICATION_PIPE": 0o200}, errno.EINVAL),
        "Pipes of the kernel's notices are large code that no program here needs.",
    ),
    Guard("mknod", only(1, NODE_TYPES, errno.EPERM, _S_IFMT), _NODES),
    Guard("mknodat", only(2, NODE_TYPES, errno.EPERM, _S_IFMT), _NODES),
)


def guards_of(machine: str) -> tuple[Guard, ...]:
    """Those with flags that have other numbers on other machines.

    Args:
        machine: Its architecture, as ``uname -m`` names it.
    """
    flags = {"O_ASYNC": O_ASYNC, "O_DIRECT": O_DIRECT[machine]}
    opening = """
        Reading past the page cache puts every read on the host's disk. `EINVAL` is the answer of
        a file system without it.
        """
    return (
        Guard(
            "fcntl",
            Switch(
                1,
                {
                    **dict.fromkeys(FCNTL_COMMANDS.values(), ALLOW),
                    F_SETFL: without(2, flags, errno.EINVAL),
                },
                errno.EINVAL,
                names={**FCNTL_COMMANDS, "F_SETFL": F_SETFL},
            ),
            """
            What is missing hangs on to an inode, which the host and other sandboxes may have
            open too, and makes whoever reads, opens or writes it wait or send signals: `F_NOTIFY`
            (each read of a file costs the reader one signal for each process of the owner's),
            `F_SETLEASE` and `F_SETDELEG` (an open for writing waits), `F_SETOWN`, `F_SETSIG`
            and `O_ASYNC` (signals for each use of a pipe's other end), `F_SET_RW_HINT`.
            """,
        ),
        Guard("open", without(1, flags, errno.EINVAL), opening),
        Guard("openat", without(2, flags, errno.EINVAL), opening),
    )
