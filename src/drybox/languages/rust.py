"""Rust."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping

from drybox.job import (
    BUILD_DIR,
    ENVIRONMENT_DIR,
    NEW_ENVIRONMENT_DIR,
    PACKAGES_DIR,
    WORK_DIR,
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
    Samples,
    Tool,
    Toolchain,
    UsualEntry,
    as_argument,
)
from drybox.languages.prestart import Handoff, PrestartedProcess
from drybox.model import KIB, MIB, ResourceLimits

MOST_READ = 256 * KIB
"""Bytes of a source that are looked at for ``main``, and of a manifest for its name."""

OWN_MANIFEST = f"{BUILD_DIR}/project/Cargo.toml"
"""The manifest of a program that has packages and none of its own."""

TARGET = f"{BUILD_DIR}/target"
"""cargo's folder of what it compiles, an environment's packages, too."""

CRATES = f"{NEW_ENVIRONMENT_DIR}/crates"
"""An environment's packages, at one path when they are compiled ahead and when a program is: cargo
knows by it what is compiled."""

BUILD_ENV: Mapping[str, str] = {
    "CARGO_HOME": f"{BUILD_DIR}/cargo",
    "CARGO_INCREMENTAL": "0",
    "CARGO_PROFILE_DEV_DEBUG": "0",  # what a debugger reads, and takes long to write
    "CARGO_TERM_COLOR": "never",
}
"""The same for an environment's packages and every program: cargo knows by it, too."""

_TARGET_FACTS = """
rustc -vV | {
    while read -r word fact; do
        case $word in
        host:) triple=$fact ;;
        release:) version=$fact ;;
        commit-hash:) commit=$fact ;;
        esac
    done
    [ "$triple" ] && printf '{"label": "Rust %s on %s", "version": "%s", "triple": "%s", ' \
        "$version" "$triple" "$version" "$triple" && printf '"commit": "%s"}\n' "$commit"
}
"""

_RUSTC = ("rustc", "--edition", "2021", "--crate-name", "main", "--crate-type", "bin")

_BACKTRACES = ("RUST_BACKTRACE", "RUST_LIB_BACKTRACE")
_NO_LINES = ("-C", "strip=debuginfo")
"""Leaves out where the standard library's own lines are, nine tenths of a short program. Only a
backtrace shows them: who asks for one has them."""

_MAIN = re.compile(rb"^[ \t]{0,99}(?:pub |async ){0,2}fn main[ \t]{0,99}\(", re.M)
_BIN = re.compile(rb"^\[\[bin\]\]([^\[]{0,2000})", re.M)
_VALUE = {
    word: re.compile(rf'^{word}[ \t]{{0,9}}=[ \t]{{0,9}}"([^"\n]{{1,999}})"'.encode(), re.M)
    for word in ("name", "path", "default-run")
}
_NAME = re.compile(rb"^\[package\][^\[]{0,2000}?^name[ \t]{0,9}=[ \t]{0,9}\"([\w-]{1,64})\"", re.M)

# Where the toolchain is a version manager's, its programs stand for all of the toolchain's: an
# image gets the toolchain's own in their place.
_OWN_PROGRAMS = """
for name in rustc cargo; do
    found=$(command -v $name) || continue
    case $(readlink -f "$found") in
    */rustup) ;;
    *) continue ;;
    esac
    for home in "$RUSTUP_HOME" /usr/local/rustup "$HOME/.rustup"; do
        for program in "$home"/toolchains/*/bin/$name; do
            [ -x "$program" ] && ln -sf "$program" "$found" && break 2
        done
    done
done
"""

# The compiler tells apart what is to run while others are compiled: build scripts and procedural
# macros. Of the operator's packages they do, of a request's own files they would run under the
# operator's limits.
_WRAPPER = f"""#!/bin/sh
[ "$2" = - ] && exec "$@"
place= kind= name= source= last=
for word; do
    case $place in
    '') [ "$word" = --crate-name ] && place=name ;;
    name) name=$word place=source ;;
    source) case $word in --edition=*) ;; *) source=$word place=end ;; esac ;;
    esac
    [ "$last=$word" = --crate-type=proc-macro ] && kind='procedural macro'
    last=$word
done
case $name in build_script_*) kind='build script' ;; esac
case $source in
*/../*) ;;
{PACKAGES_DIR}/* | {CRATES}/*) kind= ;;
esac
[ -z "$kind" ] && exec "$@"
echo "error: a request's own $kind does not run: $source" >&2
exit 1
"""

