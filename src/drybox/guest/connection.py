"""The host's end of the byte stream to a sandbox's init (``init/`` beside this file).

Every frame is one type byte, a little-endian 32-bit length and that many bytes. What
comes from the guest is untrusted: lengths are bounded and unknown frames end the talk. Once a
sandbox is sealed its answers have a token between length and bytes, which nobody knows but this
end and init: where a program can write to init's stream, what it writes ends the talk too.
"""

from __future__ import annotations

import os
import secrets
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
from anyio.abc import ByteStream

from drybox.guest.file_transfer import fetch_artifacts, fetch_built
from drybox.guest.frames import (
    END,
    HEAD,
    MAX_JOB,
    GuestExecError,
    GuestExit,
    GuestFileError,
    GuestForged,
    Purpose,
    exec_payload,
    frame,
    job_payload,
    most_sockets,
    parse_exit,
    prestart_payload,
)
from drybox.guest.frames import GuestGone as GuestGone
from drybox.guest.pipe_room import HERE as PIPE_ROOM
from drybox.guest.stdin_credit import STDIN_WINDOW, Credit
from drybox.job import Command, File, Sink, Source
from drybox.languages.prestart import PrestartedProcess
from drybox.model import Artifacts, ResourceLimits, Stream

if TYPE_CHECKING:
    from drybox.guest.programs import Programs

MAX_ANSWER = 64 * 1024
"""Most bytes an answer frame may hold; init sends at most 32 KiB."""

CHUNK = 32 * 1024

TOKEN = 16
"""Bytes of a token. There is one guess: a wrong one ends the talk."""

MAX_BUILT = 1000
"""Files that compilers may have left, to be worth keeping."""

_STREAMS: Mapping[bytes, Stream] = {b"1": "stdout", b"2": "stderr"}
_BROKEN = (anyio.BrokenResourceError, anyio.ClosedResourceError)


@dataclass(frozen=True, slots=True)
class Seal:
    """What init does before it accepts anything: see ``settle`` and ``seal`` in ``init/``.

    Attributes:
        seccomp: Filter program to load, or b"".
        disk: Bytes of the writable places together, which init mounts before it gives up
            every privilege; None where somebody else has done both.
        inodes: Files, folders and links in them together.
        purpose: What the sandbox is for.
        program: Path of a template's program; "" for other sandboxes.
    """

    seccomp: bytes
    disk: int | None
    inodes: int
    purpose: Purpose = Purpose.USUAL
    program: str = ""


