"""Java."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence

from drybox.job import BUILD_DIR, PACKAGES_DIR, File, Job, Plan, Step
from drybox.languages import runners
from drybox.languages.base import (
    EditorMode,
    PackageForm,
    PistonNames,
    Preparation,
    Samples,
    Toolchain,
    as_argument,
)
from drybox.languages.java_environment import ENVIRONMENT, JARS
from drybox.languages.prestart import Handoff, PrestartedProcess
from drybox.model import KIB, MIB, ResourceLimits

CLASSES = f"{BUILD_DIR}/classes"
NOWHERE = f"{BUILD_DIR}/processors"  # there is no such folder
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

# 'java FILE' takes an entry file of any name, javac does not: its own interface can be told to.
_ANY_NAME = f'printf %s "$1" >{BUILD_DIR}/AnyName.java && shift && exec "$@"'

# Sources are untrusted and may be made to be slow to read: every pattern here looks at a
# bounded stretch from wherever it starts, so that reading takes time linear in the source. And
# of that only so much is read: who reads waits for it, and everybody else with them.
MOST_READ = 256 * KIB
"""Characters of a source that are looked at for its types."""

MOST_READ_OF_ALL = 512 * KIB
"""Characters of all sources together, where the entry is looked for among them."""

MOST_MARKS = 10_000
"""Braces, comments and quotes of a source that are looked at. Source of people has one in 25
characters."""

MOST_TYPES = 500
"""Types of a source that are told apart; one file of people has a few."""

_NOISE = re.compile(r'//|/\*|"""|"|\'')
_COMMENT_END = {"//": "\n", "/*": "*/"}
_QUOTED = {
    '"""': re.compile(r'[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"""', re.DOTALL),
    '"': re.compile(r'[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL),
    "'": re.compile(r"[^'\\]*(?:\\.[^'\\]*)*'", re.DOTALL),
}
# What may not stand before a word is looked at behind its first letter, so that a search stops at
# that letter alone.
_PACKAGE = re.compile(r"p(?<![\w.]p)ackage\s{1,99}([\w.]{1,999})\s{0,99};")
_TYPE = re.compile(
    r"(?:c(?<![\w.@]c)lass|i(?<![\w.]i)nterface|e(?<![\w.@]e)num|r(?<![\w.@]r)ecord)"
    r"\s{1,99}((?:[^\W\d]|\$)[\w$]{0,999})"
)
_PUBLIC = re.compile(r"\bpublic\b")
_MAIN = re.compile(r"s(?<!\ws)tatic\b[^;{}=]{0,199}\bvoid\s{1,99}main\s{0,99}\(")
_BRACKET = re.compile(r"[{}()]")


class Java:
    """Compiles every source file and runs the entry file's first class that has a main."""

    name = "java"
    title = "Java"
    aliases = ("jdk", "openjdk")
    suffixes = (".java",)
    needs_suffix = True
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

    environments = ENVIRONMENT

    packages = PackageForm(
        pattern=f"{_WORD}:{_WORD}:{_WORD}",
        example="org.slf4j:slf4j-api:2.0.16",
        archives="jars in the layout of a Maven repository",
    )

    samples = Samples(
        check="import java.io.*;\nimport java.nio.charset.StandardCharsets;\n"
        "public class Main {\n  public static void main(String[] args) throws IOException {\n"
        "    var out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, "
        "StandardCharsets.UTF_8);\n"
        "    var in = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);\n"
        '    out.print(args[0] + in);\n    System.err.print("err");\n    System.exit(3);\n'
        "  }\n}\n",
        hello="public class Main {\n    public static void main(String[] args) {\n"
        '        System.out.println("hello " + %d);\n    }\n}\n',
        hello_file="Main.java",
        baseline=("{file}",),
        compiles=True,
    )
    editor = EditorMode("java")
    piston = PistonNames("java")

    def entry(self, code: str) -> str:
        """The path that javac wants for the public class, its package's folders included."""
        package, types = outline(code)
        if not all(package.split(".")):
            package = ""  # javac says what is wrong with it
        chosen = next((name for name, public, _ in types if public), None)
        folder = package.replace(".", "/") + "/" if package else ""
        return f"{folder}{chosen or 'Main'}.java"

    def takes_entry(self, path: str, code: str) -> bool:
        """Whether ``code`` may be the entry under this path: javac wants the class's name."""
        return f"/{path}".endswith(f"/{self.entry(code)}")

    def find_entry(self, files: Mapping[str, bytes]) -> str | None:
        """The entry among several files: the only one that has a main, or Main.java."""
        if "Main.java" in files:
            return "Main.java"
        sources = {path: content for path, content in files.items() if path.endswith(".java")}
        left = MOST_READ_OF_ALL
        marks = MOST_MARKS * MOST_READ_OF_ALL // MOST_READ
        with_main = []
        for path, content in sources.items():
            text = _text(content)
            left -= len(text)
            marks -= sum(map(text.count, "{}()\"'"))
            if left < 0 or marks < 0:
                return None
            if main_class(text, ""):
                with_main.append(path)
        return with_main[0] if len(with_main) == 1 else None

    def plan(self, job: Job, compile_limits: ResourceLimits) -> Plan:
        """The steps for a job."""
        sources = {file.path: file.content for file in job.files}
        entry = _text(sources[job.entry])
        stem = job.entry.rpartition("/")[2].removesuffix(".java")
        installed = [_jar(package) for package in job.packages]
        jars = [*installed, *([JARS] if job.environment else [])]
        class_path = ("-cp", ":".join((".", *jars)), "-sourcepath", ".") if jars else ()
        options = (
            *("-encoding", "UTF-8", "-d", CLASSES, *class_path),
            # Processors and plugins would be looked for among the request's own files, and
            # would run under the operator's limits: here is none to be found.
            *("-proc:none", "--processor-path", NOWHERE),
        )
        paths = sorted(as_argument(path) for path in sources if path.endswith(".java"))
        package, types = outline(entry)
        if any(is_public and name != stem for name, is_public, _ in types):  # javac would refuse it
            compiler = _compiler_of_any_name(compile_limits, as_argument(job.entry))
            compile = (*compiler, *(() if jars else ("-cp", ".")), *options, "--", *paths)
        else:
            compile = (*_javac(compile_limits), *options, *paths)
        return Plan(
            install=Step(("sh", "-c", _CHECK, "sh", *installed), cwd=BUILD_DIR)
            if installed
            else None,
            compile=Step(compile),
            run=Step(
                (
                    *_java(job.limits),
                    *("-cp", ":".join((CLASSES, ".", *jars)), _main_of(package, types, stem)),
                    *job.args,
                )
            ),
            memory_marker=b"java.lang.OutOfMemoryError",
            outputs=("classes/**",),
        )

    def prestarts(
        self, version: str, compile_limits: ResourceLimits, limits: ResourceLimits
    ) -> tuple[PrestartedProcess, ...]:
        """A javac that has compiled already, and a JVM that is about to read its main class."""
        compiler = PrestartedProcess(
            (
                *("java", *_WAITING_JVM, *memory_flags(compile_limits)),
                *_archive("compiler", COMPILER),
                *("-cp", f"{COMPILER}/compiler.jar", _WAITING, "wait", *_PRACTICE),
            ),
            command_prefix=_javac(compile_limits),
            open_files=compile_limits.open_files,
            startup_env=("*",),
            size=96 * MIB,
        )
        # Its program's main class is called as most are: it is given the class, not the name.
        program = PrestartedProcess(
            (*_java(limits), "-cp", f"{CLASSES}:.", _MAIN_CLASS),
            open_files=limits.open_files,
            handoff=Handoff.FIFO,
            fifo=f"{CLASSES}/{_MAIN_CLASS}.class",
            size=36 * MIB,
        )
        return compiler, program


def _compiler_of_any_name(limits: ResourceLimits, entry: str) -> tuple[str, ...]:
    """How a command line begins that compiles an entry file of any name."""
    jvm = (*_JAVAC_JVM, *memory_flags(limits), "-cp", NOWHERE)
    source = runners.source("AnyName.java").decode()
    return ("sh", "-c", _ANY_NAME, "sh", source, "java", *jvm, f"{BUILD_DIR}/AnyName.java", entry)


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
    the kernel has to kill. Buffers outside of the heap may take all there is: of what is not
    there the kernel knows best, and a bound of the JVM's own would refuse what fits.
    """
    heap = max(limits.memory - max(28 * MIB, limits.memory // 4), 4 * MIB)
    return (
        f"-XX:ActiveProcessorCount={max(1, math.ceil(limits.cpus))}",
        f"-Xmx{heap // 1024}k",
        f"-XX:MaxDirectMemorySize={limits.memory // 1024}k",
    )


def outline(code: str) -> tuple[str, list[tuple[str, bool, bool]]]:
    """The package and the top-level types of a source: name, is public, has a main.

    Finds them by counting braces; a source that does not compile gets a best guess, and
    javac then says what is wrong with it. So does one of more than ``MOST_READ`` characters.
    """
    text = _code_only(code[:MOST_READ])
    outside, members = _down_to_depth(text, 0), _down_to_depth(text, 1)
    package = _PACKAGE.search(outside)
    found = list(itertools.islice(_TYPE.finditer(outside), MOST_TYPES))
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
    return _main_of(*outline(code), default)


def _main_of(package: str, types: Sequence[tuple[str, bool, bool]], default: str) -> str:
    name = next((name for name, _, has_main in types if has_main), default)
    return f"{package}.{name}" if package and name else name


def _text(content: bytes) -> str:
    """As much of a source as is looked at; a character takes at most four bytes."""
    return content[: 4 * MOST_READ].decode("utf-8", "replace")[:MOST_READ]


def _code_only(text: str) -> str:
    """The text without comments, strings and characters."""
    kept: list[str] = []
    at = 0
    while match := _NOISE.search(text, at):
        if len(kept) > 2 * MOST_MARKS:
            return "".join(kept)
        kept.append(text[at : match.start()])
        kind = match[0]
        if kind in _QUOTED:
            rest = _QUOTED[kind].match(text, match.end())
            at = rest.end() if rest else len(text)
        else:
            found = text.find(_COMMENT_END[kind], match.end())
            at = found + len(_COMMENT_END[kind]) if found >= 0 else len(text)
        kept.append("\n" if kind == "//" else " ")
    return "".join([*kept, text[at:]])


def _down_to_depth(text: str, depth: int) -> str:
    """The text, of the same length, with all that is inside more braces blanked out.

    Braces in parentheses outside of any body are an annotation's and count as blanks.
    """
    kept, at, level, round_ones = [], 0, 0, 0
    for bracket in itertools.islice(_BRACKET.finditer(text), MOST_MARKS):
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
