"""Fixtures of the tests that need containers; none costs anything until a test asks for it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from tests.support import images
from tests.support.daemon import Daemon, running_daemon


@pytest.fixture(scope="session")
def docker_daemon() -> Iterator[Daemon]:
    """A daemon of this session's own that has the default images of all four languages."""
    if os.getuid():
        pytest.skip("only root can start a Docker daemon; this run is an ordinary user's")
    image = images.standard()
    with running_daemon() as daemon:
        daemon.load(image)
        yield daemon


@pytest.fixture(scope="session")
def busybox_image(docker_daemon: Daemon) -> str:
    """The name of an image in which there is BusyBox, Python and nothing else."""
    image = images.busybox_python()
    docker_daemon.load(image)
    return image.tags[0]
