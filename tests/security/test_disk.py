"""Attacks on what a sandbox may store: bytes, files, and open files."""

from __future__ import annotations

import pytest
from tests.support import host
from tests.support.attack import answered, attack, probe, watched
from tests.support.identity import Runner

from drybox import ResourceLimits
from drybox.backends.isolation import ISOLATIONS

MIB = 1 << 20
DISK = 16 * MIB
MEMORY = 64 * MIB
LIMITS = ResourceLimits(disk=DISK)
PLACES = ("/sandbox", "/tmp", "/dev/shm", "/build")

FILL = f"""
def fill(folder):
    # Writes until the disk is full, or well above the limit; the error and the bytes written.
    written = 0
    with open(f"{{folder}}/fill", "wb", 0) as file:
        try:
            while written < {4 * DISK}:
                written += file.write(bytes(1 << 16))
        except OSError as error:
            return errno.errorcode[error.errno], written
    return "allowed", written
"""


@pytest.mark.promise("ISO-10")
@pytest.mark.parametrize("place", PLACES)
def test_disk_fill_is_contained(runner: Runner, place: str) -> None:
    problem, written = probe(runner, f"{FILL}\nanswer(fill({place!r}))", limits=LIMITS)

    assert problem == "ENOSPC"
    assert DISK // 2 < written <= DISK


@pytest.mark.promise("ISO-10")
def test_all_writable_places_together_are_bounded(runner: Runner) -> None:
    filled = probe(runner, f"{FILL}\nanswer([fill(place) for place in {PLACES!r}])", limits=LIMITS)

    disks = 1 if runner.isolation.one_disk else len(PLACES)
    assert [problem for problem, _ in filled] == ["ENOSPC"] * len(PLACES)
    assert sum(written for _, written in filled) <= disks * DISK


@pytest.mark.promise("ISO-10")
def test_nothing_else_can_be_written(runner: Runner) -> None:
    made = probe(
        runner,
        """
        made = []
        for at, folders, _ in os.walk("/"):
            if at == "/":
                folders.remove("proc")
            name = os.path.join(at, "escaped")
            if attempt(os.mkdir, name) == "allowed":
                os.rmdir(name)
                made.append(at)
            elif attempt(os.mknod, name) == "allowed":
                os.unlink(name)
                made.append(at)
            if at.count("/") > 3 or at in made:
                folders.clear()
        answer(sorted(made))
        """,
    )

    assert made == sorted(PLACES)


@pytest.mark.promise("ISO-10")
def test_no_file_of_the_host_can_be_changed(runner: Runner) -> None:
    # Each would leave the file as it is, so that a host whose isolation is broken is not harmed.
    refused = probe(
        runner,
        """
        refused = set()
        for path in ("/bin/sh", "/usr/bin/env", "/drybox-init", "/etc/passwd"):
            now = os.stat(path)
            refused |= {
                attempt(os.open, path, os.O_WRONLY),
                attempt(os.truncate, path, now.st_size),
                attempt(os.chmod, path, now.st_mode & 0o7777),
                attempt(os.chown, path, now.st_uid, now.st_gid),
                attempt(os.utime, path, ns=(now.st_atime_ns, now.st_mtime_ns)),
                attempt(os.rename, path, path),
                attempt(os.rmdir, path),
                attempt(os.removexattr, path, "user.nothing"),
                attempt(os.link, path, "/tmp/" + os.path.basename(path)),
            }
        answer(sorted(refused))
        """,
    )

    assert set(refused) <= {"EROFS", "EPERM", "EACCES", "EXDEV"}


@pytest.mark.promise("ISO-10")
@pytest.mark.parametrize(
    "make",
    [
        "os.close(os.open(name, os.O_CREAT | os.O_WRONLY))",
        "os.mkdir(name)",
        "os.symlink('nowhere', name)",
        "os.mkfifo(name)",
    ],
)
def test_inode_fill_is_contained(runner: Runner, make: str) -> None:
    flood = attack(
        f"""
        def fill():
            for index in range(1_000_000):
                name = f"{{'/tmp' if index % 2 else '/sandbox'}}/{{index}}"
                try:
                    {make}
                except OSError as error:
                    return errno.errorcode[error.errno], index
            return "allowed", 1_000_000
        answer(fill())
        """,
        limits=ResourceLimits(disk=DISK, memory=MEMORY),
    )

    result, figures = watched(runner, flood, "memory", host.memory_of)

    assert max(used for _, used in figures) <= MEMORY + runner.isolation.kernel.memory
    if not ISOLATIONS[runner.isolation.name].counts_inodes:
        assert result.status == "memory_limit"
        return
    disks = 1 if runner.isolation.one_disk else 2
    problem, count = answered(result)
    assert problem == "ENOSPC"
    assert 500 < count <= disks * DISK // 4096


@pytest.mark.promise("ISO-10")
def test_a_full_disk_does_not_keep_the_result_from_coming(runner: Runner) -> None:
    request = attack(f"{FILL}\nanswer(fill('.'))\nsys.exit(3)", limits=LIMITS, artifacts=["*.py"])

    result = runner.execute(request)

    assert (result.status, result.exit_code) == ("failed", 3)
    assert set(result.artifacts) == {"main.py"}


@pytest.mark.promise("ISO-15")
@pytest.mark.parametrize(
    "make",
    [
        "os.open('/dev/null', os.O_RDONLY)",
        "os.dup(0)",
        "os.eventfd(0)",
        "os.memfd_create('x')",
        "socket.socket(socket.AF_UNIX).detach()",
    ],
)
def test_open_files_are_bounded(runner: Runner, make: str) -> None:
    limit = 64
    problem, highest, raised = probe(
        runner,
        f"""
        import resource, socket
        raised = [
            attempt(resource.setrlimit, resource.RLIMIT_NOFILE, (wanted, wanted))
            for wanted in ({limit} + 1, resource.RLIM_INFINITY)
        ]
        def fill():
            for index in range({limit} * 10):
                try:
                    highest = {make}
                except OSError as error:
                    for fd in range(3, highest):
                        os.close(fd)
                    return errno.errorcode[error.errno], highest
            return "allowed", highest
        answer([*fill(), raised])
        """,
        limits=ResourceLimits(open_files=limit),
    )

    assert (problem, highest) == ("EMFILE", limit - 1)
    assert raised == ["not allowed to raise maximum limit"] * 2
