"""Makes folders that only root can reach visible to sandboxes, without touching the host.

A sandbox started by root runs as an unprivileged user, who may not enter, say, a
toolchain in root's home. The warden therefore has a mount namespace of its own, in
which such a folder is also mounted read-only at a place that everybody may enter. The
namespace goes with the warden.
"""

from __future__ import annotations

import ctypes
import os

_CLONE_NEWNS = 0x20000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV = 1, 2, 4
_MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 32, 4096, 16384, 1 << 18

_places: dict[str, str] = {}
_root = ""


def is_needed(path: str) -> bool:
    """Whether somebody without privileges could not reach this path."""
    at = os.path.realpath(path)
    while True:
        mode = os.stat(at).st_mode
        if not mode & 0o001 or (at == os.path.realpath(path) and not mode & 0o004):
            return True
        if at == "/":
            return False
        at = os.path.dirname(at)


def expose(path: str) -> str:
    """Mount a folder where everybody may reach it, in this process's own namespace.

    Args:
        path: Absolute path of the folder or file.

    Returns:
        The path at which sandboxes started from now on find it.

    Raises:
        OSError: The kernel refused.
    """
    global _root
    if not _root:
        _root = _make_root(path)
    if path not in _places:
        place = f"{_root}/{len(_places)}"
        if os.path.isdir(path):
            os.mkdir(place, 0o755)
        else:
            os.close(os.open(place, os.O_CREAT | os.O_WRONLY, 0o644))
        _mount(path, place, None, _MS_BIND | _MS_REC, None)
        readonly = _MS_BIND | _MS_REMOUNT | _MS_RDONLY | _MS_NOSUID | _MS_NODEV
        _mount(None, place, None, readonly, None)
        _places[path] = place
    return _places[path]


def _make_root(path: str) -> str:
    """Leave the host's mount namespace and mount a small tmpfs over a folder nobody needs."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare")
    _mount(None, "/", None, _MS_REC | _MS_PRIVATE, None)
    for root in ("/mnt", "/media", "/srv", "/opt"):
        if os.path.isdir(root) and not path.startswith(root + "/"):
            _mount("tmpfs", root, "tmpfs", _MS_NOSUID | _MS_NODEV, "size=64k,mode=0755")
            return root
    raise OSError("no folder such as /mnt to mount toolchains on")


def _mount(
    source: str | None, target: str, kind: str | None, flags: int, options: str | None
) -> None:
    libc = ctypes.CDLL(None, use_errno=True)

    def text(value: str | None) -> bytes | None:
        return None if value is None else os.fsencode(value)

    if libc.mount(text(source), text(target), text(kind), ctypes.c_ulong(flags), text(options)):
        number = ctypes.get_errno()
        raise OSError(number, f"mount {target}: {os.strerror(number)}")
