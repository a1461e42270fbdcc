"""Python's kernel: IPython in one process of the sandbox's interpreter."""

from __future__ import annotations

from drybox.languages.python import Python
from drybox.model import ResourceLimits
from drybox.sessions.kernels.base import INTERRUPTED, KERNEL_DIR, KernelLaunch
from drybox.sessions.kernels.folder import PACKAGES, kernel_folder, program, require_ipython


class PythonKernel:
    """Runs cells with IPython's semantics."""

    language = Python.name
    interrupted = INTERRUPTED
    asks = True

    def folder(self, version: str) -> str:
        """Folder of this host that a sandbox sees as ``KERNEL_DIR``.

        Raises:
            Unsupported: IPython is not installed beside drybox.
        """
        require_ipython()
        return kernel_folder()

    def launch(self, version: str, limits: ResourceLimits) -> KernelLaunch:
        """How it is started."""
        return KernelLaunch(("python3", program("python_kernel.py"), f"{KERNEL_DIR}/{PACKAGES}"))
