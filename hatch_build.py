"""Compiles the sandbox's init into the package as the wheel is built.

With a C compiler at hand one static binary for this machine's architecture is made and
the wheel is tagged for it; otherwise pip fetches the zig compiler, a wheel itself.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FLAGS = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-s"]


def system_compiler() -> str | None:
    """A C compiler that can link statically, or None."""
    for name in (os.environ.get("CC"), "cc", "gcc", "clang"):
        path = shutil.which(name) if name else None
        if path and _links_statically(path):
            return path
    return None


def _links_statically(compiler: str) -> bool:
    probe = [compiler, "-static", "-x", "c", "-", "-o", os.devnull]
    source = "#include <stdio.h>\nint main(void) { return 0; }\n"
    return subprocess.run(probe, input=source.encode(), capture_output=True).returncode == 0


class InitBuildHook(BuildHookInterface[Any]):
    """The hook; hatchling finds it by its base class."""

    def dependencies(self) -> list[str]:
        """What the build needs beside hatchling."""
        return [] if system_compiler() or self.target_name == "sdist" else ["ziglang"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile init and include it."""
        if self.target_name == "sdist":
            return
        machine = platform.machine()
        guest = Path(self.root, "src/drybox/guest")
        output = guest / "bin" / f"init-{machine}"
        output.parent.mkdir(exist_ok=True)
        compiler = system_compiler()
        zig = [sys.executable, "-m", "ziglang", "cc", "-target", f"{machine}-linux-musl"]
        command = [compiler] if compiler else zig
        sources = sorted(str(path) for path in Path(guest, "init").glob("*.c"))
        subprocess.run([*command, *FLAGS, "-o", str(output), *sources], check=True)
        build_data["artifacts"].append(f"src/drybox/guest/bin/init-{machine}")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-linux_{machine}"
