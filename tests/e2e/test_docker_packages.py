"""Images with packages in them, at a real daemon: made once, and removed when they are outdated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.cli import drybox
from tests.support.daemon import Daemon
from tests.support.packages import make_wheel

from drybox import CodeExecutor, DockerSettings, ExecutionRequest
from drybox.backends.docker.images.image import REPOSITORY
from drybox.backends.docker.images.package_image import label

pytestmark = pytest.mark.promise("RES-3")

CODE = "import greet, os\nprint(greet.WORD, os.path.exists('/opt/pip'))\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "python"
    place.mkdir(0o755)
    make_wheel(place, "greet", "1.0", {"greet.py": "WORD = 'first'\n"})
    return place


def made(daemon: Daemon, folder: Path) -> list[str]:
    """Images with packages of this folder."""
    named = ("--format", "{{.Repository}}:{{.Tag}}", REPOSITORY)
    filters = ("--filter", f"label=dev.drybox.packages={label(str(folder))}")
    return daemon.docker("images", *filters, *named).split()


def test_an_image_is_made_for_what_the_folder_holds_and_no_longer(
    docker_daemon: Daemon, folder: Path, tmp_path: Path
) -> None:
    settings = DockerSettings(host=docker_daemon.host)
    request = ExecutionRequest("python", CODE, packages=["greet"], isolation="docker")
    with CodeExecutor(package_dir=folder.parent, docker=settings) as executor:
        assert executor.execute(request).stdout.startswith("first")
        (first,) = made(docker_daemon, folder)
        assert executor.execute(request).stdout.startswith("first")
        assert made(docker_daemon, folder) == [first]

        make_wheel(folder, "greet", "2.0", {"greet.py": "WORD = 'second'\n"})
        assert executor.execute(request).stdout.startswith("second")
    # The container of the last sandbox with the first image is gone by now or will be: what
    # a container keeps from being removed is removed the next time, or by a person.
    (second,) = {*made(docker_daemon, folder)} - {first}

    config = tmp_path / "some.toml"
    config.write_text(f"[docker]\nhost = '{docker_daemon.host}'\n")
    config.chmod(0o644)
    assert drybox("--config", str(config), "images", "prune").returncode == 0
    assert made(docker_daemon, folder) == [second]
    make_wheel(folder, "greet", "3.0", {})
    done = drybox("--config", str(config), "images", "prune")
    assert done.returncode == 0, done.stderr
    assert b"its folder of packages has changed" in done.stdout + done.stderr
    assert made(docker_daemon, folder) == []


def test_an_image_without_pip_gets_the_one_beside_drybox(
    docker_daemon: Daemon, busybox_image: str, folder: Path
) -> None:
    settings = DockerSettings(host=docker_daemon.host, images={"python": busybox_image})
    with CodeExecutor(package_dir=folder.parent, docker=settings) as executor:
        result = executor.execute(
            ExecutionRequest("python", CODE, packages=["greet"], isolation="docker")
        )
    assert (result.status, result.stdout) == ("success", "first True\n"), json.dumps(result.stderr)
    for name in made(docker_daemon, folder):
        docker_daemon.docker("rmi", name)
