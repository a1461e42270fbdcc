"""``drybox repl``."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING

import anyio
import click

from drybox.cli.colour import wants_colour
from drybox.cli.configuration import configuration
from drybox.cli.interrupt import run_until_interrupted
from drybox.cli.output import Streams, write
from drybox.cli.program.completion import (
    complete_environment,
    complete_folder,
    complete_language,
)
from drybox.cli.progress import progress
from drybox.cli.session.pictures import MOST_SAVED, SUFFIXES, Pictures
from drybox.cli.wording import printable, telling_options
from drybox.environments.environment import by_name, find_environment
from drybox.errors import DryboxError, InvalidRequest, Unsupported
from drybox.execution.validation import MAX_TIMEOUT
from drybox.sessions.request import SessionRequest
from drybox.sessions.results import Display, RunResult, SessionEvent

if TYPE_CHECKING:
    from drybox.cli.session.prompt import Prompt
    from drybox.sessions.base import AsyncSession, RunEvents

ENDS = frozenset({"exit", "quit", "exit()", "quit()", ".exit"})
"""What ends it, beside Ctrl-D."""


@click.command(
    epilog="Ctrl-C interrupts code, and the second time ends what keeps its state. Ctrl-D ends the "
    "session. Tab completes. Enter runs what is whole; Alt-Enter or an empty line, what is there."
)
@click.option(
    *("-l", "--language"),
    metavar="LANG",
    help="Language.  [default: python]",
    shell_complete=complete_language,
)
@click.option(
    *("-e", "--environment"),
    metavar="NAME",
    shell_complete=complete_environment,
    help="With the packages of this environment.",
)
@click.option(
    "--picture-dir",
    default="pictures",
    show_default=True,
    shell_complete=complete_folder,
    help="Where pictures are saved.",
)
def repl(language: str | None, environment: str | None, picture_dir: str) -> int:
    """Type code, and see what becomes of it: a session in a sandbox, which ends with drybox."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("this needs a terminal; for a program use: drybox run -l LANG -")
    from drybox.cli.session.prompt import Prompt  # not everybody has what it needs

    config = configuration()
    with telling_options():
        if language is None and environment is not None:
            known = by_name(config.executor.environments)
            language = find_environment(environment, known).language
        request = SessionRequest(
            language or "python",
            environment=environment,
            idle_timeout=MAX_TIMEOUT,
            max_lifetime=MAX_TIMEOUT,
            timeout=MAX_TIMEOUT,
        )
        pictures = Pictures(picture_dir)
        options = config.executor_options()
        return run_until_interrupted(lambda: _open(request, options, Prompt, pictures))


async def _open(
    request: SessionRequest,
    options: dict[str, object],
    prompt: Callable[..., Prompt],
    pictures: Pictures,
) -> int:
    from drybox import AsyncCodeExecutor

    executor = AsyncCodeExecutor(**{**options, "progress": progress(), "pool": None})  # type: ignore[arg-type]
    async with executor, executor.session(request) as session:
        what = f"{session.language} {session.version}".strip()
        if session.environment:
            what += f" with {session.environment}"
        tell(f"{what} in a sandbox ({session.isolation}). Ctrl-D ends it.")
        talk = Repl(session, prompt(session.language, session.complete), pictures)
        with _interrupts(lambda: None):  # at the prompt Ctrl-C is a key
            await talk.run()
    return 0


