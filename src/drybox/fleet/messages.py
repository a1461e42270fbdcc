"""What travels between a front door and a replica: bytes, which Ray neither reads nor pickles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass
from typing import Any, Literal, TypeVar

import anyio.to_thread

from drybox import errors
from drybox.environments.info import EnvironmentInfo, PackageInfo
from drybox.errors import DryboxError, InvalidRequest, SandboxLost
from drybox.job import UNCAPPED, ExecutionCaps
from drybox.model import (
    ErrorInfo,
    Event,
    ExecutionRequest,
    ExecutionResult,
    LanguageInfo,
    PhaseResult,
    PoolCount,
    ResourceLimits,
    Truncated,
    Usage,
)
from drybox.monitoring.observers import StageTime

LARGE = 256 << 10
"""Bytes from which on a message is read and written in a thread."""

T = TypeVar("T")

ReplyKind = Literal["result", "error", "refused", "cancelled", "accepted"]
"""What became of a call: ``refused`` where nothing began, so that another node may be asked."""


@dataclass(frozen=True, slots=True)
class RunMessage:
    """One execution on its way to a node.

    Attributes:
        request: What to run.
        caps: What it is held to beside its limits.
        streamed: Its input comes piece by piece.
        killed: Its program is to be ended before it begins.
        owner: Whose request it is, where there are keys.
        traced: The front door wants to know of its stages.
    """

    request: ExecutionRequest
    caps: ExecutionCaps = UNCAPPED
    streamed: bool = False
    killed: bool = False
    owner: str = ""
    traced: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What a replica says of an execution.

    Attributes:
        kind: What became of the call.
        result: The execution's, of the kind ``result``.
        error: Of the kind ``error``.
        reason: Why, of the kind ``refused``.
        cpu_time: CPU seconds that it took.
        events: What happened since the last reply, where somebody follows.
        stages: What it went through, where the front door wants to know.
    """

    kind: ReplyKind
    result: ExecutionResult | None = None
    error: DryboxError | None = None
    reason: str = ""
    cpu_time: float = 0.0
    events: tuple[Event, ...] = ()
    stages: tuple[StageTime, ...] = ()


@dataclass(frozen=True, slots=True)
class Load:
    """What a node says of itself.

    Attributes:
        version: Of its drybox.
        slots: Sandboxes that run at once.
        running: Executions that run.
        pools: What its pools hold and have served.
        is_ending: It takes nothing new.
        pid: Its replica's process.
        lag: Seconds that its event loop is behind.
        sessions: Sessions that are open.
    """

    version: str
    slots: int
    running: int
    pools: tuple[PoolCount, ...]
    is_ending: bool
    pid: int
    lag: float
    sessions: int = 0


async def aside(size: int, work: Callable[[], T]) -> T:
    """Read or write a message of about so many bytes without holding the event loop up."""
    return work() if size < LARGE else await anyio.to_thread.run_sync(work)


def pack(value: object) -> bytes:
    """Plain values as bytes; records become maps."""
    import msgpack  # of the extra, so not before it is needed

    packed: bytes = msgpack.packb(value, default=_plain, unicode_errors="surrogatepass")
    return packed


def unpack(data: bytes) -> Any:
    """What :func:`pack` was given, with maps for records and tuples for lists."""
    import msgpack

    return msgpack.unpackb(data, unicode_errors="surrogatepass", use_list=False)


def pack_run(message: RunMessage) -> bytes:
    """A message as bytes."""
    return pack(message)


def unpack_run(data: bytes) -> RunMessage:
    """The message that :func:`pack_run` was given."""
    given = unpack(data)
    request = given["request"]
    if request["limits"] is not None:
        request["limits"] = ResourceLimits(**request["limits"])
    return RunMessage(
        ExecutionRequest(**request),
        ExecutionCaps(**given["caps"]),
        given["streamed"],
        given["killed"],
        given["owner"],
        given["traced"],
    )


def pack_reply(reply: Reply) -> bytes:
    """A reply as bytes."""
    return pack(reply)


def unpack_reply(data: bytes) -> Reply:
    """The reply that :func:`pack_reply` was given."""
    given = unpack(data)
    return Reply(
        given["kind"],
        given["result"] and _result(given["result"]),
        given["error"] and _error(given["error"]),
        given["reason"],
        given["cpu_time"],
        tuple(_event(item) for item in given["events"]),
        tuple(StageTime(**item) for item in given["stages"]),
    )


def size_of(reply: Reply) -> int:
    """About how many bytes a reply takes."""
    results = (reply.result, *(event.result for event in reply.events))
    told = sum(len(event.data) + len(event.data_bytes) for event in reply.events)
    return told + sum(_result_size(result) for result in results if result is not None)


