"""What the kernel answers to a program under the filter."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import mmap
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from tests.support.filtered import in_child, libc, native
from tests.support.kernel_numbers import (
    AF_INET,
    AF_INET6,
    AF_NETLINK,
    AF_UNIX,
    DATAGRAM,
    NEWEST,
    RAW,
    STREAM,
    X32_BIT,
    X86_64,
    table,
)

from drybox.guest.seccomp import files, memory, policy, processes, sockets
from drybox.guest.seccomp import filter as seccomp
from drybox.guest.seccomp.verdicts import Group

pytestmark = pytest.mark.promise("ISO-4")

ROOT = Path(__file__).resolve().parents[4]


def _call(name: str, *args: int) -> Callable[[], int]:
    """Makes the system call; the result is its errno, 0 for success."""
    number = seccomp._Library().number(name, native())
    number = NEWEST.get(name, number) if number < 0 else number
    if number < 0:
        pytest.skip(f"this architecture has no {name}")

    def call() -> int:
        words = (ctypes.c_long(arg) for arg in args)
        return ctypes.get_errno() if libc.syscall(ctypes.c_long(number), *words) < 0 else 0

    return call


def _names(groups: Iterable[Group]) -> list[str]:
    return " ".join(group.calls for group in groups).split()


# Nothing is called before the filter is on, and -1 for every argument is a second precaution.
@pytest.mark.parametrize("name", _names(policy.REFUSED))
def test_a_dangerous_call_is_refused(program: bytes, library: seccomp._Library, name: str) -> None:
    unknown = name in NEWEST and not library.knows(name, native())
    expected = errno.ENOSYS if unknown else errno.EPERM
    assert in_child(program, _call(name, *[-1] * 6)) == expected


@pytest.mark.parametrize("name", _names(policy.ABSENT))
def test_an_absent_call_looks_like_an_old_kernel(program: bytes, name: str) -> None:
    assert in_child(program, _call(name, *[-1] * 6)) == errno.ENOSYS


FOREIGN_FAMILIES = table("""
    AF_UNSPEC=0 AF_AX25=3 AF_IPX=4 AF_PACKET=17 AF_RDS=21 AF_PPPOX=24 AF_CAN=29
    AF_TIPC=30 AF_BLUETOOTH=31 AF_RXRPC=33 AF_ALG=38 AF_NFC=39 AF_VSOCK=40 AF_KCM=41
    AF_QIPCRTR=42 AF_SMC=43 AF_XDP=44 AF_MCTP=45 beyond=0xffffffff
""")
FOREIGN_PROTOCOLS = table("icmp=1 dccp=33 l2tp=115 sctp=132 udplite=136 raw=255 mptcp=262")
FOREIGN_TYPES = table("rdm=4 seqpacket=5 dccp=6 packet=10")
FOREIGN_PERSONALITIES = table("READ_IMPLIES_EXEC=0x400000 MMAP_PAGE_ZERO=0x100000 PER_BSD=6")
FOREIGN_OPTIONS = table("""
    PR_TASK_PERF_EVENTS_DISABLE=31 PR_SET_MM=35 PR_SET_SPECULATION_CTRL=53 PR_SCHED_CORE=62
    PR_SET_SYSCALL_USER_DISPATCH=59 PR_SET_MEMORY_MERGE=67 PR_SET_VMA=0x53564d41
    PR_SET_PTRACER=0x59616d61
""")
CLOEXEC = 0o2000000


# Everything of the kinds that hang on to shared inodes, fill pools of the host, or signal others.
FOREIGN_COMMANDS = table("""
    F_SETOWN=8 F_SETSIG=10 F_GETSIG=11 F_SETOWN_EX=15 F_GETOWN_EX=16 F_GETOWNER_UIDS=17
    F_SETLEASE=1024 F_GETLEASE=1025 F_NOTIFY=1026 F_CANCELLK=1029 F_GET_RW_HINT=1035
    F_SET_RW_HINT=1036 F_GET_FILE_RW_HINT=1037 F_SET_FILE_RW_HINT=1038 F_GETDELEG=1039
    F_SETDELEG=1040 unknown=2000
