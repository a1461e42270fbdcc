"""The system-call filter: its data, the compiled program run by hand, and the kernel's answers."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import functools
import itertools
import mmap
import os
import random
import runpy
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from drybox.guest.seccomp import bpf, files, memory, policy, processes, sockets
from drybox.guest.seccomp import filter as seccomp
from drybox.guest.seccomp.filter import SeccompUnavailable, filter_program
from drybox.guest.seccomp.verdicts import Group, Switch

pytestmark = pytest.mark.promise("ISO-4")

ROOT = Path(__file__).resolve().parents[4]

X86_64 = 0xC000_003E
AARCH64 = 0xC000_00B7
I386 = 0x4000_0003
ARM = 0x4000_0028
X32_BIT = 0x4000_0000

KILL_PROCESS = 0x8000_0000
ALLOWED = 0x7FFF_0000
FAILED = 0x0005_0000

AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
STREAM, DATAGRAM, RAW = 1, 2, 3


def _table(text: str) -> dict[str, int]:
    return {name: int(number, 0) for name, number in (each.split("=") for each in text.split())}


# Not known to libseccomp before 2.6; their numbers are the same everywhere.
NEWEST = _table("""
    statmount=457 listmount=458 lsm_get_self_attr=459 lsm_set_self_attr=460 lsm_list_modules=461
    mseal=462 setxattrat=463 getxattrat=464 listxattrat=465 removexattrat=466 open_tree_attr=467
    file_getattr=468 file_setattr=469