def _result_size(result: ExecutionResult) -> int:
    outputs = len(result.stdout_bytes) + len(result.stderr_bytes)
    return 2 * outputs + sum(map(len, result.artifacts.values()))


def pack_load(load: Load) -> bytes:
    """A load as bytes."""
    return pack(load)


class UnreadableLoad(Exception):
    """A node of this version tells of itself in another way: its drybox is another one."""


def unpack_load(data: bytes) -> Load:
    """The load that :func:`pack_load` was given.

    Raises:
        UnreadableLoad: It was another drybox's.
    """
    try:
        given = unpack(data)
        given["pools"] = tuple(PoolCount(**item) for item in given["pools"])
        return Load(**given)
    except (TypeError, KeyError, ValueError) as error:
        raise UnreadableLoad(str(error)) from error


def version_of(data: bytes) -> str:
    """The version in a load, whatever else that version tells of itself."""
    return str(unpack(data)["version"])


def unpack_environments(data: bytes) -> list[EnvironmentInfo]:
    """Environments that :func:`pack` was given."""
    found = unpack_value(data)
    for item in found:
        item["packages"] = tuple(PackageInfo(**package) for package in item["packages"])
    return [EnvironmentInfo(**item) for item in found]


def pack_answer(value: object = None, error: DryboxError | None = None) -> bytes:
    """What there is to say, or why there is nothing."""
    return pack({"value": value, "error": error})


def unpack_answer(data: bytes) -> None:
    """An answer that says nothing.

    Raises:
        DryboxError: What :func:`pack_answer` was given.
    """
    unpack_value(data)


def unpack_languages(data: bytes) -> list[LanguageInfo]:
    """Languages that :func:`pack` was given."""
    return [LanguageInfo(**item) for item in unpack_value(data)]


def unpack_value(data: bytes) -> Any:
    """What :func:`pack_answer` was given: plain values.

    Raises:
        DryboxError: It was given that.
    """
    given = unpack(data)
    if given["error"] is not None:
        raise _error(given["error"])
    return given["value"]


_RECORDS: dict[type, tuple[str, ...]] = {}


def _record_names(kind: type) -> tuple[str, ...]:
    """What a record is made of; nothing for what is none."""
    names = _RECORDS.get(kind)
    if names is None:
        # Not the fields: those of a result are what people see, not what it is made of.
        names = tuple(kind.__slots__) if is_dataclass(kind) else ()  # type: ignore[attr-defined]
        _RECORDS[kind] = names
    return names


def _plain(value: object) -> object:
    """What msgpack does not know by itself, as what it knows."""
    if names := _record_names(type(value)):
        return {name: getattr(value, name) for name in names}
    if isinstance(value, DryboxError):
        return _error_fields(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} does not travel")


def _error_fields(error: DryboxError) -> dict[str, Any]:
    return {
        "type": type(error).__name__,
        "message": error.message,
        "hint": error.hint,
        "field": getattr(error, "field", None),
        "what": getattr(error, "what", None),
        "reason": getattr(error, "reason", None),
        "is_full": getattr(error, "is_full", False),
    }


def _error(given: dict[str, Any]) -> DryboxError:
    kind = getattr(errors, given["type"], None)
    if not isinstance(kind, type) or not issubclass(kind, DryboxError):
        kind = SandboxLost
    message, hint = given["message"], given["hint"]
    if issubclass(kind, errors.SnapshotError):
        return kind(given["reason"], message.removeprefix("snapshot: "), hint=hint)
    if issubclass(kind, errors.SessionFileError):
        return kind(given["reason"], message.removeprefix("path: "), hint=hint)
    if issubclass(kind, errors.SessionClosed):
        return kind(given["reason"], message, hint=hint)
    if issubclass(kind, InvalidRequest):
        return kind(given["field"], message.removeprefix(f"{given['field']}: "), hint=hint)
    if issubclass(kind, errors.Unsupported):
        return kind(message, hint=hint, what=given["what"])
    if issubclass(kind, errors.Unavailable):
        return kind(message, hint=hint, is_full=given["is_full"])
    return kind(message, hint=hint)


def _result(given: dict[str, Any]) -> ExecutionResult:
    given["error"] = given["error"] and ErrorInfo(**given["error"])
    given["phases"] = [PhaseResult(**item) for item in given["phases"]]
    given["usage"] = Usage(**given["usage"])
    given["truncated"] = Truncated(**given["truncated"])
    return ExecutionResult(**given)


def _event(given: dict[str, Any]) -> Event:
    given["outcome"] = given["outcome"] and PhaseResult(**given["outcome"])
    given["result"] = given["result"] and _result(given["result"])
    return Event(**given)
