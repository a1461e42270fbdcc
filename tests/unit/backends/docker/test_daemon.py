"""What drybox makes of the client of Docker's."""

from __future__ import annotations

import gc
import socket
from pathlib import Path

import docker
import pytest
import requests

from drybox.backends.docker.daemon import direct


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
def test_a_client_that_nobody_answers_leaves_no_socket_open(tmp_path: Path) -> None:
    path = tmp_path / "d.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    client = direct(docker.DockerClient(base_url=f"unix://{path}", version="1.41"))
    with pytest.raises(requests.ConnectionError):
        client.ping()
    client.close()
    del client
    gc.collect()