# An environment's versions count; cargo takes those of a lock. The program's own comes back.
_LOCKED = f"""
lock=${{manifest%.toml}}.lock kept=
[ ! -e "$lock" ] || kept={BUILD_DIR}/kept.lock
[ -e {CRATES} ] && {{
    [ -z "$kept" ] || mv "$lock" "$kept" || exit
    cp {ENVIRONMENT_DIR}/Cargo.lock "$lock" || exit
}}
unlock() {{
    code=$?
    [ -n "$kept" ] || rm -f "$lock"
    [ ! -e {BUILD_DIR}/kept.lock ] || mv {BUILD_DIR}/kept.lock "$lock"
}}
"""

# Links, for cargo writes beside them what it compiles anew: with other features, for example.
_OPEN = f"""
if [ ! -e {CRATES} ]; then
    mkdir -p {CRATES} {TARGET}/debug $CARGO_HOME && ln -s {ENVIRONMENT_DIR}/crates/* {CRATES} &&
        printf %s "$config" >$CARGO_HOME/config.toml && cd {TARGET}/debug || exit
    for part in deps .fingerprint build {ENVIRONMENT_DIR}/target/build/*; do
        part=${{part#{ENVIRONMENT_DIR}/target/}}
        [ -d {ENVIRONMENT_DIR}/target/$part ] && mkdir -p $part || continue
        set -- {ENVIRONMENT_DIR}/target/$part/*
        # Of a build script's folder cargo links the script to its other name, each time.
        [ ! -e "$1" ] || [ $part = build ] || ln -s "$@" $part || exit
    done
    cd /
fi
"""
"""Shows cargo what an environment has, by a configuration that names its packages."""

_BUILD = f"""
manifest=$1 name=$2 wrapper=$3 config=$4
[ -z "$config" ] || {{ {_OPEN} }}
{_LOCKED}
""" + """
printf %s "$wrapper" >$RUSTC_WRAPPER && chmod 755 $RUSTC_WRAPPER || exit
cargo build --quiet --offline --manifest-path "$manifest" --target-dir TARGET
unlock
[ $code = 0 ] || exit $code
found=TARGET/debug/$name
for file in TARGET/debug/*; do
    [ -x "$found" ] && [ -f "$found" ] && break
    case $file in *.so) ;; *) found=$file ;; esac
done
[ -x "$found" ] && [ -f "$found" ] && exec mv "$found" BUILD/main
echo 'error: this package has no program' >&2
exit 1
""".replace("TARGET", TARGET).replace("BUILD", BUILD_DIR)
"""Builds a package and takes the program of this name, or the only one that there is."""

_INSTALL = f"""
config=$1 manifest=$2 entry=$3 needs=$4
shift 4
for name; do
    for folder in {PACKAGES_DIR}/$name {PACKAGES_DIR}/$name-[0-9]*; do
        [ -d "$folder" ] && break
    done
    [ -d "$folder" ] || {{ echo "There is no package $name." >&2; exit 1; }}
    [ -f "$folder/Cargo.toml" ] && [ -f "$folder/.cargo-checksum.json" ] || {{
        echo "The package $name cannot be read: it is no crate that 'cargo vendor' wrote." >&2
        exit 1
    }}
done
mkdir -p $CARGO_HOME {BUILD_DIR}/project && printf %s "$config" >$CARGO_HOME/config.toml || exit
own=
case $config in
*{CRATES}*)
    {_OPEN}
    ln -sf {PACKAGES_DIR}/* {CRATES} || exit
    own=$(while IFS= read -r line; do
        case "$needs" in "${{line%% *}} "* | *"
${{line%% *}} "*) ;; *) printf '%s\n' "$line" ;; esac
    done <{ENVIRONMENT_DIR}/dependencies)
    ;;
esac
if [ "$manifest" = {OWN_MANIFEST} ]; then
    printf '[package]\\nname = "main"\\nversion = "0.0.0"\\nedition = "2021"\\n\\n' >$manifest
    printf '[[bin]]\\nname = "main"\\npath = "%s"\\n\\n' "$entry" >>$manifest
    printf '[dependencies]\\n%s%s\\n' "$needs" "$own" >>$manifest
fi
{_LOCKED}
cargo fetch --quiet --offline --manifest-path "$manifest"
unlock
exit $code
"""


