"""Walls of containers do not install packages; they say so before anything is made."""

from __future__ import annotations

import anyio
import pytest

from drybox import ResourceLimits, Unsupported
from drybox.backends.docker.backend import DockerBackend
from drybox.languages.python import Python
from drybox.protocols import SandboxSpec
from drybox.settings import DockerSettings


@pytest.mark.parametrize("wall", ["docker", "gvisor", "kata", "firecracker"])
def test_packages_are_refused_with_the_wall_that_installs_them(wall: str) -> None:
    spec = SandboxSpec(Python(), "", ResourceLimits(), wall, "/srv/packages/python")
    with pytest.raises(Unsupported, match=f"packages .*{wall}") as caught:
        anyio.run(DockerBackend(wall, DockerSettings()).open, spec)
    assert "isolation='local'" in caught.value.hint
