"""Results of sessions on their way from a node: they are the same afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from drybox.fleet.messages import pack_answer, unpack_value
from drybox.fleet.sessions.messages import (
    SessionReply,
    command_result,
    plain_event,
    plain_result,
    run_result,
    session_event,
    unpack_session_reply,
    weight,
)
from drybox.model import ErrorInfo, Truncated, Usage
from drybox.sessions.results import (
    CodeError,
    CommandResult,
    Completions,
    Display,
    RunResult,
    SessionEvent,
)

SHOWN = Display(
    {"text/plain": "1\ud800", "image/png": b"\x89\0"},
    is_main=True,
    metadata={"image/png": {"width": 10**30, "at": [1, [2.5, None]]}},
)
RUN = RunResult(
    *("failed", b"out\xff", b"", [SHOWN], CodeError("E", "v", "t", "\x1b[1m"), 3, 0.5),
    usage=Usage(0.25, None),
    truncated=Truncated(stdout=True, stderr=False),
    restarted=True,
    problem=ErrorInfo("E", "m", "h"),
)
COMMAND = CommandResult(
    *(None, "SIGKILL", b"x", b"y\0", 1.5),
    truncated=Truncated(stdout=False, stderr=True),
    status="signaled",
    usage=Usage(1.0, 2),
)


def sent(value: Any) -> Any:
    return unpack_session_reply(pack_answer(SessionReply("done", value))).value


def test_results_of_code_and_of_commands_stay_as_they_are() -> None:
    assert run_result(sent(plain_result(RUN))) == RUN
    assert command_result(sent(plain_result(COMMAND))) == COMMAND


def test_events_stay_as_they_are() -> None:
    for event in (
        SessionEvent("stdout", "ä", "ä".encode()),
        SessionEvent("display", display=SHOWN),
        SessionEvent("error", error=CodeError("E", "v", "t")),
        SessionEvent("result", result=RUN),
        SessionEvent("exit", result=COMMAND),
    ):
        assert session_event(sent(plain_event(event))) == event


def test_what_nobody_shows_is_nothing() -> None:
    assert unpack_value(pack_answer()) is None


LARGE = 1 << 20


@pytest.mark.parametrize(
    "value",
    [
        b"x" * LARGE,
        SessionEvent("stdout", "", b"x" * LARGE),
        SessionEvent("display", display=Display({"image/png": b"x" * LARGE})),
        SessionEvent("error", error=CodeError("E", "v", "x" * LARGE)),
        SessionEvent("result", result=replace(RUN, results=[Display({"a": "x" * LARGE})])),
        SessionEvent("exit", result=replace(COMMAND, stdout_bytes=b"x" * LARGE)),
        replace(RUN, results=[], error=CodeError("E", "x" * LARGE, "")),
        Completions(("x" * LARGE,), 0, 1),
        [{"result": replace(COMMAND, stderr_bytes=b"x" * LARGE)}],
        ([SessionEvent("display", display=Display({"a": "x" * LARGE}))], False),
    ],
)
def test_whatever_of_it_is_large_counts(value: Any) -> None:
    assert LARGE <= weight(value) < 1.1 * LARGE
    assert len(pack_answer(SessionReply("done", value))) >= LARGE
