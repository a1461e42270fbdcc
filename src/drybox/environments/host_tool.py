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

TIMEOUT = 1800.0
"""Seconds that one tool may take; the largest environments download some gigabytes."""

SAID = 256 * 1024
"""Bytes of the end of what a tool said that are kept."""

_LAUNCH = """
import ctypes, os, resource, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
if sys.argv[2] != "0":
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    most = int(sys.argv[2]) if hard < 0 else min(hard, int(sys.argv[2]))
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
os.execvp(sys.argv[3], sys.argv[3:])
"""
"""What has the kernel end a tool with the thread that started it, and give it no more memory."""


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
            process, name, TIMEOUT, SAID, lambda line: on_line(_text(line).rstrip())
        )
    return ToolEnd(process.returncode, _text(said))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
