"""The schemas of responses, for the OpenAPI document.

``drybox.serialization`` writes the documents themselves; a test compares the two.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from drybox.model import Event, PhaseName, Status
from drybox.server.transport.openapi import ProblemResponse, ResponseModel
from drybox.server.transport.problem_response import document_of
from drybox.service.refusals import Problem


def has_payload(event: Event) -> bool:
    """Whether an event has something to say: bytes that are half a character are no text yet."""
    return bool(event.data) or event.type not in ("stdout", "stderr")


def error_document(problem: Problem) -> dict[str, Any]:
    """A failure after the first event, when there is no status left to say it with."""
    return {"type": "error", "problem": document_of(problem)}


Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0)]


class ErrorResponse(ResponseModel):
    """Why a result is not a success, and what to do about it."""

    type: str
    message: str
    hint: str


class PhaseResponse(ResponseModel):
    """The outcome of one phase; times in seconds, memory in bytes."""

    name: PhaseName
    status: Status
    stdout: str
    stderr: str
    exit_code: int | None
    signal: str | None
    execution_time: Seconds
    cpu_time: Seconds | None
    memory_peak: Count | None


class UsageResponse(ResponseModel):
    """Use over the whole sandbox; null where it was not measured."""

    cpu_time: Seconds | None
    memory_peak: Count | None


class TruncatedResponse(ResponseModel):
    """Which stream was cut at the output limit."""

    stdout: bool
    stderr: bool


class ResultResponse(ResponseModel):
    """What became of a program."""

    status: Annotated[Status, Field(description="How it ended, in one word.")]
    stdout: str
    stderr: str
    exit_code: Annotated[
        int | None, Field(description="The program's own; null if a signal or drybox ended it.")
    ]
    signal: Annotated[str | None, Field(examples=["SIGSEGV"])]
    execution_time: Annotated[Seconds, Field(description="Wall seconds of the run phase.")]
    error: ErrorResponse | None
    phases: list[PhaseResponse]
    usage: UsageResponse
    truncated: TruncatedResponse
    artifacts: Annotated[dict[str, str], Field(description="Files by path, in base64.")]
    id: str
    language: str
    version: str
    isolation: Annotated[str, Field(description="The isolation that ran it.")]
    weakened: Annotated[
        list[str], Field(description="Guarantees that the operator gave up on this host.")
    ]
    backend: Annotated[str, Field(examples=["local", "docker"])]
    environment: Annotated[
        str | None,
        Field(description="Name and digest of the environment it ran in; null if in none."),
    ]


class EventResponse(ResponseModel):
    """One event of an execution; which fields it has depends on its type.

    `stdout` and `stderr` have `data`; `phase` has `outcome`, null where the phase begins; `result`,
    the last, has `result`. If drybox fails after the first event, `error` comes in its place and
    has `problem`.
    """

    type: Literal["start", "phase", "stdout", "stderr", "result", "error"]
    id: str | None = None
    phase: PhaseName | None = None
    data: str | None = None
    outcome: PhaseResponse | None = None
    result: ResultResponse | None = None
    problem: ProblemResponse | None = None


class LanguageResponse(ResponseModel):
    """A language and what of it is here."""

    name: str
    aliases: list[str]
    suffixes: list[str]
    version: Annotated[
        str | None, Field(description="What would run; null if there is no toolchain.")
    ]
    hint: Annotated[str, Field(description="How to get a toolchain, where there is none.")]
    versions: Annotated[
        list[str], Field(description="What a request may ask for here, what would run first.")
    ]


class ResourceLimitsResponse(ResponseModel):
    """Limits of a run phase; sizes in bytes."""

    memory: Count
    cpus: float
    pids: Count
    disk: Count
    output: Count
    open_files: Count


class DefaultsResponse(ResponseModel):
    """What holds where a request leaves a field out, and the most that it may ask for."""

    timeout: Annotated[Seconds, Field(description="Wall seconds of the run phase.")]
    limits: ResourceLimitsResponse
    isolation: str
    max_timeout: Seconds
    max_limits: ResourceLimitsResponse
    isolations: Annotated[list[str], Field(description="What `isolation` takes on this host.")]
    packages: Annotated[bool, Field(description="Whether a request may ask for packages.")]


class PackageResponse(ResponseModel):
    """A package of an environment."""

    name: str
    version: Annotated[
        str | None, Field(description="Null as long as the environment is not built.")
    ]
    licence: Annotated[str, Field(description="What it says of its licence; empty if nothing.")]
    size: Annotated[Count, Field(description="Bytes of its files; 0 if not known.")]


class EnvironmentResponse(ResponseModel):
    """An environment and what of it is here."""

    name: Annotated[str, Field(description="What a request's `environment` takes.")]
    language: str
    languages: Annotated[
        list[str], Field(description="Those whose programs may have it, its own first.")
    ]
    version: Annotated[str | None, Field(description="Of its language; null if not built.")]
    packages: Annotated[
        list[PackageResponse],
        Field(description="What is in it; what it asks for as long as it is not built."),
    ]
    preload: Annotated[list[str], Field(description="Modules imported before a request comes.")]
    built: bool
    digest: Annotated[str | None, Field(description="Of its content; null if not built.")]
    size: Annotated[Count | None, Field(description="Bytes of its files; null if not built.")]
    target: Annotated[str | None, Field(description="What its packages fit.")]
    built_at: str | None


class PreparationResponse(ResponseModel):
    """Something that is made once before programs of a language can run."""

    language: str
    label: Annotated[str, Field(examples=["Compiling Go's standard library (once for 1.26)"])]
    done: Annotated[int | None, Field(description="Parts that are done; null if unknown.")]
    total: int | None


class StateResponse(ResponseModel):
    """How the server is."""

    status: Literal["alive", "ready"]
    preparing: Annotated[
        list[PreparationResponse] | None,
        Field(description="What is being made, and for which language; only while there is any."),
    ] = None
