"""Reverse proxies, really started in front of a server, with the files of ``deploy/``."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.host import eventually
from tests.support.server import TIMEOUT, Server
from tests.support.traefik import CannotBuildError, traefik_program

DEPLOY = Path(__file__).parents[2] / "deploy"
UPSTREAM = "127.0.0.1:8080"

NGINX = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {body}
}}
"""

DEFAULTS = "server {{ listen 8000; location / {{ proxy_pass http://127.0.0.1:8080; }} }}".format()
"""What nginx does where nobody says anything else."""


def free_port() -> int:
    """A port of the loopback interface that nobody has just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def nginx(server: Server, folder: Path, text: str | None = None) -> Iterator[Server]:
    """nginx in front of a server.

    Args:
        server: The server.
        folder: A folder that it may have.
        text: What stands in the place of ``deploy/nginx/drybox.conf``.
    """
    folder.chmod(0o755)
    folder.parent.chmod(0o755)
    port = free_port()
    body = text or (DEPLOY / "nginx/drybox.conf").read_text()
    file = folder / "nginx.conf"
    file.write_text(NGINX.format(folder=folder, body=_moved(body, port, server.port)))
    with _running(["nginx", "-c", str(file), "-e", str(folder / "start.log")], port, folder) as it:
        yield Server(it, port)


@contextmanager
def caddy(server: Server, folder: Path) -> Iterator[Server]:
    """Caddy in front of a server."""
    port = free_port()
    file = folder / "Caddyfile"
    text = _moved((DEPLOY / "caddy/Caddyfile").read_text(), port, server.port)
    file.write_text("{\n\tadmin off\n\tauto_https off\n}\n" + text)
    words = ["caddy", "run", "--adapter", "caddyfile", "--config", str(file)]
    with _running(words, port, folder) as it:
        yield Server(it, port)


@contextmanager
def traefik(server: Server, folder: Path) -> Iterator[Server]:
    """Traefik in front of a server; without it the test is skipped, and says why."""
    try:
        program = traefik_program()
    except CannotBuildError as error:
        pytest.skip(f"there is no Traefik: {error}")
    port = free_port()
    file = folder / "drybox.yaml"
    text = (DEPLOY / "traefik/drybox.yaml").read_text()
    assert UPSTREAM in text
    file.write_text(text.replace(UPSTREAM, f"127.0.0.1:{server.port}"))
    words = [
        *(str(program), f"--entrypoints.web.address=127.0.0.1:{port}"),
        *(f"--providers.file.filename={file}", "--log.level=WARN"),
        *("--global.checknewversion=false", "--global.sendanonymoususage=false"),
    ]
    with _running(words, port, folder) as it:
        through = Server(it, port)
        # It listens before it has read the file.
        assert eventually(lambda: through.get("/healthz").status == 200, TIMEOUT)
        yield through
        said = (folder / "output").read_text()
        assert "ERR" not in said, said


def _moved(text: str, port: int, upstream: int) -> str:
    """A file of ``deploy/`` with other ports."""
    assert "8000" in text
    assert UPSTREAM in text
    return text.replace("8000", str(port)).replace(UPSTREAM, f"127.0.0.1:{upstream}")


@contextmanager
def _running(words: list[str], port: int, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    assert shutil.which(words[0]), f"{words[0]} is missing"
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)},
        )
    try:
        assert eventually(lambda: _listens(port), TIMEOUT), (folder / "output").read_text()
        yield process
    finally:
        process.terminate()
        process.wait(TIMEOUT)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
