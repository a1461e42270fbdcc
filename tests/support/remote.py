"""Ways to a daemon on another machine, which here is this one: TLS and SSH, over loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.host import eventually

SSHD, SSH = "/usr/sbin/sshd", "/usr/bin/ssh"
SEPARATION = Path("/run/sshd")
"""The folder that Debian's sshd wants to be there."""

TIMEOUT = 30.0


def free_port() -> int:
    """A port of loopback's that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def make_certificates(folder: Path) -> None:
    """Make ``ca``, ``server`` and the client's ``cert``, and a ``stranger`` that the CA is not."""
    for name, signer in (("ca", "ca"), ("server", "ca"), ("cert", "ca"), ("stranger", "stranger")):
        key = "key.pem" if name == "cert" else f"{name}-key.pem"
        new = [
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            f"/CN={name}",
        ]
        if signer != name:
            new += ["-CA", "ca.pem", "-CAkey", "ca-key.pem"]
            new += ["-addext", "subjectAltName=IP:127.0.0.1"]
            new += ["-addext", "basicConstraints=critical,CA:FALSE"]
        _do(folder, "openssl", *new, "-keyout", key, "-out", f"{name}.pem")


def certificates_of(folder: Path) -> dict[str, str]:
    """The environment in which Docker's clients use the certificates of a folder."""
    return {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(folder)}


@contextmanager
def ssh_server(folder: Path, docker_host: str) -> Iterator[int]:
    """The port of an sshd behind which ``docker`` finds a daemon.

    Args:
        folder: A new folder; ``ssh`` in it is a client that knows this server, and no other.
        docker_host: Address of the daemon.
    """
    port = free_port()
    for name in ("host", "user"):
        _do(folder, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name))
    (folder / "authorized").write_text((folder / "user.pub").read_text())
    (folder / "known").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    settings = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": folder / "host",
        "AuthorizedKeysFile": folder / "authorized",
        "PidFile": "none",
        "UsePAM": "no",
        "StrictModes": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
        "MaxStartups": 100,
        "SetEnv": f"DOCKER_HOST={docker_host}",
    }
    (folder / "sshd_config").write_text("".join(f"{k} {v}\n" for k, v in settings.items()))
    options = f"-F none -i {folder}/user -o UserKnownHostsFile={folder}/known -o BatchMode=yes"
    (folder / "ssh").write_text(f'#!/bin/sh\nexec {SSH} {options} "$@"\n')
    (folder / "ssh").chmod(0o755)
    made = not SEPARATION.exists()
    SEPARATION.mkdir(mode=0o755, exist_ok=True)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [SSHD, "-D", "-e", "-f", str(folder / "sshd_config")],
            stdin=subprocess.DEVNULL,
            stderr=log,
        )
    try:
        assert eventually(lambda: _listens(port) or server.poll() is not None, TIMEOUT)
        assert server.poll() is None, (folder / "log").read_text()
        yield port
    finally:
        server.terminate()
        server.wait(TIMEOUT)
        if made:
            SEPARATION.rmdir()


def with_first(folder: Path) -> dict[str, str]:
    """The environment in which programs of a folder come before all others."""
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _do(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True)
    assert not done.returncode, done.stderr.decode(sys.getdefaultencoding(), "replace")
