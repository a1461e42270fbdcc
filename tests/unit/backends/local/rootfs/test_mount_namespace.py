"""The file systems that the supervisor makes, looked at from a process that made one."""

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

from drybox.backends.local.rootfs.layout import is_open
from drybox.backends.local.rootfs.mount_namespace import ROOTS, SMALL

LOOK = """
import json, os, sys
from drybox.backends.local.rootfs.mount_namespace import MountNamespace

told = json.load(sys.stdin)
before = os.stat("/proc/self/ns/mnt").st_ino
try:
    mount = MountNamespace(told["needed"])
except OSError as error:
    print(json.dumps({"refused": str(error)}))
    sys.exit()
if told.get("busy"):
    mount._mount("tmpfs", told["busy"], "tmpfs", 0, "size=4k")
roots = [mount.build(told["tree"]) for _ in range(2)]
exposed = mount.expose(told["expose"])

def attempt(path):
    try:
        os.mkdir(path)
    except OSError as error:
        return error.strerror
    return "made"

def steps(root):
    with open(root + "/plan", encoding="utf-8") as file:
        words = file.read().split("\\0")[:-1]
    return list(zip(words[::3], words[1::3], words[2::3], strict=True))

def what(path):
    if os.path.islink(path):
        return "-> " + os.readlink(path)
    if os.path.isfile(path):
        with open(path, "rb") as file:
            return file.read(200).decode("latin-1")
    return "folder" if os.path.isdir(path) else "device"

def seen(root):
    # As init makes it.
    found = {}
    def add(top, target):
        for at, folders, names in os.walk(top):
            for name in folders + names:
                path = os.path.join(at, name)
                found[target + path[len(top):]] = what(path)
    add(root + "/tree", "")
    over = ""
    for step, layer, target in steps(root):
        if step == "folder":
            add(root + layer, target)
        elif step == "over":
            over = root + layer
        elif step == "bind":
            found[target] = what(layer.replace("/over", over, 1) if over else root + layer)
        else:
            assert step == "mask", step
            for path in [path for path in found if path.startswith(target + "/")]:
                del found[path]
    return found

def place(root, path):
    # Where it is while nothing is put together.
    for step, layer, target in reversed(steps(root)):
        if step == "folder" and path.startswith(target):
            return root + layer + path[len(target):]
    return root + "/tree" + path

print(json.dumps({
    "roots": roots,
    "seen": seen(roots[0]),
    "same": seen(roots[0]) == seen(roots[1]),
    "writes": {path: attempt(place(roots[0], path) + "/new") for path in told["writes"]},
    "null": open(roots[0] + "/devices/null", "wb").write(b"x"),
    "plan": steps(roots[0]),
    "empty": os.listdir(roots[0] + "/empty"),
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
    """A folder with a toolchain, away from the roots that a mount namespace may cover."""
    with tempfile.TemporaryDirectory(prefix="drybox-mount namespace-é ") as name:
        folder = Path(name)
        (folder / "home/lib/hidden").mkdir(parents=True)
        (folder / "home/lib/hidden/secret").write_text("secret")
        (folder / "home/tool").write_text("the tool")
        (folder / "single").write_text("one file")
        (folder / "large").mkdir()
        for name in ("one", "two"):
            (folder / "large" / name).write_text(name)
            os.truncate(folder / "large" / name, SMALL + 1)
        yield folder


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, Any]:
    tree = {
        "mounts": [
            [f"{folder}/home", "/opt/tool"],
            [f"{folder}/single", "/etc/deep/single"],
            [f"{folder}/single", "/start"],
            [f"{folder}/large/one", "/opt/large/1"],
            [f"{folder}/large/two", "/opt/large/2"],
        ],
        "start": "/start",
        "devices": ["/dev/null"],
        "masks": ["/opt/tool/lib/hidden"],
        "links": {"/bin": "usr/bin", "/dev/fd": "/proc/self/fd", "/a/b/c": "../x"},
        "files": {"/etc/hosts": "127.0.0.1\n", "/etc/odd": "\x00\xff"},
    }
    writes = ["", "/etc", "/opt/tool", "/opt/tool/lib", "/tmp", "/sandbox"]
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
        "/start": "one file",
        "/opt/large/1": "one" + "\0" * 197,
        "/opt/large/2": "two" + "\0" * 197,
        "/dev/null": "device",
    }
    assert "/opt/tool/lib/hidden" in found["seen"]
    assert {"/proc", "/run", "/sandbox", "/build", "/tmp", "/dev/shm"} <= set(found["seen"])


def test_large_files_of_one_folder_have_one_layer(found: dict[str, Any]) -> None:
    layers = [layer for step, layer, _ in found["plan"] if step in ("folder", "over")]
    assert layers == ["/layers/0", "/layers/1"]
    assert found["empty"] == []


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


EMPTY: dict[str, Any] = {
    "mounts": [],
    "devices": ["/dev/null"],
    "masks": [],
    "links": {},
    "start": "",
}


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
    mounted = [target for step, _, target in found["plan"] if step == "folder"]
    # An ordinary user may have the two only together.
    assert mounted == ["/opt/tool", *([] if os.getuid() else [f"/opt/tool/{below.name}"])]


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
