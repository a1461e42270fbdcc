"""However drybox, a container or the daemon ends: an answer in time, and nothing left."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
import pytest
from tests.support import host
from tests.support.daemon import Daemon, running_daemon
from tests.support.host import eventually
from tests.support.images import busybox_python

from drybox import (
    CodeExecutor,
    DockerSettings,
    DryboxError,
    ExecutionRequest,
    ExecutionResult,
    ResourceLimits,
    Unavailable,
)
from drybox.backends.base import SandboxSpec
from drybox.backends.docker.backend import DockerBackend
from drybox.backends.docker.sandbox import LEASE
from drybox.languages.registry import find_language

HANG = "import sys, time\nprint('ready', flush=True)\ntime.sleep(3600)"
PROMPT = 2.0
"""Seconds in which drybox knows that a sandbox or its daemon is gone."""


@pytest.fixture
def settings(docker_daemon: Daemon) -> DockerSettings:
    return DockerSettings(host=docker_daemon.host)


@pytest.fixture
def own_daemon() -> Iterator[Daemon]:
    """A daemon that a test may end as it likes."""
    image = busybox_python()
    with running_daemon() as daemon:
        daemon.load(replace(image, tags=(find_language("python")[0].image,)))
        yield daemon


def containers(daemon: Daemon, *, running: bool = False) -> list[dict[str, Any]]:
    every = "" if running else "?all=1"
    found: list[dict[str, Any]] = json.loads(daemon.get(f"/containers/json{every}"))
    return [each for each in found if "dev.drybox.sandbox" in each["Labels"]]


def script(daemon: Daemon, marker: str) -> list[str]:
    """A drybox of its own, in a process of its own, with a program that does not end."""
    code = (
        "from drybox import *\n"
        f"docker = DockerSettings(host={daemon.host!r})\n"
        "with CodeExecutor(isolation='docker', docker=docker, pool=None) as e:\n"
        f"    for event in e.stream(ExecutionRequest('python', {HANG!r}, timeout=3600,"
        f" args=({marker!r},))):\n"
        "        print(event.type, flush=True)\n"
    )
    return [sys.executable, "-c", code]


def run_in_thread(
    executor: CodeExecutor, marker: str, **fields: Any
) -> tuple[threading.Thread, list[ExecutionResult]]:
    """Runs a program that does not end, from its first word on; the list gets its result."""
    ends: list[ExecutionResult] = []
    began = threading.Event()

    def run() -> None:
        request = ExecutionRequest("python", HANG, args=(marker,), timeout=3600, **fields)
        for event in executor.stream(request):
            if event.type == "stdout":
                began.set()
            if event.result is not None:
                ends.append(event.result)

    thread = threading.Thread(target=run)
    thread.start()
    assert began.wait(60)
    return thread, ends


@pytest.mark.promise("CON-2")
def test_two_hundred_runs_leave_no_container(
    docker_daemon: Daemon, settings: DockerSettings
) -> None:
    with CodeExecutor(isolation="docker", docker=settings, pool=None, concurrency=8) as executor:
        requests = [ExecutionRequest("python", f"print({number} * 2)") for number in range(200)]
        results = executor.execute_many(requests)
    assert [result.stdout for result in results] == [f"{number * 2}\n" for number in range(200)]
    assert {result.isolation for result in results} == {"docker"}
    assert containers(docker_daemon) == []


@pytest.mark.promise("CON-3")
def test_a_backend_that_closes_takes_what_is_being_made_along(
    docker_daemon: Daemon, settings: DockerSettings
) -> None:
    python = find_language("python")[0]
    ends: list[str] = []

    async def open_some(backend: DockerBackend) -> None:
        """One after another until one cannot be had: whenever it closes, one is being made."""
        try:
            while True:
                await backend.open(SandboxSpec(python, "", ResourceLimits(), "docker"))
        except DryboxError as error:
            ends.append(type(error).__name__)

    async def close_meanwhile() -> None:
        async with (
            anyio.create_task_group() as tasks,
            DockerBackend("docker", settings) as backend,
        ):
            await backend.version(python, "")
            tasks.start_soon(open_some, backend)
            while not await anyio.to_thread.run_sync(containers, docker_daemon):
                await anyio.sleep(0.01)

    anyio.run(close_meanwhile)
    assert ends == ["Unavailable"]
    assert eventually(lambda: not containers(docker_daemon))


def test_a_container_that_is_killed(docker_daemon: Daemon, settings: DockerSettings) -> None:
    marker = f"marker-{secrets.token_hex(8)}"
    with CodeExecutor(isolation="docker", docker=settings, pool=None) as executor:
        thread, ends = run_in_thread(executor, marker)
        (container,) = containers(docker_daemon, running=True)
        docker_daemon.docker("kill", container["Id"])
        killed = time.monotonic()
        thread.join(30)
        took = time.monotonic() - killed
    (result,) = ends
    assert (result.status, result.stdout, result.exit_code) == ("sandbox_error", "ready\n", None)
    assert result.error is not None
    assert result.error.type == "SandboxLost"
    assert took < PROMPT
    assert containers(docker_daemon) == []


@pytest.mark.promise("CON-3")
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_daemon_that_ends_under_a_program(own_daemon: Daemon, end: str) -> None:
    settings = DockerSettings(host=own_daemon.host)
    marker = f"marker-{secrets.token_hex(8)}"
    with CodeExecutor(isolation="docker", docker=settings, pool=None) as executor:
        thread, ends = run_in_thread(executor, marker)
        getattr(own_daemon, end)()
        ended = time.monotonic()
        thread.join(60)
        took = time.monotonic() - ended
        (result,) = ends
        assert (result.status, result.stdout) == ("sandbox_error", "ready\n")
        assert took < PROMPT
        asked = time.monotonic()
        with pytest.raises(Unavailable, match="does not answer") as caught:
            executor.execute(ExecutionRequest("python", "print(1)"))
        assert time.monotonic() - asked < PROMPT
        assert caught.value.hint
    # Its streams have ended; where what held them lives on, its lease ends.
    assert eventually(lambda: not host.running(marker), LEASE + 10)
    own_daemon.start()
    with CodeExecutor(isolation="docker", docker=settings, pool=None) as executor:
        assert executor.execute(ExecutionRequest("python", "print(1)")).stdout == "1\n"
    assert eventually(lambda: containers(own_daemon) == [], 10)


@pytest.mark.promise("CON-3", "CON-4")
def test_a_drybox_that_is_killed(docker_daemon: Daemon, settings: DockerSettings) -> None:
    """Its container ends by itself, and the next drybox takes it away; a live one's stays."""
    dead, live = (f"marker-{secrets.token_hex(8)}" for _ in range(2))
    words = [script(docker_daemon, marker) for marker in (dead, live)]
    processes = [subprocess.Popen(each, stdout=subprocess.DEVNULL) for each in words]
    try:
        for marker in (dead, live):
            assert eventually(partial(host.running, marker), 30)
        processes[0].kill()
        processes[0].wait(10)
        assert eventually(lambda: not host.running(dead), PROMPT)
        with CodeExecutor(isolation="docker", docker=settings, pool=None) as executor:
            assert executor.execute(ExecutionRequest("python", "print(1)")).stdout == "1\n"
            assert eventually(lambda: len(containers(docker_daemon)) == 1, 10)
        assert host.running(live)
    finally:
        for process in processes:
            process.kill()
            process.wait(10)
    assert eventually(lambda: not host.running(live), PROMPT)


