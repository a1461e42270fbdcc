"""Which backend stands behind ``auto``."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import anyio
import pytest

from drybox import DockerSettings, Unsupported
from drybox.backends.base import Backend, Support
from drybox.backends.registry import may_serve
from drybox.backends.selection import BackendSelector
from drybox.languages.registry import find_language
from drybox.testing.fake_backend import FakeBackend

pytestmark = pytest.mark.anyio
PYTHON = find_language("python")[0]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def docker(tmp_path: Path) -> Any:
    """Settings of a daemon at whose socket somebody listens."""
    path = tmp_path / "d.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        yield DockerSettings(host=f"unix://{path}")


def serving(is_able: bool = True) -> FakeBackend:
    backend = FakeBackend()
    backend.is_able = is_able
    return backend


async def choose(
    docker: DockerSettings, isolation: str, made: dict[str, Backend], *, installs: bool = False
) -> str:
    def make(isolation: str) -> Backend:
        if isolation not in made:
            raise Unsupported(f"no {isolation}", hint="x")
        return made[isolation]

    async with anyio.create_task_group() as tasks:
        selector = BackendSelector(tasks, make, docker)
        chosen = await selector.choose(isolation, PYTHON, "", installs=installs)
        tasks.cancel_scope.cancel()
    return next(isolation for isolation, backend in made.items() if backend is chosen)


async def test_auto_is_docker_where_it_has_the_image(docker: DockerSettings) -> None:
    made: dict[str, Backend] = {"docker": serving(), "local": serving()}
    assert await choose(docker, "auto", made) == "docker"


async def test_auto_is_local_where_docker_lacks_the_image(docker: DockerSettings) -> None:
    made: dict[str, Backend] = {"docker": serving(False), "local": serving()}
    assert await choose(docker, "auto", made) == "local"


async def test_auto_is_local_where_docker_installs_no_packages(docker: DockerSettings) -> None:
    first = serving()
    first.installs = False
    made: dict[str, Backend] = {"docker": first, "local": serving()}
    assert await choose(docker, "auto", made, installs=True) == "local"
    assert await choose(docker, "auto", made) == "docker"


async def test_auto_is_local_where_docker_is_not_installed(docker: DockerSettings) -> None:
    assert await choose(docker, "auto", {"local": serving()}) == "local"


async def test_auto_is_local_where_nobody_listens() -> None:
    made: dict[str, Backend] = {"docker": serving(), "local": serving()}
    assert await choose(DockerSettings(host="unix:///nowhere"), "auto", made) == "local"


async def test_an_isolation_that_was_named_is_not_replaced(docker: DockerSettings) -> None:
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - a group around Unsupported
        await choose(docker, "docker", {"local": serving()})
    assert "no docker" in repr(caught.value) or isinstance(caught.value, Unsupported)


@pytest.mark.parametrize("isolation", ["docker", "gvisor", "kata", "firecracker"])
async def test_nobody_is_asked_where_nobody_listens(isolation: str, tmp_path: Path) -> None:
    dead = tmp_path / "d.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(dead))
    assert not may_serve(isolation, DockerSettings(host=f"unix://{dead}"))
    assert may_serve(isolation, DockerSettings(host="tcp://127.0.0.1:1"))
    assert may_serve("local", None)


async def checked(made: dict[str, Backend], isolation: str = "auto") -> list[Support]:
    def make(isolation: str) -> Backend:
        if isolation not in made:
            raise Unsupported(f"no {isolation}", hint=f"install {isolation}")
        return made[isolation]

    async with anyio.create_task_group() as tasks:
        found = await BackendSelector(tasks, make, None).check(isolation)
        tasks.cancel_scope.cancel()
    return found


async def test_every_isolation_is_looked_at_and_what_is_not_installed_is_absent() -> None:
    found = await checked({"local": serving(), "docker": serving()})
    assert [support.present for support in found] == [True, True, False, False, False]
    assert found[0].usable
    for support, isolation in zip(found[2:], ("gvisor", "kata", "firecracker"), strict=True):
        (guarantee,) = support.guarantees
        assert (support.backend, support.usable) == (isolation, False)
        assert (guarantee.detail, guarantee.fix) == (f"no {isolation}", f"install {isolation}")


async def test_another_packages_isolation_is_looked_at_where_it_is_the_default() -> None:
    found = await checked({"theirs": serving()}, "theirs")
    assert [support.present for support in found] == [False] * 5 + [True]
