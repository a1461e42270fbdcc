"""System calls that a program in a sandbox must not get through with, each made by its number."""

from __future__ import annotations

import pytest
from tests.support.attack import attack, probe
from tests.support.identity import Runner

pytestmark = pytest.mark.promise("ISO-4")

REFUSED = {
    "namespaces and mounts": {
        "unshare": "0x2_0000",
        "setns": "0, 0",
        "mount": "b'none', b'/tmp', b'tmpfs', 0, None",
        "umount2": "b'/tmp', 2",
        "pivot_root": "b'/tmp', b'/tmp'",
        "chroot": "b'/tmp'",
        "fsopen": "b'tmpfs', 0",
        "fsconfig": "0, 0, None, None, 0",
        "fsmount": "0, 0, 0",
        "move_mount": "0, b'', 0, b'', 0",
        "open_tree": "-100, b'/', 1",
        "mount_setattr": "-100, b'/', 0, None, 0",
    },
    "other processes": {
        "ptrace": "16, 1, 0, 0",
        "process_vm_readv": "1, None, 0, None, 0, 0",
        "process_vm_writev": "1, None, 0, None, 0, 0",
        "process_madvise": "0, None, 0, 0, 0",
        "kcmp": "1, 1, 0, 0, 0",
        "pidfd_getfd": "0, 0, 0",
    },
    "files by handle": {
        "name_to_handle_at": "-100, b'/', None, None, 0",
        "open_by_handle_at": "0, None, 0",
        "fanotify_init": "0, 0",
    },
    "large parts of the kernel": {
        "bpf": "5, None, 0",
        "perf_event_open": "None, 0, -1, -1, 0",
        "userfaultfd": "1",
        "keyctl": "0, -3, 0",
        "add_key": "b'user', b'x', b'x', 1, -3",
        "request_key": "b'user', b'x', None, -3",
    },
    "the machine": {
        "reboot": "0xFEE1_DEAD, 672274793, 0, 0",
        "kexec_load": "0, 0, None, 0",
        "kexec_file_load": "0, 0, 0, None, 0",
        "init_module": "None, 0, b''",
        "finit_module": "0, b'', 0",
        "delete_module": "b'x', 0",
        "swapon": "b'/tmp', 0",
        "swapoff": "b'/tmp'",
        "acct": "None",
        "quotactl": "0, None, 0, None",
        "syslog": "3, None, 0",
        "vhangup": "",
        "sethostname": "b'x', 1",
        "setdomainname": "b'x', 1",
    },
    "the clock": {
        "settimeofday": "None, None",
        "clock_settime": "0, None",
        "adjtimex": "None",
        "clock_adjtime": "0, None",
    },
    "the machine's memory nodes": {
        "mbind": "None, 0, 0, None, 0, 0",
        "move_pages": "0, 0, None, None, None, 0",
    },
}

ABSENT = {
    "clone3": "None, 0",
    "io_uring_setup": "1, bytes(120)",
    "io_uring_enter": "0, 0, 0, 0, None, 0",
    "io_uring_register": "0, 0, None, 0",
    "io_setup": "1, bytes(8)",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_dangerous_system_calls_are_refused(runner: Runner, kind: str) -> None:
    calls = REFUSED[kind]
    words = ", ".join(f"{name!r}: attempt(call, {name!r}, {args})" for name, args in calls.items())

    answers = probe(runner, f"answer({{{words}}})")

    assert answers == dict.fromkeys(calls, "EPERM")


def test_system_calls_past_the_filter_do_not_exist(runner: Runner) -> None:
    words = ", ".join(f"{name!r}: attempt(call, {name!r}, {args})" for name, args in ABSENT.items())

    answers = probe(runner, f"answer({{{words}}})")

    assert answers == dict.fromkeys(ABSENT, "ENOSYS")


@pytest.mark.parametrize("kind", ["S_IFCHR", "S_IFBLK"])
def test_device_nodes_cannot_be_made(runner: Runner, kind: str) -> None:
    refused = probe(
        runner,
        f"""
        import stat
        places = ("/sandbox/x", "/tmp/x", "/dev/x", "/dev/shm/x", "/build/x")
        numbers = (os.makedev(1, 1), os.makedev(1, 3), os.makedev(254, 0))
        answer([attempt(os.mknod, place, stat.{kind} | 0o666, number)
                for place in places for number in numbers])
        """,
    )

    assert set(refused) == {"EPERM"}


def test_clock_of_the_host_cannot_be_set(runner: Runner) -> None:
    refused = probe(
        runner,
        """
        import time
        # To the time that it is, so that a host whose isolation is broken is not changed.
        answer([attempt(lambda: time.clock_settime(clock, time.clock_gettime(clock)))
                for clock in (time.CLOCK_REALTIME, time.CLOCK_MONOTONIC, time.CLOCK_TAI)])
        """,
    )

    assert refused[:2] == ["EPERM"] * 2
    assert refused[2] in ("EPERM", "EINVAL")  # not every kernel has such a clock


INT_0X80 = "b814000000cd80c3"  # mov eax, 20 (getpid); int 0x80; ret
MACHINE_CODE = """
import mmap
def run(code):
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    function = ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    answer(function())
"""


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(INT_0X80, id="int-0x80"),
        pytest.param("b8270000400f05c3", id="x32"),  # mov eax, 0x40000027 (getpid); syscall; ret
    ],
)
def test_system_calls_of_another_architecture_are_deadly(runner: Runner, code: str) -> None:
    import platform

    if platform.machine() != "x86_64":
        pytest.skip("these are instructions of x86_64")
    calls = attack(f"{MACHINE_CODE}\nrun(bytes.fromhex({code!r}))")

    result = runner.execute(calls)

    if code == INT_0X80 and not runner.isolation.kernel.other_architectures:
        # Call 20 of the only table there is, writev, of a descriptor that is none.
        assert result.status == "success"
        assert int(result.stdout) < 0
    else:
        assert (result.status, result.signal, result.stdout) == ("signaled", "SIGSYS", "")


def test_there_is_no_further_filter_and_the_first_stays(runner: Runner) -> None:
    # One instruction: allow everything.
    answers = probe(
        runner,
        """
        class Program(ctypes.Structure):
            _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]

        allow = (6).to_bytes(2, "little") + bytes(2) + (0x7FFF0000).to_bytes(4, "little")
        made = libc.prctl(22, 2, ctypes.byref(Program(1, allow)), 0, 0)
        gone = libc.prctl(22, 0, 0, 0, 0)
        answer([made, gone, attempt(call, "unshare", 0x1000_0000), attempt(call, "keyctl", 0, -3)])
        """,
    )

    assert answers == [-1, -1, "EPERM", "EPERM"]
