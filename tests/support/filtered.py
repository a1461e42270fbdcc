"""Runs something in a child of this process, under a filter of system calls."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable

from drybox.guest.seccomp import filter as seccomp

libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def native() -> int:
    """Number of this machine's architecture."""
    return seccomp._Library().native_architecture()


def install(program: bytes) -> None:
    """Put this process under a filter.

    Raises:
        OSError: The kernel takes none.
    """
    if libc.prctl(38, 1, 0, 0, 0) != 0:  # PR_SET_NO_NEW_PRIVS
        raise OSError(ctypes.get_errno(), "no_new_privs")
    header = _Program(len(program) // 8, program)
    if libc.prctl(22, 2, ctypes.byref(header)) != 0:  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
        raise OSError(ctypes.get_errno(), "seccomp")


def in_child(program: bytes | None, action: Callable[[], int]) -> int:
    """Runs the action under the filter; its number, or minus the signal that it died of."""
    child = os.fork()
    if child == 0:
        result = 255
        try:
            if program is not None:
                install(program)
            result = action()
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(result)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