""")


@pytest.fixture(scope="session")
def library() -> seccomp._Library:
    try:
        return seccomp._Library()
    except SeccompUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def program() -> bytes:
    try:
        return filter_program()
    except SeccompUnavailable as error:
        pytest.skip(str(error))


# --- The policy as data --------------------------------------------------------------------------


def _named(arch: int = X86_64) -> list[tuple[str, policy.Verdict]]:
    return list(seccomp.verdicts(arch))


GUARDED = policy.guarded("x86_64")


def _switches(verdict: policy.Verdict) -> Iterator[Switch]:
    if isinstance(verdict, Switch):
        yield verdict
        for branch in (*verdict.cases.values(), verdict.otherwise):
            yield from _switches(branch)


def test_no_system_call_stands_on_the_page_twice() -> None:
    counts = Counter(name for name, _ in _named())
    assert [name for name, count in counts.items() if count > 1] == []


def test_every_name_is_a_system_call(library: seccomp._Library) -> None:
    unknown = {name for name, _ in _named() if not library.knows(name, X86_64)}
    if library.version < (2, 5, 4):
        pytest.skip("libseccomp is older than many of the names")
    assert unknown <= {*NEWEST, "uprobe", "uretprobe"}


def test_every_system_call_up_to_linux_6_8_is_decided(library: seccomp._Library) -> None:
    name_of = library._dll.seccomp_syscall_resolve_num_arch
    name_of.argtypes, name_of.restype = (ctypes.c_uint32, ctypes.c_int), ctypes.c_char_p
    known = {name.decode() for number in range(462) if (name := name_of(X86_64, number))}
    assert len(known) > 300
    assert known - {name for name, _ in _named()} == set()


@pytest.mark.parametrize("name", GUARDED)
def test_a_guard_means_what_it_says(name: str) -> None:
    for switch in _switches(GUARDED[name]):
        assert 0 <= switch.mask <= 0xFFFF_FFFF
        assert all(value & switch.mask == value for value in switch.cases)
        assert all(0 <= arg <= 5 for arg in (switch.arg,))
        named = set(switch.names.values())
        if switch.flags:
            union = sum(named)
            assert (
                union == {"without": switch.mask, "only": 0xFFFF_FFFF ^ switch.mask}[switch.flags]
            )
        else:
            assert set(switch.cases) <= named, "a value without a name"


def test_a_namespace_flag_cannot_hide_in_the_exit_signal() -> None:
    flags = [*processes.CLONE_NAMESPACES.values(), processes.CLONE_PARENT]
    assert all(flag.bit_count() == 1 and flag > 0xFF for flag in flags)
    assert GUARDED["clone"].mask == sum(flags)


def test_a_long_program_jumps_as_far_as_it_has_to() -> None:
    chance = random.Random(7)
    answers = [errno.EPERM, errno.EINVAL, errno.ENOTTY, policy.ALLOW]
    verdicts: dict[int, policy.Verdict] = {}
    for number in range(0, 900, 2):
        cases: dict[int, policy.Verdict] = {
            chance.getrandbits(32): chance.choice(answers) for _ in range(chance.randrange(5))
        }
        verdicts[number] = Switch(chance.randrange(6), cases, chance.choice(answers))
    program = bpf.program(X86_64, verdicts, policy.DEFAULT)
    assert any(code == 0x05 for code, *_ in _decode(program)), "no far jump was needed"
    for number, verdict in verdicts.items():
        assert isinstance(verdict, Switch)
        for args in _arguments(verdict):
            assert _run(program, number, args) == _decide(verdict, args)
        assert _run(program, number + 1) == FAILED | policy.DEFAULT


def test_the_reference_page_is_what_the_policy_says() -> None:
    wanted = runpy.run_path(str(ROOT / "docs/reference/system_calls.py"))["page"]()
    page = (ROOT / "docs/reference/system_calls.md").read_text()
    assert page == wanted, "it is stale: run './dev docs'"
    for name, _ in _named():
        assert f"`{name}`" in page


# --- The program, run by hand --------------------------------------------------------------------


@functools.cache
def _decode(program: bytes) -> tuple[tuple[int, int, int, int], ...]:
    return tuple((c, t, f, k) for c, t, f, k in struct.iter_unpack("=HBBI", program))


def _run(program: bytes, number: int, args: tuple[int, ...] = (), arch: int = X86_64) -> int:
    """What the program answers to a call: an interpreter of the few instructions in use."""
    words = [arg & 0xFFFF_FFFF_FFFF_FFFF for arg in (*args, *[0] * 6)[:6]]
    data = struct.pack("=IIQ6Q", number, arch, 0, *words)
    instructions = _decode(program)
    accumulator = position = 0
    while True:
        code, if_true, if_false, constant = instructions[position]
        position += 1
        match code:
            case 0x20:  # load
                (accumulator,) = struct.unpack_from("=I", data, constant)
            case 0x54:  # and
                accumulator &= constant
            case 0x05:  # jump
                position += constant
            case 0x15:
                position += if_true if accumulator == constant else if_false
            case 0x35:
                position += if_true if accumulator >= constant else if_false
            case 0x06:  # return
                return constant
            case _:
                raise AssertionError(f"instruction {code:#x} is not expected")


def _decide(verdict: policy.Verdict, args: tuple[int, ...]) -> int:
    """What the policy says to a call, without the detour through rules."""
    if isinstance(verdict, Switch):
        value = args[verdict.arg] >> 32 * verdict.high & verdict.mask
        return _decide(verdict.cases.get(value, verdict.otherwise), args)
    return ALLOWED if verdict == policy.ALLOW else FAILED | verdict


def _arguments(guard: Switch) -> Iterator[tuple[int, ...]]:
    """Arguments on and around every edge of a guard, also with rubbish in the unused half."""
    chance = random.Random(20)
    edges: dict[int, set[int]] = {}
    high = any(switch.high for switch in _switches(guard))
    for switch in _switches(guard):
        around = edges.setdefault(switch.arg, {0, 1, 0x7FFF_FFFF, 0xFFFF_FFFF})
        for value in switch.cases:
            around |= {value, value + 1, (value - 1) & 0xFFFF_FFFF}
            around |= {value ^ 1 << bit for bit in range(64 if high else 32)}
        around |= {chance.getrandbits(32) for _ in range(50)}
    allowed = {switch.arg: [*switch.cases] for switch in _switches(guard)}
    for arg, values in edges.items():
        # One argument goes along all its edges while the others have values that count.
        others = [allowed[each] if each != arg else [0] for each in sorted(allowed)]
        for value, rest in itertools.product(sorted(values), itertools.product(*others)):
            args = [0] * 6
            for each, other in zip(sorted(allowed), rest, strict=True):
                args[each] = other
            args[arg] = value
            yield tuple(args)
            if high:
                continue
            yield tuple(each | chance.getrandbits(32) << 32 for each in args)


@pytest.mark.parametrize("arch", [X86_64, AARCH64], ids=["x86_64", "aarch64"])
def test_the_program_says_what_the_policy_says(library: seccomp._Library, arch: int) -> None:
    program = seccomp._compile(library, arch)
    checked = 0
    for name, verdict in _named(arch):
        if not library.knows(name, arch):
            continue
        number = library.number(name, arch)
        for args in _arguments(verdict) if isinstance(verdict, Switch) else [(0,) * 6]:
            assert _run(program, number, args, arch) == _decide(verdict, args), (name, args)
            checked += 1
    assert checked > 5000


@pytest.mark.parametrize("number", [470, 1000, 0x3FFF_FFFF, 0xFFFF_FFFF])
def test_a_call_that_is_not_invented_yet_is_absent(program: bytes, number: int) -> None:
    assert _run(program, number, arch=_native()) == FAILED | errno.ENOSYS


@pytest.mark.parametrize(
    ("arch", "foreign"), [(X86_64, I386), (X86_64, AARCH64), (AARCH64, ARM), (AARCH64, X86_64)]
)
def test_another_architecture_is_killed(library: seccomp._Library, arch: int, foreign: int) -> None:
    program = seccomp._compile(library, arch)
    assert {_run(program, number, arch=foreign) for number in range(500)} == {KILL_PROCESS}


def test_x32_is_killed(library: seccomp._Library) -> None:
    program = seccomp._compile(library, X86_64)
    answers = {_run(program, X32_BIT | number) for number in range(600)}
    assert answers == {KILL_PROCESS}


def test_the_program_is_small_and_made_once(program: bytes) -> None:
    assert len(program) % 8 == 0
    assert len(program) // 8 < 1024
    assert filter_program() is program


# --- The kernel's answers ------------------------------------------------------------------------

_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _native() -> int:
    return seccomp._Library().native_architecture()


def _install(program: bytes) -> None:
    if _libc.prctl(38, 1, 0, 0, 0) != 0:  # PR_SET_NO_NEW_PRIVS
        raise OSError(ctypes.get_errno(), "no_new_privs")
    header = _Program(len(program) // 8, program)
    if _libc.prctl(22, 2, ctypes.byref(header)) != 0:  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
        raise OSError(ctypes.get_errno(), "seccomp")


def _in_child(program: bytes | None, action: Callable[[], int]) -> int:
    """Runs the action under the filter; its number, or minus the signal that it died of."""
    child = os.fork()
    if child == 0:
        result = 255
        try:
            if program is not None:
                _install(program)
            result = action()
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(result)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _call(name: str, *args: int) -> Callable[[], int]:
    """Makes the system call; the result is its errno, 0 for success."""
    number = seccomp._Library().number(name, _native())
    number = NEWEST.get(name, number) if number < 0 else number
    if number < 0:
        pytest.skip(f"this architecture has no {name}")

    def call() -> int:
        words = (ctypes.c_long(arg) for arg in args)
        return ctypes.get_errno() if _libc.syscall(ctypes.c_long(number), *words) < 0 else 0

    return call


def _names(groups: Iterable[Group]) -> list[str]:
    return " ".join(group.calls for group in groups).split()


# Nothing is called before the filter is on, and -1 for every argument is a second precaution.
@pytest.mark.parametrize("name", _names(policy.REFUSED))
def test_a_dangerous_call_is_refused(program: bytes, library: seccomp._Library, name: str) -> None:
    unknown = name in NEWEST and not library.knows(name, _native())
    expected = errno.ENOSYS if unknown else errno.EPERM
    assert _in_child(program, _call(name, *[-1] * 6)) == expected


@pytest.mark.parametrize("name", _names(policy.ABSENT))
def test_an_absent_call_looks_like_an_old_kernel(program: bytes, name: str) -> None:
    assert _in_child(program, _call(name, *[-1] * 6)) == errno.ENOSYS


FOREIGN_FAMILIES = _table("""
    AF_UNSPEC=0 AF_AX25=3 AF_IPX=4 AF_PACKET=17 AF_RDS=21 AF_PPPOX=24 AF_CAN=29
    AF_TIPC=30 AF_BLUETOOTH=31 AF_RXRPC=33 AF_ALG=38 AF_NFC=39 AF_VSOCK=40 AF_KCM=41
    AF_QIPCRTR=42 AF_SMC=43 AF_XDP=44 AF_MCTP=45 beyond=0xffffffff
