"""Requests and responses of Piston v2. Pure: nothing here runs anything."""

from __future__ import annotations

import base64
import binascii
import posixpath
import signal
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from drybox.execution.validation import MAX_FILES
from drybox.job import ExecutionCaps
from drybox.languages.registry import find_language
from drybox.model import ExecutionRequest, ExecutionResult, PhaseResult, ResourceLimits
from drybox.server.piston.runtimes import Runtime, as_semver, find_runtime

MAX_SHOWN = 100
"""Characters of a client's words that an error repeats."""

ENCODINGS = ("utf8", "base64", "hex")
"""Of a file's content. Any other word counts as the first, as in Piston."""

_LIMITS = tuple(
    f"{stage}_{what}"
    for what in ("memory_limit", "timeout", "cpu_time")
    for stage in ("compile", "run")
)


class BadRequest(Exception):
    """What is wrong with a request, in Piston's words."""


@dataclass(frozen=True, slots=True)
class StageLimits:
    """What one stage may use.

    Attributes:
        timeout: Wall time in milliseconds.
        cpu_time: CPU time in milliseconds.
        memory_limit: Bytes.
    """

    timeout: float
    cpu_time: float
    memory_limit: int


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What a request may ask for at most."""

    compile: StageLimits
    run: StageLimits


@dataclass(frozen=True, slots=True)
class PistonJob:
    """A request that was understood.

    Attributes:
        runtime: What runs it.
        request: The same request in drybox's words.
        caps: What of its limits those have no words for.
    """

    runtime: Runtime
    request: ExecutionRequest
    caps: ExecutionCaps


def parse_request(
    body: object, runtimes: Iterable[Runtime], request_limits: RequestLimits, limits: ResourceLimits
) -> PistonJob:
    """Understand the body of ``POST execute``.

    Args:
        body: The JSON document.
        runtimes: What there is to run it.
        request_limits: What it may ask for.
        limits: Limits of the run phase that Piston has no word for.

    Raises:
        BadRequest: It is wrong.
    """
    fields: Mapping[str, Any] = body if isinstance(body, dict) else {}
    language = _required_text(fields, "language")
    version = _required_text(fields, "version")
    files = fields.get("files")
    if not isinstance(files, list):
        raise BadRequest("files is required as an array")
    if len(files) > MAX_FILES:
        raise BadRequest(f"files cannot be more than {MAX_FILES}")
    for index, file in enumerate(files):
        if not isinstance(file, dict) or not isinstance(file.get("content"), str):
            raise BadRequest(f"files[{index}].content is required as a string")
    runtime = find_runtime(runtimes, language, version)
    if runtime is None:
        raise BadRequest(f"{_cut(language)}-{_cut(version)} runtime is unknown")
    contents, entry = _read_files(files, runtime)
    asked = {name: _read_limit(fields, name, request_limits) for name in _LIMITS}
    memory = asked["run_memory_limit"]
    request = ExecutionRequest(
        runtime.wanted,
        files=contents,
        entrypoint=entry,
        stdin=_read_stdin(fields),
        args=_read_args(fields),
        timeout=_seconds(asked["run_timeout"]),
        limits=limits if memory is None else replace(limits, memory=int(memory)),
        environment=runtime.environment,
    )
    compile_memory = asked["compile_memory_limit"]
    caps = ExecutionCaps(
        compile_timeout=_seconds(asked["compile_timeout"]),
        compile_memory=None if compile_memory is None else int(compile_memory),
        compile_cpu_time=_seconds(asked["compile_cpu_time"]),
        run_cpu_time=_seconds(asked["run_cpu_time"]),
    )
    return PistonJob(runtime, request, caps)


def answer(job: PistonJob, result: ExecutionResult, output: str) -> dict[str, Any]:
    """The answer to ``POST execute``.

    Args:
        job: What was asked for.
        result: What became of it.
        output: What the run phase wrote to stdout and stderr, in the order it came.
    """
    stages: dict[str, dict[str, Any]] = {}
    for phase in result.phases:
        is_run = phase.name == "run"
        cpu_time = job.caps.run_cpu_time if is_run else job.caps.compile_cpu_time
        text = output if is_run else phase.stdout + phase.stderr
        found = _stage_answer(phase, cpu_time, text, result)
        stages["run" if is_run else "compile"] = found
    # Where the program was not reached Piston gives the compiler's outcome in its place.
    stages.setdefault("run", stages.get("compile") or _no_stage(result))
    return {**stages, "language": job.runtime.language, "version": as_semver(result.version)}


def _stage_answer(
    phase: PhaseResult, cpu_time: float | None, output: str, result: ExecutionResult
) -> dict[str, Any]:
    status, message, killed = _verdict(phase, cpu_time, result)
    return {
        "signal": "SIGKILL" if killed else phase.signal,
        "stdout": phase.stdout,
        "stderr": phase.stderr,
        "code": None if killed else phase.exit_code,
        "output": output,
        "memory": phase.memory_peak,
        "message": message,
        "status": status,
        "cpu_time": None if phase.cpu_time is None else round(phase.cpu_time * 1000),
        "wall_time": round(phase.execution_time * 1000),
    }


def _verdict(
    phase: PhaseResult, cpu_time: float | None, result: ExecutionResult
) -> tuple[str | None, str | None, bool]:
    """Piston's word for a phase's end, why, and whether it was ended from outside."""
    if phase.status == "sandbox_error":
        return "XX", result.error.message if result.error else "The sandbox failed", False
    if phase.status == "output_limit":
        if result.truncated.stdout:
            return "OL", "stdout length exceeded", True
        return "EL", "stderr length exceeded", True
    if phase.status == "timeout":
        used = phase.cpu_time
        is_cpu = cpu_time is not None and used is not None and used >= cpu_time
        return "TO", "Time limit exceeded" + ("" if is_cpu else " (wall clock)"), True
    if phase.status == "memory_limit":
        killed = phase.exit_code is None
        return "SG" if killed else "RE", "Memory limit exceeded", killed
    if phase.signal is not None:
        return "SG", f"Caught fatal signal {_number(phase.signal)}", False
    if phase.exit_code:
        return "RE", f"Exited with error status {phase.exit_code}", False
    return None, None, False


def _no_stage(result: ExecutionResult) -> dict[str, Any]:
    """The answer where not even a first phase began."""
    phase = PhaseResult("run", "sandbox_error", b"", b"", None, None, 0.0, None, None)
    return _stage_answer(phase, None, "", result)


def _number(name: str) -> int | str:
    try:
        return int(signal.Signals[name])
    except KeyError:
        return name


# --- fields of a request --------------------------------------------------------------------


def _required_text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{name} is required as a string")
    return value


def _read_limit(
    fields: Mapping[str, Any], name: str, request_limits: RequestLimits
) -> float | None:
    """The limit that a request names; None if it leaves it to the server."""
    value = fields.get(name)
    # What JavaScript takes for false is what Piston takes for not given.
    if value is None or value is False or value == "" or value == 0:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadRequest(f"If specified, {name} must be a number")
    stage, _, what = name.partition("_")
    most = getattr(getattr(request_limits, stage), what)
    if value != value or value > most:
        raise BadRequest(f"{name} cannot exceed the configured limit of {most:.0f}")
    if value == -1 and what == "memory_limit":
        return None  # Piston's word for no limit of the request's own
    if value < 0:
        raise BadRequest(f"{name} must be non-negative")
    return value


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _read_stdin(fields: Mapping[str, Any]) -> str:
    """The program's input; as in Piston its last line always ends."""
    stdin = fields.get("stdin")
    if stdin is None:
        stdin = ""
    if not isinstance(stdin, str):
        raise BadRequest("If specified, stdin must be a string")
    return stdin if stdin.endswith("\n") else stdin + "\n"


