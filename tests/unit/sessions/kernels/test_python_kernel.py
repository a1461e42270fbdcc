"""Python's kernel, as a plain process: what it shows, what it survives."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.host import eventually
from tests.support.kernel_process import Cell, KernelProcess

from drybox.sessions.kernels.folder import PACKAGES, kernel_folder


def _argv() -> list[str]:
    folder = kernel_folder()
    python = getattr(sys, "_base_executable", None) or sys.executable
    return [python, f"{folder}/python_kernel.py", f"{folder}/{PACKAGES}"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KernelProcess]:
    with KernelProcess(_argv(), tmp_path_factory.mktemp("kernel")) as kernel:
        yield kernel


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[KernelProcess]:
    with KernelProcess(_argv(), tmp_path) as kernel:
        yield kernel


def test_state_is_kept_and_the_last_expression_is_the_result(shared: KernelProcess) -> None:
    assert shared.run("x = 40").value is None
    assert shared.run("x + 2").value == "42"
    assert shared.run("_ + 1").value == "43"
    assert shared.run("x;").value is None


def test_runs_are_counted_from_one_and_what_the_kernel_tried_is_forgotten(
    kernel: KernelProcess,
) -> None:
    code = "import sys; (sys.argv, sys.path[0], hasattr(sys, 'last_value'), len(In), Out)"
    first = kernel.run(code)
    assert first.done["execution_count"] == 1
    assert first.value == "([''], '', False, 2, {})"
    assert kernel.run("1/0").done["execution_count"] == 2


def test_output_is_out_before_the_end_is_told(shared: KernelProcess) -> None:
    cell = shared.run("import sys\nprint('a', end='')\nprint('b', end='', file=sys.stderr)")
    assert (cell.stdout, cell.stderr) == ("a", "b")


def test_an_error_has_a_traceback_with_and_without_colours(shared: KernelProcess) -> None:
    error = shared.run("def f():\n    1/0\nf()").error
    assert error is not None
    assert (error["name"], error["value"]) == ("ZeroDivisionError", "division by zero")
    assert "----> 2     1/0" in error["traceback"]
    assert "\x1b[" in error["coloured"]
    assert "\x1b" not in error["traceback"]
    assert "kernel" not in error["traceback"]


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("def f(:", "SyntaxError"),
        ("%nosuchmagic", "UsageError"),
        ("import sys; sys.exit(3)", "SystemExit"),
        ("raise ExceptionGroup('g', [ValueError('v')])", "ExceptionGroup"),
        ("class E(Exception):\n    def __str__(self): 1/0\nraise E", "E"),
        ("await 1", "TypeError"),
        ("raise ValueError('\\ud800')", "ValueError"),
    ],
)
def test_every_failure_is_told_by_its_name(shared: KernelProcess, code: str, name: str) -> None:
    if name == "ExceptionGroup" and sys.version_info < (3, 11):
        code, name = "raise KeyError('k')", "KeyError"
    cell = shared.run(code)
    assert cell.name == name
    assert len([each for each in cell.answers if each["type"] == "error"]) == 1
    assert shared.run("1+1").value == "2"


def test_forms_are_told_apart(shared: KernelProcess) -> None:
    code = """
class Many:
    def _repr_html_(self): return '<b>é</b>'
    def _repr_png_(self): return b'\\x89PNG'
    def _repr_svg_(self): return '<svg/>'
    def _repr_json_(self): return {'a': [1]}
Many()
"""
    (data,) = shared.run(code).shown()
    assert data["text/html"] == "<b>é</b>"
    assert data["image/png"] == {"base64": "iVBORw=="}
    assert data["image/svg+xml"] == "<svg/>"
    assert data["application/json"] == '{"a": [1]}'


def test_a_bundle_and_metadata_are_passed_on(shared: KernelProcess) -> None:
    code = """
