"""Java."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from drybox.languages import runners
from drybox.languages.argument import as_argument
from drybox.model import MIB, Command, File, ResourceLimits
from drybox.protocols import (
    BUILD_DIR,
    PACKAGES_DIR,
    Job,
    PackageForm,
    Plan,
    Preparation,
    Step,
    Toolchain,
)
from drybox.warm import Runner, Way

CLASSES = f"{BUILD_DIR}/classes"
ARCHIVES = "/opt/java-cds"

# What javac loads to compile common things is kept ready to map; an archive has to be made
# with the collector and the compiler level that it is used with.
_JAVAC_JVM = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")

COMPILER = "/opt/java-compiler"
_WAITING = "WaitingCompiler"
_TRAINING = File("Training.java", runners.source("Training.java"))
_LITTLE = File("Little.java", runners.source("Little.java"))
# So much is allocated until its next collection that few compilations see one.
_WAITING_JVM = (*_JAVAC_JVM, "-XX:NewSize=16m", "--add-opens=java.base/java.io=ALL-UNNAMED")
# What it compiles before it waits: more takes processor time for every sandbox and gains little.
_PRACTICE = ("1", f"{COMPILER}/Training.java", "10", f"{COMPILER}/Little.java")
_MAIN_CLASS = "Main"
_WORD = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"

# A jar is used where it is. Listing it tells a broken one from a whole one; javac and the JVM
# pass over what they cannot read.
_CHECK = """
for jar; do
    [ -f "$jar" ] || { echo "There is no package $jar." >&2; exit 1; }
    jar -J-XX:+UseSerialGC -J-XX:TieredStopAtLevel=1 --list --file "$jar" >/dev/null || {
        echo "The package $jar cannot be read." >&2
        exit 1
    }
done
"""

# Sources are untrusted and may be made to be slow to read: every pattern here looks at a
# bounded stretch from wherever it starts, so that reading takes time linear in the source.
_NOISE = re.compile(r'//|/\*|"""|"|\'')
_NOISE_END = {"//": "\n", "/*": "*/", '"""': '"""', '"': '"', "'": "'"}
_PACKAGE = re.compile(r"(?<![\w.])package\s{1,99}([\w.]{1,999})\s{0,99};")
_TYPE = re.compile(
    r"(?<![\w.@])(?:class|@?interface|enum|record)\s{1,99}((?:[^\W\d]|\$)[\w$]{0,999})"
)
_PUBLIC = re.compile(r"\bpublic\b")
_MAIN = re.compile(r"\bstatic\b[^;{}=]{0,199}\bvoid\s{1,99}main\s{0,99}\(")
_BRACKET = re.compile(r"[{}()]")


