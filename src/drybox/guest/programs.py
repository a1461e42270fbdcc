"""The host's end of a session: several programs at once, and files (``init/session/``).

What comes from the guest stays as untrusted as for executions: bounded frames with the token of the
sandbox. Each program's output has a credit: init sends no more of it than the host takes, so a slow
reader of one holds up no other.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import anyio

from drybox.guest.frames import (
    END,
    MAX_FRAME,
    GuestExecError,
    GuestExit,
    GuestGone,
    exec_payload,
    frame,
    parse_exit,
)
from drybox.guest.session_files import FileReplies
from drybox.guest.stdin_credit import STDIN_WINDOW, Credit
from drybox.job import Command

GuestStream = Literal["stdout", "stderr", "answers"]

OUTPUT_WINDOW = 512 * 1024
"""Bytes of a program's output that may be under way to its reader."""

NEVER = 2**32 - 1
"""Milliseconds that stand for no deadline."""

PIECE = 32 * 1024

_STREAMS: Mapping[bytes, GuestStream] = {b"1": "stdout", b"2": "stderr", b"3": "answers"}
_USE = struct.Struct("<QQQ")
_IS_KERNEL, _HAS_TERMINAL = 1, 2
STDIN, REQUESTS = 0, 1

SLOW_STEP = 0.1
"""Seconds between grants for output that nobody wants."""

SLOW_SIZE = 256 * 1024
"""Bytes of such a grant, for all programs of a sandbox together: reading them takes this host's
time, which no limit of the sandbox counts."""

SLOW_SHARE = 64 * 1024
"""Bytes of it that one program gets before others have had their turn."""

Grant = Literal["now", "slowly", "later"]
"""When as many bytes more may come: at once; as slowly as what nobody wants; or when the taker says
so (:meth:`Programs.grant`)."""

Taker = Callable[[GuestStream, bytes], Grant]
"""Takes output as it comes, at once."""


@dataclass(frozen=True, slots=True)
class GuestUse:
    """What a sandbox says that it has used so far.

    Attributes:
        cpu_time: CPU seconds of all that ran in it.
        memory_peak: Most bytes of memory at once; None where its kernel does not tell.
        oom_kills: Processes that were ended for want of memory.
    """

    cpu_time: float
    memory_peak: int | None
    oom_kills: int


@dataclass(slots=True)
class _Question:
    answered: anyio.Event = field(default_factory=anyio.Event)
    use: GuestUse | None = None


@dataclass(slots=True)
class GuestProgram:
    """A program of a session.

    Attributes:
        number: Its number between this end and init.
        pid: Its process in the sandbox.
        exit: How it ended; None while it runs.
        ended: Set at its end, and at the sandbox's.
    """

    number: int
    take: Taker
    pid: int = 0
    exit: GuestExit | None = None
    ended: anyio.Event = field(default_factory=anyio.Event)
    credits: tuple[Credit, Credit] = field(
        default_factory=lambda: (Credit(STDIN_WINDOW), Credit(STDIN_WINDOW))
    )
    begun: anyio.Event = field(default_factory=anyio.Event)
    problem: int = 0


