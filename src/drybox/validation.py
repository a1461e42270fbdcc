"""Turns a request into a job, or says which field is wrong and what a right one looks like."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from drybox.backends import CONTAINER_WALLS, is_registered
from drybox.errors import InvalidRequest
from drybox.languages import find_language
from drybox.model import GIB, KIB, MIB, Bounds, ExecutionRequest, File, ResourceLimits
from drybox.packages import check_packages
from drybox.protocols import Job, Language

ISOLATIONS = ("auto", "local", *CONTAINER_WALLS)

MAX_SOURCE = 16 * MIB  # bytes of all files together
MAX_FILES = 2000
MAX_PATH = 1024  # bytes; the kernel's own bound is 4096
MAX_NAME = 255  # bytes, the kernel's bound
MAX_DEPTH = 32  # folders in a path
MAX_STDIN = 64 * MIB
MAX_WORDS = 512 * KIB  # bytes of arguments, and of environment
MAX_COMMAND = 768 * KIB  # bytes of both together; one frame to the sandbox has to hold them
MAX_WORD = 128 * KIB - 1  # bytes of one argument, the kernel's bound
MAX_WORD_COUNT = 20_000  # arguments or variables; the kernel counts eight more bytes for each
MAX_TIMEOUT = 24 * 3600.0
MAX_GLOBS = 100

BOUNDS: Mapping[str, tuple[float, float]] = {
    "memory": (1 * MIB, 1024 * GIB),
    "cpus": (0.01, 1024),
    "pids": (1, 1_000_000),
    "disk": (64 * KIB, 1024 * GIB),
    "output": (0, 1 * GIB),
    "open_files": (8, 1_000_000),
}
"""Least and most of each limit. Less could not hold even the runtime's own start."""

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_RESERVED = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE
)
"""Names that are devices on some host, whatever folder or suffix they have."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a request that leaves a field out gets, and where packages come from if at all."""

    timeout: float
    limits: ResourceLimits
    isolation: str
    package_dir: Path | None = None


def make_job(request: ExecutionRequest, defaults: Defaults) -> tuple[Language, Job]:
    """Check every field of a request.

    Raises:
        InvalidRequest: One is wrong; nothing of it was used.
    """
    _expect(request, ExecutionRequest, "request", "Pass an ExecutionRequest.")
    _expect(request.language, str, "language", "Pass a name such as 'python'.")
    language, version = find_language(request.language)
    files, entry = _check_files(request, language)
    limits = defaults.limits if request.limits is None else check_limits(request.limits)
    args = _check_words("args", _strings("args", request.args))
    env = _check_env(request.env)
    words = (*args, *env, *env.values())
    if words and sum(len(word.encode()) + 1 for word in words) > MAX_COMMAND:
        raise InvalidRequest(
            "args",
            "they and 'env' are too long together",
            hint=f"Pass at most {MAX_COMMAND:,} bytes.",
        )
    packages, package_dir = check_packages(
        _strings("packages", request.packages), language, defaults.package_dir
    )
    return language, Job(
        language=language.name,
        version=version,
        files=files,
        entry=entry,
        stdin=_check_stdin(request.stdin),
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
    )


