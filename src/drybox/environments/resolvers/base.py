"""What a resolver is: it finds out which packages an environment has, and downloads them."""

from __future__ import annotations

import hashlib
import json
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drybox.environments.definition import definition_of
from drybox.environments.environment import Environment
from drybox.environments.lock import MAX_PACKAGES, Lock
from drybox.environments.resolvers.failures import BuildFailed, Cause, explain
from drybox.environments.store import Package
from drybox.errors import Unsupported

PIECE = 1 << 20

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is, and of how much; 0 of 0 where that is not known."""


@dataclass(frozen=True, slots=True)
class Target:
    """What packages must fit, as the toolchain says of itself in a sandbox.

    Attributes:
        facts: JSON's own types, by name; ``label`` is how people call it.
    """

    facts: Mapping[str, Any]

    @property
    def label(self) -> str:
        """How people call it."""
        return str(self.facts.get("label", ""))[:200]

    @property
    def digest(self) -> str:
        """Another one for other facts."""
        kept = {name: fact for name, fact in self.facts.items() if not name.startswith("full_")}
        text = json.dumps(kept, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class Resolver(ABC):
    """Resolves and downloads for one language. The methods block and use the network.

    Attributes:
        names: What names of packages are. The tools are told them, which take more than that.
        source: Where packages come from, in words.
    """

    names: re.Pattern[str]
    source = "registry"

    @abstractmethod
    def resolve(
        self, environment: Environment, target: Target, folder: Path, progress: Progress
    ) -> Lock:
        """Find out which packages an environment consists of.

        Args:
            environment: What is asked for.
            target: What the packages must fit.
            folder: An empty folder to work in.
            progress: Told how far it is.

        Raises:
            BuildFailed: There are none that fit, or the index does not answer.
            InvalidRequest: The file of requirements asks for what is not allowed.
        """

    @abstractmethod
    def download(
        self,
        lock: Lock,
        wanted: Sequence[Package],
        target: Target,
        folder: Path,
        progress: Progress,
    ) -> str:
        """Download archives into a folder, under the names that the lock has.

        Args:
            lock: What they are of.
            wanted: Its packages whose archives are missing.
            target: What the packages must fit.
            folder: An empty folder to work in, too.
            progress: Told how far it is.

        Returns:
            What the tool said, to be told if any of them is missing.
        """

    @abstractmethod
    def stage(self, lock: Lock, archives: Path, folder: Path) -> tuple[Package, ...]:
        """Put what a sandbox installs from into a folder.

        Args:
            lock: What is needed.
            archives: Where :meth:`fetch` has put it.
            folder: An empty folder.

        Returns:
            The packages, each with the size that it has once it is installed, about.

        Raises:
            BuildFailed: Something is missing or broken.
        """

    def check(self, lock: Lock) -> Callable[[Package, Path], bool]:
        """What tells whether a file is a package's archive, as the lock has it.

        Raises:
            BuildFailed: The lock does not say.
        """
        return lambda item, path: sha256_of(path) == item.sha256

    def fetch(
        self, lock: Lock, target: Target, archives: Path, folder: Path, progress: Progress
    ) -> None:
        """Download what is missing, each whole and as it was locked.

        Others may fetch the same meanwhile.

        Args:
            lock: What is needed.
            target: What the packages must fit.
            archives: Where archives are kept, under the names that the lock has.
            folder: An empty folder to work in, on the same file system.
            progress: Told how far it is.

        Raises:
            BuildFailed: One cannot be had any more, or is another by now.
        """
        is_right = self.check(lock)
        wanted = [item for item in lock.packages if not is_right(item, archives / item.archive)]
        if not wanted:
            return
        progress("Downloading packages", 0, len(wanted))
        said = self.download(lock, wanted, target, folder, progress)
        for item in wanted:
            if is_right(item, folder / item.archive):
                (folder / item.archive).replace(archives / item.archive)
        left = [item for item in wanted if not is_right(item, archives / item.archive)]
        if left:
            names = ", ".join(f"{item.name} {item.version}" for item in left[:5])
            other = Cause(
                re.compile(""),
                f"{names} could not be downloaded as it was locked.",
                f"See that the {self.source} is in reach; else lock it anew: drybox env lock "
                f"{lock.name}",
            )
            raise explain(lock.name, said, (), other)
        progress("Downloading packages", len(wanted), len(wanted))

    def link_archives(self, lock: Lock, archives: Path, folder: Path) -> None:
        """Put a lock's archives into a folder, each checked once more.

        Raises:
            BuildFailed: One is missing or broken.
        """
        is_right = self.check(lock)
        for item in lock.packages:
            if not is_right(item, archives / item.archive):
                raise BuildFailed(
                    f"the archive of {item.name} {item.version} is not what the lock says.",
                    hint="Build again: it is then downloaded anew.",
                )
            os.link(archives / item.archive, folder / item.archive)
            os.chmod(folder / item.archive, 0o644)


def lock_of(
    environment: Environment,
    target: Target,
    packages: list[Package],
    notes: Mapping[str, str] | None = None,
) -> Lock:
    """The lock of what was resolved.

    Raises:
        Unsupported: These are more packages than an environment may have.
    """
    if len(packages) > MAX_PACKAGES:
        raise Unsupported(
            f"environment {environment.name!r} needs {len(packages):,} packages; one may have "
            f"{MAX_PACKAGES:,}",
            hint="Ask for fewer, or make several environments of them.",
        )
    ordered = tuple(sorted(packages, key=lambda item: (item.name.lower(), item.version)))
    return Lock(
        environment.name,
        environment.of.name,
        definition_of(environment),
        target.label,
        target.digest,
        ordered,
        notes or {},
    )


_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+!_~-]{0,255}")
_SHA256 = re.compile(r"[0-9a-f]{64}|")


def check_lock(lock: Lock, resolver: Resolver) -> None:
    """See that a lock names packages: an index, or whoever wrote it, may have meant it badly.

    Raises:
        BuildFailed: It names something else.
    """
    for item in lock.packages:
        if (
            len(item.name) > 500
            or not resolver.names.fullmatch(item.name)
            or not _VERSION.fullmatch(item.version)
            or not _SHA256.fullmatch(item.sha256)
        ):
            raise BuildFailed(
                f"environment {lock.name!r} cannot be built from its lock: {item.name[:80]!a} "
                f"{item.version[:40]!a} is no package.",
                hint=f"Lock it anew: drybox env lock {lock.name}",
            )


def note(lock: Lock, name: str) -> str:
    """What a lock has of a note.

    Raises:
        BuildFailed: It has none of that name.
    """
    if name not in lock.notes:
        raise broken_lock(lock, name)
    return lock.notes[name]


def json_note(lock: Lock, name: str) -> dict[str, Any]:
    """What a lock has of a note that is a document.

    Raises:
        BuildFailed: It has none of that name, or another thing.
    """
    try:
        found = json.loads(note(lock, name))
    except (ValueError, RecursionError) as error:
        raise broken_lock(lock, name) from error
    if not isinstance(found, dict):
        raise broken_lock(lock, name)
    return found


def broken_lock(lock: Lock, name: str) -> BuildFailed:
    """What is wrong with a lock whose note is none."""
    return BuildFailed(
        f"environment {lock.name!r} cannot be built from its lock: what it says in {name} is not "
        "what drybox writes.",
        hint=f"Lock it anew: drybox env lock {lock.name}",
    )


def sha256_of(path: Path) -> str:
    """Digest of a file; "" if there is none."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while piece := file.read(PIECE):
                digest.update(piece)
    except FileNotFoundError:
        return ""
    return digest.hexdigest()


def licence_word(*words: object) -> str:
    """The first of these that says something of a licence, on one short line."""
    for word in words:
        text = " ".join(str(word or "").split())
        if text and text.upper() != "UNKNOWN":
            return text if len(text) <= 100 else f"{text[:97]}..."
    return ""
