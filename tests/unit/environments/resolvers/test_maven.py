"""What Maven is asked, and what is staged of what it brought."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from drybox import Environment, InvalidRequest, Unavailable
from drybox.environments.lock import Lock
from drybox.environments.resolvers.base import Target
from drybox.environments.resolvers.maven import MavenResolver, _write_project
from drybox.environments.store import Package

JVM = Environment("jvm", "java", packages=["com.example:greet:1.2.0"])


HERE = Target({"label": "any JVM"})
LISTED = """
The following files have been resolved:
   com.example:greet:jar:1.2.0:compile:{jars}/com/example/greet/1.2.0/greet-1.2.0.jar
   com.example:fast:jar:linux:2.0:runtime:{jars}/com/example/fast/2.0/fast-2.0-linux.jar -- module a
   com:example.greet:jar:1.2.0:compile:{jars}/com/example.greet/1.2.0/example.greet-1.2.0.jar
   com.example:above:pom:1.0:compile:{jars}/com/example/above/1.0/above-1.0.pom
"""
"""What Maven lists; the last but one is called as the first is, but for a colon."""


@pytest.fixture
def jars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Maven's own repository, with an ``mvn`` that lists what is in it."""
    home, programs = tmp_path / "jars", tmp_path / "programs"
    files = {
        "com/example/greet/1.2.0/greet-1.2.0.jar": "greet",
        "com/example/fast/2.0/fast-2.0-linux.jar": "fast",
        "com/example.greet/1.2.0/example.greet-1.2.0.jar": "other",
        "com/example/greet/1.2.0/greet-1.2.0.pom": "<project xmlns='http://example.com/form'>"
        "<parent><groupId>com.example</groupId><artifactId>above</artifactId>"
        "<version>1.0</version></parent></project>",
        "com/example/above/1.0/above-1.0.pom": "<project><licenses>"
        "<license><name>MIT</name></license>"
        "<license><name> Apache\n 2.0</name></license></licenses></project>",
        "com/example/fast/2.0/fast-2.0.pom": '<!DOCTYPE a [<!ENTITY b "c">]><project><licenses>'
        "<license><name>&b;</name></license></licenses></project>",
    }
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    programs.mkdir()
    (tmp_path / "listed").write_text(LISTED.format(jars=home))
    (programs / "mvn").write_text(
        f'#!/bin/sh\nfor word; do case $word in -DoutputFile=*) cp {tmp_path}/listed "${{word#*=}}"'
        "; esac; done\n"
    )
    (programs / "mvn").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    return home


def test_a_lock_has_every_jar_with_its_licence(jars: Path, tmp_path: Path) -> None:
    """A licence may stand above; of what has entities nothing is read."""
    work, archives = tmp_path / "work", tmp_path / "archives"
    for folder in (work, archives):
        folder.mkdir()
    lock = MavenResolver().resolve(JVM, HERE, work, lambda *said: None)
    assert [(item.name, item.version, item.licence, item.archive) for item in lock.packages] == [
        ("com.example:fast:linux", "2.0", "", "com.example,fast,linux@2.0.jar"),
        ("com.example:greet", "1.2.0", "MIT OR Apache 2.0", "com.example,greet@1.2.0.jar"),
        ("com:example.greet", "1.2.0", "", "com,example.greet@1.2.0.jar"),
    ]
    MavenResolver().fetch(lock, HERE, archives, work, lambda *said: None)
    project = ElementTree.parse(work / "pom.xml").getroot()
    asked = [item.findtext("classifier") for item in project.findall("dependencies/dependency")]
    assert asked == ["linux", None, None]
    said = [(archives / item.archive).read_text() for item in lock.packages]
    assert said == ["fast", "greet", "other"]


def test_a_project_has_dependencies_and_nothing_that_runs(tmp_path: Path) -> None:
    _write_project(tmp_path, [("com.example", "a<b", "", "1.0")], alone=True)
    project = ElementTree.parse(tmp_path / "pom.xml").getroot()
    assert [item.tag for item in project][-1] == "dependencies"
    assert project.find("build") is None
    dependency = project.findall("dependencies/dependency")[0]
    assert [item.text for item in dependency][:3] == ["com.example", "a<b", "1.0"]
    assert dependency.find("exclusions/exclusion/artifactId") is not None


def test_a_project_of_the_operators_is_not_taken() -> None:
    with pytest.raises(InvalidRequest, match="takes no file"):
        Environment("jvm", "java", requirements="/srv/pom.xml")


def test_what_is_not_there_is_named(jars: Path, tmp_path: Path) -> None:
    said = "[ERROR] Could not find artifact com.example:nothing:jar:1.0.0 in somewhere"
    (tmp_path / "programs/mvn").write_text(f"#!/bin/sh\necho '{said}'\nexit 1\n")
    with pytest.raises(Unavailable, match=r"no package com\.example:nothing:1\.0\.0 at the"):
        MavenResolver().resolve(JVM, HERE, tmp_path, lambda *said: None)
    (tmp_path / "programs/mvn").write_text("#!/bin/sh\necho '[ERROR] else'\nexit 1\n")
    with pytest.raises(Unavailable, match="Maven failed"):
        MavenResolver().resolve(JVM, HERE, tmp_path, lambda *said: None)


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
