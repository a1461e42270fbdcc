"""The configuration: built-in values < files < environment < arguments.

:func:`read_document`, :func:`read_environment` and :func:`make_config` are pure;
:func:`load_config` finds the files. No file of the current directory is ever read: it may be
somebody else's, and a configuration can weaken the isolation.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from drybox.environments.environment import Environment
from drybox.errors import InvalidRequest
from drybox.executor.settings import ExecutorSettings
from drybox.host.paths import home
from drybox.model import MIB, ResourceLimits
from drybox.settings import (
    COMPILE_LIMITS,
    MAX_LIMITS,
    ApiKey,
    DockerSettings,
    PoolSettings,
    ServerSettings,
)

if TYPE_CHECKING:
    from drybox.config.options import Option

NAME = "drybox.toml"
SYSTEM_FILE = f"/etc/drybox/{NAME}"
MAX_FILE = 1 * MIB  # bytes; a device that never ends is no configuration

Settings = Mapping[str, Any]
"""Checked values by dotted key, such as ``limits.memory``."""


@dataclass(frozen=True, slots=True)
class Config:
    """What an operator has configured; see docs/reference/configuration.md for each key.

    Attributes:
        executor: What executors are made with.
        server: How ``drybox serve`` listens and what it takes.
        keys: The clients of the HTTP service; with none of them it serves this machine alone.
    """

    executor: ExecutorSettings = field(default_factory=ExecutorSettings)
    server: ServerSettings = field(default_factory=ServerSettings)
    keys: tuple[ApiKey, ...] = ()

    def executor_options(self) -> dict[str, Any]:
        """Arguments for an executor: ``CodeExecutor(**load_config().executor_options())``.

        Those that are set otherwise than by default.
        """
        return self.executor.changed()


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
    if not layers and not any(name.startswith("DRYBOX_") for name in environ):
        return Config()  # mostly nothing is set: the options then need not be made
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
        InvalidRequest: It is not TOML, a key is unknown or a value wrong.
    """
    from drybox.config.options import NAMED, all_options, find_option, needed_in

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(
            "config", f"{where} is not TOML: {error}", hint="Correct that place; see toml.io."
        ) from error
    keys = {key.name: key for key in all_options()}
    found = {}
    for name, value in _flat(document).items():
        try:
            if value == {} and "." in name:
                raise InvalidRequest(name, "there is nothing in it", hint=needed_in(name, keys))
            section, _, own = name.partition(".")
            if section in NAMED and isinstance(value, dict) and "." in own:
                hint = f'A name with a dot in it is quoted: [{section}."{own}"].'
                raise InvalidRequest(name, "it is a table in a table", hint=hint)
            key = find_option(name, keys)
            found[key.name] = _checked(key, value)
        except InvalidRequest as error:
            raise _said_in(where, error) from None
    return found


def read_environment(environ: Mapping[str, str]) -> Settings:
    """What ``DRYBOX_*`` variables set; an empty one counts as unset.

    Raises:
        InvalidRequest: One is unknown, or its value wrong.
    """
    from drybox.config.options import OTHER_VARIABLES, PREFIX, all_options, find_variable

    keys = {key.name: key for key in all_options()}
    found = {}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or variable in OTHER_VARIABLES or not text:
            continue
        try:
            key = find_variable(variable, keys)
            found[key.name] = _checked(key, key.type.parse_env(text))
        except InvalidRequest as error:
            raise _said_in(f"environment variable {variable}", error) from None
    return found


def make_config(*layers: Settings) -> Config:
    """Put layers together; for each key the last that sets it counts."""
    merged = {name: value for layer in layers for name, value in layer.items()}

    def section(name: str) -> dict[str, Any]:
        within = f"{name}."
        return {key[len(within) :]: merged[key] for key in merged if key.startswith(within)}

    environments = _environments(section("environments"))
    server = ServerSettings(
        **section("server"), max_limits=replace(MAX_LIMITS, **section("max_limits"))
    )
    _check_chosen(server.sandbox_fusion_environments, environments)
    return Config(
        executor=ExecutorSettings(
            **{name: value for name, value in merged.items() if "." not in name},
            limits=replace(ResourceLimits(), **section("limits")),
            compile_limits=replace(COMPILE_LIMITS, **section("compile_limits")),
            install_limits=replace(COMPILE_LIMITS, **section("install_limits")),
            pool=PoolSettings(**section("pool")),
            docker=DockerSettings(
                **section("docker"), images=section("images"), runtimes=section("runtimes")
            ),
            environments=environments,
        ),
        server=server,
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


def _environments(settings: Settings) -> tuple[Environment, ...]:
    """The environments, from their options by ``NAME.option``."""
    found: dict[str, dict[str, Any]] = {}
    for name, value in settings.items():
        own, _, option = name.rpartition(".")
        found.setdefault(own, {})[option] = value
    for name, given in found.items():
        if "language" not in given:
            raise InvalidRequest(
                f"environments.{name}.language", "it is missing", hint='Add language = "python".'
            )
    return tuple(Environment(name, **given) for name, given in found.items())


def _check_chosen(names: Iterable[str], environments: Iterable[Environment]) -> None:
    """See to it that there is each of them, and one for a language."""
    option, known = "server.sandbox_fusion_environments", {item.name: item for item in environments}
    languages: dict[str, str] = {}
    for name in names:
        if name not in known:
            there = f"There are {', '.join(known)}." if known else f"Add [environments.{name}]."
            raise InvalidRequest(option, f"{name!r} is no environment", hint=there)
        language = known[name].of.name
        if languages.setdefault(language, name) != name:
            raise InvalidRequest(
                option,
                f"{languages[language]!r} and {name!r} are both of {language}",
                hint="Leave one for each language.",
            )


def _flat(document: Mapping[str, Any]) -> dict[str, Any]:
    """Values by dotted name; only tables with names of their own, ``[keys.NAME]``, are deeper."""
    from drybox.config.options import NAMED, SECTIONS

    found = {}
    for name, value in document.items():
        if name not in SECTIONS or not isinstance(value, dict):
            found[name] = value
            continue
        for inner, item in value.items():
            if name in NAMED and isinstance(item, dict) and item:
                found.update({f"{name}.{inner}.{key}": given for key, given in item.items()})
            else:
                found[f"{name}.{inner}"] = item
    return found


def _checked(key: Option, value: Any) -> Any:
    """What a value means; what is wrong with it is wrong with its key."""
    try:
        return key.type.check(value, key.name)
    except InvalidRequest as error:
        problem = error.message.removeprefix(f"{error.field}: ")
        raise InvalidRequest(key.name, problem, hint=error.hint) from None


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
                    f"everybody may write {path}, and so weaken the isolation",
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
