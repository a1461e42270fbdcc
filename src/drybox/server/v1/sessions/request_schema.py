"""JSON requests of sessions."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BeforeValidator,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
)

from drybox.execution.texts import MAX_WORD_COUNT
from drybox.execution.validation import MAX_TIMEOUT
from drybox.model import ResourceLimits
from drybox.server.v1.request_schema import (
    DURATION,
    EofRequest,
    KillRequest,
    LimitsRequest,
    RequestModel,
    StdinRequest,
    resource_limits,
)
from drybox.service.schema_faults import refusal_of
from drybox.sessions.request import IDLE_TIMEOUT, MAX_LIFETIME, SessionRequest
from drybox.units import parse_duration


def _seconds(value: object, info: ValidationInfo) -> object:
    """A time in words, such as ``10s``, as seconds; what it is otherwise is looked at later."""
    return parse_duration(value, info.field_name or "") if isinstance(value, str) else value


def _duration(**bounds: float) -> Any:
    words = {"type": "string", "pattern": DURATION, "description": "Such as `10m`."}
    return WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0, **bounds}, words]})


Seconds = Annotated[
    float,
    BeforeValidator(_seconds),
    Field(gt=0, le=MAX_TIMEOUT),
    _duration(maximum=MAX_TIMEOUT),
]
LongSeconds = Annotated[float, BeforeValidator(_seconds), Field(gt=0), _duration()]
Language = Annotated[str, Field(max_length=100)]
Words = dict[str, str]
Model = TypeVar("Model", bound=RequestModel)


class OpenSessionRequest(RequestModel):
    """A session to open."""

    language: Annotated[
        str, Field(max_length=100, description="Name or alias, with an optional `@version`.")
    ]
    environment: Annotated[str | None, Field(max_length=100)] = None
    limits: LimitsRequest | None = None
    env: Annotated[Words | None, Field(max_length=MAX_WORD_COUNT)] = None
    isolation: Annotated[str | None, Field(max_length=100)] = None
    timeout: Annotated[Seconds | None, Field(description="Of each run that names none.")] = None
    idle_timeout: Annotated[
        LongSeconds, Field(description="Seconds of idleness after which it is closed.")
    ] = IDLE_TIMEOUT
    max_lifetime: Annotated[
        LongSeconds, Field(description="Seconds after which it is closed in any case.")
    ] = MAX_LIFETIME
    metadata: Annotated[Words | None, Field(max_length=100)] = None
    snapshot: Annotated[str | None, Field(max_length=100)] = None


class PatchSessionRequest(RequestModel):
    """What is to change of a session."""

    idle_timeout: LongSeconds | None = None
    expires_in: Annotated[LongSeconds | None, Field(description="Seconds from now on.")] = None
    metadata: Annotated[Words | None, Field(max_length=100)] = None


class RunRequest(RequestModel):
    """Code to run in a session."""

    code: str
    language: Annotated[Language | None, Field(description="If not the session's own.")] = None
    timeout: Seconds | None = None
    stdin: Annotated[str | None, Field(description="Lines that it may ask for.")] = None


class CommandRequest(RequestModel):
    """A command to run in a session. Give `command` or `argv`."""

    command: Annotated[str | None, Field(description="A line for `bash -lc`.")] = None
    argv: Annotated[list[str], Field(min_length=1, max_length=MAX_WORD_COUNT)] | None = None
    cwd: str | None = None
    env: Annotated[Words | None, Field(max_length=MAX_WORD_COUNT)] = None
    stdin: Annotated[
        str, Field(description="All of its input; what is typed first, if it has a terminal.")
    ] = ""
    timeout: Seconds | None = None
    background: Annotated[bool, Field(description="Let it run beside others.")] = False
    terminal: Annotated[bool, Field(description="Give it a terminal; in the background.")] = False


class LanguageRequest(RequestModel):
    """Which language of a session is meant; all of them if it is left out."""

    language: Language | None = None


class SignalRequest(RequestModel):
    """A signal for a process."""

    type: Literal["signal"] = "signal"
    signal: Annotated[str | int, Field(description="`SIGINT`, or its number.")]


class ResizeRequest(RequestModel):
    """The size of a process's terminal."""

    type: Literal["resize"]
    columns: Annotated[int, Field(ge=1, le=10_000)]
    rows: Annotated[int, Field(ge=1, le=10_000)]


ProcessMessage = StdinRequest | EofRequest | KillRequest | SignalRequest | ResizeRequest

_MESSAGE: TypeAdapter[ProcessMessage] = TypeAdapter(
    Annotated[ProcessMessage, Field(discriminator="type")]
)


def parse(model: type[Model], body: bytes | bytearray) -> Model:
    """A body of JSON; where nothing has to be said, an empty one says nothing.

    Raises:
        Refused: It is not JSON (400).
        InvalidRequest: A field of it is wrong.
    """
    try:
        return model.model_validate_json(body or (b"{}" if model is LanguageRequest else b""))
    except ValidationError as error:
        raise refusal_of(error, model) from None


def parse_process_message(text: str) -> ProcessMessage:
    """A message of a client about a process.

    Raises:
        Refused: It is not JSON (400).
        InvalidRequest: It is no such message.
    """
    try:
        return _MESSAGE.validate_json(text)
    except ValidationError as error:
        raise refusal_of(error) from None


def session_request(wire: OpenSessionRequest, defaults: ResourceLimits) -> SessionRequest:
    """The session that a request asks for."""
    given: dict[str, Any] = wire.model_dump(exclude={"limits"})
    limits = None if wire.limits is None else resource_limits(wire.limits, defaults)
    return SessionRequest(given.pop("language"), **given, limits=limits)
