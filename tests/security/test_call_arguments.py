"""Calls that every program makes, with arguments that no program may use."""

from __future__ import annotations

import errno
from collections.abc import Mapping

import pytest
from tests.support.attack import probe
from tests.support.identity import Runner

PREPARED = """
import fcntl, mmap, resource, socket, tempfile

def from_libc(name, *arguments):
    ctypes.set_errno(0)
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    result = getattr(libc, name)(*words)
    if result < 0:
        raise OSError(ctypes.get_errno(), name)

made = tempfile.TemporaryFile()
file = made.fileno()
folder = os.open("/usr/lib", os.O_RDONLY)
mine = os.open("/sandbox", os.O_RDONLY)
left, right = socket.socketpair()
tcp, udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
word = ctypes.byref(ctypes.c_int(1))
page = mmap.mmap(-1, mmap.PAGESIZE)
address = ctypes.addressof(ctypes.c_char.from_buffer(page))
"""

KINDS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "signals and leases of files": {
        "F_NOTIFY": ("EINVAL", "from_libc, 'fcntl', folder, 1026, 0x8000_0001"),
        "F_NOTIFY of the sandbox's own": ("EINVAL", "from_libc, 'fcntl', mine, 1026, 0x8000_0001"),
        "F_NOTIFY with rubbish": ("EINVAL", "from_libc, 'fcntl', mine, 1026 | 1 << 32, 1"),
        "F_SETLEASE": ("EINVAL", "from_libc, 'fcntl', file, 1024, 0"),
        "F_GETLEASE": ("EINVAL", "from_libc, 'fcntl', file, 1025, 0"),
        "F_SETDELEG": ("EINVAL", "from_libc, 'fcntl', file, 1040, word"),
        "F_SETOWN": ("EINVAL", "from_libc, 'fcntl', left.fileno(), 8, os.getpid()"),
        "F_SETOWN_EX": ("EINVAL", "from_libc, 'fcntl', left.fileno(), 15, word"),
        "F_SETSIG": ("EINVAL", "from_libc, 'fcntl', left.fileno(), 10, 34"),
        "F_SET_RW_HINT": ("EINVAL", "from_libc, 'fcntl', file, 1036, word"),
        "O_ASYNC": ("EINVAL", "from_libc, 'fcntl', left.fileno(), 4, 0o20000"),
        "O_ASYNC of output": ("EINVAL", "from_libc, 'fcntl', 1, 4, 0o20000 | os.O_NONBLOCK"),
        "FIOASYNC": ("ENOTTY", "from_libc, 'ioctl', left.fileno(), 0x5452, word"),
        "FIOSETOWN": ("ENOTTY", "from_libc, 'ioctl', left.fileno(), 0x8901, word"),
        "SIOCSPGRP": ("ENOTTY", "from_libc, 'ioctl', left.fileno(), 0x8902, word"),
        "O_DIRECT": ("EINVAL", "os.open, '/usr/lib/os-release', os.O_DIRECT"),
        "openat2": ("ENOSYS", "call, 'openat2', -100, b'/tmp', bytes(24), 24"),
    },
    "huge pages": {
        "MAP_HUGETLB": ("ENOMEM", "mmap.mmap, -1, 1 << 21, 0x4_0022"),
        "MAP_HUGETLB of 1 GiB": ("ENOMEM", "mmap.mmap, -1, 1 << 30, 0x4_0022 | 30 << 26"),
        "MFD_HUGETLB": ("EINVAL", "os.memfd_create, 'huge', 4"),
        "MFD_HUGETLB of 1 GiB": ("EINVAL", "os.memfd_create, 'huge', 4 | 30 << 26"),
        "SHM_HUGETLB": ("ENOMEM", "from_libc, 'shmget', 0, 1 << 21, 0o5600"),
    },
    "filters of the program's own": {
        "PR_SET_SECCOMP": ("EINVAL", "from_libc, 'prctl', 22, 2, 0, 0, 0"),
        "SECCOMP_SET_MODE_FILTER": ("EINVAL", "call, 'seccomp', 1, 0, 0"),
        "SECCOMP_FILTER_FLAG_TSYNC": ("EINVAL", "call, 'seccomp', 1, 1, 0"),
        "SO_ATTACH_FILTER": ("ENOPROTOOPT", "udp.setsockopt, 1, 26, bytes(16)"),
        "SO_ATTACH_REUSEPORT_CBPF": ("ENOPROTOOPT", "udp.setsockopt, 1, 51, bytes(16)"),
    },
    "switches of the whole host": {
        "SO_TIMESTAMP": ("ENOPROTOOPT", "udp.setsockopt, 1, 29, 1"),
        "SO_TIMESTAMPING": ("ENOPROTOOPT", "udp.setsockopt, 1, 37, 1"),
        "SIOCGSTAMP": ("ENOTTY", "from_libc, 'ioctl', udp.fileno(), 0x8906, bytes(16)"),
        "UDP_ENCAP": ("ENOPROTOOPT", "udp.setsockopt, 17, 100, 2"),
        "UDP_GRO": ("ENOPROTOOPT", "udp.setsockopt, 17, 104, 1"),
        "IP_MINTTL": ("ENOPROTOOPT", "tcp.setsockopt, 0, 21, 5"),
        "TCP_MD5SIG": ("ENOPROTOOPT", "tcp.setsockopt, 6, 14, bytes(216)"),
        "TCP_ULP": ("ENOPROTOOPT", "tcp.setsockopt, 6, 31, b'tls'"),
        "SO_ZEROCOPY": ("ENOPROTOOPT", "tcp.setsockopt, 1, 60, 1"),
        "MEMBARRIER_CMD_GLOBAL": ("EINVAL", "call, 'membarrier', 1, 0, 0"),
        "MADV_PAGEOUT": ("EINVAL", "from_libc, 'madvise', address, mmap.PAGESIZE, 21"),
        "MADV_MERGEABLE": ("EINVAL", "from_libc, 'madvise', address, mmap.PAGESIZE, 12"),
        "SCHED_FIFO": ("EPERM", "os.sched_setscheduler, 0, 1, os.sched_param(1)"),
    },
    "requests of file systems and devices": {
        "FS_IOC_FIEMAP": ("ENOTTY", "from_libc, 'ioctl', folder, 0xC020_660B, bytes(32)"),
        "FS_IOC_SETFLAGS": ("ENOTTY", "from_libc, 'ioctl', file, 0x4008_6602, word"),
        "BTRFS_IOC_SYNC": ("ENOTTY", "from_libc, 'ioctl', folder, 0x9408, 0"),
        "TIOCSTI": ("EPERM", "from_libc, 'ioctl', file, 0x5412, b'x'"),
        **{
            name: ("ENOTTY", f"from_libc, 'ioctl', udp.fileno(), {number}, bytes(64)")
            for name, number in (
                ("SIOCGIFBR", 0x8940),  # these load modules
                ("SIOCBRADDBR", 0x89A0),
                ("SIOCGIFVLAN", 0x8982),
                ("SIOCWANDEV", 0x894A),
                ("SIOCBONDINFOQUERY", 0x8994),
            )
        },
        "NS_GET_USERNS": ("ENOTTY", "from_libc, 'ioctl', file, 0xB701, 0"),
    },
    "netlink": {
        **{
            f"protocol {number}": ("EPROTONOSUPPORT", f"socket.socket, 16, 3, {number}")
            for number in (*range(1, 5), 6, 7, 9, 12, 15, 16, 20)
        },
        "a stream": ("ESOCKTNOSUPPORT", "socket.socket, 16, 1, 0"),
    },
}


