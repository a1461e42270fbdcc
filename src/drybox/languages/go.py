"""Go."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Mapping

from drybox.job import (
    BUILD_DIR,
    ENVIRONMENT_DIR,
    NEW_ENVIRONMENT_DIR,
    PACKAGES_DIR,
    Job,
    Plan,
    Step,
)
from drybox.languages import runners
from drybox.languages.base import (
    EditorMode,
    EnvironmentForm,
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

MOST_READ = 1 << 20  # bytes of a source that are looked through

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

CACHE = f"{BUILD_DIR}/go-cache"
"""In an environment, the standard library's cache and the environment's in one."""

# What is compiled is found again by the path of its source: an environment's modules are at the
# same one when they are compiled ahead and when a program is.
ENVIRONMENT_ENV: Mapping[str, str] = {
    **MODULE_ENV,
    "GOCACHE": CACHE,
    "GOMODCACHE": f"{NEW_ENVIRONMENT_DIR}/mod",
    "GOPROXY": "off",
}
"""Beside ``BUILD_ENV``, where modules are an environment's."""

_TARGET = """
export GOENV=off GOTELEMETRY=off GOTOOLCHAIN=local XDG_CONFIG_HOME=off
version=$(go env GOVERSION) && system=$(go env GOOS)/$(go env GOARCH) || exit
version=${version#go}
printf '{"label": "Go %s on %s", "version": "%s"}\n' "$version" "$system" "$version"
"""

# A cache is 256 folders: those that an environment has nothing in are the standard library's.
_OPEN_CACHE = f"""
if [ ! -h {NEW_ENVIRONMENT_DIR} ]; then
    ln -s {ENVIRONMENT_DIR} {NEW_ENVIRONMENT_DIR} && mkdir {CACHE} &&
        ln -s {STD_CACHE}/?? {CACHE} && date +%s >{CACHE}/trim.txt && (
        cd {ENVIRONMENT_DIR}/cache 2>/dev/null && set -- ?? && [ -d "$1" ] && cd {CACHE} || exit
        rm -f "$@" && mkdir "$@" || exit
        for name; do
            ln -s {STD_CACHE}/"$name"/* {ENVIRONMENT_DIR}/cache/"$name"/* "$name"
        done
    )
fi
"""

# Where a module begins is told by a go.mod in its folder, even if another is read.
_REQUIRE = f"""
made= from={ENVIRONMENT_DIR}
if [ -f go.mod ] && [ ! -h go.mod ]; then
    cp go.mod {BUILD_DIR} && go mod edit $(cat $from/go.edits) {BUILD_DIR}/go.mod || exit
    {{ [ ! -f go.sum ] || cat go.sum; cat $from/go.sum; }} >{BUILD_DIR}/go.sum || exit
else
    cp $from/go.mod $from/go.sum {BUILD_DIR} || exit
    ln -sf {BUILD_DIR}/go.mod go.mod && made=go.mod
fi
"""
"""Writes what the program requires into a go.mod, and over it what the environment has."""

_IN_ENVIRONMENT = f"""{_OPEN_CACHE}{_REQUIRE}
"$@"
code=$?
[ -z "$made" ] || rm -f go.mod
[ $code = 0 ] || exit $code
[ -x {BUILD_DIR}/main ] && exit
echo 'this package is not a main package' >&2
exit 1
"""

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

    environments = EnvironmentForm(
        requirements=("go.mod",),
        resolver="go",
        purl="golang",
        path=("bin",),
        probe=("sh", "-c", _TARGET),
        install=(
            *("sh", "-c", runners.source("install_modules.sh").decode(), "sh"),
            *(PACKAGES_DIR, NEW_ENVIRONMENT_DIR, ENVIRONMENT_DIR, STD_CACHE),
            *(f"{name}={value}" for name, value in {**BUILD_ENV, **ENVIRONMENT_ENV}.items()),
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
        """The entry among several files: ``main.go``, or the only one that has a ``main``."""
        if "main.go" in files:
            return "main.go"
        sources = [
            name
            for name in files
            if name.endswith(".go") and not name.endswith("_test.go")
            if not name.startswith("vendor/")
        ]
        top = [name for name in sources if "/" not in name]
        for group in (top, sources):
            if found := [name for name in group if _has_main(files[name])]:
                return found[0] if len(found) == 1 else None
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
            **_module_env(job),
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


_MAIN = re.compile(rb"^func[ \t]+main[ \t]*\(", re.MULTILINE)
_PACKAGE = re.compile(rb"^package[ \t]+main\b", re.MULTILINE)
_IGNORED = re.compile(rb"^//go:build[ \t]+ignore[ \t\r]*$", re.MULTILINE)


def _has_main(source: bytes) -> bool:
    """Whether a source begins a program, by its text; one that only ``go run`` takes does not."""
    text = source[:MOST_READ]
    return all(each.search(text) for each in (_MAIN, _PACKAGE)) and not _IGNORED.search(text)


def _module_env(job: Job) -> Mapping[str, str]:
    """Where modules come from."""
    if not job.packages:
        return ENVIRONMENT_ENV if job.environment else {}
    if not job.environment:
        return MODULE_ENV
    both = f"file://{PACKAGES_DIR},file://{ENVIRONMENT_DIR}/mod/cache/download"
    return {**MODULE_ENV, "GOPROXY": both}


def _get(job: Job) -> tuple[str, ...]:
    """Notes the packages as requirements and fetches them."""
    modfile = f"{BUILD_DIR}/go.mod"
    if job.environment:
        begin = _REQUIRE
    elif any(file.path == "go.mod" for file in job.files):
        begin = f"cp go.mod {modfile} && if [ -f go.sum ]; then cp go.sum {BUILD_DIR}; fi"
    else:
        # Where a module begins is told by a go.mod in its folder, even if another is read.
        begin = f"(cd {BUILD_DIR} && go mod init sandbox 2>/dev/null) && ln -s {modfile} go.mod"
    then = 'exec "$@"' if job.environment else '&& exec "$@"'
    return ("sh", "-c", f"{begin} {then}", "sh", "go", "get", MODULE[1], *job.packages)


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
    if job.packages or job.environment:
        build += MODULE
    script = _IN_ENVIRONMENT if job.environment and not job.packages else _PROGRAM
    folder = job.entry.rpartition("/")[0]
    paths = [file.path for file in job.files]
    if any(path.rpartition("/")[2] == "go.mod" for path in paths):
        # The go command writes an index of a module's folder into its cache, which is read-only
        # here, unless a file in it is newer than two seconds: one from the future always is.
        touch = "find . -name '*.go' -exec touch -d '2100-01-01 00:00' {} +"
        return ("sh", "-c", f"{touch}; {script}", "sh", *build, f"./{folder}")
    same_folder = sorted(
        path
        for path in paths
        if path.rpartition("/")[0] == folder
        and (path == job.entry or _is_of_the_program(path.rpartition("/")[2]))
    )
    if is_direct(job, same_folder):
        if not job.environment:
            return direct_build(DIRECT, job, same_folder)
        otherwise = f'set -- {shlex.join(build)} "$@"\n{script}'
        return direct_build(f"{ENVIRONMENT_DIR}/direct", job, same_folder, otherwise)
    return ("sh", "-c", script, "sh", *build, *map(as_argument, same_folder))
