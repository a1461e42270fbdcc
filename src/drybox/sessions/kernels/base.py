"""What a kernel is: a program in a session's sandbox that keeps a language's state.

PID 1 starts it with two descriptors beside its standard streams: it reads requests from 3 and
writes answers to 4. Both are pipes with one JSON document in UTF-8 on each line. Everything that
comes from 4 is data of an untrusted program: bounded in its line and in sum, and believed in
nothing but what its own session is told.

Requests::

    {"type": "setup", "env": {...}}               once, before any other, after "ready"
    {"type": "run", "id": ID, "code": "...", "input": bool}
                                                  with "stdin", a text, where it does not ask
    {"type": "input", "id": ID, "value": "a line", "eof": bool}    the answer to "input"
    {"type": "complete", "id": ID, "code": "...", "cursor": N}

Answers::

    {"type": "ready"}                             it waits for requests
    {"type": "display", "id": ID, "data": {MIME: TEXT or {"base64": "..."}}, "metadata": {...}}
    {"type": "result", ...}                       the same, for the value of the last expression
    {"type": "error", "id": ID, "name": "...", "value": "...", "traceback": "..."}
                                                  may have it "coloured" by ANSI sequences, too
    {"type": "input", "id": ID, "prompt": "..."}  only where the run has "input"; "secret": true
                                                  where what is typed is not to be shown
    {"type": "completions", "id": ID, "matches": [...], "start": N, "end": N}
    {"type": "done", "id": ID, "execution_count": N}
                                                  "ending": true where code has ended the kernel

- An ID is text that the host draws at random for each request. So code that prints the framing
  cannot forge the end of a later run; what has another ID than the request that is under way is let
  go.
- The kernel starts before anything of the session's owner comes in, and may wait long: what
  depends on the owner's variables comes with "setup".
- stdout and stderr are ordinary streams. The kernel flushes its own before it writes "done"; PID 1
  passes on all that was in these pipes before it passes on what the kernel has written to 4.
- An interrupt is SIGINT to the kernel's process group. What runs then raises; the kernel ends the
  run with an "error", whose name is the language's own (``KeyboardInterrupt``), and "done", and
  keeps its state. A second SIGINT comes where the first did not end it. A kernel that goes on then
  is killed.
- An "error" has "compile": true where the code does not compile.
- A kernel that misses something beside its program in the sandbox ends with 127, and says what.
- The kernel ends when its descriptor 3 does.
- Processes that code starts must not have descriptors 3 and 4 (close-on-exec).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from drybox.job import KERNEL_DIR as KERNEL_DIR
from drybox.job import File
from drybox.model import ResourceLimits

MAX_LINE = 8 * 1024 * 1024
"""Bytes of one answer. A longer one is let go, and the run tells of it."""

INTERRUPTED = frozenset({"KeyboardInterrupt", "Interrupted"})
"""Names of errors that say that code was interrupted."""


@dataclass(frozen=True, slots=True)
class KernelLaunch:
    """How a kernel is started.

    Attributes:
        argv: Its program, as the language's toolchain names it, and its arguments.
        env: Its variables, beside the sandbox's own.
        files: Files that are placed before it starts, each time: relative paths are below the
            working directory, so name absolute ones, below :data:`drybox.job.BUILD_DIR`.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    files: tuple[File, ...] = ()


class Kernel(Protocol):
    """A program that keeps a language's state."""

    @property
    def language(self) -> str:
        """Canonical name of the language whose toolchain it needs."""

    @property
    def interrupted(self) -> frozenset[str]:
        """Names of errors that say that its code was interrupted; usually ``INTERRUPTED``."""

    @property
    def asks(self) -> bool:
        """Whether its code asks for lines; else a run comes with all of its input."""

    def folder(self, version: str) -> str:
        """Folder of this host that a sandbox sees as :data:`KERNEL_DIR`; "" for none.

        What it has never changes: other content is another folder. Called in a worker thread.

        Args:
            version: The toolchain's full version.

        Raises:
            Unsupported: Something that it needs is not installed; the hint says how to get it.
        """

    def launch(self, version: str, limits: ResourceLimits) -> KernelLaunch:
        """How it is started under a toolchain's version and the limits of the sandbox."""
