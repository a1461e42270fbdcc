"""The fields of a request as keyword arguments, for type checkers and editors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TypedDict

from drybox.errors import InvalidRequest
from drybox.execution.texts import no_field, show
from drybox.job import Source
from drybox.model import ExecutionRequest, ResourceLimits


class StreamFields(TypedDict, total=False):
    """What a request may name beside its language and code, but for its input."""

    files: Mapping[str, bytes | str] | None
    entrypoint: str | None
    args: Sequence[str]
    env: Mapping[str, str] | None
    timeout: float | None
    limits: ResourceLimits | None
    packages: Sequence[str]
    artifacts: Sequence[str]
    isolation: str | None
    environment: str | None


class RequestFields(StreamFields, total=False):
    """What a request may name beside its language and code; see :class:`ExecutionRequest`."""

    stdin: bytes | str


def request_of(
    request: ExecutionRequest | str, code: str | None, given: Mapping[str, object]
) -> ExecutionRequest:
    """The request that a call means.

    Args:
        request: The request itself, or the language of one.
        code: The source, where a language came.
        given: Further fields, where a language came.

    Raises:
        InvalidRequest: It is neither, both, or has no field of that name.
    """
    if isinstance(request, ExecutionRequest):
        if code is None and not given:
            return request
        raise InvalidRequest(
            "request",
            "there are fields beside an ExecutionRequest",
            hint="Put them into it, or pass language and code in its place.",
        )
    if not isinstance(request, str):
        raise InvalidRequest(
            "request",
            f"{show(request)} is not a request",
            hint="Pass an ExecutionRequest, or a language and code.",
        )
    known = [item.name for item in fields(ExecutionRequest)]
    for name in given:
        if name not in known:
            raise no_field(name, known, "ExecutionRequest")
    return ExecutionRequest(request, code, **given)  # type: ignore[arg-type]


def streamed_request(
    request: ExecutionRequest | str,
    code: str | None,
    stdin: Source | bytes | str | None,
    fields: StreamFields,
) -> tuple[ExecutionRequest, Source | None]:
    """The request that a call of ``stream`` means, and where its input comes from.

    Raises:
        InvalidRequest: See :func:`request_of`.
    """
    given: dict[str, object] = {**fields}
    if isinstance(stdin, (bytes, str)):
        return request_of(request, code, {**given, "stdin": stdin}), None
    return request_of(request, code, given), stdin
