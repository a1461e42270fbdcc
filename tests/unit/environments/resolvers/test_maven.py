"""What Maven is asked, and what is staged of what it brought."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from drybox import Environment, InvalidRequest, Unavailable
from drybox.environments.host_tool import ToolEnd
from drybox.environments.lock import Lock
from drybox.environments.resolvers.maven import MavenResolver, _explain, _write_project
from drybox.environments.store import Package

JVM = Environment("jvm", "java", packages=["com.example:greet:1.2.0"])


def test_a_project_has_dependencies_and_nothing_that_runs(tmp_path: Path) -> None:
    _write_project(tmp_path, [("com.example", "a<b", "1.0")], alone=True)
    project = ElementTree.parse(tmp_path / "pom.xml").getroot()
    assert [item.tag for item in project][-1] == "dependencies"
    assert project.find("build") is None
    dependency = project.findall("dependencies/dependency")[0]
    assert [item.text for item in dependency][:3] == ["com.example", "a<b", "1.0"]
    assert dependency.find("exclusions/exclusion/artifactId") is not None


def test_a_project_of_the_operators_is_not_taken() -> None:
    with pytest.raises(InvalidRequest, match="takes no file"):
        Environment("jvm", "java", requirements="/srv/pom.xml")


def test_what_is_not_there_is_named() -> None:
    said = "[ERROR] Could not find artifact com.example:nothing:jar:1.0.0 in somewhere"
    assert "no package com.example:nothing:1.0.0" in _explain(JVM, ToolEnd(1, said)).message
    assert "Maven failed" in _explain(JVM, ToolEnd(1, "[ERROR] else")).message


@pytest.mark.parametrize("is_jar", [True, False])
def test_only_jars_are_staged(tmp_path: Path, is_jar: bool) -> None:
    archive = tmp_path / "com.example.greet-1.2.0.jar"
    archive.write_bytes(b"PK no archive")
    if is_jar:
        with zipfile.ZipFile(archive, "w") as opened:
            opened.writestr("Greet.class", b"class")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    package = Package("com.example:greet", "1.2.0", "", 0, archive.name, digest)
    lock = Lock("jvm", "java", "d", "any JVM", "t", (package,), {})
    stage = tmp_path / "stage"
    stage.mkdir()
    if is_jar:
        (found,) = MavenResolver().stage(lock, tmp_path, stage)
        assert found.size > 0
        assert [path.name for path in stage.iterdir()] == [archive.name]
    else:
        with pytest.raises(Unavailable, match="is no jar"):
            MavenResolver().stage(lock, tmp_path, stage)
