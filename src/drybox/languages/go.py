"""Go."""

from __future__ import annotations

import math
from collections.abc import Mapping

from drybox.job import BUILD_DIR, PACKAGES_DIR, Job, Plan, Step
from drybox.languages.base import (
    EditorMode,
    PackageForm,
    PistonNames,
    Preparation,
    Samples,
    Toolchain,
    UsualEntry,
    as_argument,
)
from drybox.languages.go_build import RECORD, TEMPLATE, direct_build, is_direct
from drybox.model import ResourceLimits

STD_CACHE = "/opt/go-cache"
DIRECT = f"{STD_CACHE}/direct"

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


MODULE_ENV: Mapping[str, str] = {
    "GODEBUG": "goindex=0",  # it would write an index of each module into the read-only cache
    "GOPROXY": f"file://{PACKAGES_DIR}",
    "GOSUMDB": "off",  # the operator put the modules there; nobody else is in reach to ask
    "GOWORK": "off",
    "HOME": f"{BUILD_DIR}/home",  # where the go command keeps notes of its own
}
"""Beside ``BUILD_ENV``, where modules come from."""

MODULE = ("-mod=mod", f"-modfile={BUILD_DIR}/go.mod")
"""Requirements are written outside the working directory, in a copy of the program's own."""

_OTHER_SYSTEMS = frozenset(
    (
        *("aix", "android", "darwin", "dragonfly", "freebsd", "illumos", "ios", "js"),
        *("netbsd", "openbsd", "plan9", "solaris", "wasip1", "windows"),
    )
)
"""What the go command reads in the end of a file's name as a system that is not this one."""

_PROGRAM = f"""
"$@" || exit
[ -x {BUILD_DIR}/main ] && exit
echo 'this package is not a main package' >&2
exit 1
"""
"""Builds by the command in the arguments. Of a package that is no program the go command writes
what other packages need of it, and succeeds."""

_WORD = r"[A-Za-z0-9_~][A-Za-z0-9._~-]*"


