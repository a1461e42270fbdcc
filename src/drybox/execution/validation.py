"""Turns a request into a job, or tells which field is wrong and what is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from drybox.backends.registry import BUILT_IN_ISOLATIONS, is_registered
from drybox.environments.environment import Environment, find_environment, version_in
from drybox.environments.packages import check_packages
from drybox.errors import InvalidRequest
from drybox.execution.file_paths import file_and_folder, normal_glob, normal_path
from drybox.execution.texts import (
    check_env,
    check_stdin,
    check_words,
    content_of,
    expect,
    show,
    strings,
)
from drybox.job import ExecutionCaps, File, Job
from drybox.languages.base import Language
from drybox.languages.registry import find_language
from drybox.model import GIB, KIB, MIB, ExecutionRequest, ResourceLimits

ISOLATIONS = ("auto", *BUILT_IN_ISOLATIONS)

MAX_SOURCE = 16 * MIB  # bytes of the entry file; all files together fit on the sandbox's disk
MAX_FILES = 2000
MAX_COMMAND = 768 * KIB  # bytes of both together; one frame to the sandbox has to hold them
MAX_TIMEOUT = 24 * 3600.0
MAX_GLOBS = 100

LIMIT_RANGES: Mapping[str, tuple[float, float]] = {
    "memory": (1 * MIB, 1024 * GIB),
    "cpus": (0.01, 1024),
    "pids": (1, 1_000_000),
    "disk": (64 * KIB, 1024 * GIB),
    "output": (0, 1 * GIB),
    "open_files": (8, 1_000_000),
}
"""Least and most of each limit. Less could not hold even the runtime's own start."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a request that leaves a field out gets, and where what it names comes from if at all."""

    timeout: float
    limits: ResourceLimits
    isolation: str
    package_dir: Path | None = None
    environments: Mapping[str, Environment] = field(default_factory=dict)


def make_job(request: ExecutionRequest, defaults: Defaults) -> tuple[Language, Job]:
    """Check every field of a request.

    Raises:
        InvalidRequest: One is wrong; nothing of it was used.
    """
    expect(request, ExecutionRequest, "request", "Pass an ExecutionRequest.")
    expect(request.language, str, "language", "Pass a name such as 'python'.")
    language, version = find_language(request.language)
    limits = defaults.limits if request.limits is None else check_limits(request.limits)
    files, entry = _check_files(request, language, limits.disk)
    args = check_words("args", strings("args", request.args))
    env = check_env(request.env)
    words = (*args, *env, *env.values())
    if words and len("\0".join(words).encode()) + 1 > MAX_COMMAND:
        raise InvalidRequest(
            "args",
            "they and 'env' are too long together",
            hint=f"Pass at most {MAX_COMMAND:,} bytes.",
        )
    packages, package_dir = check_packages(
        strings("packages", request.packages), language, defaults.package_dir
    )
    if request.environment is not None:
        environment = find_environment(request.environment, defaults.environments, language)
        version = version_in(environment, version)
    return language, Job(
        language=language.name,
        version=version,
        files=files,
        entry=entry,
        stdin=check_stdin(request.stdin),
        args=args,
        env=env,
        timeout=check_timeout(defaults.timeout if request.timeout is None else request.timeout),
        limits=_check_pids(limits, language),
        packages=packages,
        artifacts=_check_globs(request.artifacts),
        isolation=check_isolation(
            defaults.isolation if request.isolation is None else request.isolation
        ),
        package_dir=package_dir,
        environment=request.environment or "",
    )