def _config(folder: str) -> str:
    """What has cargo take packages out of a folder alone."""
    return (
        '[source.crates-io]\nreplace-with = "packages"\n'
        f'[source.packages]\ndirectory = "{folder}"\n'
    )


def _default_run(files: Mapping[str, bytes]) -> list[str]:
    """Where the program may be that ``cargo run`` takes by what its Cargo.toml says."""
    text = files.get("Cargo.toml", b"")[:MOST_READ]
    found = _VALUE["default-run"].search(text)
    if not found:
        return []
    name = found[1].decode("utf-8", "replace")
    places = [f"src/bin/{name}.rs", f"src/bin/{name}/main.rs"]
    for block in _BIN.findall(text):
        named, path = _VALUE["name"].search(block), _VALUE["path"].search(block)
        if named and path and named[1] == found[1]:
            places.append(path[1].decode("utf-8", "replace"))
    return places


class Rust(UsualEntry):
    """Compiles the entry and its modules, or the package of a ``Cargo.toml``, and runs it."""

    name = "rust"
    title = "Rust"
    aliases = ("rs", "rustc")
    suffixes = (".rs",)
    needs_suffix = True
    image = "rust:1.85-slim"
    toolchain = Toolchain(
        executable="rustc",
        versioned=("rustc-{version}",),
        search=(
            "~/.rustup/toolchains/stable-*/bin/rustc",
            "~/.rustup/toolchains/*/bin/rustc",
            "/usr/local/rustup/toolchains/*/bin/rustc",
            "/usr/lib/rust-*/bin/rustc",
        ),
        levels=2,
        mount="/opt/rust",
        parts=("bin/rustc", "bin/cargo", "lib", "libexec"),
        version_pattern=r"\Arustc (\d+(?:\.\d+)+)",
        image_commands=(("sh", "-c", _OWN_PROGRAMS),),
        tools=(
            Tool(
                name="cc",
                purpose="links programs in Rust",
                mount="/opt/rust-cc",
                choices=((("cc", "/usr/bin/cc"),),),
                install_hint="Install it: apt install gcc libc6-dev",
                probe=("cc", "--version"),
            ),
        ),
        install_hint="Install it: apt install rustc cargo, or rustup",
    )
    environments = EnvironmentForm(
        requirements=("Cargo.toml",),
        resolver="cargo",
        purl="cargo",
        probe=("sh", "-c", _TARGET_FACTS),
        install=(
            *("sh", "-c", runners.source("install_crates.sh").decode(), "sh", PACKAGES_DIR),
            *(NEW_ENVIRONMENT_DIR, ENVIRONMENT_DIR, TARGET, _config(CRATES)),
            *(f"{name}={value}" for name, value in BUILD_ENV.items()),
        ),
        growth=12,
    )
    packages = PackageForm(
        pattern=r"[A-Za-z][A-Za-z0-9_-]*(?:@[0-9][0-9A-Za-z.+-]*)?",
        example="serde@1.0.210",
        archives="crates (what 'cargo vendor' writes)",
    )
    samples = Samples(
        check="use std::io::{Read, Write};\n\nfn main() {\n"
        "    let mut input = String::new();\n"
        "    std::io::stdin().read_to_string(&mut input).unwrap();\n"
        '    print!("{}{}", std::env::args().nth(1).unwrap(), input);\n'
        '    std::io::stdout().flush().unwrap();\n    eprint!("err");\n'
        "    std::process::exit(3);\n}\n",
        hello='fn main() {\n    println!("hello {}", %d);\n}\n',
        hello_file="main.rs",
        baseline=("--edition", "2021", "-o", "main", "{file}"),
        then=("./main",),
        compiles=True,
    )
    editor = EditorMode("rust")
    piston = PistonNames("rust", ("rs",))

    def find_entry(self, files: Mapping[str, bytes]) -> str | None:
        """The entry among several files."""
        for name in (*_default_run(files), "src/main.rs", "main.rs"):
            if name in files:
                return name
        found = [
            path
            for path, text in files.items()
            if path.endswith(".rs") and path != "build.rs" and _MAIN.search(text[:MOST_READ])
        ]
        return found[0] if len(found) == 1 else None

    def prestarts(
        self, version: str, compile_limits: ResourceLimits, limits: ResourceLimits
    ) -> tuple[PrestartedProcess, ...]:
        """A compiler that is about to read its source."""
        compiler = PrestartedProcess(
            _compile("main.rs"),
            open_files=compile_limits.open_files,
            handoff=Handoff.FIFO,
            fifo=f"{WORK_DIR}/main.rs",
            size=32 * MIB,
        )
        return (compiler,)

    def plan(self, job: Job, compile_limits: ResourceLimits) -> Plan:
        """The steps for a job."""
        run = Step((f"{BUILD_DIR}/main", *job.args))
        manifest = _manifest_of(job)
        program = _program_of(job, manifest) if manifest else ""
        if not program and not job.packages:
            has_lines = any(name in job.env for name in _BACKTRACES)
            compiler = Step(
                _compile(job.entry, has_lines=has_lines, in_environment=bool(job.environment))
            )
            return Plan(compile=compiler, run=run, outputs=("main",))
        env = {**BUILD_ENV, "CARGO_BUILD_JOBS": str(max(1, math.ceil(compile_limits.cpus)))}
        config = _config(CRATES) if job.environment else ""
        path = f"{WORK_DIR}/{manifest}" if program else OWN_MANIFEST
        # A project's own configuration is read from where cargo is started: not from there.
        words = (path, program or "main", _WRAPPER, config)
        wrapped = {**env, "RUSTC_WRAPPER": f"{BUILD_DIR}/rustc-wrapper"}
        build = Step(("sh", "-c", _BUILD, "sh", *words), wrapped, cwd="/")
        install = None
        if job.packages:
            install = Step(_install(job, path, config or _config(PACKAGES_DIR)), env, cwd="/")
        return Plan(install=install, compile=build, run=run, outputs=("main",))


