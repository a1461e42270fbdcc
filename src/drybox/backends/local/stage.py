"""Makes the file systems of sandboxes once, in a mount namespace of the warden's own.

A sandbox then mounts one finished tree in place of a dozen folders, which halves the time
that bubblewrap takes. And the set-aside user that root's sandboxes run as reaches a
toolchain that only root can, say in root's home, at the place where the tree shows it.
The host sees nothing of it, and all of it goes with the warden.
"""

from __future__ import annotations

import ctypes
import os
import re
from typing import Any

_CLONE_NEWNS, _CLONE_NEWUSER = 0x20000, 0x1000_0000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV = 1, 2, 4
_MS_REMOUNT, _MS_BIND, _MS_REC, _MS_SLAVE = 32, 4096, 16384, 1 << 19

_OCTAL = re.compile(rb"\\([0-7]{3})")

FOLDERS = ("/proc", "/run", "/sandbox", "/build", "/tmp", "/dev/shm", "/dev/pts")
"""Where bubblewrap and init mount what each sandbox has of its own."""

ROOTS = ("/mnt", "/media", "/srv", "/opt")
"""Folders of the host that the warden and its sandboxes can do without."""


class Stage:
    """The warden's own mount namespace.

    Args:
        needed: A path of the host that must stay in sight.

    Raises:
        OSError: The kernel does not allow one.
    """

    def __init__(self, needed: list[str]) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._count = 0
        user, group = os.geteuid(), os.getegid()
        if self._libc.unshare(_CLONE_NEWNS | (_CLONE_NEWUSER if user else 0)):
            raise _error("unshare")
        if user:
            # An ordinary user may mount only in a user namespace; there they stay themselves.
            _write("/proc/self/setgroups", "deny")
            _write("/proc/self/uid_map", f"{user} {user} 1")
            _write("/proc/self/gid_map", f"{group} {group} 1")
        self._mount(None, "/", None, _MS_REC | _MS_SLAVE)
        self._root = self._find_root(needed)
        self._mount("tmpfs", self._root, "tmpfs", _MS_NOSUID | _MS_NODEV, "size=64k,mode=0755")

    def _find_root(self, needed: list[str]) -> str:
        for root in ROOTS:
            if os.path.isdir(root) and not any(path.startswith(f"{root}/") for path in needed):
                return root
        raise OSError(f"none of {', '.join(ROOTS)} is free to mount on")

    def build(self, tree: dict[str, Any]) -> str:
        """Make a file system and return the folder that holds it.

        Args:
            tree: The fields of ``layout.Tree``, as JSON has them.

        Raises:
            OSError: The kernel refused.
        """
        self._count += 1
        root = f"{self._root}/{self._count}"
        os.mkdir(root)
        self._mount("tmpfs", root, "tmpfs", _MS_NOSUID | _MS_NODEV, "size=4m,mode=0755")
        for folder in FOLDERS:
            os.makedirs(root + folder)
        for path, target in tree["links"].items():
            os.makedirs(os.path.dirname(root + path), exist_ok=True)
            os.symlink(target, root + path)
        os.symlink("pts/ptmx", f"{root}/dev/ptmx")
        for path, text in tree["files"].items():
            os.makedirs(os.path.dirname(root + path), exist_ok=True)
            with open(root + path, "w", encoding="latin-1") as file:
                file.write(text)
        for source, target in tree["mounts"]:
            self._bind(source, root + target, _MS_RDONLY | _MS_NOSUID | _MS_NODEV)
        for device in tree["devices"]:
            self._bind(device, root + device, _MS_NOSUID)
        flags = _MS_RDONLY | _MS_NOSUID | _MS_NODEV
        for mask in tree["masks"]:
            self._mount("tmpfs", root + mask, "tmpfs", flags, "size=4k,mode=0755")
        self._mount(None, root, None, _MS_REMOUNT | _MS_BIND | flags)
        return root

    def expose(self, path: str) -> str:
        """Show one file of the host where everybody can reach it; return that place.

        Raises:
            OSError: The kernel refused.
        """
        self._count += 1
        place = f"{self._root}/{self._count}"
        self._bind(path, place, _MS_RDONLY | _MS_NOSUID | _MS_NODEV)
        return place

    def _bind(self, source: str, target: str, flags: int) -> None:
        if os.path.isdir(source):
            os.makedirs(target, exist_ok=True)
        elif not os.path.exists(target):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
        self._mount(source, target, None, _MS_BIND | _MS_REC)
        # What is mounted below the source keeps its own flags: it must not come along writable.
        for path in _mounts_below(os.path.realpath(target)):
            self._mount(None, path, None, _MS_BIND | _MS_REMOUNT | flags | _kept_flags(path))

    def _mount(
        self, source: str | None, target: str, kind: str | None, flags: int, options: str = ""
    ) -> None:
        words = [None if word is None else os.fsencode(word) for word in (source, target, kind)]
        if self._libc.mount(*words, ctypes.c_ulong(flags), options.encode() or None):
            raise _error(f"mount {target}")


def _mounts_below(folder: str) -> list[str]:
    """The mounts at and below a folder."""
    found = []
    with open("/proc/self/mountinfo", "rb") as file:
        for line in file:
            # The kernel writes blanks and backslashes as three octal digits; proc(5).
            name = _OCTAL.sub(lambda code: bytes([int(code[1], 8)]), line.split(b" ")[4])
            path = os.fsdecode(name)
            if path == folder or path.startswith(f"{folder}/"):
                found.append(path)
    return found


def _kept_flags(path: str) -> int:
    """Flags that an ordinary user may not take away from a mount of the host's.

    The values of statvfs are mount's own but for the access times.
    """
    have = os.statvfs(path).f_flag
    kept = have & (_MS_RDONLY | _MS_NOSUID | _MS_NODEV | os.ST_NOEXEC)
    times = ((os.ST_NOATIME, 1 << 10), (os.ST_NODIRATIME, 1 << 11), (os.ST_RELATIME, 1 << 21))
    return kept | sum(flag for bit, flag in times if have & bit)


def _error(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{what}: {os.strerror(number)}")


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
