"""JSON requests and results, and their conversion to and from the model."""

from __future__ import annotations

import base64
import binascii
import json
import sys
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from drybox.errors import InvalidRequest
from drybox.execution.file_paths import MAX_PATH
from drybox.execution.texts import MAX_WORD_COUNT
from drybox.execution.validation import LIMIT_RANGES, MAX_FILES, MAX_GLOBS, MAX_TIMEOUT
from drybox.model import ExecutionRequest, ExecutionResult, ResourceLimits
from drybox.service.schema_faults import refusal_of
from drybox.units import parse_duration, parse_size

_SIZE = r"^\s*\d{1,15}(\.\d{1,9})?\s{0,9}([kKmMgGtT]([iI]?[bB])?|[bB])?\s*$"
DURATION = r"^\s*\d{1,15}(\.\d{1,9})?\s{0,9}([sS]|[mM][sS]|[mM]|[mM][iI][nN]|[hH])?\s*$"
_PATH = r"^[^/\u0000-\u001f\u007f]+(/[^/\u0000-\u001f\u007f]+)*$"
_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"


def _shown(**schema: Any) -> Any:
    """What the OpenAPI document says of a field, while ``validation`` does the checking.

    It checks for every front door, and says what is wrong in its own words.
    """
    return Field(json_schema_extra=schema)


def _bounds(name: str) -> dict[str, float]:
    least, most = LIMIT_RANGES[name]
    return {"minimum": least, "maximum": most}


def _number(name: str, kind: str) -> Any:
    return _shown(anyOf=[{"type": kind, **_bounds(name)}, {"type": "null"}])


def _size(name: str) -> Any:
    text = {"type": "string", "pattern": _SIZE, "description": "Units are powers of 1024."}
    whole = {"type": "integer", **_bounds(name)}
    return _shown(anyOf=[whole, text, {"type": "null"}], examples=["64MiB"])


Text = Annotated[str, _shown(pattern="^[^\\u0000]*$")]
Path = Annotated[str, _shown(pattern=_PATH, maxLength=MAX_PATH)]


class RequestModel(BaseModel):
    """Base of everything a client sends: nothing unknown, nothing of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class FileRequest(RequestModel):
    """One file beside the code."""

    path: Annotated[Path, Field(description="Relative to the working directory.")]
    content: str
    encoding: Annotated[
        Literal["utf-8", "base64"], Field(description="How `content` holds the file's bytes.")
    ] = "utf-8"


class LimitsRequest(RequestModel):
    """What the run phase may use at most; the operator's defaults where left out.

    Sizes are bytes, or text such as `256MiB` or `64m`.
    """

    memory: Annotated[int | str | None, _size("memory")] = None
    cpus: Annotated[float | None, _number("cpus", "number")] = None
    pids: Annotated[int | None, _number("pids", "integer")] = None
    disk: Annotated[int | str | None, _size("disk")] = None
    output: Annotated[int | str | None, _size("output")] = None
    open_files: Annotated[int | None, _number("open_files", "integer")] = None


class StdinRequest(RequestModel):
    """A piece of the program's input, over the WebSocket."""

    type: Literal["stdin"]
    data: str
    encoding: Literal["utf-8", "base64"] = "utf-8"


class EofRequest(RequestModel):
    """The end of the program's input."""

    type: Literal["eof"]


class KillRequest(RequestModel):
    """End the program; the events go on to the result."""

    type: Literal["kill"]


MessageRequest = Annotated[StdinRequest | EofRequest | KillRequest, Field(discriminator="type")]
"""What a client sends over the WebSocket after the request."""