def _read_args(fields: Mapping[str, Any]) -> list[str]:
    args = fields.get("args")
    if args is None:
        return []
    if not isinstance(args, list) or not all(isinstance(word, str) for word in args):
        raise BadRequest("If specified, args must be an array of strings")
    return args


def _read_files(
    files: Sequence[Mapping[str, Any]], runtime: Runtime
) -> tuple[dict[str, bytes | str], str]:
    """Contents by path, and the path of the entry: the first file that is text."""
    entry = next((at for at, file in enumerate(files) if _encoding(file) == "utf8"), None)
    if entry is None:
        raise BadRequest("files must include at least one utf8 encoded file")
    paths = [_path(file.get("name"), index) for index, file in enumerate(files)]
    others = {*paths[:entry], *paths[entry + 1 :]}
    paths[entry] = _entry_path(files[entry], paths[entry], runtime, others)
    contents = {paths[at]: _content(file, at) for at, file in enumerate(files)}
    return contents, paths[entry]


def _encoding(file: Mapping[str, Any]) -> str:
    word = file.get("encoding")
    return word if word in ENCODINGS else "utf8"


def _content(file: Mapping[str, Any], index: int) -> bytes | str:
    text, encoding = str(file["content"]), _encoding(file)
    try:
        if encoding == "hex":
            return bytes.fromhex(text)
        if encoding == "base64":
            plain = "".join(text.split()).translate(str.maketrans("-_", "+/")).rstrip("=")
            return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (ValueError, binascii.Error):
        raise BadRequest(f"files[{index}].content is not valid {encoding}") from None
    return text


def _path(name: object, index: int) -> str:
    """A file's path in the working directory; a leading slash means that directory."""
    if name is None or name == "":
        return f"file{index}.code"
    if not isinstance(name, str):
        raise BadRequest(f"If specified, files[{index}].name must be a string")
    path = posixpath.normpath(name.lstrip("/") or ".")
    if path == ".." or path.startswith("../"):
        raise BadRequest(f'File path "{_cut(name)}" tries to escape parent directory: {_cut(path)}')
    if path == ".":
        raise BadRequest(f"files[{index}].name is not a name of a file")
    return path


def _entry_path(
    file: Mapping[str, Any], path: str, runtime: Runtime, others: Collection[str]
) -> str:
    """Where the entry goes: its own name, unless its language needs another."""
    language, _ = find_language(runtime.name)
    usual = language.entry(file["content"])
    if language.takes_entry(path, file["content"]):
        return path
    return usual if usual not in others else path + language.suffixes[0]


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."
