"""Python's kernel: runs cells in IPython, in a session's sandbox. ``base.py`` has the words.

``python3 python_kernel.py PACKAGES``, the folder that IPython is in. It never runs in drybox.
"""

from __future__ import annotations

import atexit
import builtins
import os
import signal
import sys
from types import FrameType
from typing import Any

PACKAGES = sys.argv[1]
sys.path.insert(0, PACKAGES)

from IPython.core.interactiveshell import InteractiveShell  # noqa: E402
from kernel_channel import Channel, Closed  # noqa: E402
from kernel_display import AfterImport, draw_inline, text_of  # noqa: E402
from kernel_shell import (  # noqa: E402
    OWN_CODE,
    Input,
    Shell,
    flush,
    keep_streams,
    make_shell,
    mend_streams,
)

MOST_COMPLETIONS = 1000

INSIST_STEP = 1e-3
"""Seconds between interrupts of a cell that has caught one, so that nothing waits for long."""

# A cell may replace what modules have.
_signal, _setitimer = signal.signal, signal.setitimer
_gettrace, _settrace = sys.gettrace, sys.settrace

END_TIMEOUT = 2.0
"""Seconds that what cells have registered for the end may take."""


class Kernel:
    """Takes requests until there are no more."""

    def __init__(self) -> None:
        self._channel = Channel()
        keep_streams(self._channel.source + 2)
        self._shell: Shell = make_shell(self._channel)
        self._exit = os._exit
        self._task: Any = None
        self._loop: Any = None
        self._interrupts = self._early_interrupts = 0
        self._before: tuple[Any, Any] | None = None
        self._lines = self._further = 0
        self._has_moved = False
        self._input = Input(self._shell)
        OWN_CODE.update((Kernel.on_interrupt.__code__, Kernel._on_line.__code__))

    def get_ready(self) -> None:
        """Do what every session does first, so that it is fast; no trace of it is left."""
        sys.path.remove(PACKAGES)
        sys.path.append(PACKAGES)  # what the session's environment has comes first
        sys.path[0] = ""
        sys.argv = [""]
        inputs = {"getpass": lambda module: setattr(module, "getpass", self._shell.ask_secret)}
        sys.meta_path.insert(0, AfterImport({"matplotlib": draw_inline, **inputs}))
        if "getpass" in sys.modules:
            inputs["getpass"](sys.modules["getpass"])
        _signal(signal.SIGINT, self.on_interrupt)
        for code in ("1 + 1", "1 / 0"):
            self._shell.run_cell(code, store_history=False)
        for name in ("last_type", "last_value", "last_traceback", "last_exc"):
            if hasattr(sys, name):
                delattr(sys, name)
        self._shell.reset(new_session=True)
        self._shell.user_ns.update(exit=self._shell.exiter, quit=self._shell.exiter)
        self._channel.send({"type": "ready"})

    def serve(self) -> None:
        """Answer requests until a cell ends the kernel.

        Raises:
            Closed: The host has no more.
        """
        while not self._shell.is_ending:
            request = self._channel.take() or {}
            if request.get("type") != "run":
                self._answer(request)
            elif self._needs_loop(request["code"]):
                self._make_loop()
                self._loop.run_until_complete(self._serve_in_loop(request))
            else:
                self._run(request)

    def leave(self) -> None:
        """End, as a program does at its end; threads that go on are not waited for."""
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        _setitimer(signal.ITIMER_REAL, END_TIMEOUT)
        atexit._run_exitfuncs()
        flush()
        self._exit(self._shell.exit_code)

    # --- cells --------------------------------------------------------------------------------

    def _begin(self, request: dict[str, Any]) -> None:
        mend_streams()
        builtins.input = self._shell.ask
        if getattr(sys, "stdin", None) is sys.__stdin__ or not hasattr(sys, "stdin"):
            sys.stdin = self._input
        _signal(signal.SIGINT, self.on_interrupt)
        self._interrupts, self._early_interrupts = self._early_interrupts, 0
        self._shell.begin(request)
        self._channel.is_at_hand = False

    def _run(self, request: dict[str, Any]) -> None:
        """Run a cell where there is no event loop."""
        self._begin(request)
        result = None
        try:
            result = self._shell.run_cell(request["code"], store_history=True)
        except BaseException as error:
            self._shell.fail(type(error), error, "")
        self._settle(result)

    async def _run_in_loop(self, request: dict[str, Any]) -> None:
        """Run a cell as a task, beside those of earlier cells."""
        self._begin(request)
        shell, code = self._shell, request["code"]
        result = None
        try:
            transformed, problem = code, None
            try:
                transformed = shell.transform_cell(code)
            except Exception:
                problem = sys.exc_info()
            cell = shell.run_cell_async(
                code,
                store_history=True,
                transformed_cell=transformed,
                preprocessing_exc_tuple=problem,
            )
            self._task = self._loop.create_task(cell)
            try:
                result = await self._task
            finally:
                self._task = None
                shell.events.trigger("post_execute")
                shell.events.trigger("post_run_cell", result)
        except BaseException as error:
            shell.fail(type(error), error, "")
        self._settle(result)

    def _settle(self, result: Any) -> None:
        """Tell of a cell's end, even if an interrupt comes meanwhile."""
        self._relent()
        while True:
            try:
                self._finish(result)
            except KeyboardInterrupt as error:
                if self._shell.run_id is not None:
                    self._shell.fail(KeyboardInterrupt, error, "KeyboardInterrupt")
                    continue
            return

    def _finish(self, result: Any) -> None:
        shell = self._shell
        if not self._channel.is_ours:  # the cell has forked, and this is the child
            flush()
            self._exit(0 if result is not None and result.success else 1)
        raised = result and (result.error_before_exec or result.error_in_exec)
        if raised:
            shell.fail(type(raised), raised, "")
        flush()
        run_id, shell.run_id = shell.run_id, None
        done = {"type": "done", "id": run_id, "execution_count": shell.execution_count - 1}
        self._channel.send({**done, "ending": True} if shell.is_ending else done)

    # --- the event loop that cells share --------------------------------------------------------

    def _needs_loop(self, code: str) -> bool:
        """Whether a cell may want one: until then there is none."""
        return "async" in code or "await" in code or "asyncio" in sys.modules

    def _make_loop(self) -> None:
        """Make it of descriptors that no cell closes by chance."""
        import asyncio

        fillers = [os.dup(self._channel.source)]
        while fillers[-1] < self._channel.source - 1:
            fillers.append(os.dup(self._channel.source))
        try:
            self._loop = asyncio.new_event_loop()
        finally:
            for fd in fillers:
                os.close(fd)
        asyncio.set_event_loop(self._loop)

    async def _serve_in_loop(self, request: dict[str, Any] | None) -> None:
        import asyncio

        readable = asyncio.Event()
        while not self._shell.is_ending:
            if request is None:
                self._loop.add_reader(self._channel.source, readable.set)
                await readable.wait()
                self._loop.remove_reader(self._channel.source)
                readable.clear()
            elif request.get("type") == "run":
                await self._run_in_loop(request)
                if self._shell.is_ending:
                    return
            else:
                self._answer(request)
            request = self._channel.take(wait=False)

    # --- what is no cell ------------------------------------------------------------------------

    def _answer(self, request: dict[str, Any]) -> None:
        self._channel.is_at_hand = False
        self._early_interrupts = 0
        if request.get("type") == "setup":
            self._set_up(request.get("env") or {})
        elif request.get("type") == "complete":
            self._complete(request["id"], request["code"], request["cursor"])

    def _set_up(self, env: dict[str, str]) -> None:
        os.environ.update(env)
        if "TZ" in env:
            import time

            time.tzset()
        sys.path[1:1] = [path for path in env.get("PYTHONPATH", "").split(":") if path]

    def _complete(self, request_id: str, code: str, cursor: int) -> None:
        line_start = code.rfind("\n", 0, cursor) + 1
        line = code[line_start:].split("\n", 1)[0]
        try:
            text, matches = self._shell.complete(None, line, cursor - line_start)
        except Exception:
            text, matches = "", []
        self._channel.send(
            {
                "type": "completions",
                "id": request_id,
                "matches": [text_of(match) for match in matches][:MOST_COMPLETIONS],
                "start": cursor - len(text),
                "end": cursor,
            }
        )

    def on_interrupt(self, number: int, frame: FrameType | None) -> None:
        """SIGINT: raises in the cell, never within an answer, and never between cells."""
        if not self._channel.is_ours:
            raise KeyboardInterrupt
        if self._shell.run_id is None:
            # The host sends a request after the end of what ran before: this is for the next cell,
            # which does not end before it begins.
            if number == signal.SIGINT and (self._channel.is_at_hand or self._channel.has_more()):
                self._early_interrupts += 1
            return
        if number == signal.SIGALRM:
            if not self._is_in_cell(frame):  # it has ended, and is told of
                self._relent()
            elif not self._channel.is_busy and not self._moves_on():
                self._insist(frame)
                raise KeyboardInterrupt
            return
        self._interrupts += 1
        if self._interrupts > 1:
            self._insist(frame)
        if self._channel.is_busy:
            self._channel.interrupted = True
            return
        while frame is not None and frame.f_code is not InteractiveShell.run_code.__code__:
            frame = frame.f_back
        if frame is None and self._task is not None:  # all of the cell waits
            self._shell.was_cancelled = True
            self._loop.call_soon_threadsafe(self._task.cancel)
            return
        raise KeyboardInterrupt

    # --- cells that catch their interrupt -------------------------------------------------------

    def _insist(self, frame: FrameType | None) -> None:
        """Have the cell be interrupted again where it goes on, whatever it catches.

        What is raised in a handler, that handler does not catch. Another one around it may: each
        time the cell comes a line further, until it is in none. A trace function that raises is
        removed; the timer brings it back, and ends what waits.
        """
        if self._before is None:
            self._before = _gettrace(), _signal(signal.SIGALRM, self.on_interrupt)
            _setitimer(signal.ITIMER_REAL, INSIST_STEP, INSIST_STEP)
            self._further = 0
        self._lines, self._further = self._further, self._further + 1
        self._has_moved = False
        _settrace(self._on_line)
        while frame is not None and frame.f_code is not InteractiveShell.run_code.__code__:
            frame.f_trace = self._on_line
            frame = frame.f_back

    def _on_line(self, frame: FrameType, event: str, given: Any) -> Any:
        """The trace function of a cell that has to end."""
        if self._before is None:
            return None
        if event == "line" and not self._channel.is_busy and self._is_in_cell(frame):
            if not self._lines:
                raise KeyboardInterrupt
            self._lines -= 1
            self._has_moved = True
        return self._on_line

    def _moves_on(self) -> bool:
        """Whether the cell has come further since this was last asked, and will be interrupted."""
        moved, self._has_moved = self._has_moved, False
        return moved and _gettrace() == self._on_line

    def _relent(self) -> None:
        """It has ended."""
        if self._before is not None:
            (trace, handler), self._before = self._before, None
            _setitimer(signal.ITIMER_REAL, 0)
            _settrace(trace)
            _signal(signal.SIGALRM, signal.SIG_DFL if handler is None else handler)

    def _is_in_cell(self, frame: FrameType | None) -> bool:
        """Whether a frame is of the cell's code, or of what that has called."""
        while frame is not None:
            above = frame.f_back
            if above is not None and above.f_code is InteractiveShell.run_code.__code__:
                return frame.f_globals is self._shell.user_global_ns
            frame = above
        return False


if __name__ == "__main__":
    kernel = Kernel()
    kernel.get_ready()
    try:
        kernel.serve()
    except Closed:
        os._exit(0)
    kernel.leave()
