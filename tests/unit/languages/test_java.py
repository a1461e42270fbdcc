"""What is read out of Java sources, which are untrusted: names, and never an exception."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drybox import ExecutionRequest, ResourceLimits
from drybox.execution.validation import Defaults, make_job
from drybox.job import WORK_DIR, Command, File, Job
from drybox.languages.java import CLASSES, Java, main_class, memory_flags, outline
from drybox.model import GIB, MIB

MAIN = "public static void main(String[] args) { }"


def job_of(files: dict[str, str], entry: str) -> Job:
    return Job(
        language="java",
        version="",
        files=tuple(File(path, text.encode()) for path, text in files.items()),
        entry=entry,
        stdin=b"",
        args=("one",),
        env={},
        timeout=1.0,
        limits=ResourceLimits(memory=100 * MIB, cpus=2),
        packages=(),
        artifacts=(),
        isolation="auto",
    )


def entry_of_request(code: str) -> str:
    defaults = Defaults(1.0, ResourceLimits(), "auto")
    return make_job(ExecutionRequest("java", code), defaults)[1].entry


@pytest.mark.parametrize(
    ("code", "path"),
    [
        ("public class Hello { }", "Hello.java"),
        ("class Helper { } public class App { }", "App.java"),
        ("class Only { }", "Main.java"),
        ("", "Main.java"),
        ("package a.b; public class C { }", "a/b/C.java"),
        ("package\n a.b\n;\nclass C { }", "a/b/Main.java"),
        ("public final class F { }", "F.java"),
        ("public sealed interface S permits T { } final class T implements S { }", "S.java"),
        ("public enum Color { RED { void f() { } }, BLUE; }", "Color.java"),
        ("public record Point(int x, int y) { }", "Point.java"),
        ("public @interface Note { }", "Note.java"),
        ("@Note public abstract\nclass\nA$b_1 { }", "A$b_1.java"),
        ("/* public class No { } */ // public class No\npublic class Yes { }", "Yes.java"),
        ('class A { String s = "public class No {"; } public class Yes { }', "Yes.java"),
        ("class A { char c = '{', d = '\\'', e = '\"'; } public class Yes { }", "Yes.java"),
        ('class A { String s = "\\\\"; } public class Yes { }', "Yes.java"),
        (
            'class A { String s = """\n "} public class No { "\n """; } public class Yes { }',
            "Yes.java",
        ),
        ("class Outer { public static class Inner { } }", "Main.java"),
        ("import java.util.*; import static java.lang.Math.max; public class X { }", "X.java"),
        ("class A { Class<?> c = A.class; } public class B { }", "B.java"),
        ("public\tclass Grüße { }", "Grüße.java"),
    ],
)
def test_the_file_has_the_name_that_javac_wants(code: str, path: str) -> None:
    assert Java().entry(code) == path


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (f"public class A {{ {MAIN} }}", "A"),
        (f"class A {{ }} class B {{ {MAIN} }} class C {{ {MAIN} }}", "B"),
        (f"package p.q; enum E {{ X; {MAIN} }}", "p.q.E"),
        (f"interface I {{ {MAIN.removeprefix('public ')} }}", "I"),
        ("class A { static public final void main (String... args) throws Exception { } }", "A"),
        (f"class A {{ class Inner {{ {MAIN} }} }} class B {{ {MAIN} }}", "B"),
        ("class A { static int x = 1; void main(String[] a) { } }", "Fallback"),
        (f"class A {{ // {MAIN}\n }}", "Fallback"),
        (f'class A {{ String s = "{MAIN}"; }}', "Fallback"),
        ("package p; class A { }", "p.Fallback"),
    ],
)
def test_the_first_type_with_a_main_is_run(code: str, name: str) -> None:
    assert main_class(code, "Fallback") == name


def test_no_main_and_no_fallback_make_no_name() -> None:
    assert main_class("package p; class A { }", "") == ""


@pytest.mark.parametrize(
    ("code", "path"),
    [
        pytest.param("public class Über { }", "Über.java", id="first letter beyond ASCII"),
        pytest.param('public @Note({"a"}) class U { }', "U.java", id="braces in an annotation"),
        pytest.param("public class Aux { }", "Aux.java", id="name of a device elsewhere"),
        pytest.param("package con; public class A { }", "con/A.java", id="package of that name"),
    ],
)
def test_any_public_class_gives_the_file_its_name(code: str, path: str) -> None:
    assert entry_of_request(code) == path


def test_a_source_with_a_faulty_package_is_the_compilers_to_refuse() -> None:
    assert entry_of_request("package a..b; public class X { }").endswith(".java")


def test_an_escaped_quote_before_the_end_of_a_text_block_is_part_of_it() -> None:
    code = 'class A { String s = """\n say \\"hi\\""""; }\npublic class B { }'
    assert Java().entry(code) == "B.java"


def test_the_entry_among_files_is_the_only_one_with_a_main() -> None:
    find = Java().find_entry
    files = {"A.java": b"class A { }", "p/B.java": f"package p; class B {{ {MAIN} }}".encode()}
    assert find(files) == "p/B.java"
    assert find({**files, "C.java": f"class C {{ {MAIN} }}".encode()}) is None
    assert find({**files, "Main.java": b""}) == "Main.java"
    assert find({"notes.txt": MAIN.encode(), "A.java": b"\xff\xfe"}) is None


def test_every_source_is_compiled_and_the_entrys_class_run() -> None:
    job = job_of(
        {
            "z/Z.java": "",
            "p/B.java": f"package p; class B {{ {MAIN} }}",
            "A.java": "",
            "data.txt": "",
        },
        "p/B.java",
    )
    plan = Java().plan(job, ResourceLimits(memory=GIB, cpus=4))
    assert plan.compile is not None
    assert plan.compile.argv[0] == "javac"
    assert plan.compile.argv[-3:] == ("A.java", "p/B.java", "z/Z.java")
    assert {f"-J{flag}" for flag in memory_flags(ResourceLimits(memory=GIB, cpus=4))} <= set(
        plan.compile.argv
    )
    assert plan.run.argv[0] == "java"
    assert set(memory_flags(job.limits)) <= set(plan.run.argv)
    assert plan.run.argv[-4:] == ("-cp", f"{CLASSES}:.", "p.B", "one")
    assert plan.memory_marker == b"java.lang.OutOfMemoryError"


def test_code_of_the_request_has_no_say_in_the_compiler() -> None:
    """The default processor path is the class path, hence the working directory: javac loads
    annotation processors and plugins from there and runs them under the operator's limits.
    ``-proc:none`` stops the processors, only another path stops the plugins."""
    plan = Java().plan(job_of({"Main.java": ""}, "Main.java"), ResourceLimits())
    assert plan.compile is not None
    argv = plan.compile.argv
    assert "-proc:none" in argv
    assert {"--processor-path", "-processorpath"} & set(argv)
    (at,) = (n for n, word in enumerate(argv) if word in ("--processor-path", "-processorpath"))
    assert argv[at + 1].startswith("/")
    assert not argv[at + 1].startswith(WORK_DIR)


def test_a_source_without_a_main_is_run_by_its_files_name() -> None:
    plan = Java().plan(
        job_of({"x/App.java": "package x; class Q { }"}, "x/App.java"), ResourceLimits()
    )
    assert plan.run.argv[-2:] == ("x.App", "one")


# --- hostile sources ----------------------------------------------------------------------

WORDS = st.sampled_from(
    [
        *("class ", "public ", "static ", "void ", "main(", "package ", "record ", "a.b", ";"),
        *("{", "}", '"', "'", '"""', "\\", "/*", "*/", "//", "\n", " ", "A", "é", "\0", "=", "@"),
    ]
)


