"""Crates for Rust, by cargo: it resolves and downloads, and compiles nothing."""

from __future__ import annotations

import glob
import os
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from drybox.environments.environment import Environment
from drybox.environments.host_tool import ToolEnd, run_tool
from drybox.environments.lock import Lock
from drybox.environments.resolvers.base import (
    Progress,
    Resolver,
    Target,
    lock_of,
    note,
    sha256_of,
)
from drybox.environments.resolvers.cargo_toml import (
    LOCK,
    MANIFEST,
    MAX_CONTENT,
    NAME,
    Crate,
    crates_of,
    dependencies_of,
    facts_in,
    manifest,
)
from drybox.environments.resolvers.failures import BuildFailed, Cause, explain, tool_failed
from drybox.environments.store import Package
from drybox.errors import Unsupported
from drybox.languages.registry import find_language

DEPENDENCIES, CRATES, USED = "dependencies", "crates", "used"
"""Of a stage: lines of a manifest; what to unpack. Of a lock: the archives that are compiled."""

_LISTED = re.compile(r"^(\S+) v(\S+)", re.MULTILINE)

CAUSES = (
    Cause(
        re.compile(r"no matching package (?:named )?`([^`\n]{1,100})`[^\n]*found"),
        "there is no package {0} at the registry.",
        "See how it is spelt, and which registry cargo is configured to use.",
    ),
    Cause(
        re.compile(r"version for the requirement `([^`\n]{1,200})`"),
        "there is no version {0}.",
        "Loosen it.",
    ),
    Cause(
        re.compile(r"depends on `([^`\n]{1,100})`,? with features?:? `([^`\n]{1,200})` but"),
        "{0} has no feature {1}.",
        "See in its documentation which it has.",
    ),
)
OTHERWISE = tool_failed("cargo", "registry")


class CargoResolver(Resolver):
    """Resolves and downloads by cargo, with a package of drybox's own that needs all others."""

    names = NAME

    def resolve(
        self, environment: Environment, target: Target, folder: Path, progress: Progress
    ) -> Lock:
        """Find out which crates an environment consists of, with all that they need."""
        progress("Resolving packages", 0, 0)
        version = str(target.facts["version"])
        dependencies = dependencies_of(environment)
        text = manifest(dependencies, version)
        if environment.requirements is not None:
            beside = Path(environment.requirements).with_name(LOCK)
            if beside.is_file():
                shutil.copyfile(beside, folder / LOCK)
        _lay(folder, text)
        end = _cargo(folder, "fetch")
        if end.code:
            raise explain(environment.name, end.output, CAUSES, OTHERWISE)
        lines = list[str]()
        words = ("--edges", "normal,build", "--prefix", "none", "--locked", "--offline")
        end = _cargo(folder, "tree", *words, "--target", str(target.facts["triple"]), lines=lines)
        if end.code:
            raise explain(environment.name, end.output, CAUSES, OTHERWISE)
        used = set(_LISTED.findall("\n".join(lines)))
        locked, packages = (folder / LOCK).read_text("utf-8"), list[Package]()
        try:
            crates = crates_of(locked)
        except ValueError as error:
            raise BuildFailed(
                f"environment {environment.name!r} cannot be built: {error}.",
                hint="Only crates of cargo's own registry, or of what replaces it, are taken.",
            ) from error
        kept = _cached(folder, crates)
        for crate in crates:
            try:
                licence, needs, _, _ = facts_in(kept[crate], crate)
            except (KeyError, OSError, ValueError) as error:
                raise BuildFailed(
                    f"environment {environment.name!r} cannot be built: cargo keeps no archive of "
                    f"{crate.name} {crate.version}.",
                    hint="Have cargo use a registry, not a folder of vendored packages.",
                    output=str(error),
                ) from error
            is_used = (crate.name, crate.version) in used
            if is_used and _numbers(needs) > _numbers(version):
                raise BuildFailed(
                    f"environment {environment.name!r} cannot be built: {crate.name} "
                    f"{crate.version} needs Rust {needs}, and this is {target.label}.",
                    hint="Ask for an older version of it, or use a newer Rust.",
                )
            packages.append(
                Package(crate.name, crate.version, licence, 0, crate.archive, crate.checksum)
            )
        names = (item.archive for item in packages if (item.name, item.version) in used)
        notes = {
            MANIFEST: text,
            LOCK: locked,
            DEPENDENCIES: dependencies,
            USED: "".join(f"{name}\n" for name in sorted(names)),
        }
        return lock_of(environment, target, packages, notes)

    def download(
        self,
        lock: Lock,
        wanted: Sequence[Package],
        target: Target,
        folder: Path,
        progress: Progress,
    ) -> str:
        """Take archives out of cargo's cache, downloaded if need be."""
        (folder / LOCK).write_text(note(lock, LOCK), "utf-8")
        _lay(folder, note(lock, MANIFEST))
        end = _cargo(folder, "fetch", "--locked")
        crates = (Crate(item.name, item.version, item.sha256) for item in wanted)
        for crate, path in _cached(folder, crates).items():
            shutil.copyfile(path, folder / crate.archive)
        return end.output

    def stage(self, lock: Lock, archives: Path, folder: Path) -> tuple[Package, ...]:
        """Put the crates, and what cargo is to make of them, where a sandbox installs from."""
        self.link_archives(lock, archives, folder)
        used, found, lines = set(note(lock, USED).splitlines()), list[Package](), list[str]()
        left = MAX_CONTENT
        for item in lock.packages:
            crate = Crate(item.name, item.version, item.sha256)
            try:
                _, _, size, least = facts_in(folder / item.archive, crate, left)
            except (OSError, ValueError) as error:
                raise BuildFailed(
                    f"{item.archive} is no crate: {error}.", hint="Ask for another version."
                ) from error
            left -= size
            is_used = item.archive in used
            found.append(replace(item, size=size if is_used else least))
            name = item.archive.removesuffix(".crate")
            lines.append(f"{name} {item.sha256} {'yes' if is_used else 'no'}\n")
        texts = {name: note(lock, name) for name in (MANIFEST, LOCK, DEPENDENCIES)}
        for name, text in {**texts, CRATES: "".join(lines)}.items():
            (folder / name).write_text(text, "utf-8")
            (folder / name).chmod(0o644)
        return tuple(found)


