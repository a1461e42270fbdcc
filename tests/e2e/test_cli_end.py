"""However ``drybox run`` ends: nothing of it is left, and nobody sees a traceback."""

from __future__ import annotations

import json
import os
import secrets
import select
import signal
import subprocess
from collections.abc import Iterator

import pytest
from tests.support import host
from tests.support.cli import DRYBOX, calm, line_of, started
from tests.support.host import eventually
from tests.support.identity import Runner

HANG = """\
import subprocess, sys, time
subprocess.Popen(["sleep", "3600"], start_new_session=True)
print("ready", flush=True)
time.sleep(3600)
"""
FLOOD = "import itertools\nfor i in itertools.count(): print(i, flush=True)"


class Trace:
    """What a running drybox has on the host."""

    def __init__(self, pid: int) -> None:
        self.family = {process.pid for process in host.descendants(pid)}
        self.folders = host.sandboxes(pid)
        supervisors = host.supervisors(pid)
        self.family |= {process.pid for process in supervisors}
        self.instances = {os.path.dirname(folder) for folder in self.folders}
        assert supervisors
        assert self.folders

    def is_gone(self) -> bool:
        """Whether nothing of it is left."""
        alive = {process.pid for process in host.processes()}
        left = [folder for folder in self.folders | self.instances if os.path.exists(folder)]
        return not left and not self.family & alive


@pytest.fixture
def marker() -> str:
    """A word that only one program has among its arguments."""
    return f"marker-{secrets.token_hex(8)}"


@pytest.fixture
def running(marker: str) -> Iterator[subprocess.Popen[bytes]]:
    """A drybox whose program has begun, with a daemon beside it."""
    words = ("run", "-l", "python", "-c", HANG, "--timeout", "1h", "--", marker)
    with started(*words) as process:
        assert line_of(process) == b"ready\n"
        yield process


def ended(process: subprocess.Popen[bytes]) -> tuple[int, bytes, bytes]:
    out, err = process.communicate(timeout=30)
    calm(err)
    return process.returncode, out, err


@pytest.mark.promise("RES-14", "LEFT-1", "LEFT-2")
@pytest.mark.parametrize("to", ["process", "group"])
def test_interrupt(running: subprocess.Popen[bytes], marker: str, to: str) -> None:
    """Ctrl-C goes to the whole foreground group; ``kill -INT`` to the process alone."""
    trace = Trace(running.pid)
    assert host.confined(marker)
    (os.killpg if to == "group" else os.kill)(running.pid, signal.SIGINT)
    code, out, err = ended(running)
    assert (code, out, err.strip()) == (130, b"", b"")
    assert eventually(trace.is_gone, 10)
    assert not host.running(marker)


SAY = """\
import subprocess, sys
print("out", flush=True)
print("err", file=sys.stderr, flush=True)
subprocess.run(["bash", "-c", "sleep 3600; true", sys.argv[1] + "-has-printed"])
"""


@pytest.mark.promise("RES-14", "LEFT-1")
def test_interrupt_of_a_run_that_gives_a_document(marker: str) -> None:
    """It has what was printed so far, and the exit code says that it was interrupted."""
    words = ("run", "-l", "python", "-c", SAY, "--timeout", "1h", "--json", "--", marker)
    with started(*words) as process:
        assert eventually(lambda: host.confined(f"{marker}-has-printed"), 60)
        trace = Trace(process.pid)
        os.killpg(process.pid, signal.SIGINT)
        code, out, err = ended(process)
    document = json.loads(out)
    assert (document["status"], document["signal"]) == ("signaled", "SIGKILL")
    assert (document["stdout"], document["stderr"]) == ("out\n", "err\n")
    assert (code, err.strip()) == (130, b"")
    assert eventually(trace.is_gone, 10)
    assert not host.running(marker)


