"""Reads what somebody types in a terminal: several lines, a history, completion."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from drybox.cli.session.completeness import is_whole
from drybox.cli.wording import printable
from drybox.errors import Unsupported
from drybox.host.paths import data_dir
from drybox.languages.registry import find_language
from drybox.sessions.kernels.registry import find_kernel
from drybox.sessions.results import Completions

try:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion
    from prompt_toolkit.document import Document
    from prompt_toolkit.filters import Condition
    from prompt_toolkit.history import FileHistory, History, InMemoryHistory
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
except ImportError as error:
    raise Unsupported(
        "an interactive session needs the Python package 'prompt_toolkit'",
        hint="Install it, and IPython with it: pip install 'drybox[sessions]'",
    ) from error

Complete = Callable[[str, int], Awaitable[Completions]]
"""Asks a session's kernel how code goes on at a position."""


class Prompt:
    """Reads code of a language.

    Args:
        language: Its canonical name.
        complete: Says how code goes on.
    """

    def __init__(self, language: str, complete: Complete) -> None:
        grammar = find_language(language)[0].editor.grammar
        is_program = find_kernel(language) is None
        goes_on = Condition(
            lambda: not is_whole(grammar, self._code.default_buffer.text, is_program=is_program)
        )
        self._code: PromptSession[str] = PromptSession(
            history=_history(language),
            completer=KernelCompleter(complete),
            complete_while_typing=False,
            multiline=goes_on,
            key_bindings=_bindings(goes_on),
            prompt_continuation=lambda width, number, wrapped: "...: ".rjust(width),
            enable_open_in_editor=False,
        )
        self._line: PromptSession[str] = PromptSession(history=InMemoryHistory())

    async def read(self, count: int) -> str:
        """The next code.

        Raises:
            EOFError: There is no more.
            KeyboardInterrupt: What was typed is given up.
        """
        return await self._code.prompt_async(f"In [{count}]: ")

    async def ask(self, question: str) -> str:
        """A line that code asks for; raises as :meth:`read` does."""
        return await self._line.prompt_async(printable(question))


class KernelCompleter(Completer):
    """Completes by what a session's kernel knows. What it says is the sandbox's word.

    Args:
        complete: Asks it.
    """

    def __init__(self, complete: Complete) -> None:
        self._complete = complete

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Any:
        """None: the kernel is asked without waiting."""
        return ()

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        """How what was typed may go on."""
        cursor = document.cursor_position
        found = await self._complete(document.text, cursor)
        if not 0 <= found.start <= cursor:
            return
        for match in found.matches:
            if match.isprintable():
                yield Completion(match, start_position=found.start - cursor)


def _bindings(goes_on: Condition) -> KeyBindings:
    """Enter in code that goes on begins a line as far in as the one before, or further."""
    bindings = KeyBindings()

    @bindings.add("enter", filter=goes_on)
    def begin_line(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        opens = buffer.document.current_line_before_cursor.rstrip().endswith((":", "{", "(", "["))
        buffer.newline()
        if opens:
            buffer.insert_text("    ")

    return bindings


def _history(language: str) -> History:
    """Lines of earlier times, readable by this user alone; of this time where that is no use."""
    folder = data_dir() / "history"
    path = folder / language
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600))
    except OSError:
        return InMemoryHistory()
    return FileHistory(os.fspath(path))
