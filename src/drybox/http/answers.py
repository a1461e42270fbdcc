"""The shapes of what the service answers, for its OpenAPI document.

``drybox.wire`` writes the documents themselves; a test compares the two.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from drybox.model import PhaseName, Status

Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0)]


class Answer(BaseModel):
    """Base of everything the service says."""

    model_config = ConfigDict(extra="forbid")


class WireError(Answer):
    """Why a result is not a success, and what to do about it."""

    type: str
    message: str
    hint: str


class WirePhase(Answer):
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


class WireUsage(Answer):
    """Use over the whole sandbox; null where it was not measured."""

    cpu_time: Seconds | None
    memory_peak: Count | None


class WireTruncated(Answer):
    """Which stream was cut at the output limit."""

    stdout: bool
    stderr: bool


class WireResult(Answer):
    """What became of a program."""

    status: Annotated[Status, Field(description="How it ended, in one word.")]
    stdout: str
    stderr: str
    exit_code: Annotated[
        int | None, Field(description="The program's own; null if a signal or drybox ended it.")
    ]
    signal: Annotated[str | None, Field(examples=["SIGSEGV"])]
    execution_time: Annotated[Seconds, Field(description="Wall seconds of the run phase.")]
    error: WireError | None
    phases: list[WirePhase]
    usage: WireUsage
    truncated: WireTruncated
    artifacts: Annotated[dict[str, str], Field(description="Files by path, in base64.")]
    id: str
    language: str
    version: str
    isolation: Annotated[str, Field(description="The wall that ran it.")]
    weakened: Annotated[
        list[str], Field(description="Guarantees that the operator gave up on this host.")
    ]


class WireEvent(Answer):
    """One event of an execution; which fields it has depends on its type.

    `stdout` and `stderr` have `data`; `phase` has `outcome`, null where the phase begins; `result`,
    the last, has `result`. If drybox fails after the first event, `error` comes in its place and
    has `problem`.
    """

    type: Literal["start", "phase", "stdout", "stderr", "result", "error"]
    id: str | None = None
    phase: PhaseName | None = None
    data: str | None = None
    outcome: WirePhase | None = None
    result: WireResult | None = None
    problem: WireProblem | None = None


class WireLanguage(Answer):
    """A language and what of it is here."""

    name: str
    aliases: list[str]
    suffixes: list[str]
    version: Annotated[
        str | None, Field(description="What would run; null if there is no toolchain.")
    ]
    hint: Annotated[str, Field(description="How to get a toolchain, where there is none.")]


class WireState(Answer):
    """How the server is."""

    status: Literal["alive", "ready"]


class WireProblem(Answer):
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
