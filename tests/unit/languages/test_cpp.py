"""C++: what is compiled as which language, and which headers are compiled before their time."""

from __future__ import annotations

from drybox import ExecutionRequest, ResourceLimits
from drybox.execution.validation import Defaults, make_job
from drybox.languages.cpp import COMPILED_HEADERS, Cpp
from drybox.languages.prestart import WarmLanguage
from drybox.model import GIB

MAIN = "int main() {}\n"
COMPILING = ResourceLimits(memory=GIB)


def compiling(files: dict[str, str]) -> tuple[str, ...]:
    request = ExecutionRequest("cpp", files=files)
    job = make_job(request, Defaults(1.0, ResourceLimits(), "auto"))[1]
    step = Cpp().plan(job, COMPILING).compile
    assert step is not None
    return step.argv


def test_sources_in_c_are_compiled_as_such() -> None:
    argv = compiling({"main.cpp": MAIN, "a.cc": "", "b.c": "", "-c.c": "", "tool.c": MAIN})
    assert argv[:2] == ("sh", "-c")
    assert argv[3:7] == ("sh", "2", "./-c.c", "b.c")
    link = argv[7:]
    assert link[0] == "g++"
    assert {"main.cpp", "a.cc", "/build/c2.o", "/build/c1.o"} <= set(link)
    assert "-std=gnu++20" in link
    assert "-std=gnu17" in argv[2]
    assert "-std=gnu++20" not in argv[2]


def test_headers_are_compiled_with_the_options_that_sources_are() -> None:
    (headers,) = (item for item in Cpp().toolchain.preparations if item.mount == COMPILED_HEADERS)
    source = compiling({"main.cpp": MAIN})
    options = source[1 : source.index("-o")]
    without = [word for word in options if word not in ("-isystem", COMPILED_HEADERS)]
    for command in headers.commands[1:]:
        assert list(command[1 : 1 + len(without)]) == without


def test_a_compiler_waits_for_the_plainest_program_only() -> None:
    language = Cpp()
    assert isinstance(language, WarmLanguage)
    (prestart,) = language.prestarts("12", COMPILING, ResourceLimits())
    assert prestart.argv == compiling({"main.cpp": MAIN})
    assert prestart.argv != compiling({"main.cpp": MAIN, "x.h": ""})
