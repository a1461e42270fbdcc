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
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import pytest

from drybox.guest import seccomp
from drybox.guest import seccomp_policy as policy
from drybox.guest.seccomp import SeccompUnavailable, filter_program

X86_64 = 0xC000_003E
AARCH64 = 0xC000_00B7
I386 = 0x4000_0003
ARM = 0x4000_0028
X32_BIT = 0x4000_0000

KILL_PROCESS = 0x8000_0000
ALLOWED = 0x7FFF_0000
FAILED = 0x0005_0000

AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
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


def _named() -> list[tuple[str, policy.Verdict]]:
    return list(seccomp._verdicts())


def _switches(verdict: policy.Verdict) -> Iterator[policy.Switch]:
    if isinstance(verdict, policy.Switch):
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


@pytest.mark.parametrize("name", policy.GUARDED)
def test_a_guard_can_be_written_as_rules(name: str) -> None:
    for switch in _switches(policy.GUARDED[name]):
        assert 0 <= switch.mask <= 0xFFFF_FFFF
        assert all(value & switch.mask == value for value in switch.cases)
        for branch in (*switch.cases.values(), switch.otherwise):
            # libseccomp compares an argument at most once in a rule.
            assert switch.arg not in {below.arg for below in _switches(branch)}


def test_a_namespace_flag_cannot_hide_in_the_exit_signal() -> None:
    flags = [*policy.CLONE_NAMESPACES.values(), policy.CLONE_PARENT]
    assert all(flag.bit_count() == 1 and flag > 0xFF for flag in flags)
    assert policy.GUARDED["clone"].mask == sum(flags)


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
            case 0x25:
                position += if_true if accumulator > constant else if_false
            case 0x35:
                position += if_true if accumulator >= constant else if_false
            case 0x06:  # return
                return constant
            case _:
                raise AssertionError(f"instruction {code:#x} is not expected")


def _decide(verdict: policy.Verdict, args: tuple[int, ...]) -> int:
    """What the policy says to a call, without the detour through rules."""
    if isinstance(verdict, policy.Switch):
        value = args[verdict.arg] & verdict.mask
        return _decide(verdict.cases.get(value, verdict.otherwise), args)
    return ALLOWED if verdict == policy.ALLOW else FAILED | verdict


def _arguments(guard: policy.Switch) -> Iterator[tuple[int, ...]]:
    """Arguments on and around every edge of a guard, also with rubbish in the unused half."""
    chance = random.Random(20)
    edges: dict[int, set[int]] = {}
    for switch in _switches(guard):
        around = edges.setdefault(switch.arg, {0, 1, 0x7FFF_FFFF, 0xFFFF_FFFF})
        for value in switch.cases:
            around |= {value, value + 1, (value - 1) & 0xFFFF_FFFF}
            around |= {value ^ 1 << bit for bit in range(32)}
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
            yield tuple(each | chance.getrandbits(32) << 32 for each in args)


@pytest.mark.parametrize("arch", [X86_64, AARCH64], ids=["x86_64", "aarch64"])
def test_the_program_says_what_the_policy_says(library: seccomp._Library, arch: int) -> None:
    program = seccomp._compile(library, arch)
    checked = 0
    for name, verdict in _named():
        if not library.knows(name, arch):
            continue
        number = library.number(name, arch)
        for args in _arguments(verdict) if isinstance(verdict, policy.Switch) else [(0,) * 6]:
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
    assert len(program) // 8 < 2048
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


def _names(tables: Iterable[str]) -> list[str]:
    return " ".join(tables).split()


# Nothing is called before the filter is on, and -1 for every argument is a second precaution.
@pytest.mark.parametrize("name", _names(policy.REFUSED.values()))
def test_a_dangerous_call_is_refused(program: bytes, library: seccomp._Library, name: str) -> None:
    unknown = name in NEWEST and not library.knows(name, _native())
    expected = errno.ENOSYS if unknown else errno.EPERM
    assert _in_child(program, _call(name, *[-1] * 6)) == expected


@pytest.mark.parametrize("name", _names(policy.ABSENT.values()))
def test_an_absent_call_looks_like_an_old_kernel(program: bytes, name: str) -> None:
    assert _in_child(program, _call(name, *[-1] * 6)) == errno.ENOSYS


FOREIGN_FAMILIES = _table("""
    AF_UNSPEC=0 AF_AX25=3 AF_IPX=4 AF_NETLINK=16 AF_PACKET=17 AF_RDS=21 AF_PPPOX=24 AF_CAN=29
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


def _refusals() -> Iterator[tuple[str, str, tuple[int, ...], int]]:
    for name, flag in {**policy.CLONE_NAMESPACES, "CLONE_PARENT": policy.CLONE_PARENT}.items():
        yield name, "clone", (flag | signal.SIGCHLD, 0, 0, 0, 0), errno.EPERM
    for name, number in policy.TERMINAL_IOCTLS.items():
        yield name, "ioctl", (0, number, 0), errno.EPERM
        yield f"{name}-high-bits", "ioctl", (0, number | 1 << 32, 0), errno.EPERM
        yield f"{name}-signed", "ioctl", (0, number | -1 << 32, 0), errno.EPERM
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
    yield "inet-pair", "socketpair", (AF_INET, STREAM, 0, -1), errno.EAFNOSUPPORT
    for name, number in policy.SOCKET_FILTERS.items():
        yield name, "setsockopt", (-1, policy.SOL_SOCKET, number, 0, 0), errno.EPERM
    yield "TCP_ULP", "setsockopt", (-1, policy.SOL_TCP, policy.TCP_ULP, 0, 0), errno.EPERM
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
    yield "MADV_MERGEABLE", "madvise", (0, 0, policy.MADV_MERGEABLE), errno.EINVAL
    yield "NEW_LISTENER", "seccomp", (1, policy.SECCOMP_NEW_LISTENER, 0), errno.EINVAL


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
    ("ioctl", (-1, -1 << 31 | 0x5411, 0)),
    ("setsockopt", (-1, policy.SOL_SOCKET, 2, 0, 0)),
    ("setsockopt", (-1, policy.SOL_TCP, 1, 0, 0)),
    ("sendto", (-1, 0, 0, 0x4000, 0, 0)),
    ("personality", (0xFFFF_FFFF,)),
    ("prctl", (15, 0)),
    ("seccomp", (1, 0, 0)),
    ("landlock_restrict_self", (-1, 0)),
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


def test_flushing_the_hosts_file_systems_is_only_pretended(program: bytes) -> None:
    no_such_file = _call("syncfs", -1)
    assert _in_child(None, no_such_file) == errno.EBADF
    assert _in_child(program, no_such_file) == 0


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
    code = "import socket; socket.socket(socket.AF_NETLINK)"

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
