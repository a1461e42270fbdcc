"""The server in a container without privileges, as compose.yaml says, its sandboxes beside it."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.compose import run_words, service_of
from tests.support.daemon import Daemon
from tests.support.host import eventually
from tests.support.server_image import NAME, build

from drybox.backends.docker import labels as docker_labels
from drybox.service.api_keys import hash_key, new_key

pytestmark = [pytest.mark.timeout(300), pytest.mark.promise("DEP-3")]  # it builds an image

KEY = new_key()
TIMEOUT = 60.0


class Contained:
    """A server in a container.

    Args:
        daemon: What runs it.
        id: Its container.
        user: Whom it runs as.
    """

    def __init__(self, daemon: Daemon, id: str, user: str) -> None:
        self._daemon = daemon
        self.id = id
        self.user = user

    @property
    def log(self) -> str:
        return self._daemon.docker("logs", self.id, with_errors=True)

    @property
    def port(self) -> int:
        said = re.compile(r"Serving on http://\S+:(\d+)$", re.MULTILINE)
        assert eventually(lambda: bool(said.search(self.log)), TIMEOUT), self.log
        found = said.search(self.log)
        assert found
        return int(found[1])

    def ask(self, path: str, body: object, key: str = KEY) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        try:
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()


@pytest.fixture(scope="module")
def folder(docker_daemon: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of compose.yaml, with the server's configuration, whose image is built."""
    made = tmp_path_factory.mktemp("image")
    build(docker_daemon, made)
    configuration = made / "docker/drybox.toml"
    configuration.write_text(f'[keys.test]\nhash = "{hash_key(KEY)}"\n')
    return made / "docker"


@pytest.fixture(scope="module", params=["10001", "0"], ids=["rootful", "rootless"])
def server(
    docker_daemon: Daemon, folder: Path, request: pytest.FixtureRequest
) -> Iterator[Contained]:
    """One for the daemon of a machine; and as for a daemon without root, whose user 0 is you."""
    user = request.param
    group = "0" if user == "0" else str(docker_daemon.socket.stat().st_gid)
    environ = {
        "DOCKER_SOCKET": str(docker_daemon.socket),
        "DOCKER_SOCKET_USER": user,
        "DOCKER_SOCKET_GROUP": group,
    }
    service = service_of(folder / "compose.yaml", environ)
    with started(docker_daemon, *run_words(service, folder)) as id:
        yield Contained(docker_daemon, id, user)


@contextmanager
def started(daemon: Daemon, *words: str) -> Iterator[str]:
    """The id of a container of the server's, which is gone afterwards."""
    # The daemon of the tests has no network but the host's, where a port may be somebody else's.
    here = ("--detach", "--network=host", "--env=DRYBOX_SERVER_PORT=0")
    id = daemon.docker("run", *words, *here, NAME)
    try:
        yield id
    finally:
        daemon.docker("rm", "--force", id)


@pytest.mark.parametrize("isolation", ["docker", "gvisor"])
def test_it_runs_programs_with_the_isolations_of_its_daemon(
    server: Contained, isolation: str
) -> None:
    body = {"language": "python", "code": "print(6 * 7)", "isolation": isolation}
    status, result = server.ask("/v1/execute", body)
    assert status == 200, (result, server.log)
    assert (result["status"], result["stdout"]) == ("success", "42\n"), result
    assert (result["isolation"], result["weakened"]) == (isolation, [])


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
    assert re.search(rf"^Uid:\t{server.user}\t{server.user}\t", status, re.MULTILINE)
    assert re.search(r"^Seccomp:\t2$", status, re.MULTILINE)


def test_its_root_is_read_only_and_its_cache_is_not(
    server: Contained, docker_daemon: Daemon
) -> None:
    script = (
        "for at in / /opt/drybox /etc /var/cache/drybox /tmp; do test -w $at && echo $at; done; :"
    )
    found = docker_daemon.docker("exec", server.id, "sh", "-c", script)
    assert found.split() == ["/var/cache/drybox", "/tmp"]


def test_stopping_it_leaves_no_sandbox(server: Contained, docker_daemon: Daemon) -> None:
    sandboxes = ("ps", "--all", "--quiet", f"--filter=label={docker_labels.SANDBOX}")
    body = {"language": "python", "code": "print(1)"}
    assert server.ask("/v1/execute", body)[0] == 200
    docker_daemon.docker("stop", server.id)
    state = json.loads(docker_daemon.docker("inspect", "--format={{json .State}}", server.id))
    assert state["ExitCode"] == 0, server.log
    assert eventually(lambda: not docker_daemon.docker(*sandboxes), TIMEOUT)


# --- namespaces in a container --------------------------------------------------------------

UNCONFINED = ("--security-opt=seccomp=unconfined", "--security-opt=systempaths=unconfined")
"""With AppArmor it takes ``apparmor=unconfined``, too."""

WEAKER = ("memory", "cpus", "pids", "inodes")


@pytest.mark.parametrize("given_up", [(), UNCONFINED])
def test_namespaces_in_a_container_take_what_the_page_says(
    docker_daemon: Daemon, folder: Path, given_up: tuple[str, ...]
) -> None:
    environ = {"DOCKER_SOCKET": "/nowhere"}
    service = service_of(folder / "compose.yaml", environ)
    del service["environment"], service["volumes"]
    configuration = f"--volume={folder}/drybox.toml:/etc/drybox/drybox.toml:ro"
    isolations = ("--env=DRYBOX_ISOLATION=local", f"--env=DRYBOX_ALLOW_WEAKER={','.join(WEAKER)}")
    words = (*run_words(service, folder), configuration, *isolations, *given_up)
    with started(docker_daemon, *words) as id:
        contained = Contained(docker_daemon, id, "10001")
        body = {"language": "python", "code": "print(6 * 7)", "isolation": "local"}
        status, answer = contained.ask("/v1/execute", body)
    if given_up == UNCONFINED:
        assert (status, answer.get("stdout")) == (200, "42\n"), answer
        assert answer["isolation"] == "local"
        # Whether inodes of one's own are to be had is the daemon's storage driver's to say.
        assert set(WEAKER) - {"inodes"} <= set(answer["weakened"]) <= set(WEAKER)
    else:
        assert status == 422, answer
        assert "No permissions to creat" in answer["detail"]