class Java:
    """Compiles every source file and runs the entry file's first class that has a main."""

    name = "java"
    aliases = ("jdk", "openjdk")
    suffixes = (".java",)
    image = "openjdk:17-alpine"
    toolchain = Toolchain(
        executable="java",
        home_env="JAVA_HOME",
        search=("/usr/lib/jvm/*/bin/java", "/opt/*/bin/java", "/opt/java/*/bin/java"),
        levels=2,
        least_pids=14,  # of JDK 17 with the serial collector
        mount="/opt/java",
        version_file=("release", r'JAVA_VERSION="([\d._]+)"'),
        version_argv=("-version",),
        host_paths=("/etc/java-*-openjdk",),  # Debian keeps a JDK's configuration here
        install_hint="Install it: 'apt install default-jdk-headless', or set JAVA_HOME to a JDK.",
        preparations=(
            Preparation(
                name="javac-cds",
                label="Archiving the classes of javac",
                files=(_TRAINING,),
                commands=(
                    (
                        "javac",
                        *(f"-J{flag}" for flag in _JAVAC_JVM),
                        "-J-XX:ArchiveClassesAtExit={out}/javac.jsa",
                        *("-d", "/tmp/classes", "Training.java"),
                    ),
                ),
                mount=ARCHIVES,
                optional=True,  # older JDKs cannot; javac is slower then
            ),
            Preparation(
                name="java-compiler",
                label="Making a compiler that waits",
                files=(
                    _TRAINING,
                    _LITTLE,
                    File(f"{_WAITING}.java", runners.source(f"{_WAITING}.java")),
                ),
                commands=(
                    ("javac", "-d", "{out}", f"{_WAITING}.java"),
                    ("jar", "cf", "{out}/compiler.jar", "-C", "{out}", f"{_WAITING}.class"),
                    ("cp", "Training.java", "Little.java", "{out}"),
                    (
                        "java",
                        *("-XX:+IgnoreUnrecognizedVMOptions", *_WAITING_JVM),
                        "-XX:ArchiveClassesAtExit={out}/compiler.jsa",
                        *("-cp", "{out}/compiler.jar", _WAITING, "end", *_PRACTICE),
                    ),
                ),
                mount=COMPILER,
                optional=True,  # where it cannot be made, none waits
            ),
        ),
    )

    packages = PackageForm(
        pattern=f"{_WORD}:{_WORD}:{_WORD}",
        example="org.slf4j:slf4j-api:2.0.16",
        archives="jars in the layout of a Maven repository",
    )

    def entry(self, code: str) -> str:
        """The path that javac wants for the public class, its package's folders included."""
        package, types = outline(code)
        if not all(package.split(".")):
            package = ""  # javac says what is wrong with it
        chosen = next((name for name, public, _ in types if public), None)
        folder = package.replace(".", "/") + "/" if package else ""
        return f"{folder}{chosen or 'Main'}.java"

    def find_entry(self, files: Mapping[str, bytes]) -> str | None:
        """The entry among several files: the only one that has a main, or Main.java."""
        if "Main.java" in files:
            return "Main.java"
        with_main = [
            path
            for path, content in files.items()
            if path.endswith(".java") and main_class(content.decode("utf-8", "replace"), "")
        ]
        return with_main[0] if len(with_main) == 1 else None

    def plan(self, job: Job, compile_limits: ResourceLimits) -> Plan:
        """The steps for a job."""
        sources = {file.path: file.content for file in job.files}
        entry = sources[job.entry].decode("utf-8", "replace")
        stem = job.entry.rpartition("/")[2].removesuffix(".java")
        jars = [_jar(package) for package in job.packages]
        class_path = ("-cp", ":".join((".", *jars)), "-sourcepath", ".") if jars else ()
        return Plan(
            install=Step(("sh", "-c", _CHECK, "sh", *jars), cwd=BUILD_DIR) if jars else None,
            compile=Step(
                (
                    *_javac(compile_limits),
                    *("-encoding", "UTF-8", "-d", CLASSES, *class_path),
                    # Processors and plugins would be looked for among the request's own files,
                    # and would run under the operator's limits: here is none to be found.
                    *("-proc:none", "--processor-path", f"{BUILD_DIR}/processors"),
                    *sorted(as_argument(path) for path in sources if path.endswith(".java")),
                )
            ),
            run=Step(
                (
                    *_java(job.limits),
                    *("-cp", ":".join((CLASSES, *jars)), main_class(entry, stem)),
                    *job.args,
                )
            ),
            memory_marker=b"java.lang.OutOfMemoryError",
            outputs=("classes/**",),
        )

    def runners(self, version: str, commands: Sequence[Command]) -> tuple[Runner, ...]:
        """A javac that has compiled already, and a JVM that is about to read its main class."""
        before, last = commands[0], commands[-1]
        compiler = Runner(
            (
                *("java", *_WAITING_JVM, *memory_flags(before.limits)),
                *_archive("compiler", COMPILER),
                *("-cp", f"{COMPILER}/compiler.jar", _WAITING, "wait", *_PRACTICE),
            ),
            becomes=_javac(before.limits),
            open_files=before.limits.open_files,
            fixed=("*",),
            size=96 * MIB,
        )
        # Its program's main class is called as most are: it is given the class, not the name.
        program = Runner(
            (*_java(last.limits), "-cp", CLASSES, _MAIN_CLASS),
            open_files=last.limits.open_files,
            way=Way.STANDS_BEFORE_DOOR,
            door=f"{CLASSES}/{_MAIN_CLASS}.class",
            size=36 * MIB,
        )
        return (compiler, program) if before is not last else (program,)


def _javac(limits: ResourceLimits) -> tuple[str, ...]:
    """How every command line of javac begins."""
    flags = (*_JAVAC_JVM, *memory_flags(limits), *_archive("javac", ARCHIVES))
    return ("javac", *(f"-J{flag}" for flag in flags))