class ExecuteRequest(RequestModel):
    """One program to run, once. Give `code`, `files` or both."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": ["code"], "properties": {"code": {"type": "string"}}},
                {
                    "required": ["files"],
                    "properties": {"files": {"type": "array", "minItems": 1}},
                },
            ],
        }
    )

    language: Annotated[
        str, Field(max_length=100, description="Name or alias, with an optional `@version`.")
    ]
    code: Annotated[str | None, Field(description="Source of the entry file.")] = None
    files: Annotated[list[FileRequest], Field(max_length=MAX_FILES)] | None = None
    entrypoint: Annotated[
        Path | None, Field(description="The entry file; by default the language's usual one.")
    ] = None
    stdin: Annotated[str | None, Field(description="What the program reads.")] = None
    args: Annotated[list[Text], Field(max_length=MAX_WORD_COUNT)] | None = None
    env: Annotated[dict[str, Text] | None, _shown(propertyNames={"pattern": _NAME})] = None
    timeout: Annotated[
        float | str | None,
        Field(description="Wall seconds of the run phase, or text such as `10s`."),
        _shown(
            anyOf=[
                {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_TIMEOUT},
                {"type": "string", "pattern": DURATION},
                {"type": "null"},
            ],
        ),
    ] = None
    limits: LimitsRequest | None = None
    packages: Annotated[list[str], Field(max_length=MAX_WORD_COUNT)] | None = None
    artifacts: (
        Annotated[
            list[Path],
            Field(max_length=MAX_GLOBS, description="Globs of files to bring back, as base64."),
        ]
        | None
    ) = None
    isolation: Annotated[
        str | None, Field(description="The isolation; the operator's default where left out.")
    ] = None
    environment: Annotated[
        str | None,
        Field(max_length=100, description="Name of an environment of that language."),
    ] = None


def parse_request(body: bytes | bytearray, defaults: ResourceLimits) -> ExecutionRequest:
    """The request of a body.

    Args:
        body: JSON.
        defaults: The limits that hold where the body names none.

    Raises:
        Refused: It is not JSON (400).
        InvalidRequest: A field of it is wrong.
    """
    try:
        wire = ExecuteRequest.model_validate_json(body)
    except ValidationError as error:
        raise refusal_of(error, ExecuteRequest) from None
    return ExecutionRequest(
        wire.language,
        wire.code,
        files=None if wire.files is None else _files(wire.files),
        entrypoint=wire.entrypoint,
        stdin=wire.stdin or "",
        args=wire.args or (),
        env=wire.env,
        timeout=_seconds(wire.timeout),
        limits=None if wire.limits is None else resource_limits(wire.limits, defaults),
        packages=wire.packages or (),
        artifacts=wire.artifacts or (),
        isolation=wire.isolation,
        environment=wire.environment,
    )


def parse_message(text: str) -> StdinRequest | EofRequest | KillRequest:
    """A message of a client over the WebSocket.

    Raises:
        Refused: It is not JSON (400).
        InvalidRequest: It is no such message.
    """
    try:
        return _MESSAGE.validate_json(text)
    except ValidationError as error:
        raise refusal_of(error) from None


def stdin_bytes(message: StdinRequest) -> bytes:
    """What the program is to read.

    Raises:
        InvalidRequest: It is no base64, although it says so.
    """
    data = _content(message.data, message.encoding, "data")
    return data.encode() if isinstance(data, str) else data


def result_body(result: ExecutionResult) -> bytes:
    """A result as JSON."""
    return json.dumps(result.to_dict(), ensure_ascii=False).encode()


def _files(files: list[FileRequest]) -> dict[str, bytes | str]:
    contents: dict[str, bytes | str] = {}
    for index, file in enumerate(files):
        if file.path in contents:
            raise InvalidRequest(
                f"files[{index}].path",
                "it is there twice",
                hint="Give every file a path of its own.",
            )
        field = f"files[{index}].content"
        contents[file.path] = _content(file.content, file.encoding, field)
    return contents


def _content(content: str, encoding: str, field: str) -> bytes | str:
    if encoding == "utf-8":
        return content
    try:
        if sys.version_info >= (3, 11):  # which looks at all of it once, and not twice
            return binascii.a2b_base64(content, strict_mode=True)
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):  # the latter for what is not even ASCII
        raise InvalidRequest(
            field, "it is not base64", hint="Encode the bytes with padding, without line breaks."
        ) from None


def resource_limits(wire: LimitsRequest, defaults: ResourceLimits) -> ResourceLimits:
    """The limits of a request, and the defaults where it names none."""
    given: dict[str, Any] = wire.model_dump(exclude_none=True)
    for name in ("memory", "disk", "output"):
        if isinstance(given.get(name), str):
            given[name] = parse_size(given[name], f"limits.{name}")
    return ResourceLimits(**{name: given.get(name, getattr(defaults, name)) for name in _LIMITS})


def _seconds(timeout: float | str | None) -> float | None:
    return parse_duration(timeout, "timeout") if isinstance(timeout, str) else timeout


_MESSAGE: TypeAdapter[StdinRequest | EofRequest | KillRequest] = TypeAdapter(MessageRequest)
_LIMITS = tuple(ResourceLimits.__dataclass_fields__)
