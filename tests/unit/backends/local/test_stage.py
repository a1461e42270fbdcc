"""The file systems that the warden makes, looked at from a process that made one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drybox.backends.local.layout import is_open
from drybox.backends.local.stage import ROOTS

LOOK = """
import json, os, sys
from drybox.backends.local.stage import Stage

told = json.load(sys.stdin)
before = os.stat("/proc/self/ns/mnt").st_ino
try:
    stage = Stage(told["needed"])
except OSError as error:
    print(json.dumps({"refused": str(error)}))
    sys.exit()
if told.get("busy"):
    stage._mount("tmpfs", told["busy"], "tmpfs", 0, "size=4k")
roots = [stage.build(told["tree"]) for _ in range(2)]
exposed = stage.expose(told["expose"])

def attempt(path):
    try:
        os.mkdir(path)
    except OSError as error:
        return error.strerror
    return "made"

def seen(root):
    found = {}
    for at, folders, names in os.walk(root):
        for name in folders + names:
            path = os.path.join(at, name)
            if os.path.islink(path):
                found[path[len(root):]] = "-> " + os.readlink(path)
            elif os.path.isfile(path):
                with open(path, "rb") as file:
                    found[path[len(root):]] = file.read(200).decode("latin-1")
            else:
                found[path[len(root):]] = "folder" if os.path.isdir(path) else "device"
    return found

