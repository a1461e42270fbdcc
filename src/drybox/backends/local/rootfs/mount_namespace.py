"""Makes the file systems of sandboxes once, in a mount namespace of the supervisor's own.

A sandbox then mounts one finished tree in place of a dozen folders, which halves the time
that bubblewrap takes. And the set-aside user that root's sandboxes run as reaches a
toolchain that only root can, say in root's home, at the place where the tree shows it.
The host sees nothing of it, and all of it goes with the supervisor.

What bubblewrap mounts is not yet what a program sees, but what init makes that of: folders, each
the lower layer of an overlay of the sandbox's own, and a plan that says where they go. So no file
or folder in a sandbox is the same to the kernel as one of the host's or of another sandbox's, and
locks and watches on it end at the sandbox. ``root.c`` in ``guest/init`` carries the plan out.
"""

from __future__ import annotations

import ctypes
import errno
import itertools
import os
from collections.abc import Iterator
from typing import Any

_CLONE_NEWNS, _CLONE_NEWUSER = 0x20000, 0x1000_0000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV = 1, 2, 4
_MS_REMOUNT, _MS_BIND, _MS_REC, _MS_SLAVE = 32, 4096, 16384, 1 << 19

FOLDERS = ("/proc", "/run", "/sandbox", "/build", "/tmp", "/dev/shm", "/dev/pts")
"""Where bubblewrap and init mount what each sandbox has of its own."""

SKELETON, LAYERS, DEVICES = "/tree", "/layers", "/devices"
"""Where init finds the root's own folders and files, what is mounted below it, and device nodes."""

OUTER_FOLDERS = ("/proc", "/new", "/over", "/empty", SKELETON, LAYERS, DEVICES)
"""Folders of what bubblewrap mounts; ``root.c`` says what each is for."""

SMALL = 1 << 20
"""Bytes of a single file up to which it is copied, not mounted."""

MOST_ENTRIES = 2000
"""Links and files that a folder may hold to be copied, all of at most ``SMALL`` bytes."""

COPIED = 16 << 20
"""Bytes of all files of a folder up to which they are copied where no layer can be had of it."""

ROOTS = ("/mnt", "/media", "/srv", "/opt")
"""Folders of the host that the supervisor and its sandboxes can do without."""


