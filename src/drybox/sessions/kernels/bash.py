"""Bash's kernel: one shell that is kept."""

from __future__ import annotations

from drybox.languages.bash import Bash
from drybox.model import ResourceLimits
from drybox.sessions.kernels.base import INTERRUPTED, KernelLaunch
from drybox.sessions.kernels.folder import kernel_folder, program


class BashKernel:
    """Sources code in a shell that keeps its folder, variables and functions."""

    language = Bash.name
    interrupted = INTERRUPTED
    asks = False

    def folder(self, version: str) -> str:
        """Folder of this host that a sandbox sees as ``KERNEL_DIR``."""
        return kernel_folder()

    def launch(self, version: str, limits: ResourceLimits) -> KernelLaunch:
        """How it is started."""
        return KernelLaunch(("bash", program("bash_kernel.sh")))
