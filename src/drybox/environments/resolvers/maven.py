"""Jars for Java, by Maven."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from xml.sax.saxutils import escape

from drybox.environments.environment import Environment
from drybox.environments.host_tool import ToolEnd, run_tool
from drybox.environments.lock import Lock
from drybox.environments.resolvers.base import (
    Progress,
    Resolver,
    Target,
    lock_of,
    sha256_of,
)
from drybox.environments.resolvers.failures import BuildFailed, Cause, explain, tool_failed
from drybox.environments.resolvers.maven_licence import licence_of
from drybox.environments.store import Package
from drybox.errors import Unsupported

CAUSES = (
    Cause(
        re.compile(r"(?:Could not find artifact|Failure to find) ([\w.-]+:[\w.-]+)\S*:([\w.-]+)"),
        "there is no package {0}:{1} at the repository.",
        "See how it is spelt, and which repositories Maven is configured to use.",
    ),
)
OTHERWISE = tool_failed("Maven", "repository")

_LISTED = re.compile(
    r"^\s+([\w.-]+):([\w.-]+):jar:(?:([\w.-]+):)?([\w.+-]+):(?:compile|runtime):"
    r"(/.*?\.jar)(?: .*)?$",
    re.MULTILINE,
)
"""Group, artifact, classifier, version, and where Maven keeps it."""


class MavenResolver(Resolver):
    """Resolves and downloads by the ``mvn`` on PATH, with a project that has dependencies alone.

    A jar's name has a third part if it has a classifier, as those for one system do.
    """

    names = re.compile(r"[A-Za-z0-9_][\w.-]*(?::[A-Za-z0-9_][\w.-]*){1,2}", re.ASCII)
    source = "repository"

    def resolve(
        self, environment: Environment, target: Target, folder: Path, progress: Progress
    ) -> Lock:
        """Find out which jars an environment consists of, with all that they need."""
        progress("Resolving packages", 0, 0)
        end, jars = _listed(folder, map(_coordinates, environment.packages))
        if end.code:
            said = "\n".join(line for line in end.output.splitlines() if "ERROR" in line)
            raise explain(environment.name, said, CAUSES, OTHERWISE)
        packages = []
        for (name, version), jar in jars.items():
            # Neither mark is in a name or a version, so no two packages share an archive.
            archive = f"{name.replace(':', ',')}@{version}.jar"
            licence, digest = licence_of(jar, name, version), sha256_of(jar)
            packages.append(Package(name, version, licence, 0, archive, digest))
        return lock_of(environment, target, packages)

    def download(
        self,
        lock: Lock,
        wanted: Sequence[Package],
        target: Target,
        folder: Path,
        progress: Progress,
    ) -> str:
        """Take jars out of Maven's own repository, downloaded if need be."""
        words = ((*_parts(item.name), item.version) for item in wanted)
        end, jars = _listed(folder, words, alone=True)
        for item in wanted:
            if (jar := jars.get((item.name, item.version))) is not None:
                shutil.copyfile(jar, folder / item.archive)
        return end.output

    def stage(self, lock: Lock, archives: Path, folder: Path) -> tuple[Package, ...]:
        """Put the jars where a sandbox installs them from."""
        self.link_archives(lock, archives, folder)
        for item in lock.packages:
            if not zipfile.is_zipfile(folder / item.archive):
                raise BuildFailed(f"{item.archive} is no jar.", hint="Ask for another version.")
        return tuple(
            replace(item, size=(folder / item.archive).stat().st_size) for item in lock.packages
        )


def _parts(name: str) -> tuple[str, str, str]:
    """Group, artifact and classifier of a name."""
    group, artifact, classifier = (*name.split(":"), "")[:3]
    return group, artifact, classifier


def _coordinates(word: str) -> tuple[str, str, str, str]:
    """What a package is written as, in parts: group, artifact, classifier and version."""
    name, _, version = word.rpartition(":")
    return (*_parts(name), version)


def _listed(
    folder: Path, words: Iterable[tuple[str, str, str, str]], *, alone: bool = False
) -> tuple[ToolEnd, Mapping[tuple[str, str], Path]]:
    """Have Maven download these; how it ended, and where it keeps each, by name and version."""
    listed = folder / "listed.txt"
    _write_project(folder, words, alone=alone)
    end = _maven(folder, "dependency:list", f"-DoutputFile={listed}")
    found = _LISTED.findall(listed.read_text("utf-8")) if listed.exists() else ()
    return end, {
        (":".join(filter(None, (group, artifact, classifier))), version): Path(jar)
        for group, artifact, classifier, version, jar in found
    }


def _write_project(
    folder: Path, words: Iterable[tuple[str, str, str, str]], *, alone: bool = False
) -> None:
    """A project of Maven's with these dependencies, each with what it needs unless ``alone``."""
    nothing_else = "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId>"
    nothing_else += "</exclusion></exclusions>"
    dependencies = "".join(
        f"<dependency><groupId>{escape(group)}</groupId><artifactId>{escape(artifact)}"
        f"</artifactId><version>{escape(version)}</version>"
        + (f"<classifier>{escape(classifier)}</classifier>" if classifier else "")
        + f"{nothing_else if alone else ''}</dependency>"
        for group, artifact, classifier, version in words
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
    words = ("-B", "-ntp", "-DincludeScope=runtime", "-DoutputAbsoluteArtifactFilename=true")
    return run_tool([program, *words, goal, option], cwd=folder)
