"""What an environment is to hold, as digests by which builds of it are found."""

from __future__ import annotations

import hashlib
from pathlib import Path

from drybox.environments.environment import Environment
from drybox.errors import InvalidRequest

FORMAT = 1
"""Of records; another one where an older drybox could not read them, or would build otherwise."""


def definition_of(environment: Environment) -> str:
    """A digest of what an environment is to hold, wherever it is built.

    Raises:
        InvalidRequest: Its file of requirements cannot be read.
    """
    packages, content = _asked(environment)
    return _digest(environment.of.name, environment.version, packages, content)


def wanted_of(environment: Environment) -> str:
    """A digest of what an environment is to hold and preload, in every version of its language.

    Raises:
        InvalidRequest: Its file of requirements cannot be read.
    """
    return _digest(environment.of.name, *_asked(environment), tuple(environment.preload))


def key_of(environment: Environment, toolchain: str) -> str:
    """What a build is found by: another one whenever another folder may come of it.

    Args:
        environment: What is to be built.
        toolchain: A word for the toolchain that it is built for.

    Raises:
        InvalidRequest: Its file of requirements cannot be read.
    """
    preload = tuple(environment.preload)
    return _digest(FORMAT, definition_of(environment), preload, toolchain)[:32]


def _asked(environment: Environment) -> tuple[list[str], str | None]:
    content = None
    if environment.requirements is not None:
        try:
            content = Path(environment.requirements).read_bytes().decode("utf-8", "replace")
        except OSError as error:
            raise InvalidRequest(
                f"environments.{environment.name}.requirements",
                f"{str(environment.requirements)!r} cannot be read: {error.strerror}",
                hint="Name a file that is there, and that drybox may read.",
            ) from error
    return sorted(environment.packages), content


def _digest(*facts: object) -> str:
    return hashlib.sha256(ascii(facts).encode()).hexdigest()
