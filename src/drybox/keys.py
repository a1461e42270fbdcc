"""The keys of the configuration: what each is called, what it takes and what it is for.

Files, environment variables, error messages and the reference page all come from this table.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from drybox.api_keys import NAME
from drybox.backends import CONTAINER_WALLS
from drybox.errors import InvalidRequest
from drybox.kinds import (
    COUNT,
    DURATION,
    FLAG,
    FOLDER,
    HASHES,
    ISOLATION_WORDS,
    LANGUAGES,
    LONG_DURATION,
    PORT,
    RATE,
    ROOM,
    SIZE,
    TEXT,
    WALL,
    WORDS,
    Kind,
    limit_kind,
)
from drybox.languages import known_languages
from drybox.model import ResourceLimits
from drybox.validation import ISOLATIONS

PREFIX = "DRYBOX_"
"""What the names of environment variables begin with."""

SECTIONS = (
    *("limits", "compile_limits", "install_limits", "images", "docker", "runtimes"),
    *("server", "max_limits", "keys"),
)

OTHER_VARIABLES = ("DRYBOX_CONFIG", "DRYBOX_DEBUG")
"""Variables that are drybox's own and no keys."""

_VERSION = re.compile(r"[0-9]+(\.[0-9]+)*")


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


_LIMITS = {
    "memory": "Memory of all processes together; files count too.",
    "cpus": "CPU time per wall time; 0.5 is half a core.",
    "pids": "Processes and threads that exist at once.",
    "disk": "What the writable places hold together.",
    "output": "What is kept of stdout and of stderr, each; more ends the program.",
    "open_files": "File descriptors of each process.",
}
_MAX_DEFAULTS = {
    "memory": "4GiB",
    "cpus": "all there are",
    "pids": "1024",
    "disk": "1GiB",
    "output": "16MiB",
    "open_files": "4096",
}
_COMPILE_DEFAULTS = {
    "memory": "1GiB",
    "cpus": "all there are",
    "pids": "256",
    "disk": "64MiB",
    "output": "1MiB",
    "open_files": "1024",
}


_KEYS_OF_CLIENTS = (
    Key("keys.NAME.hash", HASHES, "Of the key, or of the old and the new one.", "needed"),
    Key("keys.NAME.concurrency", COUNT, "Executions of it that run at once.", "all there are"),
    Key("keys.NAME.rate", RATE, "Executions that it may begin.", "any"),
    Key("keys.NAME.burst", COUNT, "Of these, how many at once after a pause.", "the rate's count"),
    Key("keys.NAME.cpu_per_day", LONG_DURATION, "CPU time of a day (in UTC).", "any"),
    Key("keys.NAME.languages", LANGUAGES, "Languages that it may use.", "all"),
    Key("keys.NAME.isolations", ISOLATION_WORDS, "Walls that it may ask for.", "all"),
    Key("keys.NAME.metrics", FLAG, "Whether it may read `/metrics`.", "false"),
)
"""Those of every client of the HTTP service, with a name of its own in the place of NAME."""


def known_keys() -> tuple[Key, ...]:
    """Every key, in the order of the reference page; languages of other packages included."""
    return (
        Key("timeout", DURATION, "Wall time of a program, where its request names none.", "30s"),
        Key("isolation", WALL, f"The wall: {', '.join(ISOLATIONS)}.", "auto"),
        Key("allow_weaker", WORDS, "Guarantees that may be missing on this host.", "none"),
        Key("concurrency", COUNT, "Sandboxes that run at once; others wait.", "by CPUs and memory"),
        Key("compile_timeout", DURATION, "Wall time of a compiler.", "1m"),
        Key("compile_cache", ROOM, "What is kept of compiled programs; 0 for nothing.", "64MiB"),
        Key("install_timeout", DURATION, "Wall time of an installer of packages.", "2m"),
        Key("package_dir", FOLDER, "Folder that packages are installed from.", "none: refused"),
        *(
            Key(f"limits.{item.name}", limit_kind(item.name), _LIMITS[item.name], _shown(item))
            for item in fields(ResourceLimits)
        ),
        *(
            Key(
                f"{phase}_limits.{item.name}",
                limit_kind(item.name),
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
        *_KEYS_OF_CLIENTS,
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
        Key("server.keep_alive", DURATION, "Silence before an event stream says a word.", "15s"),
        Key("server.origins", WORDS, "Other sites whose pages may use the service.", "none"),
        Key("server.max_timeout", DURATION, "What a request may ask for at most.", "5m"),
        Key("server.queue", COUNT, "Executions that may wait for their turn.", "256"),
        Key("server.queue_timeout", DURATION, "Time that one may wait.", "10s"),
        Key("server.state_dir", FOLDER, "Folder for the CPU time of keys.", "none: forgotten"),
        Key("server.public_metrics", FLAG, "Whether `/metrics` needs no key.", "false"),
        Key("server.access_log", FLAG, "A line of JSON for every request.", "true"),
        Key("server.audit", FLAG, "One for every execution.", "false"),
        Key("server.traces", FLAG, "Traces by OpenTelemetry.", "false"),
        *(
            Key(
                f"max_limits.{item.name}",
                limit_kind(item.name),
                f"Most that a request over HTTP may ask for. {_LIMITS[item.name]}",
                _MAX_DEFAULTS[item.name],
            )
            for item in fields(ResourceLimits)
        ),
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
    client, dot, field = name.removeprefix("keys.").rpartition(".")
    if name.startswith("keys.") and f"keys.NAME.{field}" in keys and NAME.fullmatch(client):
        return replace(keys[f"keys.NAME.{field}"], name=name)
    if name.startswith("keys.") and not NAME.fullmatch(client if dot else field):
        raise InvalidRequest(
            name[:100],
            "a key cannot be called this",
            hint="Use small letters, digits, '-' and '_', like [keys.web-shop].",
        )
    if name in SECTIONS or (name.startswith("keys.") and not dot):
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
    for key in keys.values() if variable.startswith(f"{PREFIX}KEYS_") else ():
        before, _, after = key.variable.partition("NAME")
        client = variable.removeprefix(before).removesuffix(after).lower()
        if before + client.upper() + after == variable and NAME.fullmatch(client):
            return replace(key, name=key.name.replace("NAME", client))
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
