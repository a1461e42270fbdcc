"""C: which source is the entry, which are parts of its program, what the compiler is told."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest

from drybox import ExecutionRequest, ResourceLimits
from drybox.execution.validation import Defaults, make_job
from drybox.job import Job
from drybox.languages.c import MOST_READ, C, find_main, has_main, parts_of
from drybox.languages.prestart import WarmLanguage
from drybox.model import GIB

MAIN = "int main(void) { return 0; }\n"
COMPILING = ResourceLimits(memory=GIB)


def job_of(files: Mapping[str, str], entry: str | None = None) -> Job:
    request = ExecutionRequest("c", files=files, entrypoint=entry)
    return make_job(request, Defaults(1.0, ResourceLimits(), "auto"))[1]


def compiling(files: Mapping[str, str], entry: str | None = None) -> tuple[str, ...]:
    step = C().plan(job_of(files, entry), COMPILING).compile
    assert step is not None
    return step.argv


@pytest.mark.parametrize(
    "text",
    [
        MAIN,
        "main() {}",
        "int\nmain ( int argc, char **argv )\n{\n}",
        "static int f(void) { return 1; }\nint main(void) { f(); }",
        "const char *s = \"{\"; /* { */ // {\nint c = '{';\nint main(void) {}",
        "auto main() -> int {}",
        'auto s = R"x(" { )x"; int main() {}',
        "int n = 1'000;\nint main() {}",
    ],
)
def test_a_main_is_found(text: str) -> None:
    assert has_main(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "int other(void) { return main(); }",
        "// int main(void) {}",
        "/* int main(void) {}",
        'char *s = "int main(void) {";',
        "int main(void);",
        "int domain(void) {}",
        "struct a { int main() { return 1; } };",
    ],
)
def test_what_is_no_main(text: str) -> None:
    assert not has_main(text.encode())


@pytest.mark.parametrize(
    "piece", [b"{", b"main(", b"/*", b'"', b"'", b'R"(', b'#include "', b"main (\n", b"//{\n"]
)
def test_sources_that_are_made_to_be_slow_to_read_are_not(piece: bytes) -> None:
    source = piece * (MOST_READ // len(piece))
    started = time.process_time()
    has_main(source)
    find_main({f"{n}.c": source for n in range(4)}, (".c",))
    parts_of(job_of({"main.c": MAIN, "x.c": source.decode()}), (".c",))
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("files", "entry"),
    [
        ({"main.c": "", "other.c": MAIN}, "main.c"),
        ({"src/main.c": "", "other.c": MAIN}, "src/main.c"),
        ({"a.c": "", "b.c": MAIN}, "b.c"),
        ({"a.c": MAIN, "b.c": MAIN}, None),
        ({"a.c": "", "b.c": ""}, None),
        ({"a.cpp": MAIN}, None),
        ({f"{n}.c": MAIN + " " * MOST_READ for n in range(5)}, None),
    ],
)
def test_the_entry_is_found(files: Mapping[str, str], entry: str | None) -> None:
    contents = {name: text.encode() for name, text in files.items()}
    assert C().find_entry(contents) == entry


def test_other_programs_and_what_is_included_are_no_parts() -> None:
    files = {
        "main.c": f'#include "deep/table.c"\n{MAIN}',
        "deep/table.c": '# include "../more.c"\n',
        "more.c": "",
        "part.c": "",
        "deep/part.c": "",
        "deep/tool.c": MAIN,
        "notes.txt": "",
        "part.cpp": "",
    }
    assert parts_of(job_of(files), (".c",)) == ["deep/part.c", "part.c"]
    assert parts_of(job_of(files, "deep/tool.c"), (".c",)) == ["deep/part.c", "part.c"]


def test_a_projects_headers_stand_for_none_of_the_systems() -> None:
    alone = compiling({"main.c": MAIN})
    project = compiling({"main.c": MAIN, "stdio.h": "", "include/x.h": ""})
    assert "-iquote" not in alone
    assert not any(word.startswith("-I") for word in project)
    folders = [(project[n], project[n + 1]) for n, word in enumerate(project) if word[1:3] == "id"]
    assert folders == [("-idirafter", "."), ("-idirafter", "include")]


@pytest.mark.parametrize("name", ["-o.c", "@x.c"])
def test_names_are_no_options(name: str) -> None:
    assert f"./{name}" in compiling({"main.c": MAIN, name: ""})


@pytest.mark.parametrize("name", ["a.h.gch", "a.h.gch/b", "x/y.gch"])
def test_precompiled_headers_are_refused(name: str) -> None:
    argv = compiling({"main.c": MAIN, name: ""})
    assert argv[0] == "sh"
    assert argv[-1] == name


def test_a_compiler_waits_for_the_plainest_program_only() -> None:
    language = C()
    assert isinstance(language, WarmLanguage)
    (prestart,) = language.prestarts("12", COMPILING, ResourceLimits())
    assert prestart.argv == compiling({"main.c": MAIN})
    assert prestart.argv != compiling({"main.c": MAIN, "x.h": ""})
    assert prestart.argv != compiling({"other.c": MAIN})
    assert prestart.fifo == "/sandbox/main.c"
