"""What a sandbox sees of the host, as data: no more than is listed, and nothing writable."""

from __future__ import annotations

import os
from xml.etree import ElementTree

import pytest

from drybox.backends.local.rootfs import layout
from drybox.backends.local.rootfs.layout import Layout, Mount, make_tree, sandbox_arguments
from drybox.job import File

PLAIN = make_tree(Layout(), None)
FULL = Layout(
    mounts=(Mount("/home/me/node", "/opt/node"),),
    masks=("/opt/node/share",),
    links={"/opt/node/bin/node": "node20"},
    path=("/opt/node/bin",),
    libraries="/opt/node/lib",
)


def test_only_programs_and_libraries_of_the_host_are_seen() -> None:
    allowed = {*layout.SHARED, *(f"/{name}" for name in layout.SYSTEM_FOLDERS)}
    assert {mount.source for mount in PLAIN.mounts} <= allowed
    assert all(mount.source == mount.target for mount in PLAIN.mounts)
    for private in ("/etc", "/home", "/root", "/var", "/usr/local", "/opt", "/proc", "/sys", "/"):
        assert private not in allowed
    assert set(PLAIN.devices) == {
        *("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty")
    }


def test_a_layout_adds_its_own() -> None:
    tree = make_tree(FULL, "/x/init")
    assert tree.mounts[: len(PLAIN.mounts)] == PLAIN.mounts
    assert tree.mounts[len(PLAIN.mounts) :] == (
        *(Mount("/home/me/node", "/opt/node"), Mount("/x/init", layout.INIT)),
    )
    assert tree.masks == ("/opt/node/share",)
    assert dict(tree.links) == {**PLAIN.links, "/opt/node/bin/node": "node20"}
    assert tree.files == make_tree(Layout(), None).files  # the linker's cache may have changed


def test_links_of_the_host_stay_links() -> None:
    for name in layout.SYSTEM_FOLDERS:
        path = f"/{name}"
        if os.path.islink(path):
            assert os.path.realpath(path) == f"/{PLAIN.links[path]}"
        else:
            assert path not in PLAIN.links
            assert (Mount(path, path) in PLAIN.mounts) == os.path.isdir(path)


def test_programs_start_from_a_small_environment() -> None:
    assert Layout().env == {"PATH": "/usr/bin:/bin", "HOME": "/sandbox", "LANG": "C.UTF-8"}
    assert FULL.env["PATH"] == "/opt/node/bin:/usr/bin:/bin"
    assert FULL.env["LD_LIBRARY_PATH"] == "/opt/node/lib"


def test_the_sandbox_has_users_and_names_of_its_own() -> None:
    files = {file.path: file.content.decode("latin-1") for file in PLAIN.files}
    assert set(files) - {"/etc/ld.so.cache"} == {file.path for file in layout.SYSTEM_FILES}
    users = [line.split(":") for line in files["/etc/passwd"].splitlines()]
    assert {(user[0], user[2]) for user in users} == {
        *(("root", "0"), ("sandbox", "1000"), ("nobody", "65534"))
    }
    assert all(len(user) == 7 for user in users)
    groups = {line.split(":")[2] for line in files["/etc/group"].splitlines()}
    assert groups == {user[3] for user in users}
    assert files["/etc/resolv.conf"] == ""
    fonts = ElementTree.fromstring(files["/etc/fonts/fonts.conf"])
    assert (fonts.findtext("cachedir") or "").startswith("/tmp/")  # not among a program's files
    assert {*files["/etc/hosts"].split()} == {"127.0.0.1", "::1", "localhost", "sandbox"}


@pytest.mark.parametrize("tree", [PLAIN, make_tree(FULL, "/x/init")], ids=["plain", "full"])
def test_bubblewrap_mounts_nothing_writable(tree: layout.Tree) -> None:
    words = tree.arguments()
    options = [word for word in words if word.startswith("--")]
    assert set(options) <= {"--ro-bind", "--dev-bind", "--symlink", "--tmpfs", "--remount-ro"}
    assert options.count("--tmpfs") == options.count("--remount-ro") == len(tree.masks)
    assert options.count("--ro-bind") == len(tree.mounts)
    at = [n for n, word in enumerate(words) if word == "--dev-bind"]
    assert [words[n + 1 : n + 3] for n in at] == [[path, path] for path in tree.devices]


def test_a_mask_comes_after_the_mount_it_hides() -> None:
    words = make_tree(FULL, None).arguments()
    assert words.index("/opt/node") < words.index("/opt/node/share")


def test_a_sandbox_has_every_namespace_and_goes_with_its_starter() -> None:
    words = sandbox_arguments("/usr/bin/bwrap", "/opt/x:/usr/bin", ["--dev-bind", "/made", "/"])
    assert words[0] == "/usr/bin/bwrap"
    assert words[-1] == layout.INIT
    assert {f"--unshare-{kind}" for kind in ("user", "pid", "net", "ipc", "uts", "cgroup")} <= set(
        words
    )
    assert {"--die-with-parent", "--new-session", "--as-pid-1"} <= set(words)
    assert not any(word.endswith("-try") or word.startswith("--share") for word in words)
    at = words.index("--setenv")
    assert words[at : at + 3] == ["--setenv", "PATH", "/opt/x:/usr/bin"]


def test_all_capabilities_but_inits_own_are_dropped() -> None:
    words = sandbox_arguments("bwrap", "", [])
    at = words.index("--cap-drop")
    assert words[at + 1] == "ALL"
    added = [words[n + 1] for n, word in enumerate(words) if word == "--cap-add"]
    assert all(n > at for n, word in enumerate(words) if word == "--cap-add")
    assert set(added) == {"CAP_SYS_ADMIN", "CAP_SETFCAP", "CAP_SYS_RESOURCE"}


def test_the_linkers_cache_comes_along_as_a_file() -> None:
    path = "/etc/ld.so.cache"
    found = [file for file in make_tree(Layout(), None).files if file.path == path]
    if os.path.exists(path):
        with open(path, "rb") as file:
            assert found == [File(path, file.read())]
    else:
        assert found == []