class Programs:
    """The programs and files of one session.

    Args:
        send: Sends a frame.
        receive: The next frame that comes: its type and content.

    Attributes:
        gone: Nothing is heard any more: of the sandbox's end, or because nobody listens.
        is_lost: It was the sandbox's end.
    """

    def __init__(
        self,
        send: Callable[[bytes], Awaitable[None]],
        receive: Callable[[], Awaitable[tuple[bytes, bytes]]],
    ) -> None:
        self._send = send
        self._receive = receive
        self._programs: dict[int, GuestProgram] = {}
        self._last = 0
        self._owed: dict[int, int] = {}
        self._owes = anyio.Event()
        self._owed_slowly: dict[int, int] = {}
        self._owes_slowly = anyio.Event()
        self._questions: dict[int, _Question] = {}
        self.files = FileReplies(self._checked_send)
        self.gone = anyio.Event()
        self.is_lost = False
        self.problem = "the sandbox is gone"

    async def follow(self) -> None:
        """Take what comes until the sandbox is gone. Runs beside everything else."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._grant_owed)
                tasks.start_soon(self._grant_slowly)
                try:
                    while True:
                        self._take(*await self._receive())
                except GuestGone as error:
                    self.problem, self.is_lost = str(error), True
                tasks.cancel_scope.cancel()
        finally:
            self.gone.set()
            for program in self._programs.values():
                program.begun.set()
                program.ended.set()
            for question in self._questions.values():
                question.answered.set()
            self.files.end()

    async def start(
        self,
        command: Command,
        env: Mapping[str, str],
        take: Taker,
        *,
        timeout: float | None,
        is_kernel: bool = False,
        terminal: tuple[int, int] | None = None,
        no_input: bool = False,
    ) -> GuestProgram:
        """Start a program.

        Args:
            command: What to run; its own timeout is not heeded.
            env: Its variables.
            take: Takes its output.
            timeout: Wall seconds until init ends it with its descendants; None for never.
            is_kernel: It gets pipes for requests and answers.
            terminal: Columns and rows of a terminal in place of pipes.
            no_input: Its standard input ends at once; said with the rest, it wakes nobody again.

        Raises:
            GuestExecError: It could not be started.
            GuestGone: The sandbox is gone.
        """
        self._last += 1
        program = GuestProgram(self._last, take)
        flags = is_kernel * _IS_KERNEL | (terminal is not None) * _HAS_TERMINAL
        columns, rows = terminal or (0, 0)
        head = struct.pack("<IBHHI", program.number, flags, rows, columns, OUTPUT_WINDOW)
        milliseconds = NEVER if timeout is None else min(max(int(timeout * 1000), 1), NEVER - 1)
        payload = head + struct.pack("<I", milliseconds) + exec_payload(command, env)[4:]
        if len(payload) > MAX_FRAME:
            raise GuestExecError(command.argv[0], 7)
        self._programs[program.number] = program
        try:
            end = frame(b"e", struct.pack("<IB", program.number, STDIN)) if no_input else b""
            await self._checked_send(frame(b"x", payload) + end)
        except BaseException:
            del self._programs[program.number]
            raise
        with anyio.CancelScope(shield=True):  # it is soon known, and must not run unknown
            await program.begun.wait()
        if program.problem:
            del self._programs[program.number]
            raise GuestExecError(command.argv[0], program.problem)
        self._check()
        return program

    async def write(self, program: GuestProgram, data: bytes, where: int = STDIN) -> None:
        """Give a program input, as it takes it; nothing where it has ended.

        Raises:
            GuestGone: The sandbox is gone.
        """
        rest = memoryview(data)
        while rest and not program.ended.is_set():
            size = await program.credits[where].take(min(len(rest), PIECE))
            head = struct.pack("<IB", program.number, where)
            await self._checked_send(frame(b"i", head + bytes(rest[:size])))
            rest = rest[size:]
        self._check()

    async def end_input(self, program: GuestProgram, where: int = STDIN) -> None:
        """No more input comes."""
        await self._checked_send(frame(b"e", struct.pack("<IB", program.number, where)))

    async def signal(self, program: GuestProgram, number: int) -> None:
        """Send a signal to its process group; of a terminal to what is in the foreground."""
        await self._checked_send(frame(b"s", struct.pack("<IBB", program.number, number, 0)))

    async def kill(self, program: GuestProgram) -> None:
        """End it, with everything that descends from it."""
        await self._checked_send(frame(b"s", struct.pack("<IBB", program.number, 9, 1)))

    async def kill_all(self) -> None:
        """End every program that runs."""
        with contextlib.suppress(GuestGone):
            for program in list(self._programs.values()):
                await self.kill(program)

    async def resize(self, program: GuestProgram, columns: int, rows: int) -> None:
        """Change the size of its terminal."""
        payload = struct.pack("<IHH", program.number, rows, columns)
        await self._checked_send(frame(b"r", payload))

    async def use(self) -> GuestUse:
        """What the sandbox has used so far, where the host does not measure it.

        Raises:
            GuestGone: The sandbox is gone.
        """
        self._last += 1
        number, question = self._last, _Question()
        self._questions[number] = question
        try:
            await self._checked_send(frame(b"u", struct.pack("<I", number)))
        except BaseException:
            self._questions.pop(number, None)
            raise
        await question.answered.wait()
        if question.use is None:
            raise GuestGone(self.problem)
        return question.use

    def grant(self, program: GuestProgram, size: int) -> None:
        """So many bytes of its output have been taken; as many more may come."""
        if size and not program.ended.is_set():
            self._owed[program.number] = self._owed.get(program.number, 0) + size
            if self._owed[program.number] >= OUTPUT_WINDOW // 8:
                self._owes.set()

    def hurry(self, program: GuestProgram) -> None:
        """What a program writes from now on is wanted: it owes nobody's time any more."""
        self.grant(program, self._owed_slowly.pop(program.number, 0))
        if self._owed.get(program.number):
            self._owes.set()

    async def _grant_slowly(self) -> None:
        while True:
            await self._owes_slowly.wait()
            self._owes_slowly = anyio.Event()
            while self._owed_slowly:
                await anyio.sleep(SLOW_STEP)
                rest = SLOW_SIZE
                while rest and self._owed_slowly:
                    number = next(iter(self._owed_slowly))  # whoever has waited longest
                    owed = self._owed_slowly.pop(number)
                    given = min(owed, rest, SLOW_SHARE)
                    rest -= given
                    if owed > given:
                        self._owed_slowly[number] = owed - given
                    self._owed[number] = self._owed.get(number, 0) + given
                self._owes.set()

    async def _grant_owed(self) -> None:
        try:
            while True:
                await self._owes.wait()
                self._owes = anyio.Event()
                while self._owed:
                    number, size = self._owed.popitem()
                    await self._send(frame(b"c", struct.pack("<II", number, size)))
        except GuestGone:
            return  # the reader sees the same end

    async def _checked_send(self, data: bytes) -> None:
        self._check()
        await self._send(data)

    def _check(self) -> None:
        if self.gone.is_set():
            raise GuestGone(self.problem)

    def _take(self, kind: bytes, data: bytes) -> None:
        if kind in (b"F", b"l"):
            self.files.take(kind, data)
            return
        if len(data) < 4:
            raise GuestGone(f"unexpected answer {kind!r}")
        number = int.from_bytes(data[:4], "little")
        if kind == b"U" and len(data) == 4 + _USE.size:
            self._take_use(number, data[4:])
            return
        program = self._programs.get(number)
        if program is None:
            raise GuestGone("an answer about a program that there is not")
        stream = _STREAMS.get(kind)
        if stream is not None:
            size = len(data) - 4
            when = program.take(stream, data[4:])
            if when == "now":
                self.grant(program, size)
            elif when == "slowly":
                self._owed_slowly[number] = self._owed_slowly.get(number, 0) + size
                self._owes_slowly.set()
        elif kind == b"B" and len(data) == 8:
            program.pid = int.from_bytes(data[4:], "little")
            program.begun.set()
        elif kind == b"N" and len(data) == 8:
            program.problem = int.from_bytes(data[4:], "little") or 1
            program.begun.set()
        elif kind == b"C" and len(data) == 9:
            program.credits[data[4] & 1].add(int.from_bytes(data[5:], "little"))
        elif kind == b"Z" and len(data) == 4 + END.size:
            program.exit = parse_exit(data[4:])
            del self._programs[number]
            self._owed.pop(number, None)
            self._owed_slowly.pop(number, None)
            for credit in program.credits:
                credit.add(STDIN_WINDOW)  # whoever waits to write sees the end
            program.ended.set()
        else:
            raise GuestGone(f"unexpected answer {kind!r}")

    def _take_use(self, number: int, data: bytes) -> None:
        question = self._questions.pop(number, None)
        if question is None:
            raise GuestGone("an answer that nobody has asked for")
        micros, peak, kills = _USE.unpack(data)
        question.use = GuestUse(micros / 1e6, peak or None, kills)
        question.answered.set()
