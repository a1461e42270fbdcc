"""What a sandbox mounts to install packages, and why it sometimes cannot."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from drybox import Unsupported
from drybox.backends.local.rootfs.layout import Mount
from drybox.backends.local.rootfs.package_mounts import identity, mounts
from drybox.job import PACKAGES_DIR
from drybox.languages.base import Tool, Toolchain

TOOLCHAIN = Toolchain(executable="tool", mount="/opt/tool", levels=2, install_hint="get tool")
INSTALLER = Tool(
    name="fetch",
    mount="/opt/fetch",
    choices=(
        (("lib", "{home}/lib/fetch"), ("bin", "{home}/bin/fetch")),
        (("lib", "{hypothesis}/internal"),),
        (("lib", "{hypothesis}"),),
    ),
    install_hint="Install it: get fetch",
    probe=("fetch", "--version"),
)


def with_installer(*kept: int) -> Toolchain:
    choices = tuple(INSTALLER.choices[index] for index in kept)
    installer = dataclasses.replace(INSTALLER, choices=choices)
    return dataclasses.replace(TOOLCHAIN, installer=installer)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    place = tmp_path / "tools"
    place.mkdir()
    place.chmod(0o755)
    return str(place)


def test_the_folder_is_all_that_is_needed_without_an_installer(folder: str) -> None:
    assert mounts(folder, TOOLCHAIN, "/home") == [Mount(folder, PACKAGES_DIR)]


def test_the_first_choice_that_is_there_whole_is_taken(folder: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "lib/fetch").mkdir(parents=True)
    _, found = mounts(folder, with_installer(0, 1, 2), str(home))
    assert found is not None
    assert found.source.endswith("/hypothesis/internal")
    assert found.target == "/opt/fetch/lib"

    (home / "bin").mkdir()
    (home / "bin/fetch").touch()
    assert mounts(folder, with_installer(0, 1, 2), str(home))[1:] == [
        Mount(f"{home}/lib/fetch", "/opt/fetch/lib"),
        Mount(f"{home}/bin/fetch", "/opt/fetch/bin"),
    ]


def test_a_module_itself_may_be_the_installer(folder: str) -> None:
    _, found = mounts(folder, with_installer(2), "/home")
    assert found is not None
    assert found.source.endswith("/hypothesis")


def test_a_missing_installer_is_named_with_the_command_that_brings_it(folder: str) -> None:
    nowhere = dataclasses.replace(INSTALLER, choices=((("lib", "{no_such_module}/x"),),))
    with pytest.raises(Unsupported, match="fetch, which installs packages") as caught:
        mounts(folder, dataclasses.replace(TOOLCHAIN, installer=nowhere), "/home")
    assert caught.value.hint == "Install it: get fetch"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's sandboxes have a user of their own")
def test_a_folder_that_only_its_owner_reads_is_refused_with_the_fix(folder: str) -> None:
    Path(folder).chmod(0o750)
    with pytest.raises(Unsupported) as caught:
        mounts(folder, TOOLCHAIN, "/home")
    assert f"chmod -R a+rX '{folder}'" in caught.value.hint


def test_a_folder_in_anothers_place_is_another(folder: str, tmp_path: Path) -> None:
    before = identity(folder)
    assert identity(folder) == before
    Path(folder).rename(tmp_path / "old")
    with pytest.raises(Unsupported, match="cannot be installed from"):
        identity(folder)
    Path(folder).mkdir()
    assert identity(folder) != before
