"""Node's kernel: the inspector's mode for consoles, in Node itself."""

from __future__ import annotations

from drybox.languages.node import Node
from drybox.model import ResourceLimits
from drybox.sessions.kernels.base import INTERRUPTED, KernelLaunch
from drybox.sessions.kernels.folder import kernel_folder, program


class NodeKernel:
    """Evaluates code as Node's REPL does."""

    language = Node.name
    interrupted = INTERRUPTED
    asks = False
    arguments: tuple[str, ...] = ()

    def folder(self, version: str) -> str:
        """Folder of this host that a sandbox sees as ``KERNEL_DIR``."""
        return kernel_folder()

    def launch(self, version: str, limits: ResourceLimits) -> KernelLaunch:
        """How it is started."""
        return KernelLaunch(("node", program("node_kernel.js"), *self.arguments))