@pytest.mark.promise("CON-1")
def test_the_isolations_of_a_container(docker_daemon: Daemon, settings: DockerSettings) -> None:
    """As the daemon itself tells them."""
    marker = f"marker-{secrets.token_hex(8)}"
    with CodeExecutor(isolation="docker", docker=settings, pool=None) as executor:
        thread, _ = run_in_thread(executor, marker)
        (container,) = containers(docker_daemon, running=True)
        told = json.loads(docker_daemon.get(f"/containers/{container['Id']}/json"))
        docker_daemon.docker("kill", container["Id"])
        thread.join(30)
    wanted, config = told["HostConfig"], told["Config"]
    assert wanted["NetworkMode"] == "none"
    assert wanted["ReadonlyRootfs"] is True
    assert wanted["CapDrop"] == ["ALL"]
    assert not wanted["CapAdd"]
    assert wanted["Privileged"] is False
    # Nothing of its host: a volume of the daemon's, the same for all, that nobody can write.
    (etc,) = told["Mounts"]
    assert (etc["Type"], etc["Destination"], etc["RW"]) == ("volume", "/etc", False)
    assert etc["Name"].startswith("drybox-sandbox-python-")
    assert wanted["Binds"] == [f"{etc['Name']}:/etc:ro"]
    assert wanted["Memory"] == wanted["MemorySwap"] == 256 * 1024 * 1024
    assert wanted["NanoCpus"] == 1_000_000_000
    assert wanted["PidsLimit"] == 65
    open_places = {path for path, words in wanted["Tmpfs"].items() if "ro" not in words.split(",")}
    assert open_places == {"/sandbox", "/build", "/tmp", "/dev/shm"}
    assert "no-new-privileges:true" in wanted["SecurityOpt"]
    assert any(word.startswith("seccomp={") for word in wanted["SecurityOpt"])
    assert wanted["LogConfig"]["Type"] == "none"
    user, _, group = config["User"].partition(":")
    assert int(user) == int(group) > 1_000_000
    assert str(os.getpid()) in config["Labels"]["dev.drybox.owner"]


def test_few_processes_are_as_few_as_asked_for_once_a_program_runs(
    docker_daemon: Daemon, settings: DockerSettings
) -> None:
    """The daemon's runtime needs more than that to start a container."""
    marker = f"marker-{secrets.token_hex(8)}"
    with CodeExecutor(isolation="docker", docker=settings, pool=None) as executor:
        thread, _ = run_in_thread(executor, marker, limits=ResourceLimits(pids=1))
        (container,) = containers(docker_daemon, running=True)
        told = json.loads(docker_daemon.get(f"/containers/{container['Id']}/json"))
        cgroup = host.cgroup_of(told["State"]["Pid"], "pids")
        held_to = (cgroup / "pids.max").read_text()
        docker_daemon.docker("kill", container["Id"])
        thread.join(30)
    assert held_to == "2\n"


@pytest.mark.promise("CON-5")
def test_a_busybox_is_enough(
    docker_daemon: Daemon, settings: DockerSettings, busybox_image: str
) -> None:
    own = DockerSettings(host=settings.host, images={"python": busybox_image})
    with CodeExecutor(isolation="docker", docker=own) as executor:
        files = {"main.py": "import lib; open('out', 'w').write(lib.WORD)", "lib.py": "WORD='x'"}
        request = ExecutionRequest("python", files=files, artifacts=("out",), stdin=b"")
        result = executor.execute(request)
    assert (result.status, result.artifacts) == ("success", {"out": b"x"})


def test_a_missing_image_says_how_to_get_it(
    docker_daemon: Daemon, settings: DockerSettings
) -> None:
    own = DockerSettings(host=settings.host, images={"python": "nobody/has:this"})
    with (
        CodeExecutor(isolation="docker", docker=own) as executor,
        pytest.raises(Unavailable, match="nobody/has:this") as caught,
    ):
        executor.execute(ExecutionRequest("python", "print(1)"))
    assert "drybox images pull python" in caught.value.hint