print(json.dumps({
    "roots": roots,
    "seen": seen(roots[0]),
    "same": seen(roots[0]) == seen(roots[1]),
    "writes": {path: attempt(roots[0] + path + "/new") for path in told["writes"]},
    "null": open(roots[0] + "/dev/null", "wb").write(b"x"),
    "exposed": open(exposed).read(),
    "namespace": os.stat("/proc/self/ns/mnt").st_ino != before,
    "hidden": {path: os.path.exists(path) for path in told["needed"]},
    "user": [os.getuid(), os.getgid()],
}))
"""


def look(**told: Any) -> dict[str, Any]:
    """What a process sees of the trees that it made; nothing of them outlives it."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    if "refused" in found:
        pytest.skip(f"this host gives no mount namespace: {found['refused']}")
    return found


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder with a toolchain, away from the roots that a stage may cover."""
    with tempfile.TemporaryDirectory(prefix="drybox-stage-é ") as name:
        folder = Path(name)
        (folder / "home/lib/hidden").mkdir(parents=True)
        (folder / "home/lib/hidden/secret").write_text("secret")
        (folder / "home/tool").write_text("the tool")
        (folder / "single").write_text("one file")
        yield folder


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, Any]:
    tree = {
        "mounts": [
            [f"{folder}/home", "/opt/tool"],
            [f"{folder}/single", "/etc/deep/single"],
        ],
        "devices": ["/dev/null"],
        "masks": ["/opt/tool/lib/hidden"],
        "links": {"/bin": "usr/bin", "/dev/fd": "/proc/self/fd", "/a/b/c": "../x"},
        "files": {"/etc/hosts": "127.0.0.1\n", "/etc/odd": "\x00\xff"},
    }
    writes = ["", "/etc", "/opt/tool", "/opt/tool/lib", "/opt/tool/lib/hidden", "/tmp", "/sandbox"]
    return look(needed=[f"{folder}/home"], expose=f"{folder}/single", tree=tree, writes=writes)


def test_a_tree_shows_what_it_is_made_of_and_no_more(found: dict[str, Any]) -> None:
    assert {path: what for path, what in found["seen"].items() if what != "folder"} == {
        "/bin": "-> usr/bin",
        "/dev/fd": "-> /proc/self/fd",
        "/dev/ptmx": "-> pts/ptmx",
        "/a/b/c": "-> ../x",
        "/etc/hosts": "127.0.0.1\n",
        "/etc/odd": "\x00\xff",
        "/opt/tool/tool": "the tool",
        "/etc/deep/single": "one file",
        "/dev/null": "device",
    }
    assert "/opt/tool/lib/hidden" in found["seen"]
    assert {"/proc", "/run", "/sandbox", "/build", "/tmp", "/dev/shm"} <= set(found["seen"])


def test_no_part_of_it_can_be_written(found: dict[str, Any]) -> None:
    assert set(found["writes"].values()) == {"Read-only file system"}
    assert found["null"] == 1  # but a device still takes what it takes


def test_each_tree_is_one_of_its_own(found: dict[str, Any]) -> None:
    assert len(set(found["roots"])) == 2
    assert found["same"]
    assert found["exposed"] == "one file"


def test_the_host_sees_nothing_of_it(found: dict[str, Any]) -> None:
    assert found["namespace"]
    assert all(not os.path.exists(root) for root in found["roots"])
    assert found["user"] == [os.getuid(), os.getgid()]


def test_what_is_needed_stays_in_sight(found: dict[str, Any]) -> None:
    assert set(found["hidden"].values()) == {True}
    assert all(root.startswith(tuple(f"{each}/" for each in ROOTS)) for root in found["roots"])


EMPTY: dict[str, Any] = {"mounts": [], "devices": ["/dev/null"], "masks": [], "links": {}}


def test_a_folder_that_is_needed_is_not_covered(folder: Path) -> None:
    there = [root for root in ROOTS if os.path.isdir(root)]
    if len(there) < 2:
        pytest.skip(f"this host has fewer than two of {', '.join(ROOTS)}")
    found = look(
        needed=[f"{there[0]}/tool"],
        expose=f"{folder}/single",
        tree={**EMPTY, "files": {}},
        writes=[],
    )
    assert not any(root.startswith(there[0]) for root in found["roots"])


UNREADABLE = "Диск"


@pytest.mark.parametrize("name", ["plain", "with space", "é", UNREADABLE, "tab\t"])
def test_other_mounts_of_the_host_have_any_name(folder: Path, name: str) -> None:
    other = folder / name
    other.mkdir()
    found = look(
        needed=[],
        expose=f"{folder}/single",
        tree={**EMPTY, "files": {}, "mounts": [[f"{folder}/home", "/opt/tool"]]},
        writes=["/opt/tool"],
        busy=str(other),
    )
    assert set(found["writes"].values()) == {"Read-only file system"}


def test_what_is_mounted_below_a_folder_comes_along_read_only(folder: Path) -> None:
    below = folder / "home/Диск below"
    below.mkdir()
    found = look(
        needed=[],
        expose=f"{folder}/single",
        tree={**EMPTY, "files": {}, "mounts": [[f"{folder}/home", "/opt/tool"]]},
        writes=["/opt/tool", f"/opt/tool/{below.name}"],
        busy=str(below),
    )
    assert set(found["writes"].values()) == {"Read-only file system"}


# --- who can reach what ---------------------------------------------------------------------


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that everybody reaches; pytest's own are private."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        if not is_open(name):
            pytest.skip(f"{tempfile.gettempdir()} is private here")
        yield Path(name)


@pytest.mark.parametrize(
    ("above", "leaf", "reachable"),
    [
        (0o755, 0o755, True),
        (0o711, 0o755, True),
        (0o755, 0o644, True),
        (0o700, 0o755, False),
        (0o754, 0o755, False),
        (0o755, 0o600, False),
        (0o755, 0o750, False),
    ],
)
def test_a_file_is_open_if_every_folder_above_can_be_passed(
    public: Path, above: int, leaf: int, reachable: bool
) -> None:
    file = public / "above/file"
    file.parent.mkdir()
    file.write_text("")
    file.chmod(leaf)
    file.parent.chmod(above)
    assert is_open(str(file)) is reachable


@pytest.mark.parametrize(
    ("mode", "reachable"), [(0o755, True), (0o711, False), (0o744, False), (0o700, False)]
)
def test_a_folder_is_open_if_it_can_be_read_and_passed(
    public: Path, mode: int, reachable: bool
) -> None:
    (public / "folder").mkdir()
    (public / "folder").chmod(mode)
    assert is_open(str(public / "folder")) is reachable


def test_a_link_is_as_open_as_the_way_to_it_and_what_it_leads_to(public: Path) -> None:
    (public / "private").mkdir(mode=0o700)
    (public / "private/file").write_text("")
    (public / "to-private").symlink_to("private/file")
    assert not is_open(str(public / "to-private"))
    (public / "file").write_text("")
    (public / "to-public").symlink_to("file")
    assert is_open(str(public / "to-public"))
    (public / "private/to-public").symlink_to("../file")
    assert not is_open(str(public / "private/to-public"))
