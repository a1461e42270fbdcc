"""Java's kernel: JShell, in a JVM of its own."""

from __future__ import annotations

import os

from drybox.languages.java import Java, memory_flags
from drybox.languages.java_environment import JARS
from drybox.model import ResourceLimits
from drybox.sessions.kernels.base import INTERRUPTED, KernelLaunch
from drybox.sessions.kernels.folder import kernel_folder, program

# Nearly all that runs is the compiler, and little of it often: a start takes 1.9 s of CPU, not 3.2.
_LEVEL = "-XX:TieredStopAtLevel=1"
# The map behind System.getenv() is changed when the session's variables come.
_OPEN = ("--add-opens", "java.base/java.util=ALL-UNNAMED")


class JavaKernel:
    """Evaluates snippets by the API of ``jdk.jshell``."""

    language = Java.name
    interrupted = INTERRUPTED
    asks = False

    def folder(self, version: str) -> str:
        """Folder of this host that a sandbox sees as ``KERNEL_DIR``."""
        return kernel_folder()

    def launch(self, version: str, limits: ResourceLimits) -> KernelLaunch:
        """How it is started: as a source, for JShell has loaded the compiler anyway."""
        flags = ("-XX:+UseSerialGC", "-XX:-UsePerfData", _LEVEL, *memory_flags(limits))
        start = ("java", *flags, *_OPEN, program("JavaKernel.java"))
        return KernelLaunch((*start, os.path.dirname(JARS)))
