"""What cargo's documents say: an operator's dependencies, a crate of itself, a lock of crates."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drybox.environments.archives import tar_member
from drybox.environments.environment import Environment
from drybox.environments.resolvers.base import licence_word
from drybox.errors import InvalidRequest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MANIFEST, LOCK = "Cargo.toml", "Cargo.lock"

ROOT = "drybox-environment"
"""The package that needs all others; no registry's."""

MAX_FILE = 8 << 20
"""Bytes of one document that are read."""

MAX_CONTENT = 8 << 30
"""Bytes that all crates of an environment become at most."""

MAX_CRATE = 512 << 20
"""Bytes that a crate becomes at most; the registry takes archives of 10 MiB."""

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_VERSION = re.compile(r"[0-9A-Za-z.*^~<>=, +-]{1,100}")
_FEATURE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_+./?-]{0,99}")
_CRATE_VERSION = re.compile(r"[0-9][0-9A-Za-z.+-]{0,99}")
_DIGEST = re.compile(r"[0-9a-f]{64}")

_KEPT = ("version", "features", "default-features", "package", "optional")


@dataclass(frozen=True, slots=True)
class Crate:
    """One package of a lock.

    Attributes:
        name: Its name.
        version: Its version.
        checksum: Digest of its archive.
    """

    name: str
    version: str
    checksum: str

    @property
    def archive(self) -> str:
        """Name of its archive."""
        return f"{self.name}-{self.version}.crate"


def dependencies_of(environment: Environment) -> str:
    """What an environment asks for, as lines of a manifest.

    Raises:
        InvalidRequest: Something is asked for that does not come from the registry.
    """
    field = f"environments.{environment.name}"
    if environment.requirements is not None:
        path = Path(str(environment.requirements))
        return _written(_asked(path, f"{field}.requirements"), f"{field}.requirements")
    asked = dict[str, Any]()
    for word in environment.packages:
        name, _, version = word.partition("@")
        if asked.setdefault(name, version or "*") != (version or "*"):
            raise InvalidRequest(
                f"{field}.packages",
                f"{name} is there in two versions",
                hint="Name one; with a Cargo.toml for requirements, each may have a name.",
            )
    return _written(asked, f"{field}.packages")


def manifest(dependencies: str, version: str) -> str:
    """The manifest of a package that needs all these, for a version of Rust."""
    return (
        f'[package]\nname = "{ROOT}"\nversion = "0.0.0"\nedition = "2021"\n'
        f'rust-version = "{version}"\n\n[[bin]]\nname = "{ROOT}"\npath = "main.rs"\n\n'
        f"[workspace]\n\n[dependencies]\n{dependencies}"  # nothing above its folder counts
    )


def crates_of(text: str) -> list[Crate]:
    """The packages of a lock, without the one that needs them.

    Raises:
        ValueError: It is none, or has one that is not a registry's archive.
    """
    found, sources = list[Crate](), set[str]()
    for item in tomllib.loads(text).get("package", []):
        name, version = str(item.get("name")), str(item.get("version"))
        source, checksum = str(item.get("source", "")), str(item.get("checksum", ""))
        if name == ROOT and not source:
            continue
        if not (
            source.startswith(("registry+", "sparse+"))
            and NAME.fullmatch(name)
            and _CRATE_VERSION.fullmatch(version)
            and _DIGEST.fullmatch(checksum)
        ):
            raise ValueError(f"{name[:80]} is no archive of a registry")
        sources.add(source)
        found.append(Crate(name, version, checksum))
    if len(sources) > 1:
        raise ValueError("its packages are of several registries")
    return found


def facts_in(archive: Path, crate: Crate, most: int = MAX_CRATE) -> tuple[str, str, int, int]:
    """What a crate says of itself.

    Args:
        archive: It.
        crate: Which it is.
        most: Bytes that it may become.

    Returns:
        Its licence, the version of Rust that it needs or "", bytes of its files and of its
        manifest.

    Raises:
        OSError, ValueError: It is no crate.
    """
    wanted = f"{crate.name}-{crate.version}/{MANIFEST}"
    text, size = tar_member(archive, wanted, most=MAX_FILE, whole=min(most, MAX_CRATE))
    package = tomllib.loads(text.decode("utf-8", "replace")).get("package", {})
    if not isinstance(package, dict) or package.get("name") != crate.name:
        raise ValueError("its manifest is of another package")
    named = package.get("license-file") and f"see {package['license-file']}"
    licence = licence_word(package.get("license"), named)
    return licence, str(package.get("rust-version", "")), size, len(text)


def _asked(path: Path, field: str) -> Mapping[str, Any]:
    try:
        with open(path, "rb") as file:
            text = file.read(MAX_FILE + 1)
        if len(text) > MAX_FILE:
            raise ValueError(f"it has more than {MAX_FILE:,} bytes")
        document = tomllib.loads(text.decode("utf-8"))
        found = dict(document.get("dependencies", {}))
        if not found:
            raise ValueError("it has no [dependencies]")
    except (OSError, ValueError, TypeError) as error:
        raise InvalidRequest(
            field, f"{path} is no Cargo.toml with dependencies: {error}", hint="Name one."
        ) from error
    for name in ("target", "patch", "replace", "workspace"):
        if document.get(name):
            raise InvalidRequest(
                field,
                f"{path} has [{name}], which is not heeded",
                hint="List what the environment needs under [dependencies].",
            )
    return found


def _written(asked: Mapping[str, Any], field: str) -> str:
    lines = []
    for name, value in sorted(asked.items()):
        entry = dict(value) if isinstance(value, dict) else {"version": value}
        foreign = [key for key in entry if key not in _KEPT]
        if foreign:
            raise InvalidRequest(
                field,
                f"{ascii(name)[:80]} has {ascii(foreign[0])[:40]}",
                hint="Name a version of the registry: repositories, folders and other registries "
                "are not read.",
            )
        entry.pop("optional", None)
        features, package = entry.get("features", []), entry.get("package", name)
        if not (
            NAME.fullmatch(name)
            and NAME.fullmatch(str(package))
            and isinstance(entry.setdefault("version", "*"), str)
            and _VERSION.fullmatch(entry["version"])
            and isinstance(entry.get("default-features", True), bool)
            and isinstance(features, list)
            and all(_FEATURE.fullmatch(str(word)) for word in features)
        ):
            raise InvalidRequest(
                field,
                f"{ascii(name)[:80]} is to be {ascii(value)[:80]}",
                hint='Write it as cargo does: serde = { version = "1", features = ["derive"] }.',
            )
        words = ", ".join(f"{key} = {json.dumps(entry[key])}" for key in _KEPT if key in entry)
        lines.append(f"{name} = {{ {words} }}\n")
    return "".join(lines)