def check_timeout(value: Any, field: str = "timeout") -> float:
    """A number of seconds.

    Raises:
        InvalidRequest: It is none, or out of bounds.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidRequest(field, f"{_show(value)} is no number", hint="Pass seconds, like 10.")
    if not 0 < value <= MAX_TIMEOUT:
        raise InvalidRequest(
            field, f"{_show(value)} is out of bounds", hint=f"Pass 0 < seconds <= {MAX_TIMEOUT:g}."
        )
    return float(value)


def check_limits(limits: Any, field: str = "limits") -> ResourceLimits:
    """Limits, each a number within :data:`BOUNDS`.

    Raises:
        InvalidRequest: One is not.
    """
    _expect(limits, ResourceLimits, field, "Pass ResourceLimits(...).")
    for item in fields(limits):
        value, (least, most) = getattr(limits, item.name), BOUNDS[item.name]
        name = f"{field}.{item.name}"
        kinds = (int, float) if item.name == "cpus" else (int,)
        if isinstance(value, bool) or not isinstance(value, kinds):
            kind = "number" if item.name == "cpus" else "whole number"
            raise InvalidRequest(name, f"{_show(value)} is no {kind}", hint=f"Pass a {kind}.")
        if not least <= value <= most:
            raise InvalidRequest(
                name, f"{_show(value)} is out of bounds", hint=f"Pass {least:,} to {most:,}."
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


def check_bounds(bounds: Bounds) -> Bounds:
    """What an execution is held to, each a time or a size that makes sense.

    Raises:
        InvalidRequest: One does not.
    """
    for name in ("compile_timeout", "compile_cpu_time", "run_cpu_time"):
        if getattr(bounds, name) is not None:
            check_timeout(getattr(bounds, name), name)
    if bounds.compile_memory is not None:
        check_limits(ResourceLimits(memory=bounds.compile_memory), "compile_limits")
    return bounds


def check_isolation(value: Any) -> str:
    """The word of a wall.

    Raises:
        InvalidRequest: There is no such wall.
    """
    if value not in ISOLATIONS and not (isinstance(value, str) and is_registered(value)):
        raise InvalidRequest(
            "isolation", f"{_show(value)} is not known", hint=f"Use {', '.join(ISOLATIONS)}."
        )
    return str(value)


def check_path(path: Any, field: str) -> str:
    """A clean relative path.

    Raises:
        InvalidRequest: It is absolute, leaves the folder, or no host should see it.
    """
    return _check_path(path, field, devices=False)


@lru_cache(maxsize=64)
def _check_entry(path: str) -> str:
    # Where the language puts it no device's name is in the way: a class may be called Aux.
    return _check_path(path, "code", devices=True)


def _check_path(path: Any, field: str, *, devices: bool) -> str:
    hint = "Use a relative path such as 'data/input.txt'."
    _expect(path, str, field, hint)
    encoded = _encoded(path, field)
    names = path.split("/")
    problem = ""
    if not path:
        problem = "is empty"
    elif _CONTROL.search(path):
        problem = f"{_show(path)} has a control character"
    elif path.startswith("/"):
        problem = f"{_show(path)} is absolute"
    elif "\\" in path:
        problem = f"{_show(path)} has a backslash"
    elif ".." in names:
        problem = f"{_show(path)} leaves the folder"
    elif "" in names or "." in names:
        problem = f"{_show(path)} has an empty part or a '.'"
    elif len(encoded) > MAX_PATH or any(len(name.encode()) > MAX_NAME for name in names):
        problem = f"{_show(path)} is too long (at most {MAX_PATH} bytes, {MAX_NAME} for a name)"
    elif len(names) > MAX_DEPTH:
        problem = f"{_show(path)} is too deep (at most {MAX_DEPTH} parts)"
    elif not devices and any(_RESERVED.fullmatch(name) for name in names):
        problem = f"{_show(path)} is the name of a device"
    if problem:
        raise InvalidRequest(field, problem, hint=hint)
    return str(path)


def _check_files(request: ExecutionRequest, language: Language) -> tuple[tuple[File, ...], str]:
    contents: dict[str, bytes] = {}
    if request.files is not None:
        _expect(request.files, Mapping, "files", "Pass a mapping of paths to text or bytes.")
        if len(request.files) > MAX_FILES:
            raise InvalidRequest(
                "files", f"there are {len(request.files)}", hint=f"Pass at most {MAX_FILES}."
            )
        for path, content in request.files.items():
            name = check_path(path, "files")
            contents[name] = _bytes(content, f"files[{name!r}]")
    entry = request.entrypoint
    if entry is not None:
        check_path(entry, "entrypoint")
    if request.code is not None:
        _expect(request.code, str, "code", "Pass the source text.")
        code = _bytes(request.code, "code")
        entry = entry or _check_entry(language.entry(request.code))
        if entry in contents:
            raise InvalidRequest(
                "code", f"{entry!r} is in 'files' too", hint="Give it once, or set 'entrypoint'."
            )
        contents[entry] = code
    elif not contents:
        raise InvalidRequest("code", "there is nothing to run", hint="Give 'code' or 'files'.")
    else:
        entry = entry or language.find_entry(contents) or _only(contents, language)
    if entry is None or entry not in contents:
        raise InvalidRequest(
            "entrypoint",
            f"{entry!r} is not among the files" if entry else "it is not clear which file to run",
            hint=f"Set 'entrypoint' to one of: {', '.join(sorted(contents)[:10])}.",
        )
    _check_tree(contents)
    return tuple(File(path, content) for path, content in contents.items()), entry


def _only(contents: Mapping[str, bytes], language: Language) -> str | None:
    sources = [path for path in contents if path.endswith(language.suffixes)]
    return sources[0] if len(sources) == 1 else None


def _check_tree(contents: Mapping[str, bytes]) -> None:
    total = sum(map(len, contents.values()))
    if total > MAX_SOURCE:
        raise InvalidRequest(
            "files", f"they are {total:,} bytes together", hint=f"Pass at most {MAX_SOURCE:,}."
        )
    if len(contents) == 1:
        return
    folders = {
        "/".join(names[:depth])
        for names in (path.split("/") for path in contents)
        for depth in range(1, len(names))
    }
    for path in contents:
        if path in folders:
            raise InvalidRequest(
                "files", f"{path!r} is a file and a folder", hint="Rename one of them."
            )


def _check_env(env: Any) -> dict[str, str]:
    if env is None:
        return {}
    _expect(env, Mapping, "env", "Pass a mapping of names to values.")
    if not env:
        return {}
    for name, value in env.items():
        if not isinstance(name, str) or not _ENV_NAME.fullmatch(name):
            raise InvalidRequest(
                "env", f"{_show(name)} is no name", hint="Use letters, digits and '_'."
            )
        _expect(value, str, f"env[{name!r}]", "Pass text.")
        _encoded(value, f"env[{name!r}]")
    _check_words("env", [f"{name}={value}" for name, value in env.items()])
    return dict(env)


def _check_words(field: str, words: Sequence[str]) -> tuple[str, ...]:
    if not words:
        return ()
    total = 0
    if len(words) > MAX_WORD_COUNT:
        raise InvalidRequest(field, f"there are {len(words)}", hint=f"At most {MAX_WORD_COUNT}.")
    for index, word in enumerate(words):
        size = len(_encoded(word, f"{field}[{index}]"))
        total += size + 1
        if "\0" in word:
            raise InvalidRequest(f"{field}[{index}]", "it has a NUL", hint="Take the NUL out.")
        if size > MAX_WORD:
            raise InvalidRequest(
                f"{field}[{index}]", f"it has {size:,} bytes", hint=f"Pass at most {MAX_WORD:,}."
            )
    if total > MAX_WORDS:
        raise InvalidRequest(
            field, f"it has {total:,} bytes together", hint=f"Pass at most {MAX_WORDS:,}."
        )
    return tuple(words)


def _check_stdin(stdin: Any) -> bytes:
    data = _bytes(stdin, "stdin")
    if len(data) > MAX_STDIN:
        raise InvalidRequest("stdin", f"it has {len(data):,} bytes", hint=f"At most {MAX_STDIN:,}.")
    return data


def _check_globs(globs: Any) -> tuple[str, ...]:
    words = _strings("artifacts", globs)
    if len(words) > MAX_GLOBS:
        raise InvalidRequest("artifacts", f"there are {len(words)}", hint=f"At most {MAX_GLOBS}.")
    for word in words:
        check_path(word, "artifacts")
    return words


def _strings(field: str, values: Any) -> tuple[str, ...]:
    if type(values) in (tuple, list) and not values:
        return ()
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise InvalidRequest(field, f"{_show(values)} is no list", hint="Pass a list of texts.")
    words = tuple(values)
    for index, word in enumerate(words):
        _expect(word, str, f"{field}[{index}]", "Pass text.")
    return words


def _bytes(content: Any, field: str) -> bytes:
    if isinstance(content, str):
        return _encoded(content, field)
    if isinstance(content, (bytes, bytearray, memoryview)):
        return bytes(content)
    raise InvalidRequest(field, f"{_show(content)} is neither text nor bytes", hint="Pass either.")


def _encoded(text: str, field: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(
            field,
            f"position {error.start} holds half a character (a lone surrogate)",
            hint="Pass well-formed text, or bytes where they are allowed.",
        ) from error


def _expect(value: Any, kind: type, field: str, hint: str) -> None:
    if not isinstance(value, kind):
        raise InvalidRequest(field, f"{_show(value)} is no {kind.__name__}", hint=hint)


def _show(value: Any) -> str:
    try:
        text = ascii(value)
    except ValueError:  # Python does not print integers of thousands of digits
        text = f"a huge {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."