@pytest.mark.promise("LEFT-1", "LEFT-2")
def test_interrupt_while_nobody_reads_the_output(marker: str) -> None:
    words = ("run", "-l", "python", "-c", FLOOD, "--output", "1g", "--timeout", "1h", "--", marker)
    with started(*words) as process:
        assert eventually(lambda: full(process), 60)
        trace = Trace(process.pid)
        process.send_signal(signal.SIGINT)
        assert eventually(lambda: process.poll() is not None, 10)
        assert process.returncode == 130
    assert eventually(trace.is_gone, 10)
    assert not host.running(marker)


@pytest.mark.promise("LEFT-1", "LEFT-2")
def test_interrupting_twice(running: subprocess.Popen[bytes], marker: str) -> None:
    trace = Trace(running.pid)
    for _ in range(2):
        os.killpg(running.pid, signal.SIGINT)
    out, _ = running.communicate(timeout=30)
    assert running.returncode in (130, -signal.SIGINT)
    assert out == b""
    assert eventually(trace.is_gone, 10)
    assert not host.running(marker)


@pytest.mark.promise("RES-14", "LEFT-1")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGKILL", "SIGQUIT"])
def test_being_killed(running: subprocess.Popen[bytes], marker: str, name: str) -> None:
    trace = Trace(running.pid)
    os.kill(running.pid, signal.Signals[name])
    code, _, _ = ended(running)
    assert code in (-signal.Signals[name], 128 + signal.Signals[name])
    assert eventually(trace.is_gone, 10)
    assert not host.running(marker)


@pytest.mark.promise("LEFT-3")
def test_the_death_of_the_supervisor(running: subprocess.Popen[bytes], marker: str) -> None:
    trace = Trace(running.pid)
    for supervisor in host.supervisors(running.pid):
        os.kill(supervisor.pid, signal.SIGKILL)
    code, out, err = ended(running)
    assert (code, out) == (125, b"")
    assert b"drybox: " in err
    assert b"hint: " in err
    assert eventually(lambda: not host.running(marker), 10)
    assert eventually(lambda: not trace.family & {p.pid for p in host.processes()}, 10)


@pytest.mark.promise("LEFT-1")
def test_nothing_is_left_after_a_plain_run() -> None:
    code = "input()\nimport subprocess; subprocess.Popen(['sleep', '3600'], start_new_session=True)"
    with started("run", "-l", "python", "-c", code) as process:
        assert eventually(lambda: host.sandboxes(process.pid), 60)
        trace = Trace(process.pid)
        out, err = process.communicate(b"\n", timeout=60)
        assert (process.returncode, out, err) == (0, b"", b"")
    assert trace.is_gone()  # at once: drybox waits for it


@pytest.mark.promise("LEFT-1", "LEFT-2")
def test_interrupt_while_it_compiles() -> None:
    code = 'package main\nimport "net/http"\nfunc main() { http.Get("") }'
    with started("run", "-l", "go", "-c", code) as process:
        assert eventually(lambda: host.sandboxes(process.pid), 60)
        trace = Trace(process.pid)
        process.send_signal(signal.SIGINT)
        code_, out, _ = ended(process)
    assert (code_, out) == (130, b"")
    assert eventually(trace.is_gone, 10)


# --- whoever reads the output leaves ---------------------------------------------------


@pytest.mark.promise("RES-14")
def test_head() -> None:
    """``drybox run … | head -1``"""
    script = '"$@" | head -1; echo "${PIPESTATUS[0]}"'
    words = ["run", "-l", "python", "-c", FLOOD, "--output", "1g", "--timeout", "100s"]
    done = subprocess.run(
        ["bash", "-c", script, "bash", DRYBOX, *words], capture_output=True, timeout=60
    )
    first, code = done.stdout.decode().split()
    assert (first, done.stderr) == ("0", b"")
    assert code == "141"


