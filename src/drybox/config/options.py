"""The options of the configuration: name, type and purpose of each.

Files, environment variables, error messages and the reference page all come from this table.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from drybox.backends.registry import CONTAINER_ISOLATIONS
from drybox.config.option_types import (
    COUNT,
    DURATION,
    FLAG,
    FOLDER,
    FORK_SERVER,
    HASHES,
    ISOLATION,
    ISOLATION_WORDS,
    LANGUAGES,
    LONG_DURATION,
    ORIGINS,
    PORT,
    RATE,
    SIZE,
    SIZE_OR_ZERO,
    TEXT,
    WEAKER,
    WORDS,
    OptionType,
    limit_type,
)
from drybox.environments.environment import NAME as ENVIRONMENT_NAME
from drybox.errors import InvalidRequest
from drybox.execution.validation import ISOLATIONS
from drybox.languages.registry import known_languages
from drybox.model import ResourceLimits
from drybox.service.api_keys import NAME

PREFIX = "DRYBOX_"
"""What the names of environment variables begin with."""

SECTIONS = (
    *("limits", "compile_limits", "install_limits", "images", "docker", "runtimes", "pool"),
    *("server", "max_limits", "keys", "environments"),
)

NAMED = {"keys": ("key", NAME), "environments": ("environment", ENVIRONMENT_NAME)}
"""Sections of tables with names of their own, ``[keys.NAME]``: what one is called, and which names
are right."""

OTHER_VARIABLES = ("DRYBOX_CONFIG", "DRYBOX_DEBUG", "DRYBOX_KEY", "DRYBOX_SERVER")
"""Variables that are drybox's own and no keys."""

_VERSION = re.compile(r"[0-9]+(\.[0-9]+)*")


@dataclass(frozen=True, slots=True)
class Option:
    """One key.

    Attributes:
        name: Its name, with the section's before a dot.
        type: What it takes.
        meaning: What it is for.
        default: What holds without it, for people.
    """

    name: str
    type: OptionType
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


_MEMORY = "by `concurrency` and limits; at least 512MiB"

_CLIENT_OPTIONS = (
    Option("keys.NAME.hash", HASHES, "Of the key, or of the old and the new one.", "needed"),
    Option("keys.NAME.concurrency", COUNT, "Executions of it that run at once.", "all there are"),
    Option("keys.NAME.rate", RATE, "Executions that it may begin.", "any"),
    Option(
        "keys.NAME.burst", COUNT, "Of these, how many at once after a pause.", "the rate's count"
    ),
    Option("keys.NAME.cpu_per_day", LONG_DURATION, "CPU time of a day (in UTC).", "any"),
    Option("keys.NAME.languages", LANGUAGES, "Languages that it may use.", "all"),
    Option("keys.NAME.isolations", ISOLATION_WORDS, "Isolations that it may ask for.", "all"),
    Option("keys.NAME.metrics", FLAG, "Whether it may read `/metrics`.", "false"),
)
"""Those of every client of the HTTP service, with a name of its own in the place of NAME."""


_ENVIRONMENT_OPTIONS = (
    Option(
        "environments.NAME.language", TEXT, "Its language, with a version or without.", "needed"
    ),
    Option("environments.NAME.packages", WORDS, "Packages, as the language writes them.", "none"),
    Option("environments.NAME.requirements", FOLDER, "A file that lists them instead.", "none"),
    Option("environments.NAME.preload", WORDS, "Modules imported ahead; Python only.", "none"),
)
"""Those of every environment, with a name of its own in the place of NAME."""


