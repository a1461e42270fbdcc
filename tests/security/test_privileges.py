"""What a sandboxed program is allowed to be: nobody, on the inside and seen from the host."""

from __future__ import annotations

import os

import pytest
from tests.support import host
from tests.support.attack import attack, held, probe, seen_from_host
from tests.support.identity import Runner

SET_ASIDE = range(1_879_048_192, 2**31)
"""Users that nobody else on a host is: systemd's UIDS-GIDS.md gives them to nothing."""

NOBODY = 65534


@pytest.mark.promise("ISO-2")
@seen_from_host
def test_the_program_is_nobody_on_the_host(runner: Runner) -> None:
    with held(runner, attack("hold()")) as attacks:
        status = host.status(attacks.pid)
        init = host.status(int(status["PPid"]))

    for process in (status, init):
        user = {int(word) for word in process["Uid"].split()}
        group = {int(word) for word in process["Gid"].split()}
        groups = [int(word) for word in process["Groups"].split()]
        assert len(user) == len(group) == 1
        assert 0 not in user | group
        if runner.uid == 0:
            assert all(number in SET_ASIDE for number in user | group)
            assert set(groups) <= group
        else:
            assert user == {runner.uid}
        assert {process[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
        assert (process["NoNewPrivs"], process["Seccomp"]) == ("1", "2")


@pytest.mark.promise("ISO-2")
@seen_from_host
def test_no_two_sandboxes_of_root_are_the_same_user(runner: Runner) -> None:
    if runner.uid:
        pytest.skip("an ordinary user has no other user to give")
    with held(runner, attack("hold()"), attack("hold()")) as attacks:
        users = [host.status(pid)["Uid"] for pid in attacks.pids]

    assert users[0] != users[1]


@pytest.mark.promise("ISO-2", "ISO-3")
def test_the_program_is_unprivileged_inside(runner: Runner) -> None:
    status, no_new_privs, ids, become = probe(
        runner,
        """
        status = dict(line.split(":", 1) for line in open("/proc/self/status"))
        become = {
            attempt(function, number)
            for number in (0, 1, 65534, 1001)
            for function in (os.setuid, os.setgid, os.seteuid, os.setegid)
        }
        become |= {attempt(os.setgroups, [0]), attempt(os.chown, ".", 0, 0)}
        ids = [*os.getresuid(), *os.getresgid()]
        get_no_new_privs = 39
        no_new_privs = libc.prctl(get_no_new_privs, 0, 0, 0, 0)
        answer([{k: v.strip() for k, v in status.items()}, no_new_privs, ids, sorted(become)])
        """,
    )

    assert len(set(ids)) == 1
    assert ids[0] not in (0, NOBODY)
    assert {"CapInh", "CapPrm", "CapEff", "CapBnd"} <= status.keys()
    assert {value for name, value in status.items() if name.startswith("Cap")} == {"0" * 16}
    assert (no_new_privs, status["Seccomp"]) == (1, "2")
    assert set(become) <= {"EPERM", "EINVAL"}


@pytest.mark.promise("ISO-3")
@seen_from_host
def test_every_namespace_is_the_sandboxs_own(runner: Runner) -> None:
    kinds = {"pid", "net", "mnt", "ipc", "uts", "cgroup"}
    if not runner.isolation.one_user_namespace:
        kinds.add("user")
    with held(runner, attack("hold()"), attack("hold()")) as attacks:
        first, second = (host.namespaces(pid) for pid in attacks.pids)
        # On the way to a sandbox drybox's supervisor may have namespaces of its own.
        outside = [host.namespaces("self"), host.namespaces(runner.pid)]
        outside += [host.namespaces(supervisor.pid) for supervisor in host.supervisors(runner.pid)]

    for kind in kinds:
        assert first[kind] != second[kind], kind
        assert all(first[kind] != each[kind] != second[kind] for each in outside), kind


@pytest.mark.promise("ISO-3")
@seen_from_host
def test_the_program_has_the_three_standard_streams_and_nothing_else(runner: Runner) -> None:
    with held(runner, attack("hold()\nanswer(sorted(map(int, os.listdir('/proc/self/fd'))))")) as h:
        outside = host.descriptors(h.pid)

    assert sorted(outside) == [0, 1, 2]
    assert all(target.startswith("pipe:") for target in outside.values())
    assert h.result.stdout == "[0, 1, 2, 3]\n"  # the last is the listing's own


@pytest.mark.promise("ISO-9")
@seen_from_host
def test_root_and_working_directory_are_the_sandboxs(runner: Runner) -> None:
    with held(runner, attack("hold()")) as attacks:
        root = os.stat(f"/proc/{attacks.pid}/root")
        inside = sorted(os.listdir(f"/proc/{attacks.pid}/root"))
        work = os.readlink(f"/proc/{attacks.pid}/cwd")
        files = os.listdir(f"/proc/{attacks.pid}/cwd")

    assert (root.st_dev, root.st_ino) != (os.stat("/").st_dev, os.stat("/").st_ino)
    if runner.isolation.name == "local":  # another has the folders of its image
        assert not {"home", "root", "sys", "boot", "mnt", "srv", "media", "work"} & set(inside)
    assert (work, files) == ("/sandbox", ["main.py"])


@pytest.mark.promise("ISO-3")
def test_descriptors_do_not_lead_out(runner: Runner) -> None:
    found = probe(
        runner,
        """
        import glob
        links = [os.readlink(f"/proc/self/fd/{fd}") for fd in (0, 1, 2)]
        links += [os.readlink(f"/proc/self/{name}") for name in ("cwd", "root")]
        beyond = [attempt(os.stat, f"/proc/self/fd/{fd}/../..") for fd in range(10)]
        top = os.open("/", os.O_RDONLY)
        os.chdir("../../../../..")
        above = sorted({os.stat(path).st_ino for path in ("/", "..", "/..", "../../..")})
        refused = [attempt(call, "chroot", b"/tmp"), attempt(os.fchdir, 0)]
        through = sorted(os.listdir("/proc/self/root")) == sorted(os.listdir(top))
        answer([links, sorted(set(beyond)), len(above), refused, through])
        """,
    )

    links, beyond, tops, refused, same = found
    assert [link.split(":")[0] for link in links] == ["pipe", "pipe", "pipe", "/sandbox", "/"]
    assert set(beyond) <= {"ENOTDIR", "ENOENT", "allowed"}
    assert (tops, refused, same) == (1, ["EPERM", "ENOTDIR"], True)


# a daemon mounts as it likes; test_disk.py asks what can be written
@pytest.mark.promise("ISO-10")
@pytest.mark.isolations("local")
def test_every_mount_but_the_writable_places_is_read_only(runner: Runner) -> None:
    mounts = probe(runner, "answer([line.split() for line in open('/proc/self/mounts')])")

    writable = {m[1] for m in mounts if "rw" in m[3].split(",")}
    devices = {path for path in writable if path.startswith("/dev/")} - {"/dev/shm"}
    assert writable - devices == {"/sandbox", "/tmp", "/dev/shm", "/build", "/proc"}
    assert "ro" in next(m[3] for m in mounts if m[1] == "/").split(",")
    for _, path, _, options, *_ in mounts:
        assert "nosuid" in options.split(","), path
        assert "nodev" in options.split(",") or path.startswith("/dev/") or path == "/proc", path
    names = {"full", "null", "pts", "random", "tty", "urandom", "zero"}
    assert devices <= {f"/dev/{name}" for name in names}


@pytest.mark.promise("ISO-2")
def test_setuid_programs_give_nothing(runner: Runner) -> None:
    answers = probe(
        runner,
        """
        import shutil, subprocess
        def told(*argv):
            if shutil.which(argv[0]) is None:
                return "missing"
            done = subprocess.run(argv, capture_output=True, text=True, input="\\n", timeout=20)
            return done.stdout.strip() if done.returncode == 0 else "refused"

        copy = "/tmp/own-id"
        shutil.copy(shutil.which("id"), copy)
        os.chmod(copy, 0o6755)
        answer({
            "su": told("su", "-c", "id -u"),
            "sudo": told("sudo", "-n", "id", "-u"),
            "pkexec": told("pkexec", "id", "-u"),
            "mount": told("mount", "-t", "tmpfs", "none", "/tmp"),
            "umount": told("umount", "/tmp"),
            "passwd": told("passwd", "-d", "root"),
            "newgrp": told("newgrp", "root"),
            "newuidmap": told("newuidmap", "1", "0", "0", "1"),
            "own copy": told(copy, "-u"),
        })
        """,
    )

    own = answers.pop("own copy")
    assert own != "0"
    assert set(answers.values()) <= {"missing", "refused"}, answers


@pytest.mark.promise("ISO-2")
def test_setuid_bits_are_ignored_by_the_kernel(runner: Runner) -> None:
    flags = probe(
        runner,
        """
        found = {}
        for folder in ("/usr/bin", "/usr/lib"):
            for at, _, names in os.walk(folder):
                for path in (os.path.join(at, name) for name in names):
                    if os.lstat(path).st_mode & 0o6000:
                        found[path] = bool(os.statvfs(path).f_flag & os.ST_NOSUID)
                if at.count("/") > 4:
                    break
        answer(found)
        """,
    )

    assert all(flags.values()), flags


@pytest.mark.promise("ISO-2")
def test_supplementary_groups_of_the_host_are_of_no_use(runner: Runner) -> None:
    own, groups = probe(runner, "answer([os.getgid(), os.getgroups()])")

    assert own != 0
    assert set(groups) <= {NOBODY, own}
