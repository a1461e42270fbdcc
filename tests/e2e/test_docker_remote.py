"""A daemon on another machine, as far as drybox can tell: over TLS, and over SSH."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.support import remote
from tests.support.daemon import Daemon
from tests.support.host import eventually

from drybox import CodeExecutor, DockerSettings, ExecutionRequest, ResourceLimits, Unavailable

pytestmark = pytest.mark.promise("CON-7")

MIB = 1 << 20

ECHO = "import sys\ndata = sys.stdin.buffer.read()\nsys.stdout.buffer.write(data[::-1])\n"

FLOOD = "import os\nwhile True: os.write(1, b'x' * 65536)\n"


@dataclass(frozen=True)
class Way:
    """An address, and the environment in which it can be reached."""

    address: str
    env: dict[str, str] = field(repr=False)


@pytest.fixture
def tls(docker_daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Way]:
    """The daemon listens for clients that have a certificate."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/ssl/certs/ca-certificates.crt")
    remote.make_certificates(tmp_path)
    port = remote.free_port()
    listen = [f"--host=tcp://127.0.0.1:{port}", "--tlsverify", f"--tlscacert={tmp_path}/ca.pem"]
    pair = [f"--tlscert={tmp_path}/server.pem", f"--tlskey={tmp_path}/server-key.pem"]
    docker_daemon.options = [*listen, *pair]
    docker_daemon.restart()
    try:
        yield Way(f"tcp://127.0.0.1:{port}", remote.certificates_of(tmp_path))
    finally:
        docker_daemon.options = []
        docker_daemon.restart()


@pytest.fixture
def ssh(docker_daemon: Daemon, tmp_path: Path) -> Iterator[Way]:
    """The daemon is behind an sshd."""
    with remote.ssh_server(tmp_path, docker_daemon.host) as port:
        yield Way(f"ssh://root@127.0.0.1:{port}", remote.with_first(tmp_path))


@pytest.fixture(params=["tls", "ssh"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Way:
    found: Way = request.getfixturevalue(request.param)
    for name, value in found.env.items():
        monkeypatch.setenv(name, value)
    return found


def assert_unavailable(address: str, words: str = "") -> None:
    settings = DockerSettings(host=address)
    with (
        CodeExecutor(isolation="docker", docker=settings, pool=None) as executor,
        pytest.raises(Unavailable, match="does not answer") as caught,
    ):
        executor.execute(ExecutionRequest("python", "print(1)"))
    assert caught.value.hint
    assert words in caught.value.message


def test_programs_run_behind_it_as_behind_a_daemon_of_this_machine(
    docker_daemon: Daemon, way: Way
) -> None:
    settings = DockerSettings(host=way.address)
    with CodeExecutor(isolation="docker", docker=settings, pool=None) as executor:
        data = bytes(range(256)) * 16 * 1024  # 4 MiB: much more than fits on the way
        limits = ResourceLimits(output=8 * MIB)
        result = executor.execute(ExecutionRequest("python", ECHO, stdin=data, limits=limits))
        assert (result.status, result.isolation) == ("success", "docker"), result
        assert result.stdout_bytes == data[::-1]

        # While it floods the way back, the word that ends it still arrives.
        flood = ExecutionRequest("python", FLOOD, limits=ResourceLimits(output=1000))
        assert executor.execute(flood).status == "output_limit"
        late = ExecutionRequest("python", "import time; time.sleep(60)", timeout=0.5)
        assert executor.execute(late).status == "timeout"

        many = [ExecutionRequest("python", f"print({number})") for number in range(4)]
        results = executor.execute_many(many)
        assert [result.stdout for result in results] == [f"{number}\n" for number in range(4)]
    assert eventually(lambda: not docker_daemon.containers(), 10)


def test_a_daemon_that_does_not_know_the_client(
    tls: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name, source in (("ca", "ca"), ("cert", "stranger"), ("key", "stranger-key")):
        (other / f"{name}.pem").write_bytes((tmp_path / f"{source}.pem").read_bytes())
    for name, value in remote.certificates_of(other).items():
        monkeypatch.setenv(name, value)
    assert_unavailable(tls.address)


def test_an_ssh_server_that_does_not_know_the_key(
    ssh: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "authorized").write_text("")
    for name, value in ssh.env.items():
        monkeypatch.setenv(name, value)
    assert_unavailable(ssh.address, "Permission denied")


def test_the_rig_speaks_to_the_daemon_over_ssh(ssh: Way, tmp_path: Path) -> None:
    port = ssh.address.rpartition(":")[2]
    words = [str(tmp_path / "ssh"), "-p", port, "root@127.0.0.1", "docker version"]
    done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    assert "Server" in done.stdout