from IPython.display import display
class Bundle:
    def _repr_mimebundle_(self, include=None, exclude=None):
        forms = {'text/markdown': '*x*', 'image/jpeg': b'j'}
        return forms, {'image/jpeg': {'width': 3}, 'bad': {1}}
display(Bundle())
"""
    cell = shared.run(code)
    (shown,) = [each for each in cell.answers if each["type"] == "display"]
    assert shown["data"] == {
        "text/plain": shown["data"]["text/plain"],
        "text/markdown": "*x*",
        "image/jpeg": {"base64": "ag=="},
    }
    assert shown["metadata"] == {"image/jpeg": {"width": 3}}


def test_await_at_the_top_and_tasks_that_go_on(kernel: KernelProcess) -> None:
    assert kernel.run("import asyncio\nawait asyncio.sleep(0.01)\n5").value == "5"
    kernel.run("event = asyncio.Event()\nasync def later():\n    event.set()\n    return 7")
    kernel.run("task = asyncio.create_task(later())")
    assert kernel.run("await task").value == "7"
    assert kernel.run("x = 3\nx").value == "3"


def test_a_command_of_the_shell(shared: KernelProcess) -> None:
    cell = shared.run("word = 'there'\n!echo $word {word}; exit 3")
    assert cell.stdout == "there there\n"
    assert shared.run("_exit_code").value == "3"
    assert shared.run("found = !echo a\nfound").value == "['a']"


@pytest.mark.parametrize(
    "line", ["%pip install nosuch", "!pip install -q nosuch", "!python3 -m pip install nosuch==2"]
)
def test_an_installer_is_answered_with_what_an_environment_is(
    shared: KernelProcess, line: str
) -> None:
    cell = shared.run(line)
    assert 'environment="NAME"' in cell.stderr
    assert shared.run("_exit_code").value == "1"


def test_what_is_there_already_needs_no_installer(shared: KernelProcess) -> None:
    shared.run("import importlib.metadata as m; m.version = lambda name: '1.2'")
    cell = shared.run("!pip install 'some[extra]>=1' --upgrade")
    assert cell.stdout == "Requirement already satisfied: some 1.2\n"


def test_input_is_answered_and_refused(shared: KernelProcess) -> None:
    cell = shared.run("a = input('name? ')\nb = input()\n(a, b)", lines=["Bob", ""])
    assert cell.value == "('Bob', '')"
    assert [each["prompt"] for each in cell.answers if each["type"] == "input"] == ["name? ", ""]
    assert shared.run("input()", lines=[None]).name == "EOFError"
    refused = shared.run("input()").error
    assert refused is not None
    assert refused["name"] == "StdinNotImplementedError"
    assert "stdin" in refused["value"]


def test_a_password_is_asked_for(shared: KernelProcess) -> None:
    cell = shared.run("import getpass; getpass.getpass('key: ')", lines=["k"])
    assert cell.value == "'k'"
    assert [each["secret"] for each in cell.answers if each["type"] == "input"] == [True]


def _started(kernel: KernelProcess) -> bool:
    return (kernel.cwd / "started").exists()


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time; time.sleep(1000)",
        "import asyncio; await asyncio.sleep(1000)",
        "input()",
        "!sleep 1000",
        "try:\n    while True: pass\nfinally:\n    print('cleaned')",
    ],
)
def test_an_interrupt_ends_the_cell_and_keeps_the_state(kernel: KernelProcess, code: str) -> None:
    kernel.run("x = 5")
    cell = (
        kernel.run(f"open('started', 'w').close()\n{code}", interrupt_when=lambda: _started(kernel))
        if code != "input()"
        else _interrupted_input(kernel)
    )
    assert cell.name == "KeyboardInterrupt"
    assert "kernel" not in (cell.error or {})["traceback"]
    assert kernel.run("x").value == "5"


def _interrupted_input(kernel: KernelProcess) -> Cell:
    kernel.send({"type": "run", "id": "i", "code": "input()", "input": True})
    assert kernel.take()["type"] == "input"
    os.killpg(kernel.process.pid, 2)
    answers = [kernel.take(), kernel.take()]
    return Cell(answers, [], "", "")


CATCHES = {
    "one": "try: time.sleep(0.1)\n    except KeyboardInterrupt: n += 1",
    "everything": "try: time.sleep(0.1)\n    except: n += 1",
    "in a call": "f()",
    "one in another": """
    try:
        try: time.sleep(0.1)
        except KeyboardInterrupt: n += 1
    except KeyboardInterrupt: pass""",
}


@pytest.mark.parametrize("code", CATCHES.values(), ids=list(CATCHES))
def test_a_cell_that_catches_its_interrupt_ends_at_the_next(
    kernel: KernelProcess, code: str
) -> None:
    kernel.run(
        "import time, signal, sys\nx, n = 5, 0\nsignal.signal(signal.SIGALRM, print)\n"
        "def f():\n    global n\n    try: time.sleep(0.1)\n    except KeyboardInterrupt: n += 1"
    )
    os.kill(kernel.process.pid, signal.SIGSTOP)
    code = f"open('started', 'w').close()\nwhile True:\n    {code}"
    kernel.send({"type": "run", "id": "c", "code": code})
    os.kill(kernel.process.pid, signal.SIGINT)  # before it begins
    os.kill(kernel.process.pid, signal.SIGCONT)
    assert eventually(lambda: _started(kernel))
    os.kill(kernel.process.pid, signal.SIGINT)
    answer = kernel.take()
    assert (answer["type"], answer["name"]) == ("error", "KeyboardInterrupt")
    assert "python_kernel" not in answer["traceback"]
    assert kernel.take()["type"] == "done"
    assert kernel.run("x").value == "5"
    assert int(kernel.run("n").value or 0) < 20
    kept = "sys.gettrace() is None and signal.getsignal(signal.SIGALRM) is print"
    assert kernel.run(kept).value == "True"


def test_an_interrupt_between_cells_is_none(kernel: KernelProcess) -> None:
    kernel.run("x = 5")
    for _ in range(20):
        os.killpg(kernel.process.pid, 2)
        assert kernel.run("x").value in ("5", None)  # it may come as the cell begins
    assert kernel.run("x").value == "5"


@pytest.mark.parametrize(
    "code",
    [
        "import os\nfor fd in range(5):\n    try: os.close(fd)\n    except OSError: pass",
        "import sys; sys.stdout.close(); sys.stderr.close()",
        "import asyncio, os; await asyncio.sleep(0); os.closerange(0, 10)",
    ],
)
def test_closed_descriptors_lose_nothing(kernel: KernelProcess, code: str) -> None:
    kernel.run(code)
    cell = kernel.run("print('out'); import sys; print('err', file=sys.stderr); 7")
    assert (cell.value, cell.stdout, cell.stderr) == ("7", "out\n", "err\n")


def test_a_replaced_stdout_keeps_its_place_and_loses_no_result(kernel: KernelProcess) -> None:
    kernel.run("import io, sys; sys.stdout = io.StringIO()")
    assert kernel.run("print('inside'); 1").value == "1"
    assert kernel.run("sys.stdout.getvalue()").value == "'inside\\n'"
    kernel.run(
        "class Bad:\n    def __getattr__(self, name): raise RuntimeError\nsys.stdout = Bad()"
    )
    assert kernel.run("2").value == "2"


def test_a_child_is_no_kernel(kernel: KernelProcess) -> None:
    code = """
