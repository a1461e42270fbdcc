"""A container's cgroup of version 2, as files in its place; version 1's is in tests/e2e."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from drybox.backends.docker import container_cgroup
from drybox.backends.docker.container_cgroup import SOCKET_LIMIT, ContainerCgroup

NAME = "c0ffee" * 10


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the kernel shows the cgroup."""
    monkeypatch.setattr(container_cgroup, "MOUNT", str(tmp_path))
    monkeypatch.setattr(container_cgroup, "_cgroup_of", lambda pid: {"": f"/docker/{NAME}"})
    folder = tmp_path / "docker" / NAME
    folder.mkdir(parents=True)
    (folder / "memory.events").write_text("low 0\nhigh 0\nmax 7\noom 0\noom_kill 0\n")
    return folder


@pytest.fixture
def cgroup(folder: Path) -> Iterator[ContainerCgroup]:
    cgroup = ContainerCgroup(NAME, 1)
    yield cgroup
    cgroup.close()


def test_what_the_kernel_has_ended_ran_out(cgroup: ContainerCgroup, folder: Path) -> None:
    assert cgroup.ran_out() is False
    (folder / "memory.events").write_text("low 0\nmax 9\noom 1\noom_kill 2\n")
    assert cgroup.ran_out() is True


def test_of_one_that_is_gone_the_count_stays_known(cgroup: ContainerCgroup, folder: Path) -> None:
    (folder / "memory.events").write_text("oom 1\noom_kill 1\n")
    shutil.rmtree(folder)
    assert cgroup.ran_out() is True


def test_whether_one_ran_out_that_is_gone_without_a_count_nobody_knows(
    cgroup: ContainerCgroup, folder: Path
) -> None:
    shutil.rmtree(folder)
    assert cgroup.ran_out() is None


def test_sockets_count_as_memory_and_have_no_limit(cgroup: ContainerCgroup, folder: Path) -> None:
    cgroup.limit_sockets(1 << 20)
    assert [path.name for path in folder.iterdir()] == ["memory.events"]


def test_a_process_of_the_same_number_on_this_host_is_somebody_else(folder: Path) -> None:
    (folder / SOCKET_LIMIT).write_text("1")
    cgroup = ContainerCgroup("another", 1)
    cgroup.limit_sockets(1 << 20)
    assert cgroup.ran_out() is None
    assert (folder / SOCKET_LIMIT).read_text() == "1"
    cgroup.close()
