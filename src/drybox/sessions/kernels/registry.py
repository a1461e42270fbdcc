"""The languages that have kernels. Code of others compiles and runs as a program of its own."""

from __future__ import annotations

from drybox.sessions.kernels.base import Kernel
from drybox.sessions.kernels.bash import BashKernel
from drybox.sessions.kernels.java import JavaKernel
from drybox.sessions.kernels.node import NodeKernel
from drybox.sessions.kernels.python import PythonKernel
from drybox.sessions.kernels.typescript import TypeScriptKernel

_ALL: tuple[Kernel, ...] = (
    PythonKernel(),
    NodeKernel(),
    TypeScriptKernel(),
    BashKernel(),
    JavaKernel(),
)

KERNELS: dict[str, Kernel] = {kernel.language: kernel for kernel in _ALL}
"""By the language's canonical name."""


def find_kernel(language: str) -> Kernel | None:
    """The kernel of a language; None where each piece of code is a program of its own."""
    return KERNELS.get(language)
