"""Cgroups of both versions, as plain folders and files that hold what a kernel would."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drybox.backends.local.cgroups import cgroup
from drybox.backends.local.cgroups.cgroup import (
    PERIOD_US,
    Cgroup,
    CgroupLocation,
    Limits,
    find_location,
    own_paths,
    scope_location,
)
from drybox.backends.local.cgroups.peak_memory import PeakMemory
from drybox.backends.local.cgroups.tree import CONTROLLERS
from drybox.model import MIB

V1 = ("memory", "cpu", "pids", "cpuacct")
LIMITS = Limits(64 * MIB, 1.5, 66)
UNRISING = "/proc/sys/kernel/ngroups_max"  # a number of the kernel's that nobody can reset


def v1_location(root: Path) -> CgroupLocation:
    for name in V1:
        (root / name).mkdir()
    return CgroupLocation(1, {name: str(root / name) for name in V1})


def v2_location(root: Path, controllers: str = "cpu memory pids") -> CgroupLocation:
    return CgroupLocation(2, dict.fromkeys(controllers.split(), str(root)) or {"": str(root)})


def box_in(location: CgroupLocation, name: str) -> Cgroup:
    """A sandbox's cgroup; its folders are made as the supervisor makes them."""
    for folder in location.folders:
        os.mkdir(f"{folder}/{name}")
    return Cgroup(location, name)


def written(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


# --- where ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("", {}),
        ("0::/user.slice/a\n", {"": "/user.slice/a"}),
        (
            "12:cpu,cpuacct:/x\n3:name=systemd:/y:z\n0::/\n",
            {"cpu": "/x", "cpuacct": "/x", "name=systemd": "/y:z", "": "/"},
        ),
    ],
)
def test_a_processs_cgroups_are_read_by_controller(
    tmp_path: Path, text: str, paths: dict[str, str]
) -> None:
    (tmp_path / "cgroup").write_text(text)
    assert own_paths(f"..{tmp_path}") == paths


def test_this_hosts_place_is_one_or_says_what_is_missing() -> None:
    location = find_location()
    for what, controller in CONTROLLERS.items():
        assert (what in location.missing) != (controller in location.dirs) or location.needs_scope
    assert all(os.path.isdir(folder) for folder in location.folders)
    assert len(set(location.folders)) == len(location.folders)


@pytest.mark.parametrize(
    ("active", "missing"),
    [("cpu io memory pids", set()), ("memory pids", {"cpus"}), ("", set(CONTROLLERS))],
)
def test_controllers_that_are_not_handed_down_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, active: str, missing: set[str]
) -> None:
    (tmp_path / "cgroup.subtree_control").write_text(active)
    monkeypatch.setattr(cgroup, "enable", lambda folder: None)  # this kernel hands down no more
    location = scope_location(str(tmp_path))
    assert set(location.missing) == missing
    assert location.folders == (str(tmp_path),)
    assert all(str(tmp_path) in why for why in location.missing.values())
    assert set(location.dirs) == set(active.split() or [""])