def all_options() -> tuple[Option, ...]:
    """Every key, in the order of the reference page; languages of other packages included."""
    return (
        Option("timeout", DURATION, "Wall time of a program, where its request names none.", "30s"),
        Option("isolation", ISOLATION, f"The isolation: {', '.join(ISOLATIONS)}.", "auto"),
        Option("allow_weaker", WEAKER, "Guarantees that may be missing on this host.", "none"),
        Option(
            "concurrency", COUNT, "Sandboxes that run at once; others wait.", "by CPUs and memory"
        ),
        Option("compile_timeout", DURATION, "Wall time of a compiler.", "1m"),
        Option(
            "compile_cache",
            SIZE_OR_ZERO,
            "What is kept of compiled programs; 0 for nothing.",
            "64MiB",
        ),
        Option("install_timeout", DURATION, "Wall time of an installer of packages.", "2m"),
        Option("package_dir", FOLDER, "Folder that packages are installed from.", "none: refused"),
        Option(
            "environment_dir",
            FOLDER,
            "Folder in which environments are kept.",
            "~/.local/share/drybox/environments",
        ),
        Option("max_sessions", COUNT, "Sessions that are open at once.", "64"),
        Option("session_memory", SIZE, "What their memory limits come to.", "16GiB"),
        Option("session_slots", FLAG, "Whether what runs in one takes a slot.", "false"),
        Option("snapshot_dir", FOLDER, "Folder of sessions' snapshots.", "none: in memory"),
        Option("max_snapshots", COUNT, "Snapshots of each key.", "64"),
        Option("snapshot_share", SIZE, "What those of one key take.", "256MiB"),
        Option("snapshot_storage", SIZE, "What all of them take.", "1GiB"),
        *(
            Option(f"limits.{item.name}", limit_type(item.name), _LIMITS[item.name], _shown(item))
            for item in fields(ResourceLimits)
        ),
        *(
            Option(
                f"{phase}_limits.{item.name}",
                limit_type(item.name),
                "Not used: a sandbox's disk is its request's."
                if item.name == "disk"
                else f"Of {who}. {_LIMITS[item.name]}",
                _COMPILE_DEFAULTS[item.name],
            )
            for phase, who in (("compile", "compilers"), ("install", "installers"))
            for item in fields(ResourceLimits)
        ),
        *(
            Option(f"images.{name}", TEXT, f"Image that {name} runs in.", language.image)
            for name, language in known_languages().items()
        ),
        Option(
            "pool.fork_server",
            FORK_SERVER,
            "Whether waiting interpreters are forked from one that has started.",
            "off",
        ),
        Option(
            "docker.host", TEXT, "The daemon's address.", "DOCKER_HOST, or the current context's"
        ),
        Option(
            "docker.ryuk", FLAG, "Whether Testcontainers' Ryuk watches over containers.", "false"
        ),
        *(
            Option(
                f"runtimes.{isolation}",
                TEXT,
                f"The daemon's name for the runtime of {isolation}.",
                "found",
            )
            for isolation in CONTAINER_ISOLATIONS
        ),
        *_server_options(),
        *_CLIENT_OPTIONS,
        *_ENVIRONMENT_OPTIONS,
    )


