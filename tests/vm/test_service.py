"""The systemd unit of ``deploy/``, as it is, on a Debian with systemd and cgroup version 2.

In the virtual machine of the job; see ``vm.py``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
VM = [sys.executable, str(REPO / "tests/vm/vm.py")]


@pytest.mark.promise("DEP-2")
@pytest.mark.parametrize(
    ("name", "most"),
    [("systemd/drybox", 3.6), ("ray/systemd/drybox-ray", 3.6), ("ray/systemd/drybox-fleet", 2.0)],
)
def test_the_unit_is_sound_and_shut_in(tmp_path: Path, name: str, most: float) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd-analyze here")
    source = REPO / f"deploy/{name}.service"
    for path in source.parent.glob("*.service"):  # with those that it needs
        text = re.sub(r"/opt/drybox/bin/[a-z-]+", "/bin/true", path.read_text())
        (tmp_path / path.name).write_text(text)
    unit = tmp_path / source.name
    done = subprocess.run(
        [analyze, "verify", "--man=no", str(unit)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    words = [analyze, "security", "--offline=true", "--no-pager", str(unit)]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert level, said
    assert float(level[1]) <= most


@pytest.mark.promise("DEP-1")
@pytest.mark.timeout(700)
def test_the_unit_runs_as_it_is(tmp_path: Path) -> None:
    if os.getuid():
        pytest.skip("only root can make the guest's disk; this run is an ordinary user's")
    subprocess.run([*VM, "prepare"], check=True)
    site = tmp_path / "site"
    for name in _needed():
        _copy(name, site)
    names = ("src", "deploy", "tests/vm/service.sh")
    shares = [f"{REPO / name}:/repo/{name}" for name in names]
    words = [f"--share={share}" for share in (*shares, f"{site}:/site")]
    command = [*VM, "run", "--user", "root", "--place", "login", "--timeout", "540", *words]
    done = subprocess.run(
        [*command, "--", "sh /repo/tests/vm/service.sh"],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("all is well\n")


def _needed() -> set[str]:
    """The distributions that ``drybox[server]`` needs here, and its own."""
    found: set[str] = set()
    left = ["drybox"]
    while left:
        name = left.pop()
        if name in found:
            continue
        found.add(name)
        for line in distribution(name).requires or ():
            need, _, marker = line.partition(";")
            if not marker or (name == "drybox" and re.search("extra == .server.", marker)):
                left.append(re.split(r"[^\w.-]", need.strip())[0])
    return found


def _copy(name: str, folder: Path) -> None:
    dist = distribution(name)
    for path in dist.files or ():
        if ".." not in path.parts:
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(str(dist.locate_file(path)), target)  # what is compiled knows its time