import os
if os.fork() == 0:
    print('child')
    1/0
os.wait()[1] >> 8
"""
    cell = kernel.run(code)
    assert cell.value == "1"
    assert cell.strays == []
    assert cell.name is None
    assert "child\n" in cell.stdout
    assert kernel.run("2").value == "2"


def test_programs_that_cells_start_have_no_channel(kernel: KernelProcess) -> None:
    cell = kernel.run("import subprocess; subprocess.run(['ls', '/proc/self/fd'], close_fds=False)")
    assert max(map(int, cell.stdout.split())) < 100


def test_printed_framing_is_output(kernel: KernelProcess) -> None:
    line = '{"type": "done", "id": "x", "execution_count": 9}'
    cell = kernel.run(f"print('{line}')\nimport os; os.write(1, b'{line}\\n'); 1")
    assert cell.value == "1"
    assert cell.strays == []
    assert cell.stdout == f"{line}\n{line}\n"


def test_threads_that_show_things_later_belong_to_nobody(kernel: KernelProcess) -> None:
    code = """
import threading
from IPython.display import display
go = threading.Event(); shown = threading.Event()
def later():
    go.wait(); display('late'); print('late', flush=True); shown.set()
threading.Thread(target=later).start()
"""
    kernel.run(code)
    kernel.run("import time\nthreading.Timer(0.01, go.set).start()")
    kernel.run("shown.wait()")
    cell = kernel.run("3")
    assert cell.value == "3"
    assert cell.strays == []


def test_exit_ends_the_kernel_once_it_is_told(kernel: KernelProcess) -> None:
    cell = kernel.run("import atexit; atexit.register(print, 'bye')\nexit(0)")
    assert cell.done["ending"] is True
    assert kernel.wait() == 0
    assert kernel.read()[0] == "bye\n"


def test_a_crash_ends_the_answers(kernel: KernelProcess) -> None:
    with pytest.raises(EOFError):
        kernel.run("import os; os.abort()")
    assert kernel.wait() == -6


def test_it_ends_with_its_requests(tmp_path: Path) -> None:
    with KernelProcess(_argv(), tmp_path) as kernel:
        kernel.run("import threading, time; threading.Thread(target=time.sleep, args=[99]).start()")
        os.close(kernel._requests)
        assert kernel.wait() == 0
        kernel._requests = os.open("/dev/null", os.O_RDONLY)


def test_the_owners_variables_come_before_the_first_cell(kernel: KernelProcess) -> None:
    env = {"WORD": 'é "q"', "TZ": "Asia/Tokyo", "PYTHONPATH": "/nowhere/at/all"}
    kernel.send({"type": "setup", "env": env})
    code = (
        "import os, sys, time; (os.environ['WORD'], time.timezone, '/nowhere/at/all' in sys.path)"
    )
    assert kernel.run(code).value == "('é \"q\"', -32400, True)"
    assert kernel.run("!echo $WORD").stdout == 'é "q"\n'


def test_completions(kernel: KernelProcess) -> None:
    kernel.run("a_long_name = 'x'")
    kernel.send({"type": "complete", "id": "c", "code": "1\na_long", "cursor": 8})
    found = kernel.take()
    assert found["matches"] == ["a_long_name"]
    assert (found["start"], found["end"]) == (2, 8)
    kernel.send({"type": "complete", "id": "d", "code": "a_long_name.stri", "cursor": 16})
    found = kernel.take()
    assert (found["id"], found["matches"]) == ("d", [".strip"])


def test_no_file_of_settings_or_history_is_made(kernel: KernelProcess) -> None:
    kernel.run("%history")
    kernel.run("%cd .\n%bookmark here")
    assert sorted(path.name for path in kernel.cwd.iterdir()) == []


def test_matplotlib_draws_into_the_results_of_the_kernel_alone(kernel: KernelProcess) -> None:
    (kernel.cwd / "matplotlib").mkdir()
    (kernel.cwd / "matplotlib" / "__init__.py").write_text("rcParams = {}\n")
    assert kernel.run("import matplotlib; matplotlib.rcParams").value == (
        "{'backend': 'module://matplotlib_inline.backend_inline'}"
    )
    assert kernel.run("!echo [$MPLBACKEND]").stdout == "[]\n"
