"""What doctor makes of what a daemon says of itself."""

from __future__ import annotations

from typing import Any

import pytest

from drybox import DockerSettings
from drybox.backends.docker.doctor import OLDEST_RUNC, check, limits, runtime
from drybox.backends.docker.wall import WALLS

PLAIN = DockerSettings()
INFO: dict[str, Any] = {
    "MemoryLimit": True,
    "CpuCfsQuota": True,
    "PidsLimit": True,
    "CgroupVersion": "2",
    "DefaultRuntime": "runc",
    "Runtimes": {"runc": {}, "io.containerd.runc.v2": {}},
}


def of_runc(version: str, **more: str) -> dict[str, Any]:
    return {"Components": [{"Name": "Engine"}, {"Name": "runc", "Version": version, **more}]}


@pytest.mark.parametrize(
    ("version", "holds"),
    [
        ("1.1.11", False),
        ("1.0.0-rc93", False),
        ("1.1.12", True),
        ("1.1.12-0ubuntu3", True),
        ("1.2.0", True),
        ("2.0.0", True),
        ("1.1.5+ds1", True),  # Debian's, mended there
        ("1.1.4-0ubuntu1~22.04.3", True),
        ("who knows", True),  # nothing known against it
        ("", True),
    ],
)
def test_an_old_runc_is_told_from_a_mended_one(version: str, holds: bool) -> None:
    found = runtime(INFO, of_runc(version), WALLS["docker"], PLAIN)
    assert (found.name, found.holds) == ("runtime", holds)
    if not holds:
        assert f"runc {version} " in found.detail
        assert "CVE" in found.detail
        assert "apt install" in found.fix
        assert ".".join(map(str, OLDEST_RUNC)) in found.fix


def test_a_daemon_that_does_not_tell_its_runc() -> None:
    for versions in ({}, {"Components": None}, {"Components": [{"Name": "runc"}]}):
        assert runtime(INFO, versions, WALLS["docker"], PLAIN).holds


def test_another_default_runtime_is_not_judged_by_runcs_version() -> None:
    info = {**INFO, "DefaultRuntime": "crun"}
    found = runtime(info, of_runc("1.0.0"), WALLS["docker"], PLAIN)
    assert (found.holds, found.detail) == (True, "crun")


@pytest.mark.parametrize(
    ("wall", "name", "words"),
    [
        ("gvisor", "runsc", "apt install runsc"),
        ("kata", "kata-runtime", "Kata Containers"),
        ("firecracker", "kata-fc", "Firecracker"),
    ],
)
def test_a_runtime_is_there_or_its_installation_is_told(wall: str, name: str, words: str) -> None:
    absent = runtime(INFO, of_runc("1.0.0"), WALLS[wall], PLAIN)
    assert not absent.holds
    assert words in absent.fix
    assert "runc" in absent.detail
    info = {**INFO, "Runtimes": {"runc": {}, name: {}}}
    assert runtime(info, of_runc("1.0.0"), WALLS[wall], PLAIN).detail == name


def test_a_configured_runtime_that_is_not_there_is_named() -> None:
    settings = DockerSettings(runtimes={"docker": "crun"})
    found = runtime(INFO, {}, WALLS["docker"], settings)
    assert not found.holds
    assert "'crun'" in found.detail
    assert "[runtimes]" in found.fix


def test_limits_that_the_daemon_does_not_enforce() -> None:
    assert all(item.holds and item.detail == "cgroup v2" for item in limits(INFO))
    options = ["name=seccomp,profile=builtin", "name=rootless"]
    for info, words in (
        ({**INFO, "PidsLimit": False}, "Boot the daemon's machine"),
        ({**INFO, "PidsLimit": False, "SecurityOptions": options}, "user@.service"),
    ):
        memory, cpus, pids = limits(info)
        assert memory.holds
        assert cpus.holds
        assert not pids.holds
        assert words in pids.fix


@pytest.mark.parametrize("host", ["unix:///nowhere/d.sock", "tcp://127.0.0.1:1"])
def test_without_a_daemon_every_wall_is_absent_with_the_way_to_start_it(host: str) -> None:
    for wall in WALLS.values():
        found = check(wall, DockerSettings(host=host))
        assert (found.backend, found.present, found.usable) == (wall.name, False, False)
        (guarantee,) = found.guarantees
        assert host in guarantee.detail
        assert "systemctl start docker" in guarantee.fix