@given(st.one_of(st.text(), st.lists(WORDS, max_size=60).map("".join)))
@example("}" * 99 + "class A {")
@example('"""' + "\\")
def test_any_source_has_an_outline(code: str) -> None:
    package, types = outline(code)
    for name in (package, *(name for name, _, _ in types)):
        assert "/" not in name
        assert not name[:1].isspace()
    assert Java().entry(code).endswith(".java")
    assert main_class(code, "Main")


@given(st.lists(WORDS, max_size=8).map("".join))
@settings(max_examples=30)
def test_a_comment_or_a_string_changes_no_outline(noise: str) -> None:
    plain = f"package p; class A {{ }} public class B {{ {MAIN} }}"
    quoted = "".join(char for char in noise if char not in '"\n\\')
    wrapped = plain.replace("{ }", f'{{ String s = "{quoted}"; /* {noise.replace("*/", "")} */ }}')
    assert outline(wrapped) == outline(plain) == ("p", [("A", False, False), ("B", True, True)])


@pytest.mark.promise("KEY-9")
@pytest.mark.parametrize(
    "piece",
    [
        *(
            "{",
            "}",
            "{}",
            '"',
            "'",
            '"""',
            '\\"',
            "\\",
            '"\\',
            "/*",
            "//",
            "/",
            "class A",
            "class ",
        ),
        *("package a.", "package a" * 9, "static ", "static void ", "public ", "class A{static "),
        *(" ", "a", "a.", "class " + "A" * 999, "static" + " " * 150, '"""\\"""', "@A({", "\n"),
    ],
)
def test_reading_takes_time_linear_in_the_source(piece: str) -> None:
    def cost(size: int) -> float:
        code = piece * (size // len(piece))
        started = time.thread_time()
        Java().entry(code)
        main_class(code, "")
        return time.thread_time() - started

    def least(size: int) -> float:
        return min(cost(size) for _ in range(3))  # a busy machine only ever adds to it

    assert least(160_000) < 8 * least(40_000) + 0.2  # quadratic would be 16 times


def test_what_waits_can_become_the_commands_of_a_plan() -> None:
    job = replace(job_of({"Main.java": f"class Main {{ {MAIN} }}"}, "Main.java"), args=())
    limits = ResourceLimits(memory=GIB)
    plan = Java().plan(job, limits)
    assert plan.compile is not None
    commands = (
        Command(plan.compile.argv, limits, 9.0),
        Command(plan.run.argv, job.limits, 9.0),
    )
    waiting = Java().prestarts("17.0.1", limits, job.limits)
    for command, prestart in zip(commands, waiting, strict=True):
        assert prestart.fits(command, ["Main.java"])
        assert not prestart.fits(replace(command, env={"A": "b"}))
        assert not prestart.fits(replace(command, limits=ResourceLimits(open_files=9)))
    compiler, program = waiting
    assert not compiler.fits(commands[1])
    assert not program.fits(replace(commands[1], argv=(*commands[1].argv, "argument")))
    assert not program.fits(replace(commands[1], argv=(*commands[1].argv[:-1], "Other")))


@pytest.mark.promise("KEY-9")
@pytest.mark.parametrize(
    "text", ["{}", "{", "()", "class  ", "@interface a ", '"\\', "x", "public;"]
)
def test_no_source_takes_long_however_large(text: str) -> None:
    code = text * (16 * MIB // len(text))
    files = {f"f{number}.java": text.encode() * 4000 for number in range(500)}
    job = job_of({"Main.java": code}, "Main.java")
    for read in (
        lambda: Java().entry(code),
        lambda: Java().find_entry(files),
        lambda: Java().plan(job, ResourceLimits()),
    ):
        taken = []
        for _ in range(3):
            began = time.thread_time()
            read()
            taken.append(time.thread_time() - began)
        assert min(taken) < 0.05


@pytest.mark.promise("KEY-9")
def test_a_large_source_is_read_as_far_as_people_write() -> None:
    method = "    static int f%d(int a) { return a + %d; } // adds\n"
    code = "class A {\n" + "".join(method % (n, n) for n in range(2000)) + "}\n"
    assert len(code) > 90_000
    assert main_class(f"{code}class B {{ {MAIN} }}", "A") == "B"