class Go(UsualEntry):
    """Builds a module, or the single file that is the entry, and runs the program."""

    name = "go"
    title = "Go"
    aliases = ("golang",)
    suffixes = (".go",)
    needs_suffix = True
    image = "golang:1.21-alpine"
    toolchain = Toolchain(
        executable="go",
        versioned=("go{version}",),
        home_env="GOROOT",
        wheel=("go", ""),
        search=("/usr/local/go/bin/go", "/usr/lib/go-*/bin/go"),
        host_paths=("/usr/share/go-*",),  # Debian keeps a toolchain's sources there
        levels=2,
        least_pids=4,  # with one CPU
        mount="/opt/go",
        version_file=("VERSION", r"go([\d.]+)"),
        version_argv=("version",),
        install_hint="Install it: pip install 'drybox[go]'",
        preparations=(
            Preparation(
                name="go-std",
                label="Compiling Go's standard library",
                files=(TEMPLATE,),
                commands=(
                    ("go", "build", "std"),
                    ("sh", "-c", RECORD, "sh", "{out}/direct"),
                ),
                env={**BUILD_ENV, "GOCACHE": "{out}"},
                mount=STD_CACHE,
                parts=("go", "list", "std"),
                parts_env={"GOFLAGS": "-v"},
            ),
        ),
    )

    packages = PackageForm(
        pattern=rf"{_WORD}(?:/{_WORD})*(?:@[A-Za-z0-9][A-Za-z0-9.+-]*)?",
        example="golang.org/x/text@v0.21.0",
        archives="modules (what 'go mod download' puts into $GOMODCACHE/cache/download)",
    )

    samples = Samples(
        check='package main\n\nimport (\n\t"fmt"\n\t"io"\n\t"os"\n)\n\nfunc main() {\n'
        "\tdata, _ := io.ReadAll(os.Stdin)\n"
        '\tfmt.Print(os.Args[1], string(data))\n\tfmt.Fprint(os.Stderr, "err")\n'
        "\tos.Exit(3)\n}\n",
        hello='package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("hello", %d) }\n',
        hello_file="main.go",
        baseline=("run", "{file}"),
        compiles=True,
    )
    editor = EditorMode("go", indent="\t")
    piston = PistonNames("go", ("go", "golang"))

    def takes_entry(self, path: str, code: str) -> bool:
        """Whether ``code`` may be the entry under this path; a test is no program."""
        return path.endswith(self.suffixes) and not path.endswith("_test.go")

    def find_entry(self, files: Mapping[str, bytes]) -> str | None:
        """The entry among several files."""
        if "main.go" in files:
            return "main.go"
        top = [name for name in files if name.endswith(".go") and "/" not in name]
        return top[0] if len(top) == 1 else None

    def plan(self, job: Job, compile_limits: ResourceLimits) -> Plan:
        """The steps for a job."""
        env = {
            **BUILD_ENV,
            "GOCACHE": STD_CACHE,
            # Without an absolute path there, the tools keep no counters of use: those would lie
            # among the program's files, and come back as artifacts.
            "XDG_CONFIG_HOME": "off",
            # Compiler and linker end before collecting would pay; the bound is each one's.
            "GOGC": "off",
            "GOMEMLIMIT": str(compile_limits.memory // 4),
            "GOMAXPROCS": str(max(1, math.ceil(compile_limits.cpus))),
            **(MODULE_ENV if job.packages else {}),
        }
        return Plan(
            install=Step(_get(job), env) if job.packages else None,
            compile=Step(_build(job), env),
            run=Step(
                (f"{BUILD_DIR}/main", *job.args),
                {
                    "GOMAXPROCS": str(max(1, math.ceil(job.limits.cpus))),
                    # Collect hard before the kernel has to kill; see runtime/debug.SetMemoryLimit.
                    "GOMEMLIMIT": str(job.limits.memory * 9 // 10),
                },
            ),
            outputs=("main",),
        )


def _get(job: Job) -> tuple[str, ...]:
    """Notes the packages as requirements and fetches them."""
    modfile = f"{BUILD_DIR}/go.mod"
    if any(file.path == "go.mod" for file in job.files):
        begin = f"cp go.mod {modfile} && if [ -f go.sum ]; then cp go.sum {BUILD_DIR}; fi"
    else:
        # Where a module begins is told by a go.mod in its folder, even if another is read.
        begin = f"(cd {BUILD_DIR} && go mod init sandbox 2>/dev/null) && ln -s {modfile} go.mod"
    return ("sh", "-c", f'{begin} && exec "$@"', "sh", "go", "get", MODULE[1], *job.packages)


def _is_of_the_program(name: str) -> bool:
    """Whether a Go file beside the entry belongs to a program for Linux, by its name."""
    if not name.endswith(".go") or name.startswith(("_", ".")):
        return False
    words = name.partition(".")[0].split("_")[1:][-2:]  # name_SYSTEM.go, name_SYSTEM_PROCESSOR.go
    return "test" not in words[-1:] and not _OTHER_SYSTEMS.intersection(words)


def _build(job: Job) -> tuple[str, ...]:
    """The entry's folder in a module, else the files of that folder by name."""
    # As 'go run' does, the linker leaves debug tables out, which only debuggers read.
    build: tuple[str, ...] = ("go", "build", "-ldflags=-s -w", "-o", f"{BUILD_DIR}/main")
    if job.packages:
        build += MODULE
    folder = job.entry.rpartition("/")[0]
    paths = [file.path for file in job.files]
    if any(path.rpartition("/")[2] == "go.mod" for path in paths):
        # The go command writes an index of a module's folder into its cache, which is read-only
        # here, unless a file in it is newer than two seconds: one from the future always is.
        touch = "find . -name '*.go' -exec touch -d '2100-01-01 00:00' {} +"
        return ("sh", "-c", f"{touch}; {_PROGRAM}", "sh", *build, f"./{folder}")
    same_folder = sorted(
        path
        for path in paths
        if path.rpartition("/")[0] == folder
        and (path == job.entry or _is_of_the_program(path.rpartition("/")[2]))
    )
    if is_direct(job, same_folder):
        return direct_build(DIRECT, job, same_folder)
    return ("sh", "-c", _PROGRAM, "sh", *build, *map(as_argument, same_folder))