""")
FOREIGN_REQUESTS = table("""
    FIOASYNC=0x5452 FIOSETOWN=0x8901 SIOCSPGRP=0x8902 FIOGETOWN=0x8903 SIOCGSTAMP=0x8906
    SIOCGSTAMPNS=0x8907 FIBMAP=1 FS_IOC_FIEMAP=0xc020660b FIFREEZE=0xc0045877 FITRIM=0xc0185879
    FS_IOC_GETFLAGS=0x80086601 FS_IOC_SETFLAGS=0x40086602 TIOCCONS=0x541d TIOCSIG=0x40045436
    NS_GET_USERNS=0xb701 PIDFD_GET_PID_NAMESPACE=0xff05 EPIOCSPARAMS=0x40088a01
    IOC_WATCH_QUEUE_SET_SIZE=0x5760 BTRFS_IOC_SNAP_CREATE=0x50009401 SIOCSIFFLAGS=0x8914
    SIOCADDRT=0x890b PAGEMAP_SCAN=0xc0606610 BLKDISCARD=0x1277 none=0 beyond=0xffffffff
""")
FOREIGN_ADVICE = table("""
    MADV_MERGEABLE=12 MADV_COLD=20 MADV_PAGEOUT=21 MADV_COLLAPSE=25 MADV_HWPOISON=100
    MADV_SOFT_OFFLINE=101