class MountNamespace:
    """The supervisor's own mount namespace.

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
        self._mount("tmpfs", root, "tmpfs", _MS_NOSUID | _MS_NODEV, "size=64m,mode=0755")
        for folder in OUTER_FOLDERS:
            os.mkdir(root + folder)
        skeleton = root + SKELETON
        for folder in FOLDERS:
            os.makedirs(skeleton + folder)
        for path, target in tree["links"].items():
            os.makedirs(os.path.dirname(skeleton + path), exist_ok=True)
            os.symlink(target, skeleton + path)
        os.symlink("pts/ptmx", f"{skeleton}/dev/ptmx")
        for path, text in tree["files"].items():
            os.makedirs(os.path.dirname(skeleton + path), exist_ok=True)
            with open(skeleton + path, "w", encoding="latin-1") as file:
                file.write(text)
        if tree["start"]:
            os.symlink(SKELETON[1:] + tree["start"], root + tree["start"])
        plan = ["share"] if tree.get("may_share") else []
        plan += self._plan_mounts(root, tree["mounts"])
        for device in tree["devices"]:
            place = DEVICES + "/" + os.path.basename(device)
            self._bind(device, root + place, _MS_NOSUID)
            _make_file(skeleton + device)
            plan += ["bind", place, device]
        for mask in tree["masks"]:
            plan += ["mask", "", mask]
        with open(f"{root}/plan", "wb") as out:
            out.write(b"".join(os.fsencode(word) + b"\0" for word in plan))
        flags = _MS_RDONLY | _MS_NOSUID | _MS_NODEV
        self._mount(None, root, None, _MS_REMOUNT | _MS_BIND | flags)
        return root

    def _plan_mounts(self, root: str, mounts: list[tuple[str, str]]) -> Iterator[str]:
        """Put the host's folders and files where init finds them; yield what it does with them.

        Each step is three words: what to do, with which layer, and where in the new root.
        """
        skeleton, files = root + SKELETON, dict[str, list[tuple[str, str]]]()
        for source, target in mounts:
            if os.path.isdir(source):
                real = os.path.realpath(source)
                is_systems = target.startswith(("/usr/", "/etc/"))  # which changes seldom
                is_hidden = any(target.startswith(f"{other}/") for _, other in mounts)
                if not is_systems or is_hidden or not _copy_small(real, skeleton + target):
                    yield from self._plan_folder(root, real, target)
                continue
            os.makedirs(os.path.dirname(skeleton + target), exist_ok=True)
            if os.path.getsize(source) <= SMALL:
                _copy(source, skeleton + target)
                continue
            _make_file(skeleton + target)
            files.setdefault(os.path.dirname(source), []).append((source, target))
        for folder, members in files.items():
            # An overlay is of a folder: of theirs, from which each is bound.
            layer = self._add_layer(root, folder) or self._add_layer(root, folder, recursive=True)
            yield from ("over", layer, "")
            for source, target in members:
                yield from ("bind", "/over/" + os.path.basename(source), target)

    def _plan_folder(self, root: str, source: str, target: str) -> Iterator[str]:
        """A folder, and each folder that is mounted below it, for an overlay looks at one mount.

        Single files that are mounted below it are left out: no overlay is of a file.
        """
        for path in dict.fromkeys([source, *_mounts_below(source)]):
            if os.path.isdir(path):
                yield from self._plan_layer(root, path, target + path[len(source) :])

    def _plan_layer(self, root: str, source: str, target: str) -> Iterator[str]:
        """A folder without what is mounted below it."""
        os.makedirs(root + SKELETON + target, exist_ok=True)
        if layer := self._add_layer(root, source):
            yield from ("folder", layer, target)
        elif not os.access(source, os.R_OK | os.X_OK):
            return  # nobody inside could look at it either
        elif _size_of_files(source) <= COPIED:
            yield from self._plan_children(root, source, target)
        else:
            yield from ("folder", self._add_layer(root, source, recursive=True), target)

    def _plan_children(self, root: str, source: str, target: str) -> Iterator[str]:
        """A folder that an ordinary user may not have apart from what is mounted below it.

        Its folders are layers, each of which may be such a one again. Its files are copied.
        """
        mounted = {*_mounts_below(source)}
        for entry in os.scandir(source):
            place = f"{target}/{entry.name}"
            if entry.is_symlink():
                os.symlink(os.readlink(entry.path), root + SKELETON + place)
            elif entry.path in mounted:
                continue
            elif entry.is_dir():
                yield from self._plan_layer(root, entry.path, place)
            elif entry.is_file() and os.access(entry.path, os.R_OK):
                _copy(entry.path, root + SKELETON + place)

    def _add_layer(self, root: str, source: str, *, recursive: bool = False) -> str:
        """Mount a folder where init finds it; returns the place.

        Returns:
            "" if an ordinary user may not have it without what is mounted below it.
        """
        name = f"{LAYERS}/{len(os.listdir(root + LAYERS))}"
        os.mkdir(root + name)
        try:
            flags = _MS_RDONLY | _MS_NOSUID | _MS_NODEV
            self._bind(source, root + name, flags, recursive=recursive)
        except OSError as error:
            if recursive or error.errno != errno.EINVAL:
                raise
            os.rmdir(root + name)
            return ""
        return name

    def expose(self, path: str) -> str:
        """Show one file of the host where everybody can reach it; return that place.

        Raises:
            OSError: The kernel refused.
        """
        self._count += 1
        place = f"{self._root}/{self._count}"
        self._bind(path, place, _MS_RDONLY | _MS_NOSUID | _MS_NODEV)
        return place

    def _bind(self, source: str, target: str, flags: int, *, recursive: bool = True) -> None:
        if os.path.isdir(source):
            os.makedirs(target, exist_ok=True)
        else:
            _make_file(target)
        self._mount(source, target, None, _MS_BIND | (_MS_REC if recursive else 0))
        # What is mounted below the source keeps its own flags: it must not come along writable.
        real = os.path.realpath(target)
        for path in _mounts_below(real) if recursive and os.path.isdir(real) else [real]:
            self._mount(None, path, None, _MS_BIND | _MS_REMOUNT | flags | _kept_flags(path))

    def _mount(
        self, source: str | None, target: str, kind: str | None, flags: int, options: str = ""
    ) -> None:
        words = [None if word is None else os.fsencode(word) for word in (source, target, kind)]
        if self._libc.mount(*words, ctypes.c_ulong(flags), options.encode() or None):
            raise _error(f"mount {target}")


def _copy(source: str, target: str) -> None:
    if not os.path.isfile(source):  # of a pipe there would be no end
        raise OSError(errno.EINVAL, f"{source} is no file")
    with open(source, "rb") as old, open(target, "wb") as new:
        while piece := old.read(SMALL):
            new.write(piece)
        os.fchmod(new.fileno(), os.fstat(old.fileno()).st_mode & 0o555)


def _copy_small(source: str, target: str) -> bool:
    """Copy a folder of links and a few bytes; each sandbox has one overlay less.

    Returns:
        Whether it is such a folder.
    """
    entries = list(itertools.islice(os.scandir(source), MOST_ENTRIES + 1))
    if len(entries) > MOST_ENTRIES or {*_mounts_below(source)} - {source}:
        return False
    size = 0
    for entry in entries:  # of most folders the first few tell
        if entry.is_symlink():
            continue
        if not entry.is_file() or (size := size + entry.stat().st_size) > SMALL:
            return False
        if not os.access(entry.path, os.R_OK):
            return False
    os.makedirs(target, exist_ok=True)
    for entry in entries:
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), f"{target}/{entry.name}")
        else:
            _copy(entry.path, f"{target}/{entry.name}")
    return True


def _size_of_files(folder: str) -> int:
    files = (entry for entry in os.scandir(folder) if entry.is_file(follow_symlinks=False))
    return sum(entry.stat(follow_symlinks=False).st_size for entry in files)


def _make_file(path: str) -> None:
    """Make an empty file to mount on, unless there is something."""
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))


def _mounts_below(folder: str) -> list[str]:
    """The mounts at and below a folder."""
    found = []
    with open("/proc/self/mountinfo", "rb") as file:
        for line in file:
            path = os.fsdecode(_unescaped(line.split(b" ", 5)[4]))
            if path == folder or path.startswith(f"{folder}/"):
                found.append(path)
    return found


def _unescaped(name: bytes) -> bytes:
    """The kernel writes blanks and backslashes as a backslash and three octal digits; proc(5)."""
    first, *others = name.split(b"\\")
    return first + b"".join(bytes([int(part[:3], 8)]) + part[3:] for part in others)


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
