"""A kernel in a session: started, told code, interrupted, started anew."""

from __future__ import annotations

import errno
import secrets
import signal
from typing import Any

import anyio
import anyio.to_thread

from drybox.errors import InvalidRequest, Unavailable, Unsupported
from drybox.execution.outcome import signal_name
from drybox.execution.output import Output
from drybox.guest.frames import GuestExecError, GuestGone
from drybox.guest.programs import REQUESTS, Grant, GuestProgram, GuestStream
from drybox.guest.session_files import GuestOSError
from drybox.job import WORK_DIR
from drybox.model import Truncated, Usage
from drybox.sessions.kernels.base import Kernel
from drybox.sessions.programs.answers import Answers, completions_of, display_of, error_of, word
from drybox.sessions.programs.inside import Inside, usage_between
from drybox.sessions.programs.kernel_run import TOO_LARGE, Ask, Follow, KernelRun
from drybox.sessions.programs.requests import InputLines, request_pieces
from drybox.sessions.programs.waiting import first_of, one_piece
from drybox.sessions.results import (
    CodeError,
    Completions,
    RunResult,
    SessionEvent,
)

START_TIMEOUT = 120.0
"""Seconds until a kernel must wait for requests."""

INTERRUPT_GRACE = 3.0
"""Seconds in which interrupted code, or a kernel that code ends, must end; then it is killed."""

COMPLETE_TIMEOUT = 5.0
"""Seconds that a completion may take."""

NOT_FOUND = 127
"""A kernel's exit code where something that it needs is not in the sandbox."""

LAST_WORDS = 1000
"""Bytes kept of what a kernel writes before it waits: why it does not."""


