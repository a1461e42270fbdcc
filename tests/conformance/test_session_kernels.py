"""Code in sessions: each language keeps its state, shows values, and survives an interrupt."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from tests.support import host
from tests.support.isolations import Isolation

from drybox import CodeExecutor, RunResult, Unsupported

pytestmark = [pytest.mark.promise("SES-4")]


@dataclass(frozen=True)
class Sample:
    """One language's way to say things."""

    keep: str
    value: str
    shown: str
    output: str
    error: str
    name: str
    endless: str
    leave: str


SAMPLES = {
    "python": Sample(
        *("kept = 40", "kept + 2", "42", "print('out')", "1/0", "ZeroDivisionError"),
        *("while True: pass", "exit()"),
    ),
    "node": Sample(
        *("let kept = 40", "kept + 2", "42", "console.log('out')", "null.x", "TypeError"),
        *("while (true) {}", "process.exit()"),
    ),
    "typescript": Sample(
        *("let kept: number = 40", "kept + 2 as number", "42", "console.log('out')"),
        *("null!.x", "TypeError", "while (true) {}", "process.exit()"),
    ),
    "bash": Sample(
        *("kept=40", "echo $((kept + 2))", "", "echo out", "false", "ExitStatus"),
        *("while :; do :; done", "exit"),
    ),
    "java": Sample(
        *("int kept = 40;", "kept + 2", "42", 'System.out.println("out")', "1 / 0"),
        *("java.lang.ArithmeticException", "while (true) {}", "System.exit(0)"),
    ),
}


def test_matplotlib_is_offered_the_way_to_draw_into_results(
    executor: CodeExecutor, isolation: Isolation
) -> None:
    """Since 3.9 it knows no other backends than those that packages say they have."""
    code = (
        "from importlib.metadata import entry_points\n"
        "[item.value for item in entry_points(group='matplotlib.backend')]"
    )
    with executor.session("python", isolation=isolation.name) as session:
        result = session.run(code)
    assert "matplotlib_inline.backend_inline" in str(result.results or result.error), result


@pytest.mark.parametrize("language", SAMPLES)
def test_state_values_errors_and_interrupts(
    executor: CodeExecutor, isolation: Isolation, language: str
) -> None:
    sample = SAMPLES[language]
    with executor.session(language, isolation=isolation.name) as session:
        assert session.run(sample.keep).status == "success"
        value = session.run(sample.value)
        assert value.execution_count == 2
        if sample.shown:
            (display,) = value.results
            assert display.is_main
            assert display.data["text/plain"] == sample.shown
        else:
            assert value.stdout == "42\n"
        assert session.run(sample.output).stdout == "out\n"
        failed = session.run(sample.error)
        assert failed.status == "failed"
        assert failed.error is not None
        assert failed.error.name == sample.name
        late = session.run(sample.endless, timeout=1)
        assert (late.status, late.restarted) == ("timeout", False)
        again = session.run(sample.value)
        assert again.execution_count == 6
        assert again.stdout == value.stdout
        left = session.run(sample.leave)
        assert (left.status, left.restarted) == ("success", True)
        assert session.run(sample.output).execution_count == 1


EXITS = {
    "python": ["exit(3)", "quit(3 + 256)"],
    "node": ["process.exit(3)"],
    "typescript": ["process.exit(3 as number)"],
    "bash": ["exit 3"],
    "java": ["System.exit(3);"],
}


@pytest.mark.parametrize("language", EXITS)
def test_code_that_ends_its_kernel_with_an_exit_code_has_failed(
    executor: CodeExecutor, isolation: Isolation, language: str
) -> None:
    with executor.session(language, isolation=isolation.name) as session:
        for code in EXITS[language]:
            *_, told, result = session.stream(code)
            left = result.result
            assert isinstance(left, RunResult)
            assert (left.status, left.restarted) == ("failed", True)
            assert left.error is not None
            assert left.error.value == "3"
            assert (told.type, told.error) == ("error", left.error)
        assert session.run(SAMPLES[language].output).status == "success"


BESIDE = {
    "bash": "cat shared; printf , >> shared",
    "node": "process.stdout.write(require('fs').readFileSync('shared', 'utf8')); let kept = 3;",
    "python": "print(open('shared').read(), end=''); kept = 4",
}


