"""Go."""

from __future__ import annotations

import math
from collections.abc import Mapping

from drybox.languages.argument import as_argument
from drybox.model import ResourceLimits
from drybox.protocols import BUILD_DIR, Job, Plan, Preparation, Step, Toolchain

STD_CACHE = "/opt/go-cache"

BUILD_ENV: Mapping[str, str] = {
    "CGO_ENABLED": "0",
    "GOENV": "off",
    "GOFLAGS": "-buildvcs=false",
    "GOPATH": f"{BUILD_DIR}/gopath",
    "GOPROXY": "off",
    "GOTELEMETRY": "off",
    "GOTOOLCHAIN": "local",
    "TZ": "UTC",  # the go command keys its index of packages by local file times
}
"""The same for the standard library's build and every program's: each of these is part of
what the go command looks its cache up by."""


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
        wheel=("go", ""),
        search=("/usr/local/go/bin/go", "/usr/lib/go-*/bin/go"),
        host_paths=("/usr/share/go-*",),  # Debian keeps a toolchain's sources there
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
                env={**BUILD_ENV, "GOCACHE": "{out}"},
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
        return Plan(
            compile=Step(
                _build(job),
                {
                    **BUILD_ENV,
                    "GOCACHE": STD_CACHE,
                    # Compiler and linker end before collecting would pay; the bound is each one's.
                    "GOGC": "off",
                    "GOMEMLIMIT": str(compile_limits.memory // 4),
                    "GOMAXPROCS": str(max(1, math.ceil(compile_limits.cpus))),
                },
            ),
            run=Step(
                (f"{BUILD_DIR}/main", *job.args),
                {
                    "GOMAXPROCS": str(max(1, math.ceil(job.limits.cpus))),
                    # Collect hard before the kernel has to kill; see runtime/debug.SetMemoryLimit.
                    "GOMEMLIMIT": str(job.limits.memory * 9 // 10),
                },
            ),
        )


def _build(job: Job) -> tuple[str, ...]:
    """The entry's folder in a module, else the files of that folder by name."""
    # As 'go run' does, the linker leaves debug tables out, which only debuggers read.
    build = ("go", "build", "-ldflags=-s -w", "-o", f"{BUILD_DIR}/main")
    folder = job.entry.rpartition("/")[0]
    paths = [file.path for file in job.files]
    if any(path.rpartition("/")[2] == "go.mod" for path in paths):
        # The go command writes an index of a module's folder into its cache, which is read-only
        # here, unless a file in it is newer than two seconds: one from the future always is.
        touch = "find . -name '*.go' -exec touch -d '2100-01-01 00:00' {} +"
        return ("sh", "-c", f'{touch}; exec "$@"', "sh", *build, f"./{folder}")
    same_folder = sorted(
        path
        for path in paths
        if path.rpartition("/")[0] == folder
        and path.endswith(".go")
        and (path == job.entry or not path.endswith("_test.go"))
    )
    return (*build, *map(as_argument, same_folder))
