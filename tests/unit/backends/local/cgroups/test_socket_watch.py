"""Programs with more memory in sockets and elsewhere than they may have: found and ended."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from drybox.backends.local.cgroups.cgroup import Cgroup, CgroupLocation
from drybox.backends.local.cgroups.socket_watch import SocketWatch
from drybox.model import MIB

pytestmark = [pytest.mark.anyio, pytest.mark.promise("ISO-13")]

LIMIT = 64 * MIB


def box(root: Path, version: int, *, used: int, sockets: int, cached: int = 0) -> Cgroup:
    folder = root / "1"
    folder.mkdir()
    (folder / "memory.usage_in_bytes").write_text(f"{used}\n")
    (folder / "memory.kmem.tcp.usage_in_bytes").write_text(f"{sockets}\n")
    (folder / "memory.stat").write_text(f"active_file {cached}\ninactive_file 0\n")
    return Cgroup(CgroupLocation(version, {"memory": str(root)}), "1")


async def is_ended(cgroup: Cgroup) -> bool:
    watch, killed = SocketWatch(), anyio.Event()

    async def kill() -> None:
        killed.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch.watch)
        watch.begin(cgroup, LIMIT, kill)
        with anyio.move_on_after(0.2):
            await killed.wait()
        tasks.cancel_scope.cancel()
    assert watch.end(cgroup) == killed.is_set()
    assert not watch.end(cgroup)
    return killed.is_set()


@pytest.mark.parametrize(
    ("used", "sockets", "cached", "over"),
    [
        (60, 5, 0, True),
        (5, 60, 0, True),
        (60, 4, 0, False),
        (64, 0, 0, False),
        (60, 5, 20, False),  # the kernel drops what is cached before it refuses anything
        (60, 5, 1, False),
        (60, 6, 1, True),
    ],
)
async def test_both_together_are_held_to_the_limit(
    tmp_path: Path, used: int, sockets: int, cached: int, over: bool
) -> None:
    figures = {"used": used * MIB, "sockets": sockets * MIB, "cached": cached * MIB}
    assert await is_ended(box(tmp_path, 1, **figures)) == over


async def test_version_2_counts_them_in_one(tmp_path: Path) -> None:
    assert not await is_ended(box(tmp_path, 2, used=LIMIT, sockets=LIMIT))