""")
FOREIGN_PROTOCOLS = _table("icmp=1 dccp=33 l2tp=115 sctp=132 udplite=136 raw=255 mptcp=262")
FOREIGN_TYPES = _table("rdm=4 seqpacket=5 dccp=6 packet=10")
FOREIGN_PERSONALITIES = _table("READ_IMPLIES_EXEC=0x400000 MMAP_PAGE_ZERO=0x100000 PER_BSD=6")
FOREIGN_OPTIONS = _table("""
    PR_TASK_PERF_EVENTS_DISABLE=31 PR_SET_MM=35 PR_SET_SPECULATION_CTRL=53 PR_SCHED_CORE=62
    PR_SET_SYSCALL_USER_DISPATCH=59 PR_SET_MEMORY_MERGE=67 PR_SET_VMA=0x53564d41
    PR_SET_PTRACER=0x59616d61
""")
CLOEXEC = 0o2000000


# Everything of the kinds that hang on to shared inodes, fill pools of the host, or signal others.
FOREIGN_COMMANDS = _table("""
    F_SETOWN=8 F_SETSIG=10 F_GETSIG=11 F_SETOWN_EX=15 F_GETOWN_EX=16 F_GETOWNER_UIDS=17
    F_SETLEASE=1024 F_GETLEASE=1025 F_NOTIFY=1026 F_CANCELLK=1029 F_GET_RW_HINT=1035
    F_SET_RW_HINT=1036 F_GET_FILE_RW_HINT=1037 F_SET_FILE_RW_HINT=1038 F_GETDELEG=1039
    F_SETDELEG=1040 unknown=2000
