"""The tests' own Docker daemon and images are what the tests of containers take them for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support import host
from tests.support.attack import new_marker
from tests.support.daemon import CGROUPS, Daemon

RUNTIMES = pytest.mark.parametrize("runtime", ["runc", "runsc"])


def run(daemon: Daemon, image: str, *words: str, runtime: str = "runc") -> str:
    return daemon.docker("run", "--rm", f"--runtime={runtime}", "--network=none", image, *words)


@RUNTIMES
@pytest.mark.parametrize(
    ("image", "words", "says"),
    [
        ("python:3.11-alpine", ("python", "-c", "print(6 * 7)"), "42"),
        ("node:18-alpine", ("node", "-e", "console.log(6 * 7)"), "42"),
        ("golang:1.21-alpine", ("go", "env", "GOOS"), "linux"),
        ("openjdk:17-alpine", ("javac", "--version"), "javac"),
        ("openjdk:17-alpine", ("java", "-Xshare:on", "--version"), "OpenJDK"),
    ],
    ids=["python", "node", "go", "javac", "java"],
)
def test_the_toolchains_run_in_containers(
    docker_daemon: Daemon, runtime: str, image: str, words: tuple[str, ...], says: str
) -> None:
    assert says in run(docker_daemon, image, *words, runtime=runtime)


@RUNTIMES
def test_the_small_image_has_nothing_but_busybox_and_python(
    docker_daemon: Daemon, busybox_image: str, runtime: str
) -> None:
    script = "tar --version 2>&1; python -c 'import ctypes, json, ssl, sqlite3, socket; print(42)'"
    said = run(docker_daemon, busybox_image, "sh", "-c", script, runtime=runtime)
    assert "busybox" in said
    assert said.endswith("42")
    listed = run(docker_daemon, busybox_image, "sh", "-c", "realpath /bin/* /usr/bin/* | uniq")
    assert set(listed.split()) == {"/bin/busybox", "/usr/bin/python3.11"}


def test_it_comes_back_after_a_crash_and_its_containers_end(docker_daemon: Daemon) -> None:
    marker = new_marker()
    words = ("python", "-c", "import time; time.sleep(1000)", marker)
    options = ("--detach", "--network=none", "--stop-timeout=0")
    docker_daemon.docker("run", *options, "python:3.11-alpine", *words)
    assert host.eventually(lambda: host.running(marker))
    docker_daemon.kill()
    assert host.running(marker)
    docker_daemon.start()
    assert host.eventually(lambda: not host.running(marker))
    docker_daemon.docker("container", "prune", "--force")
    docker_daemon.restart()
    assert not docker_daemon.docker("ps", "--all", "--quiet")


SESSION = """
import os, signal, sys
from tests.support import images
from tests.support.daemon import running_daemon

with running_daemon() as daemon:
    daemon.load(images.busybox_python())
    image = images.busybox_python().tags[0]
    options = ("--detach", "--network=none", "--stop-timeout=0")
    daemon.docker("run", *options, image, "sleep", sys.argv[1])
    print(daemon.folder, flush=True)
    if sys.argv[2] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("how", ["ended", "killed"])
def test_nothing_of_a_test_run_is_left(how: str) -> None:
    if os.getuid():
        pytest.skip("only root can start a Docker daemon; this run is an ordinary user's")
    seconds = str(10**8 + os.getpid())
    command = [sys.executable, "-c", SESSION, seconds, how]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    assert done.returncode == (0 if how == "ended" else -signal.SIGKILL)
    folder = Path(done.stdout.strip())
    if how == "killed":
        assert host.running(seconds)
        next_run = subprocess.run([*command[:-1], "ended"], stdout=subprocess.PIPE)
        assert next_run.returncode == 0
    assert not host.running(seconds)
    assert not host.running(f"{folder}/")
    assert not folder.exists()
    assert not [mount for mount in host.mounts() if str(folder) in mount]
    assert not [*CGROUPS.glob(f"*/{folder.name}"), *CGROUPS.glob(folder.name)]
