"""The life of an executor: opening, closing, forking, interrupting, the one-liner."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.conformance.bench import Bench, marker, until
from tests.support import host
from tests.support.host import eventually

from drybox import CodeExecutor, DryboxError, ExecutionRequest, InvalidRequest

TIMEOUT = 60


@contextmanager
def script(code: str, *args: str) -> Iterator[subprocess.Popen[str]]:
    """A fresh interpreter that runs this; it is gone at the end."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # what it forked included


def said(code: str, *args: str) -> str:
    """What a fresh interpreter prints that runs this, which has nothing to complain of."""
    with script(code, *args) as process:
        out, complaints = process.communicate(timeout=TIMEOUT)
        assert (process.returncode, complaints) == (0, "")
    return out


def test_the_one_liner() -> None:
    """In a process of its own: what it shares lives as long as that, waiting sandboxes too."""
    code = """\
from drybox import execute
result = execute("python", "print('Hello, World!')")
print(result.status, result.stdout, end="")
again = execute("py", "import sys; print(sys.argv[1:], input())", args=["a"], stdin="b\\n")
print(again.stdout, end="")
"""
    assert said(code) == "success Hello, World!\n['a'] b\n"


def test_the_one_liner_leaves_nothing_behind() -> None:
    code = """\
import os, subprocess, sys
from drybox import execute
print(os.getpid(), execute("python", "print('hi')").stdout, end="")
sys.stdout.flush()
"""
    pid, text = said(code).split()
    assert text == "hi"
    assert eventually(lambda: not host.descendants(int(pid)))


def test_without_a_with_statement() -> None:
    executor = CodeExecutor()
    assert executor.execute(ExecutionRequest("python", "print(1)")).stdout == "1\n"
    executor.close()


def test_closing_is_for_ever_and_may_be_repeated() -> None:
    executor = CodeExecutor()
    executor.close()
    executor.close()
    request = ExecutionRequest("python", "print(1)")
    for ask in (
        lambda: executor.execute(request),
        lambda: executor.execute_many([request]),
        lambda: executor.execute_many([]),
        lambda: next(executor.stream(request)),
        lambda: executor.languages(),
        lambda: executor.__enter__(),
    ):
        with pytest.raises(InvalidRequest, match="closed") as caught:
            ask()
        assert caught.value.field == "executor"
        assert caught.value.hint


def test_closing_ends_what_runs_in_another_thread(python_bench: Bench) -> None:
    word = marker()
    executor = CodeExecutor()
    outcome: queue.Queue[object] = queue.Queue()

    def work() -> None:
        try:
            outcome.put(executor.execute(python_bench.request(python_bench.programs.hang, word)))
        except BaseException as error:
            outcome.put(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert eventually(lambda: python_bench.isolation.runs(word), TIMEOUT)
    executor.close()
    assert eventually(lambda: not python_bench.isolation.runs(word), 2)
    error = outcome.get(timeout=TIMEOUT)
    thread.join()
    assert isinstance(error, DryboxError), f"the caller got {error!r}"


def test_closing_ends_a_stream(python_bench: Bench) -> None:
    word = marker()
    executor = CodeExecutor()
    events = executor.stream(python_bench.request(python_bench.programs.hang, word))
    until(events, "ready\n")
    executor.close()
    assert eventually(lambda: not python_bench.isolation.runs(word), 2)
    with pytest.raises(DryboxError):
        list(events)


def test_an_error_in_the_with_block_closes_it(python_bench: Bench) -> None:
    word = marker()
    executor = CodeExecutor()

    def work() -> None:
        with executor:
            until(
                executor.stream(python_bench.request(python_bench.programs.hang, word)), "ready\n"
            )
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert eventually(lambda: not python_bench.isolation.runs(word), 2)


def test_closing_takes_everything_away() -> None:
    code = """\
import sys
from drybox import CodeExecutor, ExecutionRequest
with CodeExecutor() as executor:
    executor.execute_many([ExecutionRequest("python", "print(1)")] * 3)
print("closed", flush=True)
sys.stdin.read()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "closed\n"
        assert host.descendants(process.pid) == []
        assert not host.sandboxes(process.pid)


def test_an_executor_that_nobody_closed_does_not_keep_python_from_ending() -> None:
    code = """\
from drybox import CodeExecutor, ExecutionRequest
executor = CodeExecutor()
print(executor.execute(ExecutionRequest("python", "print('hi')")).stdout, end="")
"""
    assert said(code) == "hi\n"


FORK = """\
import os, sys
from drybox import CodeExecutor, ExecutionRequest, InvalidRequest, execute
executor = CodeExecutor()
run = {
    "execute": lambda code: execute("python", code),
    "executor": lambda code: executor.execute(ExecutionRequest("python", code)),
}[sys.argv[1]]
print(run("print('parent')").stdout, end="", flush=True)
child = os.fork()
if child == 0:
    try:
        print(run("print('child')").stdout, end="", flush=True)
    except InvalidRequest as error:
        print("refused:", error.field, flush=True)
    finally:
        os._exit(0)
os.waitpid(child, 0)
print(run("print('parent again')").stdout, end="", flush=True)
executor.close()
"""


@pytest.mark.parametrize(
    ("what", "in_child"),
    [("execute", {"child"}), ("executor", {"child", "refused: executor"})],
)
def test_forking_after_use(what: str, in_child: set[str]) -> None:
    """A web server's workers are made so; the child has none of the parent's threads."""
    first, second, third = said(FORK, what).splitlines()
    assert (first, third) == ("parent", "parent again")
    assert second in in_child


def test_a_pool_of_processes() -> None:
    code = """\
import multiprocessing
from drybox import execute

def work(word):
    return execute("python", f"print({word!r})")

if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    with context.Pool(2) as pool:
        print(*(result.stdout.strip() for result in pool.map(work, ["a", "b", "c"])))
        pool.close()
        pool.join()
"""
    assert said(code) == "a b c\n"


INTERRUPTED = """\
import sys
from drybox import execute
try:
    execute("python", "import time; time.sleep(3600)", args=[sys.argv[1]], timeout=3600)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_an_interrupt_of_the_caller_ends_the_program(python_bench: Bench) -> None:
    word = marker()
    with script(INTERRUPTED, word) as process:
        assert eventually(lambda: host.confined(word), TIMEOUT)
        process.send_signal(signal.SIGINT)
        out, complaints = process.communicate(timeout=TIMEOUT)
        assert (out, complaints, process.returncode) == ("interrupted\n", "", 0)
    assert eventually(lambda: not host.running(word), 2)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_the_death_of_the_caller_ends_the_program(number: signal.Signals) -> None:
    word = marker()
    with script(INTERRUPTED, word) as process:
        assert eventually(lambda: host.confined(word), TIMEOUT)
        family = {p.pid for p in host.descendants(process.pid)}
        folders = host.sandboxes(process.pid)
        assert folders
        process.send_signal(number)
        process.communicate(timeout=TIMEOUT)
        assert process.returncode == -number
    assert eventually(lambda: not host.running(word), 5)
    assert eventually(lambda: not family & {p.pid for p in host.processes()}, 10)
    assert eventually(lambda: not any(map(os.path.exists, folders)), 10)


def test_a_progress_line_comes_before_long_work(tmp_path: Path) -> None:
    lines: list[str] = []
    with CodeExecutor(progress=lines.append) as executor:
        executor.execute(ExecutionRequest("python", ""))
    assert lines == []  # nothing of Python takes seconds
