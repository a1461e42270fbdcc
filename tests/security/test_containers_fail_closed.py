"""Container isolations that lack something: refused, unless told to do without."""

from __future__ import annotations

import json
import subprocess
import sys
from textwrap import dedent

import pytest
from tests.support.attack import run_as
from tests.support.identity import Runner

pytestmark = [pytest.mark.isolations("docker", "gvisor"), pytest.mark.promise("CON-6")]

DRYBOX_FAILED = 125

MAIN = "\nimport sys\nfrom drybox.cli import main\nsys.exit(main())\n"

NO_LIBSECCOMP = """
from drybox.guest.seccomp import filter as seccomp
seccomp._LIBRARY = "libseccomp-of-no-host.so.2"
"""

# A daemon may be on a machine of any kind; what it says of itself is all that drybox knows.
DAEMON_SAYS = """
from drybox.backends.docker.daemon import Daemon
made = Daemon.__init__
def init(self, host=None):
    made(self, host)
    self.info = {{**self.info, {0!r}: {1!r}}}
Daemon.__init__ = init
"""

PROGRAM = "print('ran')"


def run(runner: Runner, change: str, *words: str) -> subprocess.CompletedProcess[str]:
    """``drybox run`` with the isolation, with one thing changed before."""
    argv = [
        sys.executable,
        "-c",
        dedent(change) + MAIN,
        "run",
        "--isolation",
        runner.isolation.name,
    ]
    return run_as(runner, [*argv, "-l", "python", "-c", PROGRAM, *words])


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """It said no, why, and what to do; and nothing ran."""
    assert (done.returncode, done.stdout) == (DRYBOX_FAILED, ""), done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_without_libseccomp_nothing_runs(runner: Runner) -> None:
    done = run(runner, NO_LIBSECCOMP)

    assert_refused(done, "libseccomp", "install", "--allow-weaker seccomp")


def test_without_libseccomp_it_runs_on_request_and_says_so(runner: Runner) -> None:
    done = run(runner, NO_LIBSECCOMP, "--json", "--allow-weaker", "seccomp")

    result = json.loads(done.stdout)
    assert (result["status"], result["stdout"]) == ("success", "ran\n")
    assert result["weakened"] == ["seccomp"]


def test_giving_up_something_else_does_not_give_up_libseccomp(runner: Runner) -> None:
    done = run(runner, NO_LIBSECCOMP, "--allow-weaker", "memory", "--allow-weaker", "pids")

    assert_refused(done, "seccomp")


def test_a_machine_that_the_filter_is_not_written_for(runner: Runner) -> None:
    done = run(runner, DAEMON_SAYS.format("Architecture", "riscv64"))

    assert_refused(done, "riscv64", "--allow-weaker seccomp")


@pytest.mark.parametrize(
    ("word", "what"),
    [("MemoryLimit", "memory"), ("CpuCfsQuota", "cpus"), ("PidsLimit", "pids")],
)
def test_a_daemon_that_drops_a_limit(runner: Runner, word: str, what: str) -> None:
    """Such a daemon takes the limit, and only warns that it does not hold."""
    done = run(runner, DAEMON_SAYS.format(word, False))

    assert_refused(done, f"{what} cannot be enforced", f"--allow-weaker {what}")


def test_nobody_gives_up_what_is_no_guarantee(runner: Runner) -> None:
    done = run(runner, "", "--allow-weaker", "network")

    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot be given up" in done.stderr