def test_a_reader_that_leaves(marker: str) -> None:
    words = ("run", "-l", "python", "-c", FLOOD, "--output", "1g", "--timeout", "1h", "--", marker)
    with started(*words) as process:
        assert line_of(process) == b"0\n"
        trace = Trace(process.pid)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(30) != 0
        assert process.stderr.read() == b""
    assert eventually(trace.is_gone, 10)
    assert not host.running(marker)


OUTPUTS = [
    ("languages",),
    ("doctor",),
    ("version",),
    ("run", "--help"),
    ("run", "-l", "python", "-c", "print('x' * 100)"),
    ("run", "-l", "python", "-c", "print('x' * 100)", "--json"),
]


@pytest.mark.parametrize("words", OUTPUTS, ids=" ".join)
def test_a_full_disk_is_no_internal_error(words: tuple[str, ...]) -> None:
    done = shell('exec "$@" >/dev/full', *words)
    assert done.returncode not in (0, 1, 2)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("words", OUTPUTS, ids=" ".join)
def test_closed_descriptors_are_no_internal_error(words: tuple[str, ...], closed: str) -> None:
    done = shell(f'exec "$@" {closed}', *words)
    assert done.returncode == 0


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"])
def test_closed_descriptors_are_not_taken_by_drybox_itself(marker: str, closed: str) -> None:
    """Else a stranger's output goes to an event loop's or a supervisor's socket."""
    words = ["run", "-l", "python", "-c", HANG, "--timeout", "1h", "--", marker]
    process = subprocess.Popen(
        ["sh", "-c", f'exec "$@" {closed}', "sh", DRYBOX, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert eventually(lambda: host.confined(marker) or process.poll() is not None, 60)
        descriptors = host.descriptors(process.pid)
        assert {descriptors.get(number, os.devnull) for number in range(3)} == {os.devnull}
    finally:
        process.kill()
        process.wait()


def shell(script: str, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run drybox from a shell, which can do to its descriptors what people do."""
    done = subprocess.run(
        ["sh", "-c", script, "sh", DRYBOX, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
    )
    calm(done.stderr)
    return done


def test_output_to_a_pipe_that_does_not_block() -> None:
    """Whoever shares a pipe may have set it to O_NONBLOCK, as Node.js does."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    words = [DRYBOX, "run", "-l", "python", "-c", "print('x' * 900_000)"]
    process = subprocess.Popen(words, stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    with process, os.fdopen(read, "rb") as pipe:
        process.stdout = pipe
        assert eventually(lambda: process.poll() is not None or full(process), 60)
        out = pipe.read()
        assert process.stderr is not None
        calm(process.stderr.read())
    assert (len(out), process.returncode) == (900_001, 0)


def full(process: subprocess.Popen[bytes]) -> bool:
    """Whether the pipe that takes its output has no room left.

    Bytes do not tell: each write of more than half a page takes a page of the pipe's sixteen.
    """
    assert process.stdout is not None
    write = os.open(f"/proc/self/fd/{process.stdout.fileno()}", os.O_WRONLY | os.O_NONBLOCK)
    try:
        return not select.select([], [write], [], 0)[1]
    finally:
        os.close(write)


# --- as an ordinary user ---------------------------------------------------------------


@pytest.mark.promise("LEFT-1")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_an_ordinary_users_run_leaves_nothing(user_runner: Runner, marker: str, name: str) -> None:
    words = ["run", "-l", "python", "-c", HANG, "--timeout", "1h", "--", marker]
    argv, env = user_runner.command([DRYBOX, *words])
    process = subprocess.Popen(
        argv,
        env=env,
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        try:
            assert line_of(process) == b"ready\n"
            trace = Trace(process.pid)
            process.send_signal(signal.Signals[name])
            code, out, _ = ended(process)
        finally:
            process.kill()
    assert code == (130 if name == "SIGINT" else -signal.Signals[name])
    assert out == b""
    assert eventually(trace.is_gone, 10)
    assert not host.running(marker)