@pytest.mark.parametrize("language", ["python", "node", "c"])
def test_another_language_runs_in_the_same_sandbox(
    executor: CodeExecutor, isolation: Isolation, language: str
) -> None:
    with executor.session(language, isolation=isolation.name) as session:
        session.files.write("shared", "written")
        for other, code in BESIDE.items():
            if isolation.name != "local" and other not in (language, "bash"):
                continue  # an image has what it has
            assert session.run(code, language=other).stdout.startswith("written"), other
        if isolation.name == "local":
            assert session.run("kept", language="node").results[0].data["text/plain"] == "3"
            assert session.run("kept", language="python").results[0].data["text/plain"] == "4"
        for wrong in ("node@1", "bash@2"):
            with pytest.raises(Unsupported, match="toolchain"):
                session.run("1", language=wrong)


def test_the_version_that_a_session_was_opened_with_names_its_language(
    executor: CodeExecutor, isolation: Isolation
) -> None:
    with executor.session("python", isolation=isolation.name) as session:
        full = session.run("import platform; platform.python_version()").results[0]
        version = str(full.data["text/plain"]).strip("'")
        for wanted in (version, version.rpartition(".")[0], version.partition(".")[0]):
            assert session.run("6 * 7", language=f"py@{wanted}").status == "success"
        with pytest.raises(Unsupported):
            session.run("1", language=f"python@{version}1")


def test_rich_results_and_questions(executor: CodeExecutor, isolation: Isolation) -> None:
    with executor.session("python", isolation=isolation.name) as session:
        code = "display(HTML('<b>x</b>'))\nImage(b'\\x89PNG', format='png')"
        first, second = session.run(f"from IPython.display import *\n{code}").results
        assert first.data["text/html"] == "<b>x</b>"
        assert second.data["image/png"] == b"\x89PNG"
        assert (first.is_main, second.is_main) == (False, True)
        assert session.run("input('? ')", stdin="Bob\n").results[0].data["text/plain"] == "'Bob'"
        refused = session.run("input()")
        assert refused.error is not None
        assert refused.error.name == "StdinNotImplementedError"
        assert "\x1b[" in refused.error.coloured
        assert "\x1b[" not in refused.error.traceback
        session.run("kept_name = 1")
        assert session.complete("kept_n").matches == ("kept_name",)


READERS = {
    "python": "import sys; print(input()); print(sys.stdin.read(), end='')",
    "node": "console.log(require('fs').readFileSync(0, 'utf8').trimEnd())",
    "typescript": "for await (const piece of process.stdin) process.stdout.write(String(piece))",
    "bash": "read line; echo $line; cat",
    "java": "System.out.write(System.in.readAllBytes()); System.out.flush();",
    "c": "#include <stdio.h>\nint main(void) { for (int c; (c = getchar()) != EOF;) putchar(c); }",
}


@pytest.mark.parametrize("language", READERS)
def test_code_reads_its_input(executor: CodeExecutor, isolation: Isolation, language: str) -> None:
    with executor.session(language, isolation=isolation.name) as session:
        for text in ("one\ntwo é\n", "three\nfour\n"):
            assert session.run(READERS[language], stdin=text).stdout == text


LARGE = {
    "python": "print('x' * 500000)",
    "node": "console.log('x'.repeat(500000))",
    "bash": "printf '%500000s\\n' '' | tr ' ' x",
}


@pytest.mark.parametrize("language", LARGE)
def test_all_that_code_has_written_is_in_its_own_run(
    executor: CodeExecutor, isolation: Isolation, language: str
) -> None:
    sample, endless = SAMPLES[language], {"python": "while 1: ", "node": "while (1) "}
    with executor.session(language, isolation=isolation.name) as session:
        assert session.run(LARGE[language]).stdout == "x" * 500000 + "\n"
        assert session.run(sample.output).stdout == "out\n"
        if language in endless:
            session.run(sample.keep)
            cut = session.run(endless[language] + LARGE[language])
            assert (cut.status, cut.restarted) == ("output_limit", False)
            assert session.run(sample.value).results[0].data["text/plain"] == sample.shown
            assert session.run(sample.output).stdout == "out\n"