class Guest:
    """One conversation with one init. Not for concurrent use, except :meth:`kill`.

    Args:
        stream: The way to it and back.
        token: What its answers carry once it is sealed; drawn at random unless given.
    """

    def __init__(self, stream: ByteStream, token: bytes | None = None) -> None:
        self._stream = stream
        self._given_token = secrets.token_bytes(TOKEN) if token is None else token
        self._token = b""
        self._buffer = bytearray()
        self._send_lock = anyio.Lock(fast_acquire=True)
        self._waiting: list[PrestartedProcess] = []
        self._placed: list[str] = []
        self._held = b""

    async def seal(self, seal: Seal, system_files: Iterable[File]) -> None:
        """Place the sandbox's own files, seal it and wait until init says it is sealed.

        Raises:
            GuestGone: It could not be sealed.
            GuestFileError: A system file could not be placed.
        """
        files = list(system_files)
        if files:
            await self.put(files)
        # Both steps at once: init goes from one to the other without waiting for this end.
        steps = frame(b"S", self._given_token + seal.seccomp)
        if seal.disk is not None:
            disk = struct.pack("<QIB", seal.disk, seal.inodes, seal.purpose)
            steps = frame(b"M", disk + os.fsencode(seal.program) + b"\0") + steps
        await self._send_raw(steps)
        self._token = self._given_token
        await self._expect(b"R")

    async def enter(self) -> None:
        """Go on without a filter on system calls, for a toolchain's own commands."""
        await self.seal(Seal(seccomp=b"", disk=None, inodes=0), ())

    async def put(self, files: Iterable[File], *, hold: bool = False) -> None:
        """Place files; relative paths are below the working directory.

        Args:
            files: The files.
            hold: Let few bytes travel with the request that follows, which then raises in
                place of this one.

        Raises:
            GuestGone: The sandbox is no more.
            GuestFileError: A file could not be placed.
        """
        await self._settle()
        batch = bytearray()
        is_large = False
        for file in files:
            self._placed.append(file.path)
            batch += frame(b"P", struct.pack("<H", file.mode) + os.fsencode(file.path))
            for start in range(0, len(file.content), CHUNK):
                batch += frame(b"D", file.content[start : start + CHUNK])
                if len(batch) > 8 * CHUNK:
                    await self._send_raw(bytes(batch))
                    batch.clear()
                    is_large = True
        self._held = bytes(batch) + frame(b"Y", b"")
        if not hold or is_large or len(self._held) > CHUNK:
            await self._settle()

    async def _settle(self, request: bytes = b"") -> None:
        """Send the files that are held back, and a request with them; wait for the files."""
        held, self._held = self._held, b""
        if held or request:
            await self._send_raw(held + request)
        if not held:
            return
        problem = None
        while True:
            kind, data = await self._receive()
            if kind == b"y":
                break
            if kind != b"w":
                raise GuestGone(f"unexpected answer {kind!r}")
            problem = data.decode("utf-8", "replace")
        if problem is not None:
            raise GuestFileError(problem)

    async def warm(
        self, prestart: PrestartedProcess, command: Command, env: Mapping[str, str]
    ) -> None:
        """Start one more prestarted process by a command and wait until it waits.

        The prestarted process of the last phase is started first: the others end before its phase
        begins.

        Raises:
            GuestGone: It ended instead.
            GuestFileError: Its files could not be placed.
            GuestExecError: There is no such program, or it may not be started.
        """
        if prestart.files:
            await self.put(prestart.files, hold=True)
        payload = prestart_payload(prestart.handoff, prestart.fifo, command, env)
        await self._settle(frame(b"V", payload))
        kind, data = await self._receive()
        if kind == b"N" and len(data) == 4:
            raise GuestExecError(command.argv[0], struct.unpack("<I", data)[0])
        if kind != b"W":
            raise GuestGone(f"unexpected answer {kind!r}")
        self._placed.clear()
        self._waiting.append(prestart)

    async def join(self, prestart: PrestartedProcess) -> None:
        """Wait until a template's child has come as a prestarted process and waits.

        Raises:
            GuestGone: None has.
            GuestExecError: The template is gone.
        """
        await self._send(b"T", struct.pack("<I", 0))
        kind, data = await self._receive()
        if kind == b"N" and len(data) == 4:
            raise GuestExecError("the template", struct.unpack("<I", data)[0])
        if kind != b"W":
            raise GuestGone(f"unexpected answer {kind!r}")
        self._placed.clear()
        self._waiting.append(prestart)

    def _job(self, command: Command, env: Mapping[str, str], room: int) -> bytes | None:
        """The job for a prestarted process; those of later phases go on waiting."""
        while self._waiting:
            prestart = self._waiting.pop()
            job = job_payload(len(self._waiting), command, env, room)
            if prestart.fits(command, self._placed) and len(job) <= MAX_JOB:
                return frame(b"J", job)
        return None

    async def _begin(self, command: Command, env: Mapping[str, str], room: int, end: bytes) -> None:
        """Have a command run: by a prestarted process that waits, if one can become it."""
        job = self._job(command, env, room)
        if job is not None:
            await self._settle(job + end)
            if await self._has_begun(command):
                return
        self._waiting.clear()  # none waits beside a command that starts
        await self._settle(frame(b"X", exec_payload(command, env, room)) + end)
        if not await self._has_begun(command):
            raise GuestGone("no prestarted process was asked for")

    async def _has_begun(self, command: Command) -> bool:
        """Whether it has; False if the prestarted process cannot become it any more."""
        kind, data = await self._receive()
        if kind == b"N" and len(data) == 4:
            raise GuestExecError(command.argv[0], struct.unpack("<I", data)[0])
        if kind not in (b"B", b"Q"):
            raise GuestGone(f"unexpected answer {kind!r}")
        return kind == b"B"

    async def exec(
        self, command: Command, env: Mapping[str, str], sink: Sink, stdin: Source | None
    ) -> GuestExit:
        """Run a command until its whole process tree has ended.

        Raises:
            GuestGone: The sandbox died meanwhile.
            GuestExecError: There is no such program, or it may not be started.
            GuestFileError: A file of those placed before is not there; nothing ran.
        """
        end = frame(b"E", b"") if stdin is None else b""  # then there is but to listen
        with PIPE_ROOM.taken(command.limits) as room:
            await self._begin(command, env, room, end)
            return await self._attend(sink, stdin)

    async def _attend(self, sink: Sink, stdin: Source | None) -> GuestExit:
        credit = Credit(STDIN_WINDOW)
        if stdin is None:
            return await self._follow(sink, credit)
        ends: list[GuestExit | Exception] = []
        async with anyio.create_task_group() as tasks:

            async def feed() -> None:
                try:
                    await self._feed(stdin, credit)
                except Exception as error:  # the source's own
                    ends.append(error)
                    tasks.cancel_scope.cancel()

            tasks.start_soon(feed)
            try:
                ends.append(await self._follow(sink, credit))
            except Exception as error:  # raised below: a task group would wrap it
                ends.append(error)
            tasks.cancel_scope.cancel()
        if isinstance(ends[0], Exception):
            raise ends[0]
        return ends[0]

    async def _follow(self, sink: Sink, credit: Credit) -> GuestExit:
        while True:
            kind, data = await self._receive()
            stream = _STREAMS.get(kind)
            if stream is not None:
                await sink(stream, data)
            elif kind == b"C" and len(data) == 4:
                credit.add(struct.unpack("<I", data)[0])
            elif kind == b"Z" and len(data) == END.size:
                return parse_exit(data)
            else:
                raise GuestGone(f"unexpected answer {kind!r}")

    async def _feed(self, source: Source, credit: Credit) -> None:
        try:
            while True:
                data = memoryview(await source())
                if not data:
                    break
                while data:
                    size = await credit.take(min(len(data), CHUNK))
                    await self._send(b"I", bytes(data[:size]))
                    data = data[size:]
            await self._send(b"E", b"")
        except GuestGone:
            return  # the reader sees the same end, and has the whole story

    async def begin_session(self, limits: ResourceLimits) -> Programs:
        """End what waits; from here on there are several programs at once, and nothing else.

        Raises:
            GuestGone: The sandbox is no more.
        """
        self._waiting.clear()
        await self._settle()
        await self._send(b"O", struct.pack("<I", most_sockets(limits)))
        await self._expect(b"O")
        from drybox.guest.programs import Programs  # few sandboxes are a session's

        return Programs(self._send_raw, self._receive)

    async def hold(self, seconds: int) -> None:
        """Have init end the sandbox if it hears nothing for so long; ends with the sandbox.

        For streams that do not end with this process: somebody in between may outlive it. Run
        it beside the rest of the conversation; init is told of this process several times as often.
        """
        try:
            while True:
                await self._send(b"H", struct.pack("<I", seconds))
                await anyio.sleep(seconds / 5)
        except GuestGone:
            return

    async def kill(self) -> None:
        """End every process of the running command; :meth:`exec` then returns."""
        try:
            await self._send(b"K", b"")
        except GuestGone:
            return

    async def get(self, globs: Sequence[str], max_bytes: int) -> Artifacts:
        """Bring back the regular files that match, the smallest first if not all of them fit.

        Raises:
            GuestGone: The sandbox is no more.
        """
        await self._settle()
        return await fetch_artifacts(self._send, self._receive, globs, max_bytes)

    async def get_build(self, globs: Sequence[str], max_bytes: int) -> list[File]:
        """Bring back what compilers left, ready to be put into another sandbox.

        Args:
            globs: Which files, below :data:`drybox.job.BUILD_DIR`.
            max_bytes: Most bytes of all of them.

        Raises:
            GuestGone: The sandbox is no more.
            ValueError: They are too large or too many, or one is no plain file.
        """
        await self._settle()
        return await fetch_built(self._send, self._receive, globs, max_bytes, MAX_BUILT)

    async def _expect(self, wanted: bytes) -> None:
        kind, _ = await self._receive()
        if kind != wanted:
            raise GuestGone(f"unexpected answer {kind!r}")

    async def _send(self, kind: bytes, payload: bytes) -> None:
        await self._send_raw(frame(kind, payload))

    async def _send_raw(self, data: bytes) -> None:
        try:
            async with self._send_lock:
                await self._stream.send(data)
        except (*_BROKEN, OSError) as error:
            raise GuestGone("the sandbox is gone") from error

    async def _receive(self) -> tuple[bytes, bytes]:
        head = HEAD.size + len(self._token)
        while len(self._buffer) < head:
            await self._more()
        kind, size = HEAD.unpack_from(self._buffer)
        if not secrets.compare_digest(self._buffer[HEAD.size : head], self._token):
            raise GuestForged("an answer that is not init's")
        if size > MAX_ANSWER:
            raise GuestGone(f"an answer of {size} bytes")
        while len(self._buffer) < head + size:
            await self._more()
        data = bytes(self._buffer[head : head + size])
        del self._buffer[: head + size]
        return kind, data

    async def _more(self) -> None:
        try:
            self._buffer += await self._stream.receive(MAX_ANSWER)
        except (anyio.EndOfStream, *_BROKEN, OSError) as error:
            raise GuestGone("the sandbox is gone") from error
