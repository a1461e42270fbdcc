"""The host's end of the talk with init, against guests that lie, stutter and die."""

from __future__ import annotations

import errno
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.clock import INSTANT, InstantLoop
from tests.support.guest import TOKEN, FakeGuest, credit_frame, exit_frame, frame, listed_frame

from drybox.execution.phases import source_of
from drybox.guest.connection import MAX_ANSWER, Guest, Seal
from drybox.guest.frames import MAX_FRAME, GuestExecError, GuestExit, GuestFileError, GuestGone
from drybox.guest.stdin_credit import STDIN_WINDOW
from drybox.job import Command, File
from drybox.model import ResourceLimits, Stream

pytestmark = pytest.mark.anyio
COMMAND = Command(("prog", "é"), ResourceLimits(open_files=77), 2.5, cwd="/x")
Talk = Callable[[Guest], Awaitable[object]]


@pytest.fixture
def anyio_backend() -> Any:
    return INSTANT


class Heard:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.pieces: list[tuple[Stream, bytes]] = []

    async def __call__(self, stream: Stream, data: bytes) -> None:
        self.pieces.append((stream, data))


async def run(guest: Guest) -> object:
    heard = Heard()
    end = await guest.exec(COMMAND, {}, heard, source_of(b"input"))
    return end, heard.pieces


async def put(guest: Guest) -> object:
    await guest.put([File("a", b"1")])
    return "done"


async def get(guest: Guest) -> object:
    return (await guest.get(["*"], 100)).files


async def seal(guest: Guest) -> object:
    await guest.seal(Seal(b"f", 4096, 9), [File("/etc/hosts", b"")])
    return "done"


RUN = frame(b"B") + frame(b"1", b"out") + credit_frame(5) + frame(b"2", b"err") + exit_frame()
LIST = listed_frame(b"b", 2) + listed_frame(b"a", 3) + listed_frame(b"d/c", 1) + frame(b"f")
GET = (
    *(LIST, frame(b"d", b"a"), frame(b"d", b"aa"), frame(b"e", b"\1\xa4\1")),
    *(frame(b"d", b"bb"), frame(b"e", b"\1\xa4\1")),
)
GOOD: list[tuple[Talk, bytes, object]] = [
    (put, frame(b"y"), "done"),
    (
        run,
        RUN,
        (GuestExit(0, None, 1.5, 0.25, False), [("stdout", b"out"), ("stderr", b"err")]),
    ),
    (get, b"".join(GET), {"a": b"aaa", "b": b"bb"}),
    (seal, frame(b"y") + frame(b"R", b"", TOKEN), "done"),
]
talks = pytest.mark.parametrize(
    ("talk", "words", "outcome"), GOOD, ids=["put", "run", "get", "seal"]
)


def listen(talk: Talk, words: bytes, pieces: tuple[int, ...] = (1 << 20,)) -> object:
    """What comes of a talk with a guest that says these words and is gone."""

    async def main() -> object:
        stream = FakeGuest(pieces=pieces)
        stream.say(words)
        stream.end()
        return await talk(Guest(stream, TOKEN))

    return anyio.run(main, backend_options={"loop_factory": InstantLoop})


# --- how answers arrive, and do not ---------------------------------------------------------


@talks
@given(pieces=st.lists(st.integers(1, 9), min_size=1, max_size=9))
@settings(max_examples=25)
def test_answers_may_come_in_any_pieces(
    talk: Talk, words: bytes, outcome: object, pieces: list[int]
) -> None:
    assert listen(talk, words, tuple(pieces)) == outcome


@talks
def test_a_guest_that_goes_at_any_point_is_gone(talk: Talk, words: bytes, outcome: object) -> None:
    for end in range(len(words)):
        with pytest.raises(GuestGone):
            listen(talk, words[:end])


@talks
@given(at=st.integers(0, 200), byte=st.integers(0, 255))
@settings(max_examples=100)
def test_a_wrong_byte_anywhere_is_noticed_or_harmless(
    talk: Talk, words: bytes, outcome: object, at: int, byte: int
) -> None:
    words = words[: at % len(words)] + bytes([byte]) + words[at % len(words) + 1 :]
    try:
        listen(talk, words)
    except (GuestGone, GuestFileError, GuestExecError, ValueError):
        pass


@talks
@given(noise=st.binary(max_size=200))
def test_any_noise_is_an_answer_or_the_end(
    talk: Talk, words: bytes, outcome: object, noise: bytes
) -> None:
    try:
        listen(talk, noise)
    except (GuestGone, GuestFileError, GuestExecError):
        pass


@talks
@pytest.mark.parametrize(
    "nonsense",
    [
        frame(b"?"),
        frame(b"\0"),
        frame(b"f")[:1] + struct.pack("<I", MAX_ANSWER + 1) + bytes(MAX_ANSWER + 1),
        b"1\xff\xff\xff\xff",
    ],
    ids=["unknown", "zero", "too long", "far too long"],
)
def test_nonsense_is_not_waited_for(
    talk: Talk, words: bytes, outcome: object, nonsense: bytes
) -> None:
    async def main() -> None:
        stream = FakeGuest()
        stream.say(nonsense)  # and stays connected
        with pytest.raises(GuestGone):
            await talk(Guest(stream))

    anyio.run(main, backend_options={"loop_factory": InstantLoop})