def check_timeout(value: Any, field: str = "timeout") -> float:
    """A number of seconds.

    Raises:
        InvalidRequest: It is none, or out of bounds.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidRequest(field, f"{show(value)} is not a number", hint="Pass seconds, like 10.")
    if not 0 < value <= MAX_TIMEOUT:
        raise InvalidRequest(
            field, f"{show(value)} is out of bounds", hint=f"Pass 0 < seconds <= {MAX_TIMEOUT:g}."
        )
    return float(value)


def check_limits(limits: Any, field: str = "limits") -> ResourceLimits:
    """Limits, each a number within :data:`LIMIT_RANGES`.

    Raises:
        InvalidRequest: One is not.
    """
    expect(limits, ResourceLimits, field, "Pass ResourceLimits(...).")
    for item in fields(limits):
        value, (least, most) = getattr(limits, item.name), LIMIT_RANGES[item.name]
        name = f"{field}.{item.name}"
        kinds = (int, float) if item.name == "cpus" else (int,)
        if isinstance(value, bool) or not isinstance(value, kinds):
            kind = "number" if item.name == "cpus" else "whole number"
            raise InvalidRequest(name, f"{show(value)} is no {kind}", hint=f"Pass a {kind}.")
        if not least <= value <= most:
            raise InvalidRequest(
                name, f"{show(value)} is out of bounds", hint=f"Pass {least:,} to {most:,}."
            )
    assert isinstance(limits, ResourceLimits)
    return limits


def _check_pids(limits: ResourceLimits, language: Language) -> ResourceLimits:
    least = language.toolchain.least_pids
    if limits.pids < least:
        raise InvalidRequest(
            "limits.pids",
            f"{limits.pids} is too few: a program in {language.name} has {least} threads",
            hint=f"Pass {least:,} or more.",
        )
    return limits


def check_caps(caps: ExecutionCaps) -> ExecutionCaps:
    """What an execution is held to, each a time or a size that makes sense.

    Raises:
        InvalidRequest: One does not.
    """
    for name in ("compile_timeout", "compile_cpu_time", "run_cpu_time"):
        if getattr(caps, name) is not None:
            check_timeout(getattr(caps, name), name)
    if caps.compile_memory is not None:
        check_limits(ResourceLimits(memory=caps.compile_memory), "compile_limits")
    return caps


def check_isolation(value: Any) -> str:
    """The name of an isolation.

    Raises:
        InvalidRequest: There is no such isolation.
    """
    if value not in ISOLATIONS and not (isinstance(value, str) and is_registered(value)):
        raise InvalidRequest(
            "isolation", f"{show(value)} is not known", hint=f"Use {', '.join(ISOLATIONS)}."
        )
    return str(value)


def _check_files(
    request: ExecutionRequest, language: Language, disk: int
) -> tuple[tuple[File, ...], str]:
    contents: dict[str, bytes] = {}
    if request.files is not None:
        expect(request.files, Mapping, "files", "Pass a mapping of paths to text or bytes.")
        if len(request.files) > MAX_FILES:
            raise InvalidRequest(
                "files", f"there are {len(request.files)}", hint=f"Pass at most {MAX_FILES}."
            )
        for path, content in request.files.items():
            name = normal_path(path, "files")
            if name in contents:
                raise InvalidRequest("files", f"{name!r} is there twice", hint="Give it once.")
            contents[name] = content_of(content, f"files[{name!r}]")
    entry = _entry_path(request.entrypoint)
    if request.code is not None:
        expect(request.code, str, "code", "Pass the source text.")
        code = content_of(request.code, "code")
        entry = entry or _check_entry(language.entry(request.code))
        if entry in contents:
            raise InvalidRequest(
                "code", f"{entry!r} is in 'files' too", hint="Give it once, or set 'entrypoint'."
            )
        contents[entry] = code
    elif not contents:
        raise InvalidRequest("code", "there is nothing to run", hint="Give 'code' or 'files'.")
    else:
        entry = _find_entry(entry, contents, language)
    if entry is None or entry not in contents:
        raise InvalidRequest(
            "entrypoint",
            f"{entry!r} is not among the files" if entry else "it is not clear which file to run",
            hint=f"Set 'entrypoint' to one of: {', '.join(_candidates(contents, language)[:10])}.",
        )
    entry = _with_suffix(entry, contents, language)
    _check_tree(contents, entry, disk)
    return tuple(File(path, content) for path, content in contents.items()), entry


def _entry_path(entrypoint: Any) -> str | None:
    """The path that was asked for; '.' is the whole folder, where the usual names are tried."""
    if entrypoint is None or entrypoint in (".", "./"):
        return None
    if isinstance(entrypoint, str) and entrypoint.strip("/"):
        entrypoint = entrypoint.rstrip("/") if entrypoint.endswith("/") else entrypoint
    return normal_path(entrypoint, "entrypoint")


@lru_cache(maxsize=64)
def _check_entry(path: str) -> str:
    return normal_path(path, "code")


def _find_entry(entry: str | None, contents: Mapping[str, bytes], language: Language) -> str | None:
    """The entry file: the one that was named, or what the language finds in that folder."""
    if entry in contents:
        return entry
    folder = "" if entry is None else f"{entry}/"
    inside = {
        path.removeprefix(folder): content
        for path, content in contents.items()
        if path.startswith(folder)
    }
    found = language.find_entry(inside) or _only(inside, language)
    return entry if found is None else folder + found


def _only(contents: Mapping[str, bytes], language: Language) -> str | None:
    sources = [path for path in contents if path.endswith(language.suffixes)]
    return sources[0] if len(sources) == 1 else None


def _candidates(contents: Mapping[str, bytes], language: Language) -> list[str]:
    """What may be meant: sources of the language, if there are any."""
    sources = [path for path in contents if path.endswith(language.suffixes)]
    return sorted(sources or contents)


def _with_suffix(entry: str, contents: dict[str, bytes], language: Language) -> str:
    """Where the entry goes: compilers take no file without their language's suffix."""
    if not language.needs_suffix or entry.endswith(language.suffixes):
        return entry
    placed = entry + language.suffixes[0]
    if placed in contents:
        return entry
    contents[placed] = contents.pop(entry)
    return placed


def _check_tree(contents: Mapping[str, bytes], entry: str, disk: int) -> None:
    if len(contents[entry]) > MAX_SOURCE:
        raise InvalidRequest(
            "files",
            f"{entry!r} is {len(contents[entry]):,} bytes of source",
            hint=f"Pass at most {MAX_SOURCE:,}.",
        )
    total = sum(map(len, contents.values()))
    if total > disk:
        raise InvalidRequest(
            "files",
            f"they are {total:,} bytes together, more than the sandbox's disk of {disk:,}",
            hint="Pass less, or ask for a larger limits.disk.",
        )
    both = file_and_folder(contents)
    if both is not None:
        raise InvalidRequest(
            "files", f"{both!r} is a file and a folder", hint="Rename one of them."
        )


def _check_globs(globs: Any) -> tuple[str, ...]:
    words = strings("artifacts", globs)
    if len(words) > MAX_GLOBS:
        raise InvalidRequest("artifacts", f"there are {len(words)}", hint=f"At most {MAX_GLOBS}.")
    return tuple(dict.fromkeys(normal_glob(word, "artifacts") for word in words))
