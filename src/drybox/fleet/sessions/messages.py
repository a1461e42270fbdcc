"""What travels between a front door and a node about sessions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any, Literal

from drybox.fleet.messages import pack, unpack_value
from drybox.model import ErrorInfo, ResourceLimits, Truncated, Usage
from drybox.sessions.base import AsyncProcess, AsyncSession
from drybox.sessions.request import SessionRequest
from drybox.sessions.results import (
    CodeError,
    CommandResult,
    Completions,
    Display,
    FileInfo,
    RunResult,
    SessionEvent,
    display_size,
    error_size,
)

ReplyKind = Literal["done", "refused", "cancelled", "ending"]
"""What became of a call: ``refused`` where nothing began, ``ending`` where its node ends."""


@dataclass(frozen=True, slots=True)
class SessionCall:
    """Something that is asked of a session.

    Attributes:
        what: Name of it.
        session: The session's; "" for all of them.
        given: Its arguments.
    """

    what: str
    session: str
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SessionReply:
    """What a node answers.

    Attributes:
        kind: What became of the call; ``refused`` where nothing of it began, as the node ends or
            has given the front door up; ``ending`` where the node's end has ended it.
        value: What there is to say, as plain values.
        state: What changes of the session; None where there is none.
    """

    kind: ReplyKind
    value: Any = None
    state: Mapping[str, Any] | None = None


def unpack_call(data: bytes) -> SessionCall:
    """The call that :func:`drybox.fleet.messages.pack` was given."""
    return SessionCall(**unpack_value(data))


def unpack_session_reply(data: bytes) -> SessionReply:
    """The reply that :func:`drybox.fleet.messages.pack_answer` was given.

    Raises:
        DryboxError: It was given that.
    """
    return SessionReply(**unpack_value(data))


def pack_call(call: SessionCall) -> bytes:
    """A call as bytes."""
    return pack({"value": call, "error": None})


# --- sessions and processes as plain values ------------------------------------------------------


def state_of(session: AsyncSession) -> dict[str, Any]:
    """What changes of a session. Times are from now on, as clocks of machines differ."""
    return {
        "state": session.state,
        "seconds_left": (session.expires_at - datetime.now(timezone.utc)).total_seconds(),
        "idle_timeout": session.idle_timeout,
        "metadata": dict(session.metadata),
    }


def process_of(process: AsyncProcess) -> dict[str, Any]:
    """What is known of a process."""
    return {
        "pid": process.pid,
        "command": process.command,
        "terminal": process.terminal,
        "started_at": process.started_at.timestamp(),
        "result": None if process.result is None else plain_result(process.result),
    }


def request_of(given: dict[str, Any]) -> SessionRequest:
    """A request that was sent as plain values."""
    if given["limits"] is not None:
        given["limits"] = ResourceLimits(**given["limits"])
    return SessionRequest(**given)


# --- results ------------------------------------------------------------------------------------


def plain_result(result: RunResult | CommandResult) -> RunResult | CommandResult:
    """A result as it is packed."""
    if isinstance(result, CommandResult):
        return result
    return replace(result, results=[_plain_display(item) for item in result.results])


def plain_event(event: SessionEvent) -> SessionEvent:
    """An event as it is packed."""
    if event.display is not None:
        event = replace(event, display=_plain_display(event.display))
    if event.result is not None:
        event = replace(event, result=plain_result(event.result))
    return event


def weight(value: object) -> int:
    """About how many bytes something takes as a message."""
    if isinstance(value, (bytes, str)):
        return len(value)
    if isinstance(value, (list, tuple)):
        return 8 + sum(map(weight, value))
    if isinstance(value, Mapping):
        return weight([*value.values()])
    if isinstance(value, Completions):
        return weight(value.matches)
    if isinstance(value, Display):
        return display_size(value)
    if isinstance(value, CodeError):
        return error_size(value)
    if isinstance(value, SessionEvent):
        below = (value.display, value.error, value.result)
        return 100 + len(value.data_bytes) + sum(weight(item) for item in below if item is not None)
    if isinstance(value, (RunResult, CommandResult)):
        more = (value.results, value.error or "") if isinstance(value, RunResult) else ()
        return 100 + len(value.stdout_bytes) + len(value.stderr_bytes) + sum(map(weight, more))
    return 100


def _plain_display(display: Display) -> Display:
    # As a text: JSON has numbers that are too large for the other encoding.
    return replace(display, metadata={"json": json.dumps(dict(display.metadata))})


def run_result(given: dict[str, Any]) -> RunResult:
    """The result of code that was packed."""
    return RunResult(
        **{
            **given,
            "results": [_display(item) for item in given["results"]],
            "error": given["error"] and CodeError(**given["error"]),
            "usage": Usage(**given["usage"]),
            "truncated": Truncated(**given["truncated"]),
            "problem": given["problem"] and ErrorInfo(**given["problem"]),
        }
    )


def command_result(given: dict[str, Any]) -> CommandResult:
    """The result of a command that was packed."""
    truncated, usage = Truncated(**given["truncated"]), Usage(**given["usage"])
    return CommandResult(**{**given, "truncated": truncated, "usage": usage})


def session_event(given: dict[str, Any]) -> SessionEvent:
    """An event that was packed."""
    result = given["result"]
    if result is not None:
        result = run_result(result) if given["type"] == "result" else command_result(result)
    return SessionEvent(
        **{
            **given,
            "display": given["display"] and _display(given["display"]),
            "error": given["error"] and CodeError(**given["error"]),
            "result": result,
        }
    )


def file_info(given: dict[str, Any]) -> FileInfo:
    """A file that was packed."""
    return FileInfo(**given)


def completions(given: dict[str, Any]) -> Completions:
    """Completions that were packed."""
    return Completions(**given)


def _display(given: dict[str, Any]) -> Display:
    metadata = json.loads(given["metadata"]["json"])
    return Display(given["data"], is_main=given["is_main"], metadata=metadata)
