"""The same promises on cgroup version 2 alone, in a virtual machine.

The guest is a Debian with systemd; its ordinary user has what a user of such a system has.
It is emulated and slow, so a part of the conformance and security tests stands for all.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

pytestmark = pytest.mark.promise("ISO-26")

REPO = Path(__file__).resolve().parents[2]
VM = [sys.executable, str(REPO / "tests/vm/vm.py")]
PACKAGES = (
    *("anyio", "click", "idna", "iniconfig", "packaging", "pluggy", "pygments"),
    *("pytest", "pytest-timeout", "typing_extensions"),
)

SMOKE = (
    "tests/security/test_processes.py::test_fork_bomb_is_contained",
    "tests/security/test_processes.py::test_cpu_hog_gets_no_more_than_its_share",
    "tests/security/test_memory.py::test_many_processes_share_one_memory_limit",
    "tests/security/test_disk.py::test_disk_fill_is_contained",
    "tests/security/test_privileges.py::test_the_program_is_unprivileged_inside",
    "tests/security/test_network.py::test_loopback_of_the_host_is_out_of_reach",
    "tests/conformance/test_statuses.py",
)
LOGIN_SMOKE = """
drybox() { python3 -m drybox "$@"; }
drybox doctor
test "$(drybox run -l python -c 'print(6 * 7)')" = 42
set +e
drybox run -l python --memory 64m -c 'bytearray(10**9)'
test $? = 137 || exit 1
! find /sys/fs/cgroup -name 'drybox-*' | grep .
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages that drybox and its tests need, and no toolchain among them."""
    folder = tmp_path_factory.mktemp("site")
    for name in PACKAGES:
        found = distribution(name)
        for path in found.files or ():
            if ".." not in path.parts:
                target = folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(str(found.locate_file(path)), target)
    return folder


@pytest.fixture(scope="module")
def prepared() -> None:
    if os.getuid():
        pytest.skip("only root can make the guest's disk; this run is an ordinary user's")
    subprocess.run([*VM, "prepare"], check=True)


def in_guest(site: Path, user: str, place: str, script: str) -> subprocess.CompletedProcess[str]:
    shares = [f"{REPO / name}:/repo/{name}" for name in ("src", "tests", "pyproject.toml")]
    words = [f"--share={share}" for share in (*shares, f"{site}:/site")]
    setup = "set -eu; cd /repo; export PYTHONPATH=/repo/src:/site:/repo\n"
    options = ["--user", user, "--place", place, "--timeout", "540", *words]
    command = [*VM, "run", *options, "--", setup + script]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


@pytest.mark.timeout(700)
@pytest.mark.usefixtures("prepared")
@pytest.mark.parametrize("user", ["root", "tester"])
def test_smoke_of_the_escape_tests(site: Path, user: str) -> None:
    chosen = "(own and not its) or (python and (success or timeout or limit))"
    options = f"-q -p no:cacheprovider -k '{chosen}' --isolations local --timeout 240"
    script = f"TESTS_SLOWNESS=8 python3 -m pytest {options} {' '.join(SMOKE)}"
    done = in_guest(site, user, "delegated", script)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout, done.stdout


@pytest.mark.timeout(700)
@pytest.mark.usefixtures("prepared")
def test_a_plain_login_gets_a_scope_of_the_user_manager(site: Path) -> None:
    done = in_guest(site, "tester", "login", LOGIN_SMOKE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a scope of the systemd user manager" in done.stdout
