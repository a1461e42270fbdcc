"""Jars for Java, by Maven."""

from __future__ import annotations

import re
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from xml.sax.saxutils import escape

from drybox.environments.environment import Environment
from drybox.environments.host_tool import ToolEnd, run_tool
from drybox.environments.lock import Lock
from drybox.environments.resolvers.base import (
    BuildFailed,
    Progress,
    Target,
    link_archives,
    lock_of,
    missing,
    not_downloaded,
    sha256_of,
)
from drybox.environments.store import Package
from drybox.errors import Unsupported

_LISTED = re.compile(r"^\s+([\w.-]+):([\w.-]+):jar:([\w.-]+):(?:compile|runtime)", re.MULTILINE)
_NOT_FOUND = re.compile(
    r"(?:Could not find artifact|Failure to find) ([\w.-]+:[\w.-]+)\S*:([\w.-]+)"
)


class MavenResolver:
    """Resolves and downloads by the ``mvn`` on PATH, with a project that has dependencies alone."""

    names = re.compile(r"[A-Za-z0-9_][\w.-]*:[A-Za-z0-9_][\w.-]*", re.ASCII)

    def resolve(
        self, environment: Environment, target: Target, folder: Path, progress: Progress
    ) -> Lock:
        """Find out which jars an environment consists of, with all that they need."""
        progress("Resolving packages", 0, 0)
        out, listed = folder / "jars", folder / "listed.txt"
        _write_project(folder, [tuple(word.split(":")) for word in environment.packages])
        end = _maven(folder, "dependency:copy-dependencies", f"-DoutputDirectory={out}")
        if end.code == 0:
            end = _maven(folder, "dependency:list", f"-DoutputFile={listed}")
        if end.code:
            raise _explain(environment, end)
        packages = []
        for group, artifact, version in _LISTED.findall(listed.read_text("utf-8")):
            archive = f"{group}.{artifact}-{version}.jar"
            digest = sha256_of(out / archive)
            if digest:
                packages.append(Package(f"{group}:{artifact}", version, "", 0, archive, digest))
        return lock_of(environment, target, packages)

    def fetch(self, lock: Lock, target: Target, folder: Path, progress: Progress) -> None:
        """Download the jars that are missing."""
        wanted = missing(lock, folder)
        if not wanted:
            return
        progress("Downloading packages", 0, len(wanted))
        for item in wanted:
            (folder / item.archive).unlink(missing_ok=True)
        project = folder / f"project-{lock.identity}"
        project.mkdir(exist_ok=True)
        try:
            words = [(*item.name.split(":"), item.version) for item in wanted]
            _write_project(project, words, alone=True)
            end = _maven(project, "dependency:copy-dependencies", f"-DoutputDirectory={folder}")
        finally:
            shutil.rmtree(project, ignore_errors=True)
        left = missing(lock, folder)
        if left:
            raise not_downloaded(lock, left, "repository", end.output)
        progress("Downloading packages", len(wanted), len(wanted))

    def stage(self, lock: Lock, archives: Path, folder: Path) -> tuple[Package, ...]:
        """Put the jars where a sandbox installs them from."""
        link_archives(lock, archives, folder)
        for item in lock.packages:
            if not zipfile.is_zipfile(folder / item.archive):
                raise BuildFailed(f"{item.archive} is no jar.", hint="Ask for another version.")
        return tuple(
            replace(item, size=(folder / item.archive).stat().st_size) for item in lock.packages
        )


def _write_project(folder: Path, words: list[tuple[str, ...]], *, alone: bool = False) -> None:
    """A project of Maven's with these dependencies, each with what it needs unless ``alone``."""
    nothing_else = "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId>"
    nothing_else += "</exclusion></exclusions>"
    dependencies = "".join(
        f"<dependency><groupId>{escape(group)}</groupId><artifactId>{escape(artifact)}"
        f"</artifactId><version>{escape(version)}</version>{nothing_else if alone else ''}"
        "</dependency>"
        for group, artifact, version in words
    )
    (folder / "pom.xml").write_text(
        "<project><modelVersion>4.0.0</modelVersion><groupId>drybox</groupId>"
        "<artifactId>environment</artifactId><version>1</version>"
        f"<dependencies>{dependencies}</dependencies></project>",
        "utf-8",
    )


def _maven(folder: Path, goal: str, option: str) -> ToolEnd:
    program = shutil.which("mvn")
    if program is None:
        raise Unsupported(
            "Maven, which finds packages, is not installed.",
            hint="Install it: 'apt install maven' or 'dnf install maven'.",
        )
    words = ("-B", "-ntp", "-DincludeScope=runtime", "-Dmdep.prependGroupId=true")
    return run_tool([program, *words, goal, option], cwd=folder)


def _explain(environment: Environment, end: ToolEnd) -> BuildFailed:
    which = f"environment {environment.name!r} cannot be built"
    output = "\n".join(line for line in end.output.splitlines() if "ERROR" in line)[-4000:]
    if match := _NOT_FOUND.search(end.output):
        return BuildFailed(
            f"{which}: there is no package {match[1]}:{match[2]} at the repository.",
            hint="See how it is spelt, and which repositories Maven is configured to use.",
            output=output,
        )
    return BuildFailed(
        f"{which}: Maven failed.",
        hint="See that the repository is in reach, and what Maven says below.",
        output=output,
    )
