"""Runs a language's own tool on this host: what resolves and downloads packages.

It ends with drybox, however that ends, and sees the operator's settings: of indexes, proxies and
certificates. No tool is told to run anything of a package, and each resolver sees to that.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drybox.host.child_output import follow_output
from drybox.host.children import kill_with_children

TIMEOUT = 1800.0
"""Seconds that one tool may take; the largest environments download some gigabytes."""

SAID = 256 * 1024
"""Bytes of the end of what a tool said that are kept."""

END_TIMEOUT = 10.0
"""Seconds that a tool's processes may take to end once they are killed."""

_LAUNCH = """
import ctypes, os, resource, signal, sys

def end(*_):
    while True:
        try:
            with open("/proc/self/task/%d/children" % own) as file:
                there = file.read().split()
        except OSError:  # this kernel does not tell
            os.kill(tool, signal.SIGKILL)
            os._exit(1)
        for pid in there:
            try:
                os.kill(int(pid), signal.SIGKILL)
            except OSError:
                pass
        try:
            os.wait()
        except OSError:
            os._exit(1)

own, tool, prctl = os.getpid(), 0, ctypes.CDLL(None).prctl
ends = [signal.SIGTERM]
ends += [it for it in (signal.SIGINT, signal.SIGHUP) if signal.getsignal(it) != signal.SIG_IGN]
signal.pthread_sigmask(signal.SIG_BLOCK, ends)
for it in ends:
    signal.signal(it, end)
prctl(36, 1)  # PR_SET_CHILD_SUBREAPER: whatever the tool starts is this one's child at last
prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
tool = os.fork()
if not tool:
    prctl(1, signal.SIGKILL)
    for it in ends:
        signal.signal(it, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ends)
    if os.getppid() != own:
        os._exit(1)
    if sys.argv[2] != "0":
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        most = int(sys.argv[2]) if hard < 0 else min(hard, int(sys.argv[2]))
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    try:
        os.execvp(sys.argv[3], sys.argv[3:])
    except OSError as error:
        os.write(2, ("%s\\n" % error).encode())
    os._exit(127)
null = os.open(os.devnull, os.O_RDWR)
for stream in range(3):
    os.dup2(null, stream)  # who reads what the tool says waits for no other
signal.pthread_sigmask(signal.SIG_UNBLOCK, ends)
while True:
    pid, status = os.wait()
    if pid == tool:
        break
if os.WIFSIGNALED(status):
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, range(1, 32))
    if os.WTERMSIG(status) not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
    os.kill(own, os.WTERMSIG(status))
os._exit(os.WEXITSTATUS(status))
"""
"""Starts a tool, ends as it ends, and gives it no more memory than that. Told to end, also by a
terminal, or once the thread is gone that started it, it kills the tool with every process that came
of it."""


@dataclass(frozen=True, slots=True)
class ToolEnd:
    """How a tool ended.

    Attributes:
        code: Its exit code; below 0 for a signal.
        output: The end of what it wrote, stderr included.
    """

    code: int
    output: str


def run_tool(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] = lambda line: None,
    memory: int = 0,
) -> ToolEnd:
    """Run one to its end. Blocks.

    Args:
        argv: The program and its arguments.
        cwd: Where it starts.
        env: Variables beside drybox's own; one that is "" is taken away.
        on_line: Told every line that it writes.
        memory: Bytes that it may take; 0 for as many as there are.

    Raises:
        OSError: It could not be started.
        TimeoutError: It took too long.
    """
    variables = {**os.environ, **(env or {})}
    variables = {name: value for name, value in variables.items() if value}
    command = [sys.executable, "-I", "-S", "-c", _LAUNCH, str(os.getpid()), str(memory), *argv]
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        name = os.path.basename(argv[0])
        said = follow_output(
            process, name, TIMEOUT, SAID, lambda line: on_line(_text(line).rstrip()), end=_end
        )
    return ToolEnd(process.returncode, _text(said))


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a tool with everything that it has started."""
    process.terminate()
    try:
        process.wait(END_TIMEOUT)
    except subprocess.TimeoutExpired:
        kill_with_children(process)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
