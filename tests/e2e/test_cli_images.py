"""``drybox images`` against a real daemon, which pulls from a registry on loopback."""

from __future__ import annotations

import json
import os
import pty
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support import images
from tests.support.cli import DRYBOX, Done, drybox
from tests.support.daemon import Daemon
from tests.support.registry import Registry, running_registry

from drybox.backends.docker import labels as docker_labels
from drybox.backends.docker.images.image import REPOSITORY

pytestmark = pytest.mark.promise("RES-13")

HELLO = ("run", "-l", "python", "-c", "print('hello')", "--isolation", "docker", "--json")


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    with running_registry() as registry:
        yield registry


class Rig:
    """drybox with a daemon, a registry and a configuration of its own."""

    def __init__(self, daemon: Daemon, registry: Registry, path: Path) -> None:
        self.daemon, self.registry, self.path = daemon, registry, path
        self.configure(registry.name("drybox/python", "3"))

    def configure(self, image: str, more: str = "") -> None:
        self.path.write_text(
            f"[docker]\nhost = '{self.daemon.host}'\n[images]\npython = '{image}'\n{more}"
        )
        self.path.chmod(0o644)

    def __call__(self, *words: str) -> Done:
        return drybox("--config", str(self.path), *words)

    def found(self, language: str = "python") -> dict[str, Any]:
        done = self("images", "list", "--json")
        assert (done.returncode, done.stderr) == (0, b"")
        items: list[dict[str, Any]] = json.loads(done.stdout)
        return {item["language"]: item for item in items}[language]

    def made(self) -> set[str]:
        listed = self.daemon.docker("images", "--format", "{{.Repository}}:{{.Tag}}", REPOSITORY)
        return set(listed.split())


