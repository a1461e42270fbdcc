"""The configuration: built-in values < files < environment < arguments.

:func:`read_document`, :func:`read_environment` and :func:`make_config` are pure;
:func:`load_config` finds the files. No file of the current directory is ever read: it may be
somebody else's, and a configuration can weaken the walls.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from drybox.errors import InvalidRequest
from drybox.home import home
from drybox.keys import OTHER_VARIABLES, PREFIX, SECTIONS, find_key, find_variable, known_keys
from drybox.model import MIB, ResourceLimits
from drybox.settings import (
    COMPILE_CACHE,
    COMPILE_LIMITS,
    MAX_LIMITS,
    ApiKey,
    DockerSettings,
    ServerSettings,
)

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NAME = "drybox.toml"
SYSTEM_FILE = f"/etc/drybox/{NAME}"
MAX_FILE = 1 * MIB  # bytes; a device that never ends is no configuration

Settings = Mapping[str, Any]
"""Checked values by dotted key, such as ``limits.memory``."""


@dataclass(frozen=True, slots=True)
class Config:
    """What an operator has configured; see docs/reference/configuration.md for each key.

    Attributes:
        timeout: Wall seconds of a run phase, where a request names none.
        isolation: The wall, where a request names none.
        allow_weaker: Guarantees that may be missing on this host.
        concurrency: Sandboxes that run at once; None for what CPUs and memory allow.
        compile_timeout: Wall seconds a compiler may take.
        compile_cache: Bytes that are kept of compiled programs; 0 for none.
        limits: Limits of a run phase, where a request names none.
        compile_limits: Limits of compilers.
        package_dir: Folder of the host that packages are installed from, or None.
        install_timeout: Wall seconds an installer may take.
        install_limits: Limits of installers.
        docker: Which daemon, images and runtimes the walls made of containers use.
        server: How ``drybox serve`` listens and what it takes.
        keys: The clients of the HTTP service; with none of them it serves this machine alone.
    """

    timeout: float = 30.0
    isolation: str = "auto"
    allow_weaker: tuple[str, ...] = ()
    concurrency: int | None = None
    compile_timeout: float = 60.0
    compile_cache: int = COMPILE_CACHE
    limits: ResourceLimits = field(default_factory=ResourceLimits)
    compile_limits: ResourceLimits = COMPILE_LIMITS
    package_dir: str | None = None
    install_timeout: float = 120.0
    install_limits: ResourceLimits = COMPILE_LIMITS
    docker: DockerSettings = field(default_factory=DockerSettings)
    server: ServerSettings = field(default_factory=ServerSettings)
    keys: tuple[ApiKey, ...] = ()

    def executor_options(self) -> dict[str, Any]:
        """Arguments for an executor: ``CodeExecutor(**load_config().executor_options())``."""
        names = (name for name in self.__slots__ if name not in ("server", "keys"))
        return {name: getattr(self, name) for name in names}


def load_config(
    file: str | os.PathLike[str] | None = None, environ: Mapping[str, str] | None = None
) -> Config:
    """Read the files and the environment.

    Args:
        file: A file to read in the place of the usual ones.
        environ: Environment variables; the process's own if None.

    Raises:
        InvalidRequest: Something in them is wrong; the message says where.
    """
    environ = os.environ if environ is None else environ
    named = str(file) if file else environ.get("DRYBOX_CONFIG")
    layers: list[Settings] = []
    for path in [named] if named else usual_files(environ):
        text = _read_file(path, required=bool(named))
        if text is not None:
            layers.append(read_document(text, path))
    return make_config(*layers, read_environment(environ))


def usual_files(environ: Mapping[str, str]) -> list[str]:
    """The system's file and the user's, which counts for more."""
    folder = environ.get("XDG_CONFIG_HOME") or ""
    if not os.path.isabs(folder):  # as that standard has it; it would be somebody's checkout
        folder = os.path.join(environ.get("HOME") or str(home()), ".config")
    files = [SYSTEM_FILE, os.path.join(folder, "drybox", NAME)]
    return [path for path in files if os.path.isabs(path)]


def read_document(text: str, where: str) -> Settings:
    """What a file's text sets.

    Args:
        text: TOML.
        where: The file's name, for errors.

    Raises:
        InvalidRequest: It is no TOML, a key is unknown or a value wrong.
    """
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(
            "config", f"{where} is no TOML: {error}", hint="Correct that place; see toml.io."
        ) from error
    keys = {key.name: key for key in known_keys()}
    found = {}
    for name, value in _flat(document).items():
        try:
            key = find_key(name, keys)
            found[key.name] = key.kind.check(value, key.name)
        except InvalidRequest as error:
            raise _said_in(where, error) from None
    return found


def read_environment(environ: Mapping[str, str]) -> Settings:
    """What ``DRYBOX_*`` variables set; an empty one counts as unset.

    Raises:
        InvalidRequest: One is unknown, or its value wrong.
    """
    keys = {key.name: key for key in known_keys()}
    found = {}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or variable in OTHER_VARIABLES or not text:
            continue
        try:
            key = find_variable(variable, keys)
            found[key.name] = key.kind.check(key.kind.of_text(text), key.name)
        except InvalidRequest as error:
            raise _said_in(f"environment variable {variable}", error) from None
    return found


def make_config(*layers: Settings) -> Config:
    """Put layers together; for each key the last that sets it counts."""
    merged = {name: value for layer in layers for name, value in layer.items()}

    def section(name: str) -> dict[str, Any]:
        within = f"{name}."
        return {key[len(within) :]: merged[key] for key in merged if key.startswith(within)}

    return replace(
        Config(**{name: value for name, value in merged.items() if "." not in name}),
        limits=replace(ResourceLimits(), **section("limits")),
        compile_limits=replace(COMPILE_LIMITS, **section("compile_limits")),
        install_limits=replace(COMPILE_LIMITS, **section("install_limits")),
        docker=DockerSettings(
            **section("docker"), images=section("images"), runtimes=section("runtimes")
        ),
        server=ServerSettings(
            **section("server"), max_limits=replace(MAX_LIMITS, **section("max_limits"))
        ),
        keys=_api_keys(section("keys")),
    )


def _api_keys(settings: Settings) -> tuple[ApiKey, ...]:
    """The clients of the HTTP service, from their keys by ``NAME.key``."""
    found: dict[str, dict[str, Any]] = {}
    for name, value in settings.items():
        client, _, key = name.rpartition(".")
        found.setdefault(client, {})["hashes" if key == "hash" else key] = value
    owners: dict[str, str] = {}
    for client, given in found.items():
        if "hashes" not in given:
            raise InvalidRequest(
                f"keys.{client}.hash", "it is missing", hint=f"Run: drybox keys new {client}"
            )
        if "burst" in given and "rate" not in given:
            raise InvalidRequest(
                f"keys.{client}.burst",
                "there is no rate",
                hint='Add one, like rate = "10/s", or take this out.',
            )
        for item in given["hashes"]:
            if owners.setdefault(item, client) != client:
                raise InvalidRequest(
                    f"keys.{client}.hash",
                    f"keys.{owners[item]} has the same",
                    hint=f"Give each a key of its own: drybox keys new {client}",
                )
    return tuple(ApiKey(client, **given) for client, given in found.items())


def _flat(document: Mapping[str, Any]) -> dict[str, Any]:
    """Values by dotted name; only the tables of clients, ``[keys.NAME]``, are nested deeper."""
    found = {}
    for name, value in document.items():
        if name not in SECTIONS or not isinstance(value, dict):
            found[name] = value
            continue
        for inner, item in value.items():
            if name == "keys" and isinstance(item, dict) and item:
                found.update({f"keys.{inner}.{key}": given for key, given in item.items()})
            else:
                found[f"{name}.{inner}"] = item
    return found


def _said_in(where: str, error: InvalidRequest) -> InvalidRequest:
    problem = error.message.removeprefix(f"{error.field}: ")
    return InvalidRequest(error.field, f"{problem} (in {where})", hint=error.hint)


def _read_file(path: str, *, required: bool) -> str | None:
    """The file's text; None if it does not exist and need not.

    Raises:
        InvalidRequest: It cannot be read, or anybody may have written it.
    """
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if os.name == "posix" and stat.S_ISREG(mode) and mode & stat.S_IWOTH:
                raise InvalidRequest(
                    "config",
                    f"everybody may write {path}, and so weaken the walls",
                    hint=f"Look through it, then: chmod o-w {path}",
                )
            content = file.read(MAX_FILE + 1)
        if len(content) > MAX_FILE:
            raise InvalidRequest(
                "config", f"{path} is too long", hint=f"Keep it below {MAX_FILE:,} bytes."
            )
        return content.decode()
    except (FileNotFoundError, NotADirectoryError) as error:
        if not required:
            return None
        raise _unreadable(path, error) from error
    except (OSError, ValueError) as error:  # also a NUL in its name, or what is no UTF-8
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: Exception) -> InvalidRequest:
    reason = getattr(error, "strerror", None) or str(error)
    return InvalidRequest(
        "config",
        f"{path!r} cannot be read: {reason}",
        hint="Name a readable file with --config or DRYBOX_CONFIG, or correct that one.",
    )
