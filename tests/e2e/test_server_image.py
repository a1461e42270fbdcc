"""The server in a container without privileges, its sandboxes containers beside it."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.daemon import Daemon
from tests.support.host import eventually
from tests.support.server_image import build

from drybox.api_keys import hash_key, new_key
from drybox.backends.docker import owner

# It builds an image.
pytestmark = [pytest.mark.nightly, pytest.mark.timeout(900)]

KEY = new_key()
PATIENCE = 60.0

UNPRIVILEGED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges:true")
"""As in compose.yaml."""


class Contained:
    """A server in a container.

    Args:
        daemon: What runs it.
        id: Its container.
    """

    def __init__(self, daemon: Daemon, id: str) -> None:
        self._daemon = daemon
        self.id = id

    @property
    def log(self) -> str:
        return self._daemon.docker("logs", self.id, with_errors=True)

    @property
    def port(self) -> int:
        said = re.compile(r"Serving on http://\S+:(\d+)$", re.MULTILINE)
        assert eventually(lambda: bool(said.search(self.log)), PATIENCE), self.log
        found = said.search(self.log)
        assert found
        return int(found[1])

    def ask(self, path: str, body: object, key: str = KEY) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        try:
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()


@pytest.fixture(scope="module")
def server(docker_daemon: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Contained]:
    image = build(docker_daemon, tmp_path_factory.mktemp("image"))
    socket = docker_daemon.socket
    words = [
        "--detach",
        # The daemon of the tests has no network but the host's.
        "--network=host",
        *UNPRIVILEGED,
        *("--tmpfs=/tmp", "--tmpfs=/var/cache/drybox:uid=10001,gid=10001"),
        f"--user=10001:{socket.stat().st_gid}",
        f"--volume={socket}:/run/docker.sock",
        "--env=DOCKER_HOST=unix:///run/docker.sock",
        "--env=DRYBOX_ISOLATION=docker",
        f"--env=DRYBOX_KEYS_TEST_HASH={hash_key(KEY)}",
    ]
    command = [*words, image, "serve", "--host", "0.0.0.0", "--port", "0"]
    contained = Contained(docker_daemon, docker_daemon.docker("run", *command))
    try:
        yield contained
    finally:
        docker_daemon.docker("rm", "--force", contained.id)


@pytest.mark.parametrize("wall", ["docker", "gvisor"])
def test_it_runs_programs_behind_the_walls_of_its_daemon(server: Contained, wall: str) -> None:
    body = {"language": "python", "code": "print(6 * 7)", "isolation": wall}
    status, result = server.ask("/v1/execute", body)
    assert status == 200, (result, server.log)
    assert (result["status"], result["stdout"]) == ("success", "42\n"), result
    assert (result["isolation"], result["weakened"]) == (wall, [])


def test_clients_of_piston_are_served(server: Contained) -> None:
    body = {"language": "py", "version": "*", "files": [{"content": "print(input())"}]}
    status, answer = server.ask("/api/v2/execute", {**body, "stdin": "x"})
    assert (status, answer["run"]["output"]) == (200, "x\n")


def test_nobody_is_served_without_a_key(server: Contained) -> None:
    status, _ = server.ask("/v1/execute", {"language": "python", "code": "1"}, new_key())
    assert status == 401


def test_it_has_no_privilege(server: Contained, docker_daemon: Daemon) -> None:
    status = docker_daemon.docker("exec", server.id, "cat", "/proc/1/status")
    for line in ("CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"):
        assert line in status
    assert re.search(r"^Uid:\t10001\t10001\t", status, re.MULTILINE)
    assert re.search(r"^Seccomp:\t2$", status, re.MULTILINE)


def test_stopping_it_leaves_no_sandbox(server: Contained, docker_daemon: Daemon) -> None:
    sandboxes = ("ps", "--all", "--quiet", f"--filter=label={owner.SANDBOX}")
    body = {"language": "python", "code": "print(1)"}
    assert server.ask("/v1/execute", body)[0] == 200
    docker_daemon.docker("stop", "--time=45", server.id)
    state = json.loads(docker_daemon.docker("inspect", "--format={{json .State}}", server.id))
    assert state["ExitCode"] == 0, server.log
    assert eventually(lambda: not docker_daemon.docker(*sandboxes), PATIENCE)