class Repl:
    """Reads code, runs it and shows what becomes of it, until there is no more.

    Args:
        session: Where it runs.
        prompt: Reads it.
        pictures: Saves pictures.
    """

    def __init__(self, session: AsyncSession, prompt: Prompt, pictures: Pictures) -> None:
        self._session = session
        self._prompt = prompt
        self._pictures = pictures
        self._streams = Streams()
        self._count = 1
        self._ends_line = True

    async def run(self) -> None:
        """Go on until the end."""
        while True:
            try:
                code = await self._prompt.read(self._count)
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            if code.strip() in ENDS:
                return
            if code.strip():
                await self._run(code)

    async def _run(self, code: str) -> None:
        self._pictures.begin_run()
        loop = asyncio.get_running_loop()
        failed: Exception | None = None
        async with anyio.create_task_group() as tasks:
            ends = iter((self._session.interrupt,))

            async def end() -> None:
                with suppress(DryboxError):  # the run says what is wrong
                    await next(ends, self._session.restart)()

            def begin_end() -> None:
                with suppress(RuntimeError):  # the code has ended meanwhile
                    tasks.start_soon(end)

            def interrupt() -> None:
                loop.call_soon_threadsafe(begin_end)

            try:
                with _interrupts(interrupt):
                    await self._follow(code)
            except Exception as error:  # raised below: a task group would wrap it
                failed = error
        if isinstance(failed, (InvalidRequest, Unsupported)):
            tell(f"{failed.message}")
            tell(f"  hint: {failed.hint}")
        elif failed is not None:
            raise failed

    async def _follow(self, code: str) -> None:
        events = self._session.stream(code, interactive=True)
        async with events:
            async for event in events:
                if event.type == "input":
                    await self._answer(event, events)
                else:
                    await self._show(event)

    async def _answer(self, event: SessionEvent, events: RunEvents) -> None:
        await self._end_line()
        try:
            line = await self._prompt.ask(event.data)
        except (KeyboardInterrupt, EOFError):
            await self._session.interrupt()
            return
        with suppress(InvalidRequest):  # the code has ended meanwhile
            await events.answer(line)

    async def _show(self, event: SessionEvent) -> None:
        if event.type in ("stdout", "stderr"):
            await self._write(event.data_bytes, 1 if event.type == "stdout" else 2)
        elif event.display is not None:
            await self._show_display(event.display)
        elif event.error is not None:
            await self._end_line()
            coloured = wants_colour() is not False and event.error.coloured
            text = coloured or event.error.traceback or f"{event.error.name}: {event.error.value}"
            await self._write(text.rstrip("\n").encode("utf-8", "replace") + b"\n", 2)
        elif isinstance(event.result, RunResult):
            await self._end(event.result)

    async def _show_display(self, display: Display) -> None:
        await self._end_line()
        text = display.data.get("text/plain")
        if display.data.keys() & SUFFIXES.keys():
            try:
                saved = self._pictures.save(display.data)
            except OSError as error:
                tell(f"a picture could not be saved: {error.strerror}.")
            else:
                tell(f"picture: {saved}" if saved else f"more than {MOST_SAVED} pictures.")
            if not display.is_main:
                return
        if not isinstance(text, str):
            text = f"<{', '.join(sorted(display.data))}>"
        head = f"Out[{self._count}]: " if display.is_main else ""
        body = f"\n{text}" if head and "\n" in text else text
        await self._write(f"{head}{body}\n".encode("utf-8", "replace"), 1)

    async def _end(self, result: RunResult) -> None:
        await self._end_line()
        self._count = result.execution_count + 1
        if result.problem is not None:
            tell(result.problem.message)
            tell(f"  hint: {result.problem.hint}")
        elif result.status in ("timeout", "memory_limit", "output_limit"):
            tell(f"it was ended: {result.status.replace('_', ' ')}.")
        elif result.status == "failed" and result.exit_code:
            tell(f"exit code {result.exit_code}.")
        if result.restarted:
            tell("what the code had kept is lost.")

    async def _end_line(self) -> None:
        if not self._ends_line:
            await self._write(b"\n", 1)

    async def _write(self, data: bytes, fd: int) -> None:
        shown = self._streams.shown(fd, data)
        if shown:
            self._ends_line = shown.endswith(b"\n")
            await write(fd, shown)


def tell(words: str) -> None:
    """Say something that is drybox's own."""
    click.echo(f"drybox: {printable(words)}", err=True)


@contextmanager
def _interrupts(take: Callable[[], object]) -> Iterator[None]:
    """Have Ctrl-C mean something else."""

    def handle(number: int, frame: FrameType | None) -> None:
        take()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
