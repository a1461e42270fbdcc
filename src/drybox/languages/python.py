"""Python."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from drybox.languages.argument import as_argument
from drybox.model import ResourceLimits
from drybox.protocols import Job, Plan, Step, Toolchain


class Python:
    """Runs on the interpreter that drybox itself has, unless a version is asked for."""

    name = "python"
    aliases = ("py", "python3")
    suffixes = (".py",)
    image = "python:3.11-alpine"
    toolchain = Toolchain(
        executable="python3",
        versioned=("python{version}",),
        candidates=(getattr(sys, "_base_executable", None) or sys.executable,),
        search=("/usr/bin/python3.[0-9]*[0-9]", "/usr/local/bin/python3.[0-9]*[0-9]"),
        levels=2,
        mount="/opt/python",
        # The interpreter and its library alone: other programs of the same home are not ours.
        parts=(
            "bin/{program}",
            "lib/python3.[0-9]*[0-9]",
            "lib/libpython3*",
            "lib/lib[cfsz]*.so*",  # Anaconda and the like keep OpenSSL, libffi … here
        ),
        hidden=("lib/python3*/site-packages", "lib/python3*/dist-packages"),
        host_paths=("/usr/local/lib/libpython3*",),
        install_hint="Install it: 'apt install python3' or 'dnf install python3'.",
    )

    def entry(self, code: str) -> str:
        """Path under which ``code`` is placed."""
        return "main.py"

    def find_entry(self, files: Mapping[str, bytes]) -> str | None:
        """The entry among several files."""
        return next((name for name in ("main.py", "__main__.py") if name in files), None)

    def plan(self, job: Job, compile_limits: ResourceLimits) -> Plan:
        """The steps for a job."""
        return Plan(run=Step(("python3", as_argument(job.entry), *job.args)))
