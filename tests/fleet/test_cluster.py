"""Reaching a cluster, or not; an executor that starts one; what is needed to be there."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from tests.fleet.conftest import Nodes
from tests.support.cli import DRYBOX

from drybox import InvalidRequest, RayExecutor, Unavailable


@pytest.fixture
def deaf() -> Iterator[str]:
    """The address of somebody who takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def other() -> Iterator[str]:
    """The address of somebody who speaks another protocol."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                connection.recv(1000)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        thread.join()


@pytest.fixture
def refused(told_within: float) -> Callable[[str], str]:
    """What is said of an address, soon."""

    def ask(address: str) -> str:
        executor = RayExecutor(address)  # loads Ray, which takes its time once
        began = time.monotonic()
        with pytest.raises(Unavailable) as caught:
            executor.open()
        assert time.monotonic() - began < told_within
        assert caught.value.hint
        return str(caught.value)

    return ask


def test_an_address_where_nobody_is_says_so_soon(refused: Callable[[str], str]) -> None:
    assert "127.0.0.1:1" in refused("127.0.0.1:1")


def test_an_address_that_does_not_answer_says_so_soon(
    deaf: str, refused: Callable[[str], str]
) -> None:
    assert "cannot be reached" in refused(deaf)


def test_an_address_of_something_else_says_so_soon(
    other: str, refused: Callable[[str], str]
) -> None:
    assert "not Ray" in refused(other)


@pytest.mark.parametrize("address", ["", "nowhere", "ray://host:10001", "a:b", "a:99999"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(InvalidRequest, match="address"):
        RayExecutor(address)


@pytest.mark.parametrize("words", [["fleet", "status"], ["serve", "--fleet", "ray"]])
def test_the_command_line_says_so_too(words: list[str]) -> None:
    done = subprocess.run(
        [DRYBOX, *words, "--address", "127.0.0.1:1"],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 125
    assert "127.0.0.1:1' cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr


AUTO = """
from drybox import RayExecutor, Unavailable
try:
    RayExecutor().open()
except Unavailable as error:
    print(error)
"""


def test_auto_goes_to_the_cluster_that_the_environment_names() -> None:
    done = subprocess.run(
        [sys.executable, "-c", AUTO],
        env={**os.environ, "RAY_ADDRESS": "127.0.0.1:1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ":1' cannot be reached" in done.stdout


@pytest.mark.nightly
def test_one_process_is_a_part_of_one_cluster(executor: RayExecutor, nodes: Nodes) -> None:
    with RayExecutor("auto", isolation="sleeper", concurrency=1, pool=None) as auto:
        assert auto.execute("python", "", args=["auto"]).status == "success"
    assert executor.execute("python", "print(1)").stdout == "1\n"


WITHOUT = """
import sys
sys.modules["ray"] = None
from drybox import AsyncRayExecutor, RayExecutor, Unsupported
for kind in (AsyncRayExecutor, RayExecutor):
    try:
        kind()
    except Unsupported as error:
        print(error)
"""


def test_without_the_extra_the_command_that_installs_it_is_told() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.count("pip install 'drybox[ray]'") == 2


LOCAL = """
import os
from drybox import RayExecutor
with RayExecutor("local", isolation="local", concurrency=1, pool=None) as executor:
    print(executor.execute("python", "print('hello')").stdout)
    (own,) = executor._fleet._members.all()
    # Those of a sandbox would be nice as well.
    assert os.getpriority(os.PRIO_PROCESS, own.load.pid) == os.nice(0)
import ray
assert not ray.is_initialized()
"""


@pytest.mark.nightly
def test_a_cluster_may_be_started_here_and_ends_with_the_executor() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOCAL], capture_output=True, text=True, check=True, timeout=200
    )
    assert done.stdout == "hello\n\n"