async def test_a_guest_that_cannot_be_written_to_is_gone() -> None:
    stream = FakeGuest()
    await stream.aclose()
    guest = Guest(stream)
    for talk in (put, run, get, seal):
        with pytest.raises(GuestGone):
            await talk(guest)
    await guest.kill()


# --- placing files and sealing --------------------------------------------------------------


async def test_files_travel_with_mode_path_and_content() -> None:
    stream = FakeGuest(lambda kind, _: frame(b"y") if kind == b"Y" else b"")
    big = bytes(range(256)) * 300
    await Guest(stream).put([File("d/é", big, 0o755), File("empty", b""), File("z", b"1")])
    assert stream.kinds() == b"PDDDPPDY"
    assert stream.sent[0][1] == b"\xed\x01" + "d/é".encode()
    assert b"".join(data for _, data in stream.sent[1:4]) == big
    assert stream.sent[4][1] == b"\xa4\x01empty"
    assert max(len(data) for _, data in stream.sent) <= MAX_FRAME


async def test_the_reason_why_a_file_could_not_be_placed_comes_after_the_whole_batch() -> None:
    stream = FakeGuest()
    stream.say(frame(b"w", b"No space left: \xff") + frame(b"y") + frame(b"y"))
    guest = Guest(stream)
    with pytest.raises(GuestFileError, match="No space left: \ufffd"):
        await guest.put([File("a", b"")])
    await guest.put([File("b", b"")])  # the talk is still in step


async def test_sealing_places_files_then_mounts_then_loads_the_filter() -> None:
    answers = {b"Y": frame(b"y"), b"S": frame(b"R", b"", TOKEN)}
    stream = FakeGuest(lambda kind, _: answers.get(kind, b""))
    await Guest(stream, TOKEN).seal(Seal(b"filter", 1 << 40, 2000), [File("/etc/hosts", b"x")])
    assert stream.kinds() == b"PDYMS"
    assert stream.payload(b"M") == struct.pack("<QIBB", 1 << 40, 2000, 0, 0)
    assert stream.payload(b"S") == TOKEN + b"filter"


async def test_what_somebody_else_has_done_is_not_done_again() -> None:
    stream = FakeGuest(lambda kind, _: {b"S": frame(b"R", b"", TOKEN)}[kind])
    await Guest(stream, TOKEN).seal(Seal(b"", None, 0), [])
    assert stream.sent == [(b"S", TOKEN)]


@pytest.mark.parametrize("token", [b"", bytes(16), TOKEN[:-1] + b"x", TOKEN[1:] + TOKEN[:1]])
async def test_once_sealed_only_what_carries_the_token_is_an_answer(token: bytes) -> None:
    stream = FakeGuest(lambda kind, _: {b"S": frame(b"R", b"", TOKEN)}.get(kind, b""))
    guest = Guest(stream, TOKEN)
    await guest.seal(Seal(b"", None, 0), [])
    stream.say(
        frame(b"B", b"", TOKEN) + frame(b"1", b"true", TOKEN) + frame(b"1", b"forged" * 9, token)
    )
    heard = Heard()
    with pytest.raises(GuestGone, match="not init's"):
        await guest.exec(COMMAND, {}, heard, None)
    assert heard.pieces == [("stdout", b"true")]


async def test_every_conversation_has_a_token_of_its_own() -> None:
    tokens = set()
    for _ in range(3):
        stream = FakeGuest(lambda kind, payload: frame(b"R", b"", payload))
        await Guest(stream).seal(Seal(b"", None, 0), [])
        tokens.add(stream.payload(b"S"))
    assert {len(token) for token in tokens} == {16}
    assert len(tokens) == 3


# --- running --------------------------------------------------------------------------------


async def test_a_command_travels_whole() -> None:
    stream = FakeGuest()
    stream.say(frame(b"B") + exit_frame())
    await Guest(stream).exec(COMMAND, {"A": "1", "B": ""}, Heard(), None)
    head = struct.pack("<IIIIII", 2500, 2048, 77, 1 << 20, 2, 2)
    assert stream.payload(b"X") == head + "/x\0prog\0é\0A=1\0B=\0".encode()


@pytest.mark.parametrize(
    ("timeout", "milliseconds"), [(1e-9, 1), (1.0, 1000), (1e9, 2**32 - 1), (0.0155, 15)]
)
async def test_a_deadline_is_never_none_and_fits(timeout: float, milliseconds: int) -> None:
    stream = FakeGuest()
    stream.say(frame(b"B") + exit_frame())
    command = Command(("x",), ResourceLimits(), timeout)
    await Guest(stream).exec(command, {}, Heard(), None)
    assert struct.unpack_from("<I", stream.payload(b"X"))[0] == milliseconds


