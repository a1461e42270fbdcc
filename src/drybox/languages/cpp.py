"""C++."""

from __future__ import annotations

from drybox.job import BUILD_DIR, File, Job, Plan, Step
from drybox.languages.base import (
    EditorMode,
    PistonNames,
    Preparation,
    Samples,
    Toolchain,
    as_argument,
)
from drybox.languages.c import (
    C_DIALECT,
    HEADERS,
    MADE_FROM,
    VERSION,
    CFamily,
    Dialect,
    include_flags,
    link,
    parts_of,
    program,
    refusal,
    start_file,
)
from drybox.model import MIB, ResourceLimits

COMPILED_HEADERS = "/opt/cpp-headers"

CPP_DIALECT = Dialect(
    "g++", "c++", "gnu++20", (".cpp", ".cc", ".cxx", ".c++", ".C"), COMPILED_HEADERS
)

_FIRST_HEADERS = ("bits/stdc++.h", "iostream")
"""Headers that are compiled before their time. The compiler takes one only where it is the first
thing in a source, so what is compiled is these that most sources begin with."""

_C_PARTS = """
left=$1
shift
while [ "$left" -gt 0 ]; do
    {compile} -o {build}/c$left.o "$1" || exit
    shift
    left=$((left - 1))
done
exec "$@"
"""
"""Compiles so many sources in C, the first arguments, and then runs the rest of them."""


def _compiled_headers() -> Preparation:
    sources = tuple(
        File(f"{number}.hpp", f"#include <{name}>\n".encode())
        for number, name in enumerate(_FIRST_HEADERS)
    )
    flags = [flag for flag in CPP_DIALECT.flags if flag not in ("-isystem", COMPILED_HEADERS)]
    return Preparation(
        name="cpp-headers",
        label="Compiling the headers of C++ that programs begin with",
        files=sources,
        commands=(
            ("mkdir", "-p", "{out}/bits"),
            *(
                ("g++", *flags, "-x", "c++-header", file.path, "-o", f"{{out}}/{name}.gch")
                for file, name in zip(sources, _FIRST_HEADERS, strict=True)
            ),
        ),
        mount=COMPILED_HEADERS,
        optional=True,  # compiling takes longer without
        made_from=MADE_FROM,
    )


class Cpp(CFamily):
    """Compiles the sources of a project, those in C as such, and runs the program."""

    name = "cpp"
    title = "C++"
    aliases = ("c++", "cc", "g++", "cxx")
    suffixes = CPP_DIALECT.suffixes
    dialect = CPP_DIALECT
    waiting_size = 16 * MIB
    toolchain = Toolchain(
        executable="g++",
        versioned=("g++-{version}", "clang++-{version}"),
        search=("/usr/bin/g++-[0-9]*", "/usr/bin/clang++", "/usr/lib/llvm-*/bin/clang++"),
        levels=2,
        mount="/opt/cpp",
        host_paths=HEADERS,
        version_pattern=VERSION,
        install_hint="Install it: apt install g++",
        preparations=(start_file("g++"), _compiled_headers()),
    )
    samples = Samples(
        check="#include <iostream>\n#include <iterator>\n#include <string>\n\n"
        "int main(int, char **argv) {\n"
        "    std::string input(std::istreambuf_iterator<char>(std::cin), {});\n"
        '    std::cout << argv[1] << input;\n    std::cerr << "err";\n    return 3;\n}\n',
        hello='#include <iostream>\n\nint main() { std::cout << "hello " << %d << std::endl; }\n',
        hello_file="main.cpp",
        baseline=("-std=gnu++20", "-O2", "-o", "main", "{file}"),
        then=("./main",),
        compiles=True,
    )
    editor = EditorMode("cpp")
    piston = PistonNames("c++", ("cpp", "g++"))

    def plan(self, job: Job, compile_limits: ResourceLimits) -> Plan:
        """The steps for a job."""
        command = refusal(job) or _build(job)
        return Plan(compile=Step(command), run=program(job), outputs=("main",))


def _build(job: Job) -> tuple[str, ...]:
    """The command that makes the program of a job."""
    folders = include_flags(job)
    sources = [job.entry, *parts_of(job, CPP_DIALECT.suffixes)]
    in_c = parts_of(job, C_DIALECT.suffixes)
    objects = [f"{BUILD_DIR}/c{left}.o" for left in range(len(in_c), 0, -1)]
    command = link(CPP_DIALECT, [*CPP_DIALECT.flags, *folders], sources, objects)
    if not in_c:
        return command
    compile_c = " ".join((CPP_DIALECT.compiler, *C_DIALECT.flags, *folders, "-x c -c"))
    script = _C_PARTS.replace("{compile}", compile_c).replace("{build}", BUILD_DIR)
    return ("sh", "-c", script, "sh", str(len(in_c)), *map(as_argument, in_c), *command)