""")
FOREIGN_REQUESTS = _table("""
    FIOASYNC=0x5452 FIOSETOWN=0x8901 SIOCSPGRP=0x8902 FIOGETOWN=0x8903 SIOCGSTAMP=0x8906
    SIOCGSTAMPNS=0x8907 FIBMAP=1 FS_IOC_FIEMAP=0xc020660b FIFREEZE=0xc0045877 FITRIM=0xc0185879
    FS_IOC_GETFLAGS=0x80086601 FS_IOC_SETFLAGS=0x40086602 TIOCCONS=0x541d TIOCSIG=0x40045436
    NS_GET_USERNS=0xb701 PIDFD_GET_PID_NAMESPACE=0xff05 EPIOCSPARAMS=0x40088a01
    IOC_WATCH_QUEUE_SET_SIZE=0x5760 BTRFS_IOC_SNAP_CREATE=0x50009401 SIOCSIFFLAGS=0x8914
    SIOCADDRT=0x890b PAGEMAP_SCAN=0xc0606610 BLKDISCARD=0x1277 none=0 beyond=0xffffffff
""")
FOREIGN_ADVICE = _table("""
    MADV_MERGEABLE=12 MADV_COLD=20 MADV_PAGEOUT=21 MADV_COLLAPSE=25 MADV_HWPOISON=100
    MADV_SOFT_OFFLINE=101
