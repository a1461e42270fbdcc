"""Parts of the OpenAPI document that all APIs share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from drybox.server.transport.problem_response import KINDS, MEDIA_TYPE

REF = "#/components/schemas/"

RUNS = (400, 401, 403, 408, 413, 422, 429, 500, 503)
"""Statuses of what can go wrong where a program is to run."""


def named(model: type[BaseModel]) -> dict[str, str]:
    """A reference to a model's schema."""
    return {"$ref": REF + component_name(model.__name__)}


def as_json(schema: dict[str, Any]) -> dict[str, Any]:
    """The content of an answer in JSON."""
    return {"application/json": {"schema": schema}}


def takes(model: type[BaseModel], examples: dict[str, Any]) -> dict[str, Any]:
    """What an operation says of a body of JSON that its handler reads itself."""
    content = {"application/json": {"schema": named(model), "examples": examples}}
    return {"requestBody": {"required": True, "content": content}}


def gives(words: str, content: dict[str, Any], *problems: int) -> dict[int | str, dict[str, Any]]:
    """What an operation says of its answers.

    Args:
        words: What the right answer is.
        content: Its content, by media type.
        problems: Statuses of the others.
    """
    found: dict[int | str, dict[str, Any]] = {200: {"description": words, "content": content}}
    for status in problems:
        titles = [f"`{kind}`: {title}" for kind, (code, title) in KINDS.items() if code == status]
        content = {MEDIA_TYPE: {"schema": named(ProblemResponse)}}
        found[status] = {"description": "; ".join(titles), "content": content}
        if status in (429, 503, 504):
            seconds = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
            found[status]["headers"] = {"Retry-After": seconds}
    return found


def component_name(model: str) -> str:
    """What the document calls a model: without the word of which way it goes."""
    name = model.removesuffix("Response").removesuffix("Request")
    return {"Execute": "ExecutionRequest", "Result": "ExecutionResult"}.get(name, name)


class ResponseModel(BaseModel):
    """Base of everything the service says."""

    model_config = ConfigDict(extra="forbid")


class ProblemResponse(ResponseModel):
    """What went wrong (RFC 9457)."""

    type: Annotated[str, Field(examples=["urn:drybox:problem:invalid-request"])]
    title: str
    status: int
    detail: str
    hint: Annotated[str, Field(description="What to do about it.")]
    field: Annotated[str | None, Field(description="The field of the request that is wrong.")] = (
        None
    )
    request_id: Annotated[
        str | None, Field(description="The request's name, as its `X-Request-ID` has it.")
    ] = None
