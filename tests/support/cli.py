"""The real ``drybox`` program as a process."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

DRYBOX = str(Path(sysconfig.get_path("scripts"), "drybox"))
TIMEOUT = 120.0

Done = subprocess.CompletedProcess[bytes]


def drybox(
    *words: str,
    stdin: bytes = b"",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    command: Sequence[str] = (DRYBOX,),
) -> Done:
    """Run it to its end, whatever that is; it never shows a traceback of its own."""
    done = subprocess.run(
        [*command, *words],
        input=stdin,
        capture_output=True,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        timeout=TIMEOUT,
    )
    calm(done.stderr)
    return done


def calm(stderr: bytes) -> None:
    """These are words for people."""
    assert b"Traceback" not in stderr, stderr.decode()
    assert b"internal error" not in stderr, stderr.decode()


@contextmanager
def started(*words: str, cwd: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """It runs, in a process group of its own; it has ended at the end."""
    process = subprocess.Popen(
        [DRYBOX, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def line_of(process: subprocess.Popen[bytes]) -> bytes:
    """The next line of its output, waited for."""
    assert process.stdout is not None
    return process.stdout.readline()