def _server_options() -> tuple[Option, ...]:
    """Those of ``drybox serve``."""
    return (
        Option(
            "server.host", TEXT, "Address to listen at; others need a key.", "this machine's own"
        ),
        Option("server.port", PORT, "Port to listen at; 0 for a free one.", "8080"),
        Option("server.backlog", COUNT, "Connections that the kernel holds until taken.", "1024"),
        Option(
            "server.connections",
            COUNT,
            "Connections at once, over all addresses.",
            "1024",
        ),
        Option(
            "server.memory_budget",
            SIZE,
            "What clients send and get, in all.",
            _MEMORY,
        ),
        Option(
            "server.trusted_proxy", WORDS, "Addresses or networks of proxies before it.", "none"
        ),
        Option("server.root_path", TEXT, "Path below which a proxy has the service.", "none"),
        Option("server.max_body", SIZE, "A request's body, and a WebSocket message.", "16MiB"),
        Option("server.body_timeout", DURATION, "Time that a body may take to arrive.", "30s"),
        Option(
            "server.drain_timeout", DURATION, "Time to end for what runs, on going down.", "30s"
        ),
        Option(
            "server.stall_timeout",
            DURATION,
            "Wait for a client to read an answer.",
            "30s",
        ),
        Option("server.keep_alive", DURATION, "Silence before an event stream says a word.", "15s"),
        Option("server.origins", ORIGINS, "Other sites whose pages may use the service.", "none"),
        Option("server.max_timeout", DURATION, "What a request may ask for at most.", "5m"),
        Option("server.queue", COUNT, "Executions that may wait for a slot.", "256"),
        Option("server.queue_timeout", DURATION, "Time that one may wait.", "10s"),
        Option("server.state_dir", FOLDER, "Folder for the CPU time of keys.", "none: forgotten"),
        Option("server.public_metrics", FLAG, "Whether `/metrics` needs no key.", "false"),
        Option("server.access_log", FLAG, "A line of JSON for every request.", "true"),
        Option("server.audit", FLAG, "One for every execution.", "false"),
        Option("server.traces", FLAG, "Traces by OpenTelemetry.", "false"),
        Option(
            "server.sandbox_fusion_environments",
            WORDS,
            "Environments of SandboxFusion's programs.",
            "none",
        ),
        Option("server.max_sessions", COUNT, "Sessions that are open at once.", "32"),
        Option("server.sessions_per_key", COUNT, "Sessions of each key.", "16"),
        Option("server.session_memory", SIZE, "What their memory limits come to.", "8GiB"),
        Option("server.max_session_lifetime", LONG_DURATION, "Longest life of one.", "24h"),
        *(
            Option(
                f"max_limits.{item.name}",
                limit_type(item.name),
                f"Most that a request over HTTP may ask for. {_LIMITS[item.name]}",
                _MAX_DEFAULTS[item.name],
            )
            for item in fields(ResourceLimits)
        ),
    )


def find_option(name: str, keys: Mapping[str, Option]) -> Option:
    """The key of a dotted name; ``images.python@3.13`` is one of its own.

    Raises:
        InvalidRequest: There is none; the hint has the nearest.
    """
    if name in keys:
        return keys[name]
    language, at, version = name.partition("@")
    if name.startswith("images.") and language in keys and at and _VERSION.fullmatch(version):
        return replace(keys[language], name=name)
    section, _, rest = name.partition(".")
    own, dot, field = rest.rpartition(".")
    if section in NAMED and rest:
        word, pattern = NAMED[section]
        if pattern.fullmatch(own) and (key := keys.get(f"{section}.NAME.{field}")):
            return replace(key, name=name)
        if not pattern.fullmatch(own if dot else field):
            raise InvalidRequest(
                name[:100],
                f"{'an' if word[0] in 'aeiou' else 'a'} {word} cannot be called this",
                hint=f"Use small letters, digits, '-' and '_', like [{section}.web-shop].",
            )
    if name in SECTIONS or (section in NAMED and not dot):
        raise InvalidRequest(name, "it is a section", hint=f"Put its keys below [{name}].")
    nearest = _nearest(name, [*keys, *SECTIONS])
    if dot:
        nearest = nearest.replace(f"{section}.NAME.", f"{section}.{own}.")
    raise InvalidRequest(name[:100], "there is no such key", hint=nearest)


def needed_in(table: str, keys: Mapping[str, Option]) -> str:
    """What to do about a table with a name of its own that has nothing in it."""
    section = table.partition(".")[0]
    within = f"{section}.NAME."
    words = [key for key in keys if key.startswith(within) and keys[key].default == "needed"]
    return f"It needs {', '.join(word.removeprefix(within) for word in words)}; or take it out."


def find_variable(variable: str, keys: Mapping[str, Option]) -> Option:
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
    for key in keys.values():
        section, _, rest = key.name.partition(".")
        if section not in NAMED or not rest.startswith("NAME."):
            continue
        before, _, after = key.variable.partition("NAME")
        own = variable.removeprefix(before).removesuffix(after).lower()
        if before + own.upper() + after == variable and NAMED[section][1].fullmatch(own):
            return replace(key, name=key.name.replace("NAME", own))
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