def _compile(
    entry: str, *, has_lines: bool = False, in_environment: bool = False
) -> tuple[str, ...]:
    options: tuple[str, ...] = () if has_lines else _NO_LINES
    if in_environment:
        options += (f"@{ENVIRONMENT_DIR}/rustc.args",)  # where each package is
    return (*_RUSTC, *options, "-o", f"{BUILD_DIR}/main", as_argument(entry))


def _manifest_of(job: Job) -> str:
    """The manifest in the folder of the entry or the nearest one above; "" if there is none."""
    paths = {file.path for file in job.files}
    folder = job.entry
    while folder:
        folder = folder.rpartition("/")[0]
        manifest = f"{folder}/Cargo.toml" if folder else "Cargo.toml"
        if manifest in paths:
            return manifest
    return ""


def _program_of(job: Job, manifest: str) -> str:
    """Name of the program that the entry is of; "" if it is of none that the manifest tells of."""
    folder = manifest.removesuffix("Cargo.toml")
    text = next((file.content for file in job.files if file.path == manifest), b"")[:MOST_READ]
    inside = job.entry.removeprefix(folder)
    for block in _BIN.findall(text):
        name, path = _VALUE["name"].search(block), _VALUE["path"].search(block)
        if name and path and path[1] == inside.encode():
            return name[1].decode("utf-8", "replace")
    if inside == "src/main.rs":
        match = _NAME.search(text)
        return match[1].decode() if match else "main"
    if inside.startswith("src/bin/"):
        return inside.removeprefix("src/bin/").partition("/")[0].removesuffix(".rs")
    return ""


def _install(job: Job, manifest: str, config: str) -> tuple[str, ...]:
    """Looks whether the packages are there, with what they need themselves."""
    words = [word.partition("@") for word in job.packages]
    needs = "".join(f"{name} = {json.dumps(version or '*')}\n" for name, _, version in words)
    names = [name for name, _, _ in words]
    entry = f"{WORK_DIR}/{job.entry}".replace("\\", "\\\\").replace('"', '\\"')
    return ("sh", "-c", _INSTALL, "sh", config, manifest, entry, needs, *names)
