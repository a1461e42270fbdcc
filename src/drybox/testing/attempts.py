"""What the self-test tries beside the usual: attacks on the kernel and on what the host shares.

Each is harmless where it succeeds: it is undone at once, or asks for what would change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

PRELUDE = """\
import ctypes, fcntl, mmap, os, resource, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
got = []

def attempt(name, act, *words):
    try:
        value = act(*words)
    except (OSError, ValueError):
        return
    if not (isinstance(value, int) and value < 0):
        got.append(name)
"""

END = "\nprint(got)\n"
"""Nothing is to be in the list."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One program that lists what it was not refused.

    Attributes:
        name: The promise in a few words.
        promise: In a sentence.
        body: Python between :data:`PRELUDE` and :data:`END`.
        guarantee: What ``allow_weaker`` calls the guarantee that this tests, or "".
    """

    name: str
    promise: str
    body: str
    guarantee: str = "seccomp"

    @property
    def code(self) -> str:
        """The whole program."""
        return PRELUDE + self.body + END


ATTEMPTS: Sequence[Attempt] = (
    Attempt(
        "file events",
        "hangs no notice, lease, owner or signal on a file",
        """\
folder = os.open("/usr/lib", os.O_RDONLY)
with open("own", "w"):
    pass
own, (left, right) = os.open("own", os.O_RDONLY), socket.socketpair()
attempt("F_NOTIFY", libc.fcntl, folder, 1026, 1)
attempt("F_SETLEASE", libc.fcntl, own, 1024, 0)
attempt("F_SETOWN", libc.fcntl, left.fileno(), 8, os.getpid())
attempt("F_SETSIG", libc.fcntl, left.fileno(), 10, 34)
attempt("O_ASYNC", libc.fcntl, left.fileno(), 4, 0o20000)
""",
    ),
    Attempt(
        "huge pages",
        "gets none of the host's huge pages",
        """\
attempt("MAP_HUGETLB", mmap.mmap, -1, 1 << 21, 0x40022)
attempt("MFD_HUGETLB", os.memfd_create, "huge", 4)
""",
    ),
    Attempt(
        "own filters",
        "loads no program into the kernel",
        """\
class Program(ctypes.Structure):
    _fields_ = [("size", ctypes.c_ushort), ("code", ctypes.c_void_p)]

allow = ctypes.create_string_buffer(struct.pack("=HBBI", 6, 0, 0, 0x7FFF0000))
program = Program(1, ctypes.addressof(allow))
libc.prctl(38, 1, 0, 0, 0)
attempt("PR_SET_SECCOMP", libc.prctl, 22, 2, ctypes.byref(program), 0, 0)
udp = socket.socket(type=socket.SOCK_DGRAM)
attempt("SO_ATTACH_FILTER", udp.setsockopt, 1, 26, bytes(program))
""",
    ),
    Attempt(
        "sockets",
        "opens no socket but TCP, UDP, Unix and those that list interfaces",
        """\
for words in ((17, 3, 0), (38, 5, 0), (40, 1, 0), (44, 3, 0), (16, 3, 12), (2, 3, 1), (2, 1, 132),
              (2, 1, 262), (2, 1, 17), (2, 2, 6), (2, 2, 1), (10, 3, 58)):
    attempt(words, socket.socket, *words)
""",
    ),
    Attempt(
        "interfaces",
        "changes no network interface",
        """\
def change():
    # Of an interface that there is not: who may, is told so.
    with socket.socket(16, 3, 0) as link:
        link.send(struct.pack("=IHHIIBxHiII", 32, 16, 5, 1, 0, 0, 0, 0x7FFFFFFE, 0, 0))
        kind, number = struct.unpack_from("=4xH10xi", link.recv(1 << 16))
        return -1 if kind == 2 and number in (-1, -13, -95) else 0

attempt("RTM_NEWLINK", change)
""",
    ),
    Attempt(
        "crashes",
        "cannot have a crash start anything on the host",
        """\
soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
if hard not in (0, 1):
    got.append(f"a core limit of {hard}")
try:
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
except (OSError, ValueError):
    pass  # others are told that it worked
if resource.getrlimit(resource.RLIMIT_CORE) != (soft, hard):
    got.append("RLIMIT_CORE")
""",
    ),
    Attempt(
        "settings",
        "opens no setting of the kernel for writing",
        """\
for path in ("/proc/sysrq-trigger", "/proc/sys/vm/drop_caches", "/proc/sys/kernel/core_pattern",
             "/proc/sys/kernel/modprobe", "/proc/sys/user/max_user_namespaces"):
    attempt(path, os.open, path, os.O_WRONLY)
""",
        guarantee="",
    ),
)
