"""How programs are built outside any sandbox: a module for each language that has something to do.

Each has ``build``, which makes the command that runs a program, and may have ``path_of``, which
names the file of a single source.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

TIMEOUT = 240.0


def compile_with(command: Sequence[str], work: Path, env: Mapping[str, str]) -> None:
    """Run a compiler in a folder; it must succeed."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        command,
        cwd=work,
        env={**kept, **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIMEOUT,
    )
    if done.returncode:
        raise AssertionError(f"it does not compile outside: {done.stdout.decode()}")
