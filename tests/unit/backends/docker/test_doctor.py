"""What doctor makes of what a daemon says of itself."""

from __future__ import annotations

from typing import Any

import pytest

from drybox import DockerSettings
from drybox.backends.docker.doctor import OLDEST_RUNC, check, limits, runtime, weakenable
from drybox.backends.docker.runtime import RUNTIMES, DaemonFeatures
from drybox.guest.seccomp import filter as seccomp

pytestmark = pytest.mark.promise("RES-11")

PLAIN = DockerSettings()
INFO: dict[str, Any] = {
    "MemoryLimit": True,
    "CpuCfsQuota": True,
    "PidsLimit": True,
    "CgroupVersion": "2",
    "Architecture": "x86_64",
    "SecurityOptions": ["name=seccomp,profile=default", "name=cgroupns"],
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
    found = runtime(INFO, of_runc(version), RUNTIMES["docker"], PLAIN)
    assert (found.name, found.holds) == ("runtime", holds)
    if not holds:
        assert f"runc {version} " in found.detail
        assert "CVE" in found.detail
        assert "apt install" in found.fix
        assert ".".join(map(str, OLDEST_RUNC)) in found.fix


def test_a_daemon_that_does_not_tell_its_runc() -> None:
    for versions in ({}, {"Components": None}, {"Components": [{"Name": "runc"}]}):
        assert runtime(INFO, versions, RUNTIMES["docker"], PLAIN).holds


def test_another_default_runtime_is_not_judged_by_runcs_version() -> None:
    info = {**INFO, "DefaultRuntime": "crun"}
    found = runtime(info, of_runc("1.0.0"), RUNTIMES["docker"], PLAIN)
    assert (found.holds, found.detail) == (True, "crun")


@pytest.mark.parametrize(
    ("isolation", "name", "words"),
    [
        ("gvisor", "runsc", "apt install runsc"),
        ("kata", "kata-runtime", "Kata Containers"),
        ("firecracker", "kata-fc", "Firecracker"),
    ],
)
def test_a_runtime_is_there_or_its_installation_is_told(
    isolation: str, name: str, words: str
) -> None:
    absent = runtime(INFO, of_runc("1.0.0"), RUNTIMES[isolation], PLAIN)
    assert not absent.holds
    assert words in absent.fix
    assert "runc" in absent.detail
    info = {**INFO, "Runtimes": {"runc": {}, name: {}}}
    assert runtime(info, of_runc("1.0.0"), RUNTIMES[isolation], PLAIN).detail == name


def test_a_configured_runtime_that_is_not_there_is_named() -> None:
    settings = DockerSettings(runtimes={"docker": "crun"})
    found = runtime(INFO, {}, RUNTIMES["docker"], settings)
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
def test_without_a_daemon_every_isolation_is_absent_with_the_way_to_start_it(host: str) -> None:
    for isolation in RUNTIMES.values():
        found = check(isolation, DockerSettings(host=host))
        assert (found.backend, found.present, found.usable) == (isolation.name, False, False)
        (guarantee,) = found.guarantees
        assert host in guarantee.detail
        assert "systemctl start docker" in guarantee.fix


def missing(info: dict[str, Any]) -> list[str]:
    return [item.name for item in weakenable(info) if not item.holds]


def test_a_daemon_with_everything_lacks_nothing() -> None:
    assert missing(INFO) == []


@pytest.mark.parametrize(
    ("without", "what"),
    [("MemoryLimit", "memory"), ("CpuCfsQuota", "cpus"), ("PidsLimit", "pids")],
)
def test_a_daemon_without_a_controller(without: str, what: str) -> None:
    assert missing({**INFO, without: False}) == [what]


def test_the_filter_is_made_for_the_daemons_machine() -> None:
    assert missing({**INFO, "Architecture": "aarch64"}) == []
    assert missing({**INFO, "Architecture": "riscv64"}) == ["seccomp"]


def test_a_daemon_whose_kernel_takes_no_filters() -> None:
    assert missing({**INFO, "SecurityOptions": ["name=cgroupns"]}) == ["seccomp"]


def test_a_client_without_libseccomp(monkeypatch: pytest.MonkeyPatch) -> None:
    seccomp.filter_program_for.cache_clear()
    monkeypatch.setattr(seccomp, "_LIBRARY", "libseccomp-of-no-host.so.2")
    (found,) = (item for item in weakenable(INFO) if not item.holds)
    assert found.name == "seccomp"
    assert "libseccomp" in found.detail
    assert "install" in found.fix


@pytest.mark.parametrize(
    ("isolation", "runtime", "known", "has"),
    [
        ("docker", "", {"runc": {}}, True),
        ("docker", "runc", {"runc": {}}, True),
        ("docker", "crun", {"crun": {}}, False),
        ("gvisor", "runsc", {"runsc": {"runtimeArgs": ["--network=none"]}}, True),
        ("gvisor", "runsc", {"runsc": {"path": "/usr/bin/runsc"}}, False),
        ("kata", "kata", {"kata": {}}, False),
    ],
)
def test_who_raises_the_loopback_that_the_daemon_does_not(
    isolation: str, runtime: str, known: dict[str, Any], has: bool
) -> None:
    features = DaemonFeatures.of(RUNTIMES[isolation], runtime, {**INFO, "Runtimes": known})
    assert features.own_loopback is has