@pytest.fixture
def own_cgroup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as the cgroup of this process, alone in it."""
    folder = tmp_path / "service"
    folder.mkdir()
    (folder / "cgroup.procs").write_text(f"{os.getpid()}\n")
    (folder / "cgroup.subtree_control").write_text("")
    monkeypatch.setattr(cgroup, "own_paths", lambda: {"": "/service"})
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return folder


def stepped_aside(folder: Path) -> bool:
    cgroup.step_aside(str(folder.parent))
    return (folder / "server/cgroup.procs").exists()


def test_a_process_alone_in_a_cgroup_of_its_own_goes_into_a_leaf(own_cgroup: Path) -> None:
    assert stepped_aside(own_cgroup)
    assert (own_cgroup / "server/cgroup.procs").read_text() == "0"
    assert stepped_aside(own_cgroup), "a leaf that is there already is used"


def test_it_goes_no_deeper_the_next_time(own_cgroup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leaf = own_cgroup.rename(own_cgroup.parent / "server")
    monkeypatch.setattr(cgroup, "own_paths", lambda: {"": "/server"})
    assert not stepped_aside(leaf)


def test_one_with_company_stays(own_cgroup: Path) -> None:
    (own_cgroup / "cgroup.procs").write_text(f"{os.getpid()}\n1\n")
    assert not stepped_aside(own_cgroup)


def test_root_stays_where_nothing_says_that_it_is_root_s_to_divide(
    own_cgroup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert not stepped_aside(own_cgroup)


def test_the_root_of_a_containers_own_view_is_its_own(
    own_cgroup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(cgroup, "own_paths", lambda: {"": "/"})
    cgroup.step_aside(str(own_cgroup))
    assert (own_cgroup / "server").is_dir()


# --- limits ---------------------------------------------------------------------------------


def test_version_2_has_its_limits_in_one_folder(tmp_path: Path) -> None:
    box = box_in(v2_location(tmp_path), "7")
    (tmp_path / "7/memory.swap.max").write_text("max")
    box.apply(LIMITS)
    assert written(tmp_path / "7") == {
        "memory.max": str(64 * MIB),
        "memory.swap.max": "0",
        "cpu.max": f"150000 {PERIOD_US}",
        "pids.max": "66",
    }


def test_limits_that_hold_already_are_not_set_again(tmp_path: Path) -> None:
    box = box_in(v2_location(tmp_path), "7")
    box.apply(LIMITS)
    (tmp_path / "7/pids.max").write_text("untouched")
    box.apply(LIMITS)
    assert written(tmp_path / "7")["pids.max"] == "untouched"


def test_limits_are_set_again_after_others_were_refused(tmp_path: Path) -> None:
    box = box_in(v2_location(tmp_path), "7")
    box.apply(LIMITS)
    cpu = tmp_path / "7/cpu.max"
    cpu.unlink()
    cpu.mkdir()
    with pytest.raises(IsADirectoryError):
        box.apply(replace(LIMITS, memory=1))
    cpu.rmdir()
    box.apply(LIMITS)
    assert written(tmp_path / "7")["memory.max"] == str(64 * MIB)


def test_version_1_has_them_in_a_folder_a_controller(tmp_path: Path) -> None:
    box = box_in(v1_location(tmp_path), "7")
    for name in ("memory.memsw.limit_in_bytes", cgroup.SOCKET_LIMIT):
        (tmp_path / "memory/7" / name).write_text("")
    box.apply(LIMITS)
    assert written(tmp_path / "memory/7") == {
        "memory.limit_in_bytes": str(64 * MIB),
        "memory.memsw.limit_in_bytes": str(64 * MIB),
        cgroup.SOCKET_LIMIT: str(16 * MIB),
    }
    assert written(tmp_path / "cpu/7") == {
        "cpu.cfs_period_us": str(PERIOD_US),
        "cpu.cfs_quota_us": "150000",
    }
    assert written(tmp_path / "pids/7") == {"pids.max": "66"}


def test_swap_files_that_the_kernel_has_not_are_not_missed(tmp_path: Path) -> None:
    two = box_in(v2_location(tmp_path), "2")
    two.apply(LIMITS)
    assert "memory.swap.max" not in written(tmp_path / "2")
    one = box_in(v1_location(tmp_path), "1")
    one.apply(LIMITS)
    assert set(written(tmp_path / "memory/1")) == {"memory.limit_in_bytes"}


@pytest.mark.parametrize(("limit", "swap"), [(4096, ""), (64 * MIB, str(64 * MIB))])
def test_memory_and_swap_are_set_in_the_order_the_kernel_takes(
    tmp_path: Path, limit: int, swap: str
) -> None:
    """The old limit is 65536 and cannot be written: what comes after it does not happen."""
    box = box_in(v1_location(tmp_path), "1")
    folder = tmp_path / "memory/1"
    (folder / "memory.limit_in_bytes").symlink_to(UNRISING)
    (folder / "memory.memsw.limit_in_bytes").write_text("")
    with pytest.raises(PermissionError):
        box.apply(Limits(limit, 1.0, 1))
    assert (folder / "memory.memsw.limit_in_bytes").read_text() == swap


def test_guarantees_that_were_given_up_are_not_written(tmp_path: Path) -> None:
    box = box_in(v2_location(tmp_path, "pids"), "1")
    box.apply(LIMITS)
    assert written(tmp_path / "1") == {"pids.max": "66"}
    none = box_in(CgroupLocation(0), "2")
    none.apply(LIMITS)
    assert (none.memory_used(), none.oom_kills()) == (0, 0)
    assert (none.cpu_seconds(), none.open_peak().read()) == (None, None)


@given(st.floats(0.01, 1024))
def test_a_share_of_a_cpu_is_never_rounded_up_nor_refused_by_the_kernel(cpus: float) -> None:
    with tempfile.TemporaryDirectory() as root:
        box = box_in(v2_location(Path(root)), "1")
        box.apply(Limits(MIB, cpus, 1))
        quota, period = Path(root, "1/cpu.max").read_text().split()
    assert 1000 <= int(quota) <= cpus * int(period) < int(quota) + 1


def test_a_limit_that_the_kernel_refuses_is_an_error(tmp_path: Path) -> None:
    box = box_in(v2_location(tmp_path), "1")
    (tmp_path / "1/pids.max").mkdir()
    with pytest.raises(OSError, match=r"pids\.max"):
        box.apply(LIMITS)


# --- what was used --------------------------------------------------------------------------


def test_version_2_tells_what_was_used(tmp_path: Path) -> None:
    box = box_in(v2_location(tmp_path), "1")
    assert (box.memory_used(), box.oom_kills(), box.cpu_seconds()) == (0, 0, None)
    (tmp_path / "1/memory.current").write_text("4096\n")
    (tmp_path / "1/memory.events").write_text("low 0\noom 5\noom_kill 2\noom_group_kill 7\n")
    (tmp_path / "1/cpu.stat").write_text("usage_usec 1500000\nuser_usec 9\n")
    assert (box.memory_used(), box.oom_kills(), box.cpu_seconds()) == (4096, 2, 1.5)


def test_version_1_tells_what_was_used(tmp_path: Path) -> None:
    box = box_in(v1_location(tmp_path), "1")
    assert (box.memory_used(), box.oom_kills(), box.cpu_seconds()) == (0, 0, None)
    (tmp_path / "memory/1/memory.usage_in_bytes").write_text("4096\n")
    (tmp_path / "memory/1/memory.oom_control").write_text("under_oom 1\noom_kill 3\n")
    (tmp_path / "cpuacct/1/cpuacct.usage").write_text("2500000000\n")
    assert (box.memory_used(), box.oom_kills(), box.cpu_seconds()) == (4096, 3, 2.5)


@pytest.mark.parametrize("version", [1, 2])
def test_what_the_kernel_cached_of_files_is_not_kept(tmp_path: Path, version: int) -> None:
    box = box_in(v1_location(tmp_path) if version == 1 else v2_location(tmp_path), "1")
    folder = tmp_path / ("memory/1" if version == 1 else "1")
    used = folder / ("memory.usage_in_bytes" if version == 1 else "memory.current")
    assert box.memory_kept() == 0
    used.write_text("8192\n")
    assert box.memory_kept() == 8192
    (folder / "memory.stat").write_text("anon 1\ninactive_file 4096\nactive_file 1024\n")
    assert (box.memory_used(), box.memory_kept()) == (8192, 3072)
    used.write_text("4096\n")  # the kernel's figures are not of one moment
    assert box.memory_kept() == 0


@pytest.mark.parametrize("text", ["", "max\n", "oom_kill\n", "oom_kill x\n", "oom_kills 4\n"])
def test_figures_that_are_none_are_not_made_up(tmp_path: Path, text: str) -> None:
    box = box_in(v2_location(tmp_path), "1")
    for name in ("memory.current", "memory.events", "cpu.stat"):
        (tmp_path / "1" / name).write_text(text)
    assert (box.memory_used(), box.oom_kills(), box.cpu_seconds()) == (0, 0, None)


@pytest.mark.parametrize(
    ("version", "name"), [(1, "memory.max_usage_in_bytes"), (2, "memory.peak")]
)
def test_a_peak_is_reset_and_then_read(tmp_path: Path, version: int, name: str) -> None:
    location = v1_location(tmp_path) if version == 1 else v2_location(tmp_path)
    box = box_in(location, "1")
    file = (tmp_path / "memory/1" if version == 1 else tmp_path / "1") / name
    file.write_text("7\n")
    peak = box.open_peak()
    assert file.read_text() == "0\n"
    file.write_text("8192\n")
    assert peak.read() == 8192
    peak.close()
    assert peak.read() is None


def test_a_peak_of_version_1_has_socket_buffers_in_it(tmp_path: Path) -> None:
    box = box_in(v1_location(tmp_path), "1")
    memory, sockets = (
        tmp_path / "memory/1" / name
        for name in ("memory.max_usage_in_bytes", "memory.kmem.tcp.max_usage_in_bytes")
    )
    for file in (memory, sockets):
        file.write_text("7\n")
    peak = box.open_peak()
    memory.write_text("8192\n")
    sockets.write_text("4096\n")
    assert (peak.read(), box.used().peak_memory) == (12288, 12288)
    peak.close()


def test_version_1_without_a_bound_of_socket_buffers_lacks_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    location = v1_location(tmp_path)
    monkeypatch.setattr(cgroup, "_v1_mounts", lambda: location.dirs)
    monkeypatch.setattr(cgroup, "own_paths", dict)
    monkeypatch.setattr(cgroup, "V2_MOUNT", "/nonexistent")
    assert "socket buffers" in find_location().missing["memory"]
    (tmp_path / "memory" / cgroup.SOCKET_LIMIT).write_text("")
    assert not find_location().missing


def test_a_peak_that_cannot_be_reset_counts_only_if_it_rose() -> None:
    peak = PeakMemory([UNRISING])
    assert peak.read() is None
    peak.close()


@pytest.mark.parametrize("paths", [[], ["/proc/none"], ["/"], ["/proc/none", UNRISING]])
def test_a_peak_that_is_not_there_is_none(paths: list[str]) -> None:
    before = len(os.listdir("/proc/self/fd"))
    peak = PeakMemory(paths)
    assert peak.read() is None
    peak.close()
    assert len(os.listdir("/proc/self/fd")) == before