""")
# By level, then name.
FOREIGN_SOCKET_OPTIONS = {
    1: _table("""
        SO_DEBUG=1 SO_ATTACH_FILTER=26 SO_TIMESTAMP=29 SO_SNDBUFFORCE=32 SO_RCVBUFFORCE=33
        SO_TIMESTAMPNS=35 SO_MARK=36 SO_TIMESTAMPING=37 SO_BUSY_POLL=46 SO_ATTACH_BPF=50
        SO_ATTACH_REUSEPORT_CBPF=51 SO_ATTACH_REUSEPORT_EBPF=52 SO_ZEROCOPY=60 SO_TXTIME=61
        SO_TIMESTAMP_NEW=63 SO_TIMESTAMPNS_NEW=64 SO_TIMESTAMPING_NEW=65 SO_RESERVE_MEM=73
        SO_DEVMEM_DONTNEED=80
    """),
    0: _table("IP_HDRINCL=3 IP_OPTIONS=4 IP_IPSEC_POLICY=16 IP_MINTTL=21 IPT_SO_SET_REPLACE=64"),
    6: _table("TCP_MD5SIG=14 TCP_REPAIR=19 TCP_ULP=31 TCP_MD5SIG_EXT=32 TCP_TX_DELAY=37 AO=38"),
    17: _table("UDP_ENCAP=100 UDP_NO_CHECK6_TX=101 UDP_GRO=104"),
    41: _table("IPV6_ADDRFORM=1 JOIN_ANYCAST=27 FLOWLABEL_MGR=32 RTHDR=57 MINHOPCOUNT=73 IP6T=64"),
    270: _table("NETLINK_ADD_MEMBERSHIP=1 NETLINK_NO_ENOBUFS=5 NETLINK_LISTEN_ALL_NSID=8"),
    132: _table("SCTP_INITMSG=2"),
    255: _table("SOL_RAW_ICMP_FILTER=1"),
    0xFFFF: _table("beyond=1"),
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
    for name, flag in _table("RWF_HIPRI=1 RWF_NOWAIT=8 RWF_ATOMIC=64 RWF_DONTCACHE=128").items():
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
    for name, number in _table("GLOBAL=1 GLOBAL_EXPEDITED=2 REGISTER_GLOBAL=4").items():
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
    for name, number in _table("SCHED_FIFO=1 SCHED_RR=2 DEADLINE=6 EXT=7").items():
        yield name, "sched_setscheduler", (0, number, 0), errno.EPERM
    yield "FIFO-reset", "sched_setscheduler", (0, 0x4000_0001, 0), errno.EPERM
    for name, number in _table("ARCH_SET_CPUID=0x1012 ARCH_REQ_XCOMP_GUEST_PERM=0x1025").items():
        yield name, "arch_prctl", (number, 0), errno.EINVAL


@pytest.mark.parametrize(
    ("name", "args", "expected"), [pytest.param(*case, id=label) for label, *case in _refusals()]
)
def test_a_dangerous_argument_is_refused(
    program: bytes, name: str, args: tuple[int, ...], expected: int
) -> None:
    assert _in_child(program, _call(name, *args)) == expected


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
    assert _in_child(program, call) == _in_child(None, call)


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
    assert _in_child(None, call) in (errno.EBADF, errno.EFAULT, errno.EINVAL)
    assert _in_child(program, call) == 0


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
    assert _in_child(program, action) == 0


def test_the_filter_stays_on_a_program_that_is_started(program: bytes) -> None:
    code = "import socket; socket.socket(socket.AF_PACKET)"

    def start() -> int:
        run = subprocess.run([sys.executable, "-Ic", code], stderr=subprocess.PIPE, check=False)
        return 0 if b"Address family not supported" in run.stderr else 1

    assert _in_child(program, start) == 0


def test_an_x32_call_ends_the_process(program: bytes) -> None:
    if _native() != X86_64:
        pytest.skip("x32 belongs to x86_64")
    getpid = ctypes.c_long(X32_BIT | 39)
    assert _in_child(program, lambda: int(_libc.syscall(getpid))) == -signal.SIGSYS


def test_a_32_bit_call_ends_the_process(program: bytes) -> None:
    if _native() != X86_64:
        pytest.skip("int 0x80 belongs to x86")

    def call() -> int:
        with mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC) as code:
            code.write(bytes.fromhex("b814000000 cd80 c3"))  # mov eax, getpid; int 0x80; ret
            address = ctypes.addressof(ctypes.c_char.from_buffer(code))
            ctypes.CFUNCTYPE(ctypes.c_int)(address)()
            return 0

    # A kernel without 32-bit emulation answers the interrupt itself.
    assert _in_child(program, call) in {-signal.SIGSYS, -signal.SIGSEGV}


# --- Where no filter can be had ------------------------------------------------------------------


def test_a_missing_library_is_named_with_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp, "_LIBRARY", "libseccomp-that-nobody-has.so.2")
    with pytest.raises(SeccompUnavailable, match="cannot be loaded") as caught:
        filter_program.__wrapped__()
    assert "apt install libseccomp2" in caught.value.hint
    assert "dnf install libseccomp" in str(caught.value)


@pytest.mark.usefixtures("library")
def test_an_old_library_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp, "_OLDEST", (99, 0, 0))
    with pytest.raises(SeccompUnavailable, match="is too old; drybox needs 99"):
        filter_program.__wrapped__()


@pytest.mark.usefixtures("library")
def test_an_unreviewed_architecture_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp, "_REVIEWED", {})
    with pytest.raises(SeccompUnavailable, match="not for"):
        filter_program.__wrapped__()


def test_a_kernel_without_filters_is_refused(library: seccomp._Library) -> None:
    prctl = library.number("prctl", _native())
    no_filters = b"".join(
        struct.pack("=HBBI", *instruction)
        for instruction in (
            (0x20, 0, 0, 0),
            (0x15, 0, 3, prctl),
            (0x20, 0, 0, 16),
            (0x15, 0, 1, 22),
            (0x06, 0, 0, FAILED | errno.EINVAL),
            (0x06, 0, 0, ALLOWED),
        )
    )

    def ask() -> int:
        try:
            filter_program.__wrapped__()
        except SeccompUnavailable as error:
            return 0 if "CONFIG_SECCOMP_FILTER" in error.hint else 1
        return 2

    assert _in_child(no_filters, ask) == 0