def _java(limits: ResourceLimits) -> tuple[str, ...]:
    """How every command line of a program begins."""
    return ("java", "-XX:+UseSerialGC", "-XX:-UsePerfData", *memory_flags(limits))


def _archive(name: str, folder: str) -> tuple[str, ...]:
    """Flags that use an archive; one that does not fit would be told on stdout."""
    return (f"-XX:SharedArchiveFile={folder}/{name}.jsa", "-Xlog:disable")


def _jar(package: str) -> str:
    """Where a Maven repository has the jar of ``group:artifact:version``."""
    group, artifact, version = package.split(":")
    folder = f"{PACKAGES_DIR}/{group.replace('.', '/')}/{artifact}/{version}"
    return f"{folder}/{artifact}-{version}.jar"


def memory_flags(limits: ResourceLimits) -> tuple[str, ...]:
    """Flags that fit a JVM to its limits: it sees neither cgroup nor quota from inside.

    Beside its heap a JVM with the serial collector takes 16 MiB for the shortest program and
    a quarter of its limit for large ones, so what is left for the heap fills up before
    the kernel has to kill.
    """
    heap = max(limits.memory - max(28 * MIB, limits.memory // 4), 4 * MIB)
    return (
        f"-XX:ActiveProcessorCount={max(1, math.ceil(limits.cpus))}",
        f"-Xmx{heap // 1024}k",
        f"-XX:MaxDirectMemorySize={limits.memory // 8 // 1024}k",
    )


def outline(code: str) -> tuple[str, list[tuple[str, bool, bool]]]:
    """The package and the top-level types of a source: name, is public, has a main.

    Finds them by counting braces; a source that does not compile gets a best guess, and
    javac then says what is wrong with it.
    """
    text = _code_only(code)
    outside, members = _down_to_depth(text, 0), _down_to_depth(text, 1)
    package = _PACKAGE.search(outside)
    found = list(_TYPE.finditer(outside))
    types = []
    before = 0
    ends = [*(item.start() for item in found[1:]), len(text)]
    for match, end in zip(found, ends, strict=False):
        start = match.start()
        head = max(before, outside.rfind(";", before, start), outside.rfind("}", before, start))
        is_public = bool(_PUBLIC.search(outside, head, start))
        types.append((match[1], is_public, bool(_MAIN.search(members, match.end(), end))))
        before = match.end()
    return (package[1] if package else ""), types


def main_class(code: str, default: str) -> str:
    """Full name of the first top-level type that has a main; ``default`` if none has."""
    package, types = outline(code)
    name = next((name for name, _, has_main in types if has_main), default)
    return f"{package}.{name}" if package and name else name


def _code_only(text: str) -> str:
    """The text without comments, strings and characters."""
    kept, at = [], 0
    while match := _NOISE.search(text, at):
        kept.append(text[at : match.start()])
        end = _NOISE_END[match[0]]
        at = match.end()
        while True:
            found = text.find(end, at)
            if found < 0 or end not in ('"', "'", '"""') or not _is_escaped(text, found):
                at = found + len(end) if found >= 0 else len(text)
                break
            at = found + 1
        kept.append("\n" if end == "\n" else " ")
    return "".join([*kept, text[at:]])


def _is_escaped(text: str, at: int) -> bool:
    start = at
    while start and text[start - 1] == "\\":
        start -= 1
    return (at - start) % 2 == 1


def _down_to_depth(text: str, depth: int) -> str:
    """The text, of the same length, with all that is inside more braces blanked out.

    Braces in parentheses outside of any body are an annotation's and count as blanks.
    """
    kept, at, level, round_ones = [], 0, 0, 0
    for bracket in _BRACKET.finditer(text):
        part = text[at : bracket.start()]
        kept.append(part if level <= depth else " " * len(part))
        char = bracket[0]
        if char in "()":
            if level == 0:
                round_ones = max(0, round_ones + (1 if char == "(" else -1))
        elif round_ones:
            char = " "
        else:
            level += 1 if char == "{" else -1
        kept.append(char)
        at = bracket.end()
    rest = text[at:]
    return "".join([*kept, rest if level <= depth else " " * len(rest)])