@pytest.fixture
def rig(docker_daemon: Daemon, registry: Registry, tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(docker_daemon, registry, tmp_path / "some.toml")
    before = rig.made()
    yield rig
    for name in rig.made() - before:
        docker_daemon.docker("rmi", name)
    listed = docker_daemon.docker("images", "--digests", "--format", "{{.ID}} {{.Repository}}")
    for line in set(listed.splitlines()):
        name, _, repository = line.partition(" ")
        if repository.startswith(registry.address):
            docker_daemon.docker("rmi", "--force", name)


def test_pull_fetches_and_tells_how_far_it_is(rig: Rig) -> None:
    digest = rig.registry.add("drybox/python", "3", images.busybox_python())
    name = rig.registry.name("drybox/python", "3")
    assert rig.found() == {
        "language": "python",
        "source": name,
        "present": False,
        "id": None,
        "digest": None,
        "version": None,
        "derived": None,
    }
    assert b"drybox images pull python" in rig("images", "list").stdout
    done = rig("images", "pull", "python")
    assert (done.returncode, done.stdout.decode()) == (0, f"{name}\n"), done.stderr
    lines = done.stderr.decode().splitlines()
    assert lines[0] == f"drybox: Pulling {name} ..."
    assert lines[-1] == f"drybox: {name}: 100%"
    found = rig.found()
    assert (found["present"], found["digest"], found["derived"]) == (True, digest, None)
    assert rig("images", "pull", "python").returncode == 0  # it is there already


def test_a_terminal_sees_a_bar(rig: Rig) -> None:
    rig.registry.add("drybox/python", "3", images.busybox_python())
    pid, terminal = pty.fork()
    if not pid:
        os.execv(DRYBOX, [DRYBOX, "--config", str(rig.path), "images", "pull", "python"])
    seen = b""
    try:
        while piece := os.read(terminal, 4096):
            seen += piece
    except OSError:
        pass  # how a terminal says that all is over
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0, seen
    assert b"100%" in seen
    assert b"[####" in seen


def test_an_image_that_is_pinned_is_pulled_and_run(rig: Rig) -> None:
    pinned = rig.registry.add("drybox/python", "3", images.busybox_python(), mark="pinned")
    rig.registry.add("drybox/python", "3", images.busybox_python(), mark="newer")
    name = rig.registry.name("drybox/python", pinned)
    rig.configure(name)
    refused = rig(*HELLO)
    assert (refused.returncode, refused.stdout) == (125, b"")
    assert b"drybox images pull python" in refused.stderr
    assert rig("images", "pull", "python").returncode == 0
    found = rig.found()
    assert (found["source"], found["digest"]) == (name, pinned)
    document = json.loads(rig(*HELLO).stdout)
    assert (document["stdout"], document["isolation"]) == ("hello\n", "docker")
    found = rig.found()
    assert found["version"] == document["version"]
    assert found["derived"] in rig.made()
    assert found["derived"].encode() in rig("images", "list").stdout


def test_a_version_has_an_image_of_its_own(rig: Rig) -> None:
    rig.registry.add("drybox/other", "x", images.busybox_python())
    other = rig.registry.name("drybox/other", "x")
    rig.configure(rig.registry.name("drybox/python", "3"), f"'python@3.11' = '{other}'\n")
    assert rig("images", "pull", "python@3.11").stdout.decode() == f"{other}\n"
    assert rig.found("python@3.11")["present"] is True


def test_prune_removes_what_is_of_no_use_and_nothing_else(rig: Rig) -> None:
    rig.registry.add("drybox/python", "3", images.busybox_python())
    rig("images", "pull", "python")
    rig(*HELLO)
    current = rig.found()
    old, gone, theirs = (f"{REPOSITORY}:python-{digit * 24}" for digit in "abc")
    kept = "drybox-test/theirs:1"
    source = current["source"]
    commit(rig.daemon, source, old, source)
    commit(rig.daemon, source, gone, "drybox-test/no-such-image:1")
    commit(rig.daemon, source, theirs, source)
    commit(rig.daemon, source, kept, source)
    container = rig.daemon.docker("create", "--network=none", theirs, "sleep", "1")
    try:
        done = rig("images", "prune")
        said = done.stdout.decode()
        assert done.returncode == 0, done.stderr
        assert f"removed: {old} of {source} (" in said
        assert f"removed: {gone} of drybox-test/no-such-image:1 (its source image is gone)" in said
        assert f"in use, kept: {theirs}" in said
        assert current["derived"] not in said
        assert current["derived"] in rig.made()
        assert not {old, gone} & rig.made()
        assert theirs in rig.made()
        assert rig.daemon.docker("images", "-q", kept)
    finally:
        rig.daemon.docker("rm", container)
        rig.daemon.docker("rmi", kept)
    assert f"removed: {theirs}" in rig("images", "prune").stdout.decode()
    rig.registry.add("drybox/python", "3", images.busybox_python(), mark="newer")
    rig("images", "pull", "python")  # the name means another image now
    assert f"removed: {current['derived']}" in rig("images", "prune").stdout.decode()
    assert rig("images", "prune").stdout == b"0 removed.\n"


def commit(daemon: Daemon, image: str, name: str, source: str) -> None:
    """Make an image as drybox would have from that source."""
    container = daemon.docker("create", "--network=none", image, "sleep", "1")
    change = f'LABEL {docker_labels.IMAGE}="{source}"'
    daemon.docker("commit", "--change", change, container, name)
    daemon.docker("rm", container)


@pytest.mark.parametrize("command", [("list",), ("list", "--json"), ("pull",), ("prune",)])
def test_without_a_daemon_it_is_said_how_to_start_one(command: tuple[str, ...]) -> None:
    done = drybox("images", *command, env={"DRYBOX_DOCKER_HOST": "unix:///nowhere.sock"})
    assert (done.returncode, done.stdout) == (125, b"")
    assert b"/nowhere.sock" in done.stderr
    assert b"systemctl start docker" in done.stderr


def test_an_image_that_no_registry_has(rig: Rig) -> None:
    for tag in ("none", f"sha256:{'0' * 64}"):
        name = rig.registry.name("drybox/python", tag)
        rig.configure(name)
        done = rig("images", "pull", "python")
        assert (done.returncode, done.stdout) == (125, b"")
        assert name in done.stderr.decode()
        assert b"hint: See that its name is right" in done.stderr
    rig.configure("127.0.0.1:1/nobody/listens:1")
    done = rig("images", "pull", "python")
    assert (done.returncode, done.stdout) == (125, b"")
    assert b"hint: " in done.stderr


def test_a_language_that_is_not_known_is_misuse(rig: Rig) -> None:
    done = rig("images", "pull", "cobol")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"'cobol'" in done.stderr
