"""The keys of the configuration: what each is called, what it takes and what it is for.

Files, environment variables, error messages and the reference page all come from this table.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from drybox.backends import CONTAINER_WALLS
from drybox.errors import InvalidRequest
from drybox.languages import known_languages
from drybox.model import ResourceLimits
from drybox.units import parse_duration, parse_size
from drybox.validation import ISOLATIONS, check_isolation, check_limits, check_timeout

PREFIX = "DRYBOX_"
"""What the names of environment variables begin with."""

SECTIONS = (
    *("limits", "compile_limits", "install_limits", "images", "docker", "runtimes", "server"),
)

OTHER_VARIABLES = ("DRYBOX_CONFIG", "DRYBOX_DEBUG")
"""Variables that are drybox's own and no keys."""

_WHOLE = re.compile(r"-?[0-9]{1,15}")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_VERSION = re.compile(r"[0-9]+(\.[0-9]+)*")
_FLAGS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a key takes.

    Attributes:
        words: What people call it.
        check: Turns a value of a file into what drybox uses, or raises ``InvalidRequest``.
        of_text: Turns the text of an environment variable into a file's value, where it can;
            else ``check`` refuses the text.
    """

    words: str
    check: Callable[[Any, str], Any]
    of_text: Callable[[str], object] = str


@dataclass(frozen=True, slots=True)
class Key:
    """One key.

    Attributes:
        name: Its name, with the section's before a dot.
        kind: What it takes.
        meaning: What it is for.
        default: What holds without it, for people.
    """

    name: str
    kind: Kind
    meaning: str
    default: str

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return PREFIX + re.sub(r"[^A-Za-z0-9]", "_", self.name).upper()


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise _wrong(field, value, "text", 'a text in quotes, like "word"')
    return value


def _folder(value: Any, field: str) -> str:
    # Relative to what? To the current directory, which may be somebody else's.
    if not os.path.isabs(_text(value, field)):
        raise _wrong(field, value, "absolute path", "the whole path, from / on")
    return str(value)


def _words(value: Any, field: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise _wrong(field, value, "list of texts", 'a list like ["memory", "cpus"]')
    return tuple(value)


def _flag(value: Any, field: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(field, value, "truth value", "true or false")
    return value


def _count(value: Any, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise _wrong(field, value, "count", "a whole number from 1 on")
    return value


def _port(value: Any, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 65535:
        raise _wrong(field, value, "port", "a whole number from 0 to 65535")
    return value


def _size(value: Any, field: str) -> int:
    return _count(parse_size(value, field) if isinstance(value, str) else value, field)


def _duration(value: Any, field: str) -> float:
    return check_timeout(parse_duration(value, field) if isinstance(value, str) else value, field)


def _limit_kind(name: str) -> Kind:
    """Kind of one limit; its bounds are those of requests."""
    is_size = name in ("memory", "disk", "output")

    def check(value: Any, field: str) -> Any:
        if is_size and isinstance(value, str):
            value = parse_size(value, field)
        section = field.rpartition(".")[0]
        return getattr(check_limits(replace(ResourceLimits(), **{name: value}), section), name)

    if is_size:
        return Kind("size", check)
    return Kind("number", check, _number_of) if name == "cpus" else Kind("count", check, _whole_of)


def _whole_of(text: str) -> object:
    return int(text) if _WHOLE.fullmatch(text) else text


def _number_of(text: str) -> object:
    return float(text) if _NUMBER.fullmatch(text) else text


def _wrong(field: str, value: object, what: str, right: str) -> InvalidRequest:
    try:
        shown = ascii(value)
    except ValueError:  # Python does not print integers of thousands of digits
        shown = "a huge number"
    shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
    return InvalidRequest(field, f"{shown} is no {what}", hint=f"Write {right}.")


TEXT = Kind("text", _text)
WORDS = Kind("list of texts", _words, lambda text: [word.strip() for word in text.split(",")])
FOLDER = Kind("absolute path", _folder)
FLAG = Kind("true or false", _flag, lambda text: _FLAGS.get(text.lower(), text))
COUNT = Kind("count", _count, _whole_of)
DURATION = Kind("duration", _duration)
PORT = Kind("port", _port, _whole_of)
SIZE = Kind("size", _size)
WALL = Kind("wall", lambda value, _: check_isolation(value))

_LIMITS = {
    "memory": "Memory of all processes together; files count too.",
    "cpus": "CPU time per wall time; 0.5 is half a core.",
    "pids": "Processes and threads that exist at once.",
    "disk": "What the writable places hold together.",
    "output": "What is kept of stdout and of stderr, each; more ends the program.",
    "open_files": "File descriptors of each process.",
}
_COMPILE_DEFAULTS = {
    "memory": "1GiB",
    "cpus": "all there are",
    "pids": "256",
    "disk": "64MiB",
    "output": "1MiB",
    "open_files": "1024",
}


def known_keys() -> tuple[Key, ...]:
    """Every key, in the order of the reference page; languages of other packages included."""
    return (
        Key("timeout", DURATION, "Wall time of a program, where its request names none.", "30s"),
        Key("isolation", WALL, f"The wall: {', '.join(ISOLATIONS)}.", "auto"),
        Key("allow_weaker", WORDS, "Guarantees that may be missing on this host.", "none"),
        Key("concurrency", COUNT, "Sandboxes that run at once; others wait.", "twice the CPUs"),
        Key("compile_timeout", DURATION, "Wall time of a compiler.", "1m"),
        Key("install_timeout", DURATION, "Wall time of an installer of packages.", "2m"),
        Key("package_dir", FOLDER, "Folder that packages are installed from.", "none: refused"),
        *(
            Key(f"limits.{item.name}", _limit_kind(item.name), _LIMITS[item.name], _shown(item))
            for item in fields(ResourceLimits)
        ),
        *(
            Key(
                f"{phase}_limits.{item.name}",
                _limit_kind(item.name),
                "Not used: a sandbox's disk is its request's."
                if item.name == "disk"
                else f"Of {who}. {_LIMITS[item.name]}",
                _COMPILE_DEFAULTS[item.name],
            )
            for phase, who in (("compile", "compilers"), ("install", "installers"))
            for item in fields(ResourceLimits)
        ),
        *(
            Key(f"images.{name}", TEXT, f"Image that {name} runs in.", language.image)
            for name, language in known_languages().items()
        ),
        Key("docker.host", TEXT, "The daemon's address.", "DOCKER_HOST, or the current context's"),
        Key("docker.ryuk", FLAG, "Whether Testcontainers' Ryuk watches over containers.", "false"),
        *(
            Key(f"runtimes.{wall}", TEXT, f"The daemon's name for the runtime of {wall}.", "found")
            for wall in CONTAINER_WALLS
        ),
        *_server_keys(),
    )


def _server_keys() -> tuple[Key, ...]:
    """Those of ``drybox serve``."""
    return (
        Key("server.host", TEXT, "Address to listen at; others need a key.", "this machine's own"),
        Key("server.port", PORT, "Port to listen at; 0 for a free one.", "8080"),
        Key("server.backlog", COUNT, "Connections that the kernel holds until taken.", "1024"),
        Key("server.max_body", SIZE, "A request's body, and a WebSocket message.", "16MiB"),
        Key("server.body_timeout", DURATION, "Time that a body may take to arrive.", "30s"),
        Key("server.drain_timeout", DURATION, "Time to end for what runs, on going down.", "30s"),
        Key("server.stall_timeout", DURATION, "After which a deaf client is gone.", "30s"),
        Key("server.origins", WORDS, "Other sites whose pages may use the service.", "none"),
    )


def find_key(name: str, keys: Mapping[str, Key]) -> Key:
    """The key of a dotted name; ``images.python@3.13`` is one of its own.

    Raises:
        InvalidRequest: There is none; the hint has the nearest.
    """
    if name in keys:
        return keys[name]
    language, at, version = name.partition("@")
    if name.startswith("images.") and language in keys and at and _VERSION.fullmatch(version):
        return replace(keys[language], name=name)
    if name in SECTIONS:
        raise InvalidRequest(name, "it is a section", hint=f"Put its keys below [{name}].")
    raise InvalidRequest(
        name[:100], "there is no such key", hint=_nearest(name, [*keys, *SECTIONS])
    )


def find_variable(variable: str, keys: Mapping[str, Key]) -> Key:
    """The key that an environment variable sets.

    Raises:
        InvalidRequest: There is none; the hint has the nearest.
    """
    for key in keys.values():
        if variable == key.variable:
            return key
        version = variable.removeprefix(f"{key.variable}_").replace("_", ".")
        if key.name.startswith("images.") and variable != version and _VERSION.fullmatch(version):
            return replace(key, name=f"{key.name}@{version}")
    names = [*(key.variable for key in keys.values()), *OTHER_VARIABLES]
    raise InvalidRequest(variable[:100], "there is no such setting", hint=_nearest(variable, names))


def _nearest(name: str, names: Iterable[str]) -> str:
    names = tuple(names)
    near = difflib.get_close_matches(name, names, 1)
    # 'memory' at the top, or below a wrong section, is meant to be in one.
    near = near or [known for known in names if known.rpartition(".")[2] == name.rpartition(".")[2]]
    if near:
        return f"Did you mean {near[0]!r}?"
    return "docs/reference/configuration.md lists what there is; take this one out."


def _shown(item: Any) -> str:
    """A limit's default as people write it."""
    mib = 1024 * 1024
    return f"{item.default // mib}MiB" if item.default >= mib else f"{item.default:g}"