class KernelProcess:
    """One language's state in a session. Its runs take turns.

    Args:
        inside: Where.
        kernel: What keeps the state.
        version: Version of its toolchain.
    """

    def __init__(self, inside: Inside, kernel: Kernel, version: str) -> None:
        self._inside = inside
        self._kernel = kernel
        self._version = version
        self._program: GuestProgram | None = None
        self._answers = Answers()
        self._ready = anyio.Event()
        self._run: KernelRun | None = None
        self._turn = anyio.Lock()
        self._count = 0
        self._is_set_up = False
        self._words = b""

    async def start(self) -> None:
        """Start it and wait until it waits, unless it does.

        Raises:
            Unavailable: It does not start.
            SandboxLost, SessionClosed: The sandbox is gone.
        """
        if self._program is not None and not self._program.ended.is_set():
            return
        inside = self._inside
        launch = self._kernel.launch(self._version, inside.limits)
        self._answers, self._ready, self._is_set_up = Answers(), anyio.Event(), False
        try:
            for file in launch.files:
                path = file.path if file.path[:1] == "/" else f"{WORK_DIR}/{file.path}"
                await inside.programs.files.write(path.encode(), one_piece(file.content), file.mode)
            own = Inside(inside.sandbox, inside.programs, inside.limits, {}, inside.why_closed)
            program = self._program = await own.start(
                launch.argv, self._take, timeout=None, env=launch.env, is_kernel=True, no_input=True
            )
            with anyio.fail_after(START_TIMEOUT):
                await first_of(self._ready, program.ended)
        except GuestGone as error:
            raise inside.lost(error) from error
        except (GuestExecError, GuestOSError, TimeoutError) as error:
            await self.kill()
            if isinstance(error, GuestExecError) and error.number == errno.ENOENT:
                raise Unsupported(
                    f"there is no {launch.argv[0]!r} in this session's sandbox.",
                    hint="Open another session for it, or name an image that has it: [images] in"
                    " the configuration.",
                ) from error
            why = str(error) or f"it took {START_TIMEOUT:g} s"
            raise Unavailable(
                f"the session's {self._kernel.language} does not start: {why}.",
                hint="Ask for larger limits.memory, limits.disk and limits.pids, or try again.",
            ) from error
        if not self._ready.is_set():
            last = self._words.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]
            if program.exit is not None and program.exit.code == NOT_FOUND:
                raise Unsupported(
                    f"{self._kernel.language} does not run in this session's sandbox: {last}.",
                    hint=f"Open a session of {self._kernel.language}.",
                )
            raise Unavailable(
                f"the session's {self._kernel.language} ended as it started: {last}",
                hint="Ask for larger limits.memory and limits.pids, or try again.",
            )

    async def _set_up(self) -> None:
        if not self._is_set_up:
            await self._tell({"type": "setup", "env": dict(self._inside.env)})
            self._is_set_up = True

    async def _tell(self, request: dict[str, Any]) -> None:
        assert self._program is not None
        for piece in request_pieces(request):
            await self._inside.programs.write(self._program, piece, REQUESTS)

    async def run(
        self,
        code: str,
        timeout: float,
        stdin: str | None,
        follow: Follow,
        ask: Ask | None,
    ) -> RunResult:
        """Run code. Cancelling interrupts it, and kills the kernel if that does not help.

        Args:
            code: The code.
            timeout: Wall seconds until it is interrupted.
            stdin: What it may read; None for nothing.
            follow: Takes the events but for the result.
            ask: Is told where code asks for a line beyond those; None where nobody answers.

        Raises:
            Unavailable: The kernel does not start.
            SandboxLost, SessionClosed: The sandbox is gone.
        """
        async with self._turn:
            await self.start()
            before = await self._inside.sandbox.used()
            began = anyio.current_time()
            has_input = stdin is not None or ask is not None
            rest = None if stdin is None else InputLines(stdin)
            limit = self._inside.limits.output
            run = self._run = KernelRun(secrets.token_hex(16), Output(limit), follow, rest, ask)
            if self._program is not None:
                self._inside.programs.hurry(self._program)
            try:
                request = {"type": "run", "id": run.id, "code": code, "input": has_input}
                if stdin is not None and not self._kernel.asks:
                    request["stdin"] = stdin
                await self._follow_run(run, request, timeout)
                restarted = not run.done
                if restarted and run.reason is None:
                    await self._note_death(run, before.oom_kills)
                if run.ending and self._program is not None:
                    with anyio.move_on_after(INTERRUPT_GRACE):
                        await self._program.ended.wait()
                    await self.kill()
                    run.note_exit(self._program.exit)
            except GuestGone as error:
                if (await self._inside.used_at_end()).oom_kills <= before.oom_kills:
                    raise self._inside.lost(error) from error
                run.reason, restarted = "memory_limit", True  # and the sandbox went with it
            finally:
                self._run = None
            elapsed = anyio.current_time() - began
            usage = usage_between(before, await self._inside.sandbox.used())
            return self._result(run, elapsed, usage, restarted=restarted)

    async def _follow_run(self, run: KernelRun, request: dict[str, Any], timeout: float) -> None:
        """Until the run is over: by itself, or by an interrupt, or with its kernel."""
        program, lost = self._program, None
        assert program is not None
        try:
            with anyio.move_on_after(timeout) as deadline:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._reply, run)
                    try:
                        await self._set_up()
                        await self._tell(request)
                        await first_of(run.over, program.ended, run.stop)
                    except GuestGone as error:  # raised below: a task group would wrap it
                        lost = error
                    tasks.cancel_scope.cancel()
            if lost is not None:
                raise lost
            if deadline.cancelled_caught:
                run.reason = run.reason or "timeout"
            if not run.over.is_set() and not program.ended.is_set():
                await self._end_run(run, program)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._end_run(run, program)
            raise
        if program.exit is None and program.ended.is_set():
            raise GuestGone(self._inside.programs.problem)

    async def _end_run(self, run: KernelRun, program: GuestProgram) -> None:
        """Interrupt the code; if it goes on, kill its kernel."""
        try:
            for _ in range(2):  # what catches one may not catch the next
                await self._inside.programs.signal(program, signal.SIGINT)
                with anyio.move_on_after(INTERRUPT_GRACE / 2):
                    await first_of(run.over, program.ended)
                    return
            await self.kill()
        except GuestGone:
            return  # whoever waits for the run sees the same end

    async def _reply(self, run: KernelRun) -> None:
        """Answer the code's questions."""
        while True:
            await run.asked.wait()
            run.asked = anyio.Event()
            while run.replies:
                value = run.replies.pop(0)
                answer = {"type": "input", "id": run.id, "value": value or "", "eof": value is None}
                try:
                    await self._tell(answer)
                except GuestGone:  # the kernel's end tells the same
                    return

    def answer(self, line: str) -> None:
        """A line that code has asked for.

        Raises:
            InvalidRequest: It asks for none.
        """
        if self._run is None or self._run.ask is None:
            raise InvalidRequest("answer", "no code asks for a line", hint="Wait until it does.")
        self._run.replies.append(line if line.endswith("\n") else f"{line}\n")
        self._run.asked.set()

    async def _note_death(self, run: KernelRun, oom_kills: int) -> None:
        program = self._program
        end = None if program is None else program.exit
        used = await self._inside.sandbox.used()
        out_of_memory = end is not None and end.out_of_memory
        if used.oom_kills > oom_kills or out_of_memory:
            run.reason = "memory_limit"
        elif end is not None and run.error is None:
            how = signal_name(end.signal) if end.signal else f"exit code {end.code}"
            words = f"the process that keeps the state of {self._kernel.language} ended: {how}"
            run.error = CodeError("KernelDied", words, "")

    def _result(
        self, run: KernelRun, elapsed: float, usage: Usage, *, restarted: bool
    ) -> RunResult:
        status = run.status(self._kernel.interrupted, restarted=restarted)
        count = self._count + 1 if run.count is None else run.count
        restarted = restarted or run.ending
        self._count = 0 if restarted else count
        return RunResult(
            status=status,
            stdout_bytes=run.output.bytes("stdout"),
            stderr_bytes=run.output.bytes("stderr"),
            results=run.displays,
            error=run.error,
            execution_count=count,
            execution_time=elapsed,
            usage=usage,
            truncated=Truncated(**run.output.truncated),
            restarted=restarted,
            problem=TOO_LARGE if run.has_lost else None,
        )

    async def complete(self, code: str, cursor: int) -> Completions:
        """How code may go on; nothing while other code runs."""
        if self._turn.locked():
            return Completions()
        async with self._turn:
            await self.start()
            run = self._run = KernelRun(
                secrets.token_hex(16), Output(0), lambda event: None, None, None
            )
            program = self._program
            assert program is not None
            self._inside.programs.hurry(program)
            try:
                with anyio.move_on_after(COMPLETE_TIMEOUT):
                    await self._set_up()
                    await self._tell(
                        {"type": "complete", "id": run.id, "code": code, "cursor": cursor}
                    )
                    await first_of(run.over, program.ended)
                    return run.completions
                await self._end_run(run, program)
            except GuestGone as error:
                raise self._inside.lost(error) from error
            finally:
                self._run = None
            return Completions()

    async def interrupt(self) -> None:
        """Interrupt the code that runs; nothing if none does."""
        if self._run is not None:
            self._run.reason = self._run.reason or "interrupted"
            self._run.stop.set()

    async def kill(self) -> None:
        """End it, with everything that descends from it; the next run starts it anew."""
        program = self._program
        if program is None or program.ended.is_set():
            return
        try:
            await self._inside.programs.kill(program)
            await program.ended.wait()
        except GuestGone:
            return

    # --- what comes from it ------------------------------------------------------------------

    def _take(self, stream: GuestStream, data: bytes) -> Grant:
        """Take output, at once. Between runs it is nobody's, and is let go."""
        run = self._run
        if run is None:
            if self._ready.is_set():
                self._answers.skip(data) if stream == "answers" else None
            elif stream != "answers":
                self._words = (self._words + data)[-LAST_WORDS:]
            elif {"type": "ready"} in self._answers.take(data):
                self._ready.set()
            return "slowly"
        if stream == "answers":
            if not run.hears(data):
                self._answers.skip(data)
                run.stop_showing()
                return "slowly"
            for document in self._answers.take(data):
                self._hear(run, document)
            run.has_lost |= self._answers.has_lost
            self._answers.has_lost = False
        elif not run.output.overflowed:
            kept = run.output.add(stream, data)
            text = run.output.decode(stream, kept) if kept else ""
            if kept:
                run.follow(SessionEvent(stream, text, kept))
            if len(kept) < len(data):
                run.stop.set()
        return "slowly" if run.output.overflowed else "now"

    def _hear(self, run: KernelRun, document: dict[str, Any]) -> None:
        kind = document.get("type")
        if document.get("id") != run.id or run.over.is_set():
            return  # of a run that is over, or made up
        if kind in ("display", "result"):
            run.show(display_of(document, is_main=kind == "result"))
        elif kind == "error":
            run.fail(error_of(document), compiles=document.get("compile") is not True)
        elif kind == "input":
            run.asks(word(document, "prompt"))
        elif kind == "completions":
            run.completions = completions_of(document)
            run.done = True
            run.over.set()
        elif kind == "done":
            count = document.get("execution_count")
            run.count = count if isinstance(count, int) and 0 <= count < 2**53 else None
            run.ending = document.get("ending") is True
            run.done = True
            run.over.set()
