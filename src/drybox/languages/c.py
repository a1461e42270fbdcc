"""C, and what C++ is built by as well."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from drybox.job import BUILD_DIR, WORK_DIR, File, Job, Plan, Step
from drybox.languages.base import (
    EditorMode,
    PistonNames,
    Preparation,
    Samples,
    Toolchain,
    UsualEntry,
    as_argument,
)
from drybox.languages.prestart import Handoff, PrestartedProcess
from drybox.model import KIB, MIB, ResourceLimits

START = "/opt/c-start"

_LINES = File(
    "lines.c",
    b"#include <stdio.h>\n\n"
    b"__attribute__((constructor)) static void lines(void) { setvbuf(stdout, NULL, _IOLBF, 0); }\n",
)
"""Has stdout written line by line, as to a terminal: what a program printed before it is ended is
then in the result. This is what ``stdbuf -oL`` does, before ``main`` begins."""

HEADERS = ("/usr/include", "/usr/libexec/gcc")
"""Where a host has the headers of its C library, and some have parts of the compiler."""

MADE_FROM = ("/usr/include/stdio.h", "/usr/include/features.h", "/usr/include/c++/*/iostream")
"""Headers by whose state it is known that the host has others now."""

VERSION = r"(?:\)|version) (\d+(?:\.\d+)+)"
"""Where gcc and clang have their version, behind who has built them."""

FLAGS = ("-pipe", "-O2", "-pthread")
"""The same for everything that is compiled, headers before their time too."""

MOST_READ = 256 * KIB
"""Bytes of a source that are looked at for ``main`` and for what it includes."""

MOST_READ_OF_ALL = 1024 * KIB
"""Bytes of all sources together that are. Of more, the entry must be named."""

# Sources are untrusted: every alternative takes what it begins with, even to the end of the text,
# so that reading takes time linear in it.
_NOISE = re.compile(
    rb'//[^\n]*|/\*.*?(?:\*/|\Z)|R"([^()\\\s]{0,16})\(.*?(?:\)\1"|\Z)'
    rb"|\"(?:\\.|[^\"\\\n])*\"?|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])*'?",
    re.DOTALL,
)
_BRACE = re.compile(rb"[{}]")
_MAIN = re.compile(rb"(?<![\w.:>])main\s{0,99}\([^;{}]{0,999}\)[^;{}=]{0,199}\{")
_INCLUDE = re.compile(rb'^[ \t]{0,99}#[ \t]{0,99}include[ \t]{0,99}["<]([^">\n]{1,999})[">]', re.M)

_REFUSE = """
printf '%s: a precompiled header is no source: leave it out\\n' "$@" >&2
exit 1
"""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one of the two languages is compiled.

    Attributes:
        compiler: Name of its compiler.
        word: What the compiler calls the language.
        standard: The standard that holds.
        suffixes: Of its sources.
        headers: Folder of headers that are compiled already, or "".
    """

    compiler: str
    word: str
    standard: str
    suffixes: tuple[str, ...]
    headers: str = ""

    @property
    def flags(self) -> tuple[str, ...]:
        """What every source is compiled with."""
        found = ("-isystem", self.headers) if self.headers else ()
        return (*FLAGS, f"-std={self.standard}", *found)


C_DIALECT = Dialect("gcc", "c", "gnu17", (".c",))


def start_file(compiler: str) -> Preparation:
    """What is linked into every program, made by a compiler.

    Args:
        compiler: Its name.
    """
    command = (compiler, *FLAGS, "-x", "c", "-c", "lines.c", "-o", "{out}/lines.o")
    return Preparation(
        name="c-start",
        label="Compiling what every C program begins with",
        files=(_LINES,),
        commands=(command,),
        mount=START,
        made_from=MADE_FROM,
    )


def find_main(files: Mapping[str, bytes], suffixes: tuple[str, ...]) -> str | None:
    """The entry among several files: ``main.*`` on top or below ``src``, else the only main."""
    for name in (f"{folder}main{suffix}" for folder in ("", "src/") for suffix in suffixes):
        if name in files:
            return name
    sources = {path: text for path, text in files.items() if path.endswith(suffixes)}
    if sum(min(len(text), MOST_READ) for text in sources.values()) > MOST_READ_OF_ALL:
        return None
    found = [path for path, text in sources.items() if has_main(text)]
    return found[0] if len(found) == 1 else None


def has_main(source: bytes) -> bool:
    """Whether a source defines ``main``, by its text: the preprocessor is not asked."""
    text = _NOISE.sub(b" ", source[:MOST_READ])
    return _MAIN.search(b"".join(_outside(text))) is not None


def _outside(text: bytes) -> Iterator[bytes]:
    """What is outside of all braces, those included that are opened there."""
    depth = at = 0
    for match in _BRACE.finditer(text):
        if match[0] == b"{":
            if depth == 0:
                yield text[at : match.end()]
            depth += 1
        else:
            depth = max(0, depth - 1)
            at = match.end()
    if depth == 0:
        yield text[at:]


