"""A kernel as a plain process of this host, with pipes and without a sandbox."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

TIMEOUT = 90.0

AGAIN = 2.0
"""Seconds until code that goes on is interrupted once more, as sessions do: an interrupt that comes
just where a kernel changes who hears it may be lost."""


@dataclass(frozen=True)
class Cell:
    """What became of a cell."""

    answers: list[dict[str, Any]]
    strays: list[dict[str, Any]]
    stdout: str
    stderr: str

    @property
    def done(self) -> dict[str, Any]:
        return self.answers[-1]

    @property
    def error(self) -> dict[str, Any] | None:
        return next((each for each in self.answers if each["type"] == "error"), None)

    @property
    def name(self) -> str | None:
        return self.error["name"] if self.error else None

    def shown(self, kind: str = "result") -> list[dict[str, Any]]:
        return [each["data"] for each in self.answers if each["type"] == kind]

    @property
    def value(self) -> str | None:
        found = self.shown()
        return found[0]["text/plain"] if found else None


@dataclass
class KernelProcess:
    """One kernel; its streams are read as they come, so it never waits for a reader."""

    argv: Sequence[str]
    cwd: Path
    env: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> KernelProcess:
        requests, self._requests = os.pipe()
        self._answers, answers = os.pipe()
        # The kernel finds them as 3 and 4, wherever they are here.
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 200) for fd in (requests, answers)]
        # No more of them than a sandbox has.
        line = f'ulimit -n 256; exec 3<&{high[0]} 4>&{high[1]} {high[0]}<&- {high[1]}>&-; exec "$@"'
        env = {"PATH": os.environ["PATH"], "HOME": str(self.cwd), "LANG": "C.UTF-8", **self.env}
        self.process = subprocess.Popen(
            ["bash", "-c", line, "bash", *self.argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=high,
            cwd=self.cwd,
            env=env,
            start_new_session=True,
        )
        for fd in (requests, answers, *high):
            os.close(fd)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            os.set_blocking(stream.fileno(), False)
        self._buffer = b""
        assert self.take() == {"type": "ready"}, self.read()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._requests)
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._answers)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()

    def send(self, document: dict[str, Any]) -> None:
        os.write(self._requests, json.dumps(document).encode() + b"\n")

    def take(self) -> dict[str, Any]:
        """The next answer.

        Raises:
            EOFError: There is none, for the kernel has ended.
        """
        until = time.monotonic() + TIMEOUT
        while b"\n" not in self._buffer:
            left = until - time.monotonic()
            assert left > 0, "the kernel does not answer"
            if not select.select([self._answers], [], [], left)[0]:
                continue
            data = os.read(self._answers, 1 << 20)
            if not data:
                raise EOFError(self.read())
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        document: dict[str, Any] = json.loads(line)
        return document

    def read(self) -> tuple[str, str]:
        """What it has written to its streams by now."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        out, err = self.process.stdout.read(), self.process.stderr.read()
        return (out or b"").decode(), (err or b"").decode()

    def run(
        self,
        code: str,
        *,
        lines: Sequence[str | None] | None = None,
        interrupt_when: Callable[[], bool] | None = None,
    ) -> Cell:
        """Run one cell.

        Args:
            code: The code.
            lines: What it may ask for; None for the end.
            interrupt_when: Interrupt it once this is true.
        """
        number = secrets.token_hex(16)
        waiting = list(lines or ())
        answers: list[dict[str, Any]] = []
        strays: list[dict[str, Any]] = []
        is_over = threading.Event()
        self.send({"type": "run", "id": number, "code": code, "input": lines is not None})
        if interrupt_when is not None:
            args = (interrupt_when, is_over)
            threading.Thread(target=self._interrupt, args=args, daemon=True).start()
        try:
            while not answers or answers[-1]["type"] != "done":
                answer = self.take()
                (answers if answer.pop("id", None) == number else strays).append(answer)
                if answer["type"] == "input":
                    line = waiting.pop(0) if waiting else None
                    end = {"value": line or "", "eof": line is None}
                    self.send({"type": "input", "id": number, **end})
        finally:
            is_over.set()
        return Cell(answers, strays, *self.read())

    def _interrupt(self, when: Callable[[], bool], is_over: threading.Event) -> None:
        until = time.monotonic() + TIMEOUT
        while not when() and time.monotonic() < until:
            time.sleep(0.02)
        wait = 0.0
        while not is_over.wait(wait):
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, signal.SIGINT)
            wait = AGAIN

    def wait(self) -> int:
        return self.process.wait(TIMEOUT)