@pytest.mark.promise("ISO-4")
@pytest.mark.parametrize("kind", KINDS)
def test_dangerous_arguments_are_refused(runner: Runner, kind: str) -> None:
    cases = KINDS[kind]
    words = ", ".join(f"{name!r}: attempt({args})" for name, (_, args) in cases.items())

    answers = probe(runner, f"exec({PREPARED!r})\nanswer({{{words}}})")

    assert answers == {name: expected for name, (expected, _) in cases.items()}


@pytest.mark.promise("ISO-8")
def test_what_interfaces_are_can_be_read_and_not_changed(runner: Runner) -> None:
    answers = probe(
        runner,
        f"""
        exec({PREPARED!r})
        import struct

        def ask(kind, flags, body):
            # A message to the kernel; the number of the error that it answers with, or 0.
            with socket.socket(16, 3, 0) as link:
                link.bind((0, 0))
                link.send(struct.pack("=IHHII", 16 + len(body), kind, flags | 1, 1, 0) + body)
                answered = link.recv(1 << 16)
                size, told = struct.unpack_from("=IH", answered)
                return -struct.unpack_from("=i", answered, 16)[0] if told == 2 else told

        interface = struct.pack("=BxHiII", 0, 0, 1, 0, 1)  # lo, down
        address = struct.pack("=BBBBI", 2, 8, 0, 0, 1) + struct.pack("=HH4B", 8, 2, 10, 0, 0, 1)
        answer({{
            "list": ask(18, 0x300, interface),
            "down": ask(16, 4, interface),
            "new address": ask(20, 0x604, address),
            "new route": ask(24, 0x604, struct.pack("=8BI", 2, 0, 0, 0, 254, 4, 0, 1, 0)),
            "new link": ask(16, 0x604, struct.pack("=BxHiII", 0, 0, 0, 0, 0)),
        }})
        """,
    )

    assert answers.pop("list") == 16  # RTM_NEWLINK
    assert set(answers.values()) <= {errno.EPERM, errno.EACCES}