def _included(sources: Mapping[str, bytes]) -> set[str]:
    """Paths that one of the sources may include, from its own folder or from the top one."""
    found = set()
    for path, text in sources.items():
        folder = posixpath.dirname(path)
        for name in _INCLUDE.findall(text[:MOST_READ]):
            word = name.decode("utf-8", "surrogateescape")
            found |= {posixpath.normpath(posixpath.join(at, word)) for at in (folder, "")}
    return found


def parts_of(job: Job, suffixes: tuple[str, ...]) -> list[str]:
    """The sources beside the entry that are parts of its program.

    That is every one in which no other program begins, and that nothing includes.
    """
    sources = {
        file.path: file.content
        for file in job.files
        if file.path.endswith(suffixes) and file.path != job.entry
    }
    if not sources:
        return []
    included = _included({file.path: file.content for file in job.files})
    return [
        path for path in sorted(sources) if path not in included and not has_main(sources[path])
    ]


def include_flags(job: Job) -> tuple[str, ...]:
    """Where headers are looked for beside the folder of who includes them.

    The project's top folder, and ``include`` in it: for ``"name.h"`` before the system's, for
    ``<name.h>`` after them, so that no file of a project stands for one of the system's.
    """
    if len(job.files) == 1:
        return ()
    has_include = any(file.path.startswith("include/") for file in job.files)
    folders = (".", "include") if has_include else (".",)
    return tuple(word for folder in folders for word in ("-iquote", folder, "-idirafter", folder))


def build(job: Job) -> tuple[str, ...]:
    """The command that makes the program of a job in C."""
    flags = [*C_DIALECT.flags, *include_flags(job)]
    sources = [job.entry, *parts_of(job, C_DIALECT.suffixes)]
    return refusal(job) or link(C_DIALECT, flags, sources)


def refusal(job: Job) -> tuple[str, ...]:
    """The command that says why a job's files are not compiled; () if they are.

    A header that was compiled elsewhere is as good as a program for the compiler, which would run
    under the operator's limits.
    """
    refused = [file.path for file in job.files if is_precompiled(file.path)]
    return ("sh", "-c", _REFUSE, "sh", *refused) if refused else ()


def link(
    dialect: Dialect, flags: Sequence[str], sources: Iterable[str], objects: Sequence[str] = ()
) -> tuple[str, ...]:
    """The command that compiles sources and links them to the program."""
    return (
        *(dialect.compiler, *flags, "-o", f"{BUILD_DIR}/main", "-x", dialect.word),
        *(as_argument(path) for path in sources),
        *("-x", "none", *objects, f"{START}/lines.o", "-lm"),
    )


def is_precompiled(path: str) -> bool:
    """Whether a compiler would take a file for a header that it has compiled."""
    return any(part.endswith(".gch") for part in path.split("/"))


def program(job: Job) -> Step:
    """The step that runs what was made."""
    return Step((f"{BUILD_DIR}/main", *job.args))


class CFamily(UsualEntry):
    """What C and C++ have in common."""

    dialect: Dialect
    waiting_size: int
    needs_suffix = True
    image = "gcc:13"
    packages = None

    def find_entry(self, files: Mapping[str, bytes]) -> str | None:
        """The entry among several files."""
        return find_main(files, self.suffixes)

    def prestarts(
        self, version: str, compile_limits: ResourceLimits, limits: ResourceLimits
    ) -> tuple[PrestartedProcess, ...]:
        """A compiler that is about to read the only source of a program."""
        entry = self.entry("")
        compiler = PrestartedProcess(
            link(self.dialect, self.dialect.flags, [entry]),
            open_files=compile_limits.open_files,
            handoff=Handoff.FIFO,
            fifo=f"{WORK_DIR}/{entry}",
            size=self.waiting_size,
        )
        return (compiler,)


class C(CFamily):
    """Compiles the sources of a project to one program, and runs it."""

    name = "c"
    title = "C"
    aliases = ("gcc",)
    suffixes = C_DIALECT.suffixes
    dialect = C_DIALECT
    waiting_size = 12 * MIB
    toolchain = Toolchain(
        executable="gcc",
        versioned=("gcc-{version}", "clang-{version}"),
        search=("/usr/bin/gcc-[0-9]*", "/usr/bin/clang", "/usr/lib/llvm-*/bin/clang"),
        levels=2,
        mount="/opt/c",
        host_paths=HEADERS,
        version_pattern=VERSION,
        install_hint="Install it: apt install gcc libc6-dev",
        preparations=(start_file("gcc"),),
    )
    samples = Samples(
        check="#include <stdio.h>\n\nint main(int argc, char **argv) {\n"
        "    fputs(argv[1], stdout);\n"
        "    for (int c; (c = getchar()) != EOF;) putchar(c);\n"
        '    fputs("err", stderr);\n    return 3;\n}\n',
        hello='#include <stdio.h>\n\nint main(void) { printf("hello %d\\n", %d); }\n'.replace(
            "hello %d", "hello %i", 1
        ),
        hello_file="main.c",
        baseline=("-O2", "-o", "main", "{file}"),
        then=("./main",),
        compiles=True,
    )
    editor = EditorMode("c")
    piston = PistonNames("c", ("gcc",))

    def plan(self, job: Job, compile_limits: ResourceLimits) -> Plan:
        """The steps for a job."""
        return Plan(compile=Step(build(job)), run=program(job), outputs=("main",))