def test_what_code_prints_and_shows_comes_in_its_order(
    executor: CodeExecutor, isolation: Isolation
) -> None:
    code = "for n in range(30):\n    print(n)\n    display(n)\n    print(-n)"
    wanted = [word for n in range(30) for word in (f"{n}", "shown", f"{-n}")]
    with executor.session("python", isolation=isolation.name) as session:
        seen = []
        for event in session.stream(code):
            seen += event.data.split() if event.type == "stdout" else []
            seen += ["shown"] if event.type == "display" else []
        assert seen == wanted


@pytest.mark.parametrize("caught", ["KeyboardInterrupt", "BaseException"])
def test_code_that_catches_its_interrupt_ends_and_leaves_its_state(
    executor: CodeExecutor, isolation: Isolation, caught: str
) -> None:
    code = f"while True:\n    try: time.sleep(0.1)\n    except {caught}: print('caught')"
    with executor.session("python", isolation=isolation.name) as session:
        session.run("import time; kept = 42")
        late = session.run(code, timeout=1)
        assert (late.status, late.restarted) == ("timeout", False)
        assert set(late.stdout.splitlines()) <= {"caught"}  # none where it came before the code
        assert session.run("kept").results[0].data["text/plain"] == "42"


def test_code_may_take_its_streams_away(executor: CodeExecutor, isolation: Isolation) -> None:
    gone = {
        "python": ("import sys; del sys.stdout, sys.stdin", "print('out')"),
        "node": ("Object.freeze(globalThis); process.stdout.end()", "console.log('out')"),
        "java": ("System.setOut(null); System.setErr(null);", 'System.out.println("out")'),
    }
    for language, (code, after) in gone.items():
        with executor.session(language, isolation=isolation.name) as session:
            assert not session.run(SAMPLES[language].keep).restarted
            assert not session.run(code).restarted
            assert session.run(after).stdout == "out\n"
            value = session.run(SAMPLES[language].value)
            assert value.results[0].data["text/plain"] == "42"


def test_a_shell_that_is_kept_has_a_status_and_loops_of_its_own(
    executor: CodeExecutor, isolation: Isolation
) -> None:
    with executor.session("bash", isolation=isolation.name) as session:
        session.run("kept=1")
        for code in ("break", "continue", "for i in 1; do break 9; done", "continue 5"):
            result = session.run(code)
            assert (result.status, result.restarted) == ("success", False)
        assert session.run("(exit 3)").status == "failed"
        assert session.run("echo $? $kept").stdout == "3 1\n"
        assert session.run("echo $?").stdout == "0\n"


def test_code_that_does_not_compile(executor: CodeExecutor, isolation: Isolation) -> None:
    for language, code in {
        "java": "int x = ;",
        "typescript": "let x: = 1",
        "c": "int main({",
    }.items():
        with executor.session(language, isolation=isolation.name) as session:
            assert session.run(code).status == "compile_error"


def test_variables_of_the_session_are_there(executor: CodeExecutor, isolation: Isolation) -> None:
    with executor.session("python", isolation=isolation.name, env={"WORD": "é"}) as session:
        assert session.run("import os; os.environ['WORD']").results[0].data["text/plain"] == "'é'"
        assert session.run("echo $WORD", language="bash").stdout == "é\n"


def test_a_kernel_that_waited_is_like_one_that_did_not(isolation: Isolation) -> None:
    code = (
        "import os, sys, random, time\n"
        "(sorted(globals()), sorted(os.environ), os.getcwd(), sys.argv, sys.path, In, Out,\n"
        " os.listdir('.'), sys.flags)"
    )
    with CodeExecutor(isolation=isolation.name) as executor:
        found: list[str | bytes] = []
        seen = set()
        for _ in range(4):
            assert host.eventually(lambda: not found or isolation.runs("python_kernel.py"))
            with executor.session("python", env={"A": "1"}) as session:
                found.append(session.run(code).results[0].data["text/plain"])
                numbers = session.run("random.random(), hash('x'), time.time()").results[0].data
                seen.add(numbers["text/plain"])
    assert len(set(found)) == 1
    assert len(seen) == 4
