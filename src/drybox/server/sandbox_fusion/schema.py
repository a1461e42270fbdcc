"""Requests and answers of SandboxFusion. Pure: nothing here runs anything."""

from __future__ import annotations

import base64
import binascii
import glob
import hashlib
import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drybox.errors import InvalidRequest
from drybox.execution.file_paths import normal_path
from drybox.execution.validation import MAX_FILES, MAX_GLOBS, MAX_TIMEOUT
from drybox.job import ExecutionCaps
from drybox.languages.base import Language
from drybox.languages.registry import languages_by_word
from drybox.model import MIB, ExecutionRequest, ExecutionResult, PhaseResult, ResourceLimits
from drybox.service.json_pieces import Base64
from drybox.service.schema_faults import refusal_of
from drybox.settings import ServerSettings

KILLED = -signal.SIGKILL
"""Return code of a program that was ended for its memory or its output."""

Timeout = Annotated[float, Field(gt=0, le=MAX_TIMEOUT)]


class RunCode(BaseModel):
    """One program to run, in SandboxFusion's words."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)

    code: str
    language: Annotated[str, Field(max_length=100, description="Name, such as `python` or `cpp`.")]
    compile_timeout: Annotated[Timeout, Field(description="Wall seconds of the compiler.")] = 10
    run_timeout: Annotated[Timeout, Field(description="Wall seconds of the program.")] = 10
    memory_limit_MB: Annotated[
        float, Field(description="MiB of memory; -1 for the server's own limit.")
    ] = -1
    stdin: str | None = None
    files: Annotated[
        dict[str, str | None],
        Field(max_length=MAX_FILES, description="Contents in base64 by path; null for no file."),
    ] = {}
    fetch_files: Annotated[
        list[str], Field(max_length=MAX_GLOBS, description="Paths of files to send back.")
    ] = []


@dataclass(frozen=True, slots=True)
class FusionJob:
    """A request that was understood.

    Attributes:
        digest: Of its body; another try of the same request has the same.
        language: What runs it.
        request: The same request in drybox's words.
        caps: What of its limits those have no words for.
        run_timeout: Seconds that its program may take.
        fetched: Paths of the files to send back, as they were asked for, by their normal form.
    """

    digest: bytes
    language: Language
    request: ExecutionRequest
    caps: ExecutionCaps
    run_timeout: float
    fetched: Mapping[str, str]

    @property
    def answer_time(self) -> float:
        """Seconds that its phases may take together."""
        compile_timeout = self.caps.compile_timeout or 0.0
        return self.run_timeout + (compile_timeout if self.language.samples.compiles else 0.0)


def parse_request(
    body: bytes | bytearray,
    settings: ServerSettings,
    limits: ResourceLimits,
    environments: Mapping[str, str],
) -> FusionJob:
    """Understand the body of ``POST /run_code``.

    Args:
        body: JSON.
        settings: The most that it may ask for.
        limits: The limits of programs that name none.
        environments: The environment that programs of a language run in, by the language's name.

    Raises:
        Refused: It is not JSON (400).
        InvalidRequest: A field of it is wrong.
    """
    try:
        wire = RunCode.model_validate_json(body)
    except ValidationError as error:
        raise refusal_of(error, RunCode) from None
    language = languages_by_word().get(wire.language)
    if language is None:
        known = ", ".join(sorted(languages_by_word()))
        raise InvalidRequest(
            "language", f"{wire.language!r} is not known", hint=f"There are {known}."
        )
    _check_most("run_timeout", wire.run_timeout, settings.max_timeout)
    fetched = {normal_path(path, "fetch_files"): path for path in wire.fetch_files}
    files = {
        normal_path(path, "files"): _decoded(content, path)
        for path, content in wire.files.items()
        if content is not None
    }
    request = ExecutionRequest(
        language.name,
        wire.code,
        files=files or None,
        entrypoint=_entry(wire.code, language, files),
        stdin=wire.stdin or "",
        timeout=wire.run_timeout,
        limits=_limits(wire.memory_limit_MB, settings.max_limits, limits),
        artifacts=[glob.escape(path) for path in fetched],
        environment=environments.get(language.name),
    )
    caps = ExecutionCaps(compile_timeout=wire.compile_timeout)
    digest = hashlib.sha256(body).digest()
    return FusionJob(digest, language, request, caps, wire.run_timeout, fetched)


def answer(job: FusionJob, result: ExecutionResult) -> dict[str, Any]:
    """The answer to a request; texts of programs are bytes yet.

    Args:
        job: What was asked for.
        result: What became of it.
    """
    phases = {phase.name: phase for phase in result.phases}
    compiled, ran = phases.get("compile"), phases.get("run")
    if result.status == "sandbox_error":
        status = "SandboxError"
    else:
        status = "Success" if ran is not None and ran.status == "success" else "Failed"
    artifacts = result.artifacts
    return {
        "status": status,
        "message": "" if result.error is None else result.error.message,
        "compile_result": None if compiled is None else _command(compiled),
        "run_result": None if ran is None else _command(ran),
        "executor_pod_name": "",  # the host's name is the operator's to know
        "files": {
            asked: Base64(artifacts[path])
            for path, asked in job.fetched.items()
            if path in artifacts
        },
    }


def lost(message: str) -> dict[str, Any]:
    """The answer where nobody knows what became of a program that had begun."""
    return {
        "status": "SandboxError",
        "message": message,
        "compile_result": None,
        "run_result": None,
        "executor_pod_name": "",
        "files": {},
    }


def _command(phase: PhaseResult) -> dict[str, Any]:
    """What became of one phase."""
    words = {"timeout": "TimeLimitExceeded", "sandbox_error": "Error"}
    return {
        "status": words.get(phase.status, "Finished"),
        "execution_time": phase.execution_time,
        "cpu_time": phase.cpu_time,
        "return_code": None if phase.status in words else _return_code(phase),
        "stdout": phase.stdout_bytes,
        "stderr": phase.stderr_bytes,
    }


def _return_code(phase: PhaseResult) -> int:
    """As Python's ``subprocess`` has it: a signal is its number, negative."""
    if phase.status in ("memory_limit", "output_limit"):
        return phase.exit_code or KILLED
    if phase.exit_code is not None:
        return phase.exit_code
    name = phase.signal or ""
    if name in signal.Signals.__members__:
        return -signal.Signals[name]
    number = name.removeprefix("SIGRTMIN+")
    if number.isdecimal():
        return -(signal.SIGRTMIN + int(number))
    number = name.removeprefix("SIG")
    return -int(number) if number.isdecimal() else KILLED


def _limits(asked: float, most: ResourceLimits, defaults: ResourceLimits) -> ResourceLimits | None:
    """The limits of a program; None for the server's own."""
    if asked <= 0:
        return None
    memory = int(asked * MIB)
    if memory > max(most.memory, defaults.memory):
        _check_most("memory_limit_MB", asked, most.memory / MIB)
    return replace(defaults, memory=memory)


def _check_most(field: str, asked: float, most: float) -> None:
    if asked > most:
        raise InvalidRequest(
            field,
            f"{asked:g} is more than this server allows" if asked < 1e15 else "it is far too much",
            hint=f"Ask for at most {most:g}.",
        )


def _entry(code: str, language: Language, others: Iterable[str]) -> str:
    """Where the code goes: where nothing else is, if its language takes it there."""
    usual = entry = language.entry(code)
    for number in range(MAX_FILES + 1):
        if entry not in others:
            break
        entry = f"code{number}{language.suffixes[0]}"
    return entry if language.takes_entry(entry, code) else usual


def _decoded(content: str, path: str) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):  # the latter for what is not even ASCII
        raise InvalidRequest(
            "files", f"{path[:100]!r} is not base64", hint="Encode the file's bytes with padding."
        ) from None