def _lay(folder: Path, text: str) -> None:
    """Make a package of this manifest in a folder; its program is not compiled here."""
    (folder / MANIFEST).write_text(text, "utf-8")
    (folder / "main.rs").write_text("fn main() {}\n", "utf-8")


def _cargo(folder: Path, *arguments: str, lines: list[str] | None = None) -> ToolEnd:
    """Run cargo to its end."""
    keep = [] if lines is None else lines
    return run_tool(
        [_program(), *arguments],
        cwd=folder,
        env={
            "CARGO_HOME": str(_home(folder)),
            # Of what fits, the newest that the sandbox's Rust can compile.
            "CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS": "fallback",
            "CARGO_TERM_COLOR": "never",
            "CARGO_TERM_PROGRESS_WHEN": "never",
        },
        on_line=keep.append,
    )


def _home(folder: Path) -> Path:
    """Where the operator's cargo has its settings, and keeps what it has downloaded."""
    own, user = os.environ.get("CARGO_HOME"), os.environ.get("HOME")
    if own:
        return Path(own).absolute()
    return Path(user, ".cargo") if user else folder / "cargo"


def _program() -> str:
    found = shutil.which("cargo")
    for pattern in find_language("rust")[0].toolchain.search:
        for path in sorted(glob.glob(os.path.expanduser(pattern)), reverse=True):
            beside = os.path.join(os.path.dirname(path), "cargo")
            found = found or (beside if os.path.exists(beside) else None)
    if not found:
        raise Unsupported(
            "cargo, which finds packages, is not installed.",
            hint="Install it: apt install cargo, or rustup",
        )
    return found


def _cached(folder: Path, crates: Iterable[Crate]) -> dict[Crate, Path]:
    """Where cargo keeps these; those that it does not keep are left out."""
    found = dict[Crate, Path]()
    kept = _home(folder) / "registry/cache"
    places = [place for place in kept.glob("*") if place.is_dir()]
    for crate in crates:
        for place in places:  # one for each registry that was ever used
            if sha256_of(place / crate.archive) == crate.checksum:
                found[crate] = place / crate.archive
    return found


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"[0-9]{1,9}", version.partition("-")[0])[:3]))
