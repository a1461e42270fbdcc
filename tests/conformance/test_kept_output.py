"""What a program has printed is in its result, whatever ends it, and comes as it is printed."""

from __future__ import annotations

import time

import pytest
from tests.support.isolations import Isolation
from tests.support.warmth import Warm

from drybox import CodeExecutor, ExecutionRequest

pytestmark = [pytest.mark.promise("RES-6")]

MIB = 1 << 20

PRINTS_AND_WAITS = "import sys, time\nprint('one')\nprint('two', end='\\r')\n"

ENDS = {
    "a deadline": ("time.sleep(60)", "timeout"),
    "memory": ("kept = []\nwhile True: kept.append(bytes(1 << 20))", "memory_limit"),
    "a signal": ("import os; os.kill(os.getpid(), 9)", "signaled"),
    "_exit": ("import os; os._exit(0)", "success"),
    "an abort": ("import os; os.abort()", "signaled"),
}


@pytest.mark.parametrize("warmth", ["cold", "warm"])
@pytest.mark.parametrize("end", ENDS)
def test_lines_of_python_are_kept(
    executor: CodeExecutor, warm_executor: Warm, isolation: Isolation, end: str, warmth: str
) -> None:
    code, status = ENDS[end]
    timeout = 4.0 if status == "timeout" else 60.0
    # With the operator's limits: some isolations keep sandboxes waiting for no others.
    request = ExecutionRequest(
        "python", PRINTS_AND_WAITS + code, isolation=isolation.name, timeout=timeout
    )
    result = (executor if warmth == "cold" else warm_executor).execute(request)
    assert (result.status, result.stdout) == (status, "one\ntwo\r"), result.error


@pytest.mark.parametrize(
    "start",
    [
        "[sys.executable, '-c', code]",
        "[sys.executable, '-I', '-c', code]",
        "['python3', '-E', '-s', '-c', code]",
        "['sh', '-c', 'exec python3 -c \"$1\"', 'sh', code]",
    ],
)
def test_so_are_those_of_a_python_that_it_starts(
    executor: CodeExecutor, isolation: Isolation, start: str
) -> None:
    code = (
        "import subprocess, sys\ncode = 'import time; print(1); time.sleep(60)'\n"
        f"subprocess.run({start})\n"
    )
    request = ExecutionRequest("python", code, isolation=isolation.name, timeout=5.0)
    result = executor.execute(request)
    assert (result.status, result.stdout) == ("timeout", "1\n")


def test_what_is_no_line_and_what_is_bytes_waits_as_outside(
    executor: CodeExecutor, isolation: Isolation
) -> None:
    code = "import os, sys\nsys.stdout.buffer.write(b'x\\n')\nprint('y', end='')\nos._exit(0)\n"
    result = executor.execute(ExecutionRequest("python", code, isolation=isolation.name))
    assert (result.status, result.stdout) == ("success", "")


@pytest.mark.parametrize("code", ["import sys; sys.stdout = None", "import os; os.close(1)"])
def test_a_program_may_do_without_its_output(
    executor: CodeExecutor, isolation: Isolation, code: str
) -> None:
    more = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'pass'], check=True)\n"
    request = ExecutionRequest("python", f"{code}\n{more}", isolation=isolation.name)
    result = executor.execute(request)
    assert (result.stdout, result.stderr) == ("", "")


def test_lines_come_while_the_program_runs(executor: CodeExecutor, isolation: Isolation) -> None:
    code = "import time\nprint('first')\ntime.sleep(3)\nprint('second')\n"
    came: dict[str, float] = {}
    for event in executor.stream(ExecutionRequest("python", code, isolation=isolation.name)):
        if event.type == "stdout":
            came.setdefault(event.data, time.monotonic())
    assert list(came) == ["first\n", "second\n"]
    assert came["second\n"] - came["first\n"] > 2


@pytest.mark.parametrize("warmth", ["cold", "warm"])
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_node_keeps_what_it_wrote_before_it_exits(
    executor: CodeExecutor, warm_executor: Warm, isolation: Isolation, stream: str, warmth: str
) -> None:
    size = MIB - 1000
    code = f"process.{stream}.write('x'.repeat({size}));\nprocess.exit(3);\n"
    request = ExecutionRequest("node", code, isolation=isolation.name)
    result = (executor if warmth == "cold" else warm_executor).execute(request)
    assert (result.status, result.exit_code) == ("failed", 3)
    assert len(getattr(result, stream)) == size


def test_many_at_once_leave_the_kernel_room_for_pipes(
    executor: CodeExecutor, isolation: Isolation
) -> None:
    code = (
        "import fcntl, os, sys, time\nsizes = [fcntl.fcntl(fd, 1032) for fd in (1, 2)]\n"
        "print(sizes, fcntl.fcntl(os.pipe()[0], 1032), flush=True)\ntime.sleep(1)\n"
    )
    request = ExecutionRequest("python", code, isolation=isolation.name)
    for result in executor.execute_many([request] * 12):
        assert result.stdout == f"[{MIB}, {MIB}] 65536\n", result.stderr
