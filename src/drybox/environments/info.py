"""What is known of environments, as every front door tells it."""

from __future__ import annotations

from dataclasses import dataclass

from drybox.serialization import Record


@dataclass(frozen=True, slots=True)
class PackageInfo(Record):
    """A package of an environment.

    Attributes:
        name: Its name.
        version: Its version; None as long as the environment is not built.
        licence: What it says of its licence; "" if nothing is known.
        size: Bytes of its files; 0 if that is not known.
    """

    name: str
    version: str | None
    licence: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class EnvironmentInfo(Record):
    """An environment and what of it is here.

    Attributes:
        name: Its name.
        language: Its language.
        version: Version of the toolchain that it is built for; None if it is not built.
        packages: What is in it; what it asks for as long as it is not built.
        preload: Modules imported before a request comes.
        built: Whether it is built.
        digest: Of its content; None if it is not built.
        size: Bytes of its files; None if it is not built.
        target: What its packages fit, for people; None if it is not built.
        built_at: When it was built, as ISO 8601 has it; None if it is not.
        hint: What to do where it cannot be used.
        languages: Languages whose programs may have it, its own first.
    """

    name: str
    language: str
    version: str | None
    packages: tuple[PackageInfo, ...]
    preload: tuple[str, ...]
    built: bool
    digest: str | None = None
    size: int | None = None
    target: str | None = None
    built_at: str | None = None
    hint: str = ""
    languages: tuple[str, ...] = ()