async def test_a_command_that_is_too_long_is_not_sent() -> None:
    stream = FakeGuest()
    command = Command(("prog", "x" * MAX_FRAME), ResourceLimits(), 1.0)
    with pytest.raises(GuestExecError, match="prog could not be started") as caught:
        await Guest(stream).exec(command, {}, Heard(), None)
    assert caught.value.number == errno.E2BIG
    assert stream.sent == []


async def test_a_program_that_cannot_be_started_says_why() -> None:
    stream = FakeGuest()
    stream.say(frame(b"N", struct.pack("<I", errno.ENOENT)))
    with pytest.raises(GuestExecError, match="No such file") as caught:
        await Guest(stream).exec(COMMAND, {}, Heard(), None)
    assert caught.value.number == errno.ENOENT


@pytest.mark.parametrize(
    ("status", "code", "signal"),
    [(0, 0, None), (7 << 8, 7, None), (255 << 8, 255, None), (9, None, 9), (0x80 | 11, None, 11)],
)
@pytest.mark.parametrize("late", [0, 1])
async def test_an_exit_is_read_as_wait_lays_it_out(
    status: int, code: int | None, signal: int | None, late: int
) -> None:
    stream = FakeGuest()
    stream.say(frame(b"B") + exit_frame(status, 2_000_000_001, 3, late))
    end = await Guest(stream).exec(COMMAND, {}, Heard(), None)
    assert end == GuestExit(code, signal, 2.000000001, 3e-6, bool(late))


@pytest.mark.parametrize(
    "answer",
    [
        frame(b"Z", bytes(20)),
        frame(b"Z", bytes(22)),
        frame(b"Z"),
        frame(b"C", bytes(3)),
        frame(b"C"),
        frame(b"B"),
        frame(b"y"),
        frame(b"N", bytes(4)),
    ],
    ids=["short exit", "long exit", "no exit", "short credit", "no credit", "again", "y", "late N"],
)
async def test_a_malformed_answer_ends_the_talk(answer: bytes) -> None:
    stream = FakeGuest()
    stream.say(frame(b"B") + answer)
    with pytest.raises(GuestGone):
        await Guest(stream).exec(COMMAND, {}, Heard(), None)


async def test_an_error_of_the_sink_is_the_callers_own() -> None:
    stream = FakeGuest()
    stream.say(frame(b"B") + frame(b"1", b"x"))

    async def sink(stream: Stream, data: bytes) -> None:
        raise ZeroDivisionError(data)

    with pytest.raises(ZeroDivisionError):
        await Guest(stream).exec(COMMAND, {}, sink, None)


async def test_an_error_of_the_source_is_the_callers_own() -> None:
    stream = FakeGuest()
    stream.say(frame(b"B"))

    async def source() -> bytes:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Guest(stream).exec(COMMAND, {}, Heard(), source)


# --- standard input -------------------------------------------------------------------------


async def test_no_more_input_is_under_handoff_than_the_window() -> None:
    stream = FakeGuest()
    stream.say(frame(b"B"))
    data = bytes(range(256)) * 1024
    with anyio.move_on_after(60.0):
        await Guest(stream).exec(COMMAND, {}, Heard(), source_of(data))
    assert stream.payload(b"I") == data[:STDIN_WINDOW]
    assert b"E" not in stream.kinds()


@pytest.mark.parametrize("credit", [512, 4096, STDIN_WINDOW, 2**32 - 1])
async def test_credit_lets_input_through_to_its_end(credit: int) -> None:
    data = bytes(range(256)) * 1024

    def answer(kind: bytes, payload: bytes) -> bytes:
        if kind == b"I":
            return credit_frame(credit) * (max(1, len(payload) // credit))
        return {b"X": frame(b"B"), b"E": exit_frame()}[kind]

    stream = FakeGuest(answer)
    await Guest(stream).exec(COMMAND, {}, Heard(), source_of(data))
    assert stream.payload(b"I") == data
    assert stream.kinds().endswith(b"E")
    assert stream.kinds().count(b"E") == 1


async def test_a_lavish_guest_gets_no_more_than_the_window_at_once() -> None:
    stream = FakeGuest()
    stream.say(frame(b"B") + credit_frame(2**32 - 1) * 50)
    with anyio.move_on_after(60.0):
        await Guest(stream).exec(COMMAND, {}, Heard(), source_of(bytes(1 << 20)))
    assert len(stream.payload(b"I")) <= 2 * STDIN_WINDOW


async def test_a_program_that_ends_does_not_wait_for_its_input() -> None:
    stream = FakeGuest()
    stream.say(frame(b"B") + exit_frame())

    async def source() -> bytes:
        await anyio.sleep_forever()
        raise AssertionError

    assert (await Guest(stream).exec(COMMAND, {}, Heard(), source)).code == 0


async def test_a_program_can_be_killed_while_it_runs() -> None:
    stream = FakeGuest(lambda kind, _: exit_frame(9) if kind == b"K" else b"")
    stream.say(frame(b"B") + frame(b"1", b"x"))
    guest = Guest(stream)

    async def sink(stream: Stream, data: bytes) -> None:
        await guest.kill()

    assert (await guest.exec(COMMAND, {}, sink, None)).signal == 9
    assert stream.kinds().count(b"K") == 1