""")
# By level, then name.
FOREIGN_SOCKET_OPTIONS = {
    1: table("""
        SO_DEBUG=1 SO_ATTACH_FILTER=26 SO_TIMESTAMP=29 SO_SNDBUFFORCE=32 SO_RCVBUFFORCE=33
        SO_TIMESTAMPNS=35 SO_MARK=36 SO_TIMESTAMPING=37 SO_BUSY_POLL=46 SO_ATTACH_BPF=50
        SO_ATTACH_REUSEPORT_CBPF=51 SO_ATTACH_REUSEPORT_EBPF=52 SO_ZEROCOPY=60 SO_TXTIME=61
        SO_TIMESTAMP_NEW=63 SO_TIMESTAMPNS_NEW=64 SO_TIMESTAMPING_NEW=65 SO_RESERVE_MEM=73
        SO_DEVMEM_DONTNEED=80
    """),
    0: table("IP_HDRINCL=3 IP_OPTIONS=4 IP_IPSEC_POLICY=16 IP_MINTTL=21 IPT_SO_SET_REPLACE=64"),
    6: table("TCP_MD5SIG=14 TCP_REPAIR=19 TCP_ULP=31 TCP_MD5SIG_EXT=32 TCP_TX_DELAY=37 AO=38"),
    17: table("UDP_ENCAP=100 UDP_NO_CHECK6_TX=101 UDP_GRO=104"),
    41: table("IPV6_ADDRFORM=1 JOIN_ANYCAST=27 FLOWLABEL_MGR=32 RTHDR=57 MINHOPCOUNT=73 IP6T=64"),
    270: table("NETLINK_ADD_MEMBERSHIP=1 NETLINK_NO_ENOBUFS=5 NETLINK_LISTEN_ALL_NSID=8"),
    132: table("SCTP_INITMSG=2"),
    255: table("SOL_RAW_ICMP_FILTER=1"),
    0xFFFF: table("beyond=1"),
}
O_DIRECT = files.O_DIRECT.get(os.uname().machine, 0)


def _refusals() -> Iterator[tuple[str, str, tuple[int, ...], int]]:
    clone_flags = {**processes.CLONE_NAMESPACES, "CLONE_PARENT": processes.CLONE_PARENT}
    for name, flag in clone_flags.items():
        yield name, "clone", (flag | signal.SIGCHLD, 0, 0, 0, 0), errno.EPERM
    for name, number in files.TERMINAL_IOCTLS.items():
        yield name, "ioctl", (0, number, 0), errno.EPERM
        yield f"{name}-high-bits", "ioctl", (0, number | 1 << 32, 0), errno.EPERM
        yield f"{name}-signed", "ioctl", (0, number | -1 << 32, 0), errno.EPERM
    for name, number in files.UNSUPPORTED_IOCTLS.items():
        yield name, "ioctl", (-1, number, 0), errno.EOPNOTSUPP
    for name, number in FOREIGN_REQUESTS.items():
        yield name, "ioctl", (-1, number, 0), errno.ENOTTY
        yield f"{name}-high-bits", "ioctl", (-1, number | 1 << 32, 0), errno.ENOTTY
    for name, number in FOREIGN_COMMANDS.items():
        yield name, "fcntl", (-1, number, 0), errno.EINVAL
        yield f"{name}-high-bits", "fcntl", (-1, number | 1 << 32, 0), errno.EINVAL
    for name, flag in (("O_ASYNC", files.O_ASYNC), ("O_DIRECT", O_DIRECT)):
        yield f"{name}-fcntl", "fcntl", (-1, files.F_SETFL, flag | os.O_NONBLOCK), errno.EINVAL
        yield f"{name}-openat", "openat", (-1, 0, flag), errno.EINVAL
    for name, flag in files.INOTIFY_READING.items():
        yield name, "inotify_add_watch", (-1, 0, flag | 2), errno.EINVAL
    for name, flag in table("RWF_HIPRI=1 RWF_NOWAIT=8 RWF_ATOMIC=64 RWF_DONTCACHE=128").items():
        yield f"{name}-preadv2", "preadv2", (-1, 0, 0, 0, 0, flag), errno.EOPNOTSUPP
        yield f"{name}-pwritev2", "pwritev2", (-1, 0, 0, 0, 0, flag), errno.EOPNOTSUPP
    yield "beyond-fadvise", "fadvise64", (-1, 0, 0, 6), errno.EINVAL
    yield "O_NOTIFICATION_PIPE", "pipe2", (0, 0o200), errno.EINVAL
    huge = 21 << 26  # 2 MiB
    for size in (0, huge, 30 << 26):
        yield f"MAP_HUGETLB-{size}", "mmap", (0, 4096, 3, 0x4_0022 | size, -1, 0), errno.ENOMEM
        yield f"SHM_HUGETLB-{size}", "shmget", (0, 4096, 0o4000 | size), errno.ENOMEM
        yield f"MFD_HUGETLB-{size}", "memfd_create", (0, 4 | size), errno.EINVAL
    for name, number in FOREIGN_ADVICE.items():
        yield name, "madvise", (0, 0, number), errno.EINVAL
    for name, number in table("GLOBAL=1 GLOBAL_EXPEDITED=2 REGISTER_GLOBAL=4").items():
        yield f"membarrier-{name}", "membarrier", (number, 0, 0), errno.EINVAL
    for name, number in FOREIGN_FAMILIES.items():
        for kind in (1, 2, 3, 5):
            yield f"{name}-{kind}", "socket", (number, kind, 0), errno.EAFNOSUPPORT
        yield f"{name}-pair", "socketpair", (number, STREAM, 0, -1), errno.EAFNOSUPPORT
    for family in (AF_INET, AF_INET6):
        yield f"raw-{family}", "socket", (family, RAW, 1), errno.EPERM
        yield f"raw-cloexec-{family}", "socket", (family, RAW | CLOEXEC, 1), errno.EPERM
        for name, kind in FOREIGN_TYPES.items():
            yield f"{name}-{family}", "socket", (family, kind, 0), errno.ESOCKTNOSUPPORT
        for name, number in FOREIGN_PROTOCOLS.items():
            for kind in (1, 2):
                args = (family, kind | CLOEXEC, number)
                yield f"{name}-{family}-{kind}", "socket", args, errno.EPROTONOSUPPORT
    for number in (1, *range(2, 23), 1 << 31):
        for kind in (DATAGRAM, RAW | CLOEXEC):
            args = (AF_NETLINK, kind, number)
            yield f"netlink-{number}-{kind}", "socket", args, errno.EPROTONOSUPPORT
    for kind in (STREAM, 4, 5, 10):
        yield f"netlink-type-{kind}", "socket", (AF_NETLINK, kind, 0), errno.ESOCKTNOSUPPORT
    yield "netlink-pair", "socketpair", (AF_NETLINK, RAW, 0, -1), errno.EAFNOSUPPORT
    yield "inet-pair", "socketpair", (AF_INET, STREAM, 0, -1), errno.EAFNOSUPPORT
    for level, options in FOREIGN_SOCKET_OPTIONS.items():
        for name, number in options.items():
            yield name, "setsockopt", (-1, level, number, 0, 0), errno.ENOPROTOOPT
            yield (
                f"{name}-high-bits",
                "setsockopt",
                (*(-1, level | 1 << 32, number | 1 << 32, 0, 0),),
                errno.ENOPROTOOPT,
            )
    yield "TCP_ZEROCOPY_RECEIVE", "getsockopt", (-1, 6, 35, 0, 0), errno.ENOPROTOOPT
    yield "SO_GET_FILTER", "getsockopt", (-1, 1, 26, 0, 0), errno.ENOPROTOOPT
    yield "MSG_OOB-sendto", "sendto", (-1, 0, 0, 1, 0, 0), errno.EOPNOTSUPP
    yield "MSG_OOB-sendmsg", "sendmsg", (-1, 0, 1 | 0x4000), errno.EOPNOTSUPP
    yield "MSG_OOB-sendmmsg", "sendmmsg", (-1, 0, 0, 1), errno.EOPNOTSUPP
    for name, mode in (("character-device", 0o020600), ("block-device", 0o060600)):
        yield f"{name}-mknod", "mknod", (0, mode, 0x103), errno.EPERM
        yield f"{name}-mknodat", "mknodat", (-1, 0, mode, 0x103), errno.EPERM
    for name, number in FOREIGN_PERSONALITIES.items():
        yield name, "personality", (number,), errno.EPERM
    for name, number in FOREIGN_OPTIONS.items():
        yield name, "prctl", (number, -1, -1, -1, -1), errno.EINVAL
    yield "PR_SET_SECCOMP-filter", "prctl", (22, 2, 0, 0, 0), errno.EINVAL
    for flags in (0, 1, 8):
        yield f"own-filter-{flags}", "seccomp", (1, flags, 0), errno.EINVAL
    for name, number in table("SCHED_FIFO=1 SCHED_RR=2 DEADLINE=6 EXT=7").items():
        yield name, "sched_setscheduler", (0, number, 0), errno.EPERM
    yield "FIFO-reset", "sched_setscheduler", (0, 0x4000_0001, 0), errno.EPERM
    for name, number in table("ARCH_SET_CPUID=0x1012 ARCH_REQ_XCOMP_GUEST_PERM=0x1025").items():
        yield name, "arch_prctl", (number, 0), errno.EINVAL


@pytest.mark.parametrize(
    ("name", "args", "expected"), [pytest.param(*case, id=label) for label, *case in _refusals()]
)
def test_a_dangerous_argument_is_refused(
    program: bytes, name: str, args: tuple[int, ...], expected: int
) -> None:
    assert in_child(program, _call(name, *args)) == expected


PASSED = [
    ("socket", (AF_UNIX, STREAM, 0)),
    ("socket", (AF_UNIX, 5, 0)),
    ("socket", (AF_INET, STREAM | CLOEXEC | 0o4000, 0)),
    ("socket", (AF_INET, STREAM, 6)),
    ("socket", (AF_INET6, DATAGRAM, 17)),
    ("ioctl", (-1, 0x5413, 0)),
    ("ioctl", (-1, -1 << 32 | 0x5411, 0)),
    ("socket", (AF_NETLINK, RAW | CLOEXEC, 0)),
    ("socket", (AF_NETLINK, DATAGRAM | 0o4000, 0)),
    ("ioctl", (-1, 0x8912, 0)),
    ("fcntl", (-1, 6, 0)),
    ("fcntl", (0, files.F_SETFL, os.O_NONBLOCK)),
    ("openat", (-1, 0, os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)),
    ("inotify_add_watch", (-1, 0, 0xFC6)),
    ("fadvise64", (-1, 0, 0, 2)),
    ("preadv2", (-1, 0, 0, 0, 0, 0)),
    ("mmap", (0, 4096, 3, 0x22, -1, 0)),
    ("memfd_create", (0, 3)),
    ("shmget", (0, 4096, 0o600)),
    ("madvise", (0, 0, 4)),
    ("setsockopt", (-1, sockets.SOL_SOCKET, 2, 0, 0)),
    ("setsockopt", (-1, sockets.SOL_TCP, 1, 0, 0)),
    ("getsockopt", (-1, sockets.SOL_TCP, 11, 0, 0)),
    ("prlimit64", (0, 7, 0, 0)),
    ("prlimit64", (0, processes.RLIMIT_CORE, 0, 0)),
    ("sched_setscheduler", (0, 3, 0)),
    ("sendto", (-1, 0, 0, 0x4000, 0, 0)),
    ("personality", (0xFFFF_FFFF,)),
    ("prctl", (15, 0)),
    ("seccomp", (2, 0, 0)),
    ("setuid", (os.getuid(),)),
    ("get_mempolicy", (0, 0, 0, 0, 0)),
    ("membarrier", (0, 0, 0)),
]


@pytest.mark.parametrize(("name", "args"), PASSED)
def test_an_ordinary_call_gets_the_kernels_own_answer(
    program: bytes, name: str, args: tuple[int, ...]
) -> None:
    call = _call(name, *args)
    assert in_child(program, call) == in_child(None, call)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        *(("syncfs", (-1,)), ("fsync", (-1,)), ("fdatasync", (-1,))),
        ("sync_file_range", (-1, 0, 0, 0)),
        ("fadvise64", (-1, 0, 0, files.POSIX_FADV_DONTNEED)),
        ("msync", (1, 0, memory.MS_SYNC)),
        ("setrlimit", (processes.RLIMIT_CORE, 0)),
        ("prlimit64", (0, processes.RLIMIT_CORE, 1, 0)),
        ("prlimit64", (0, processes.RLIMIT_CORE, 1 << 32, 0)),
    ],
)
def test_what_would_reach_the_host_is_only_pretended(
    program: bytes, name: str, args: tuple[int, ...]
) -> None:
    call = _call(name, *args)
    assert in_child(None, call) in (errno.EBADF, errno.EFAULT, errno.EINVAL)
    assert in_child(program, call) == 0


def _starts_a_program() -> int:
    return subprocess.run(["/bin/true"], check=False).returncode


def _starts_threads() -> int:
    done = threading.Barrier(9)
    for _ in range(8):
        threading.Thread(target=done.wait, args=(10,)).start()
    done.wait(10)
    return 0


def _talks_to_itself() -> int:
    left, right = socket.socketpair()
    left.sendall(b"hello")
    return 0 if right.recv(5) == b"hello" else 1


def _listens_on_the_loopback() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname(), timeout=10) as client:
            client.sendall(b"hello")
        return 0 if server.accept()[0].recv(5) == b"hello" else 1


def _runs_a_coroutine() -> int:
    async def run() -> int:
        process = await asyncio.create_subprocess_exec("/bin/true")
        return await process.wait()

    return asyncio.run(run())


def _makes_files_of_harmless_kinds() -> int:
    with tempfile.TemporaryDirectory() as folder:
        os.mkfifo(f"{folder}/fifo")
        os.mknod(f"{folder}/file")
        os.symlink("file", f"{folder}/link")
        os.link(f"{folder}/file", f"{folder}/hard")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(f"{folder}/socket")
        os.close(os.memfd_create("memory"))
        return 0 if len(os.listdir(folder)) == 5 else 1


def _makes_code_in_memory() -> int:
    with mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC) as code:
        code.madvise(mmap.MADV_DONTNEED)
        return 0


@pytest.mark.parametrize(
    "action",
    [
        _starts_a_program,
        _starts_threads,
        _talks_to_itself,
        _listens_on_the_loopback,
        _runs_a_coroutine,
        _makes_files_of_harmless_kinds,
        _makes_code_in_memory,
    ],
)
def test_an_ordinary_program_notices_nothing(program: bytes, action: Callable[[], int]) -> None:
    assert in_child(program, action) == 0


def test_the_filter_stays_on_a_program_that_is_started(program: bytes) -> None:
    code = "import socket; socket.socket(socket.AF_PACKET)"

    def start() -> int:
        run = subprocess.run([sys.executable, "-Ic", code], stderr=subprocess.PIPE, check=False)
        return 0 if b"Address family not supported" in run.stderr else 1

    assert in_child(program, start) == 0


def test_an_x32_call_ends_the_process(program: bytes) -> None:
    if native() != X86_64:
        pytest.skip("x32 belongs to x86_64")
    getpid = ctypes.c_long(X32_BIT | 39)
    assert in_child(program, lambda: int(libc.syscall(getpid))) == -signal.SIGSYS


def test_a_32_bit_call_ends_the_process(program: bytes) -> None:
    if native() != X86_64:
        pytest.skip("int 0x80 belongs to x86")

    def call() -> int:
        with mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC) as code:
            code.write(bytes.fromhex("b814000000 cd80 c3"))  # mov eax, getpid; int 0x80; ret
            address = ctypes.addressof(ctypes.c_char.from_buffer(code))
            ctypes.CFUNCTYPE(ctypes.c_int)(address)()
            return 0

    # A kernel without 32-bit emulation answers the interrupt itself.
    assert in_child(program, call) in {-signal.SIGSYS, -signal.SIGSEGV}
