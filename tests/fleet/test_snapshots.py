"""Snapshots on a fleet: sessions on every node begin with one."""

from __future__ import annotations

import os

import pytest
from tests.fleet.conftest import NODES, Nodes, members, wait_for_nodes
from tests.fleet.test_pinned_sessions import node_of

from drybox import RayExecutor, SnapshotError

pytestmark = [pytest.mark.isolations("local"), pytest.mark.promise("FLEET-6")]


def test_sessions_on_every_node_begin_with_a_snapshot(executor: RayExecutor, nodes: Nodes) -> None:
    wait_for_nodes(executor)
    data = os.urandom(3_000_000)
    with executor.session("bash") as session:
        session.files.write("folder/data", data)
        session.command("chmod 751 folder/data")
        snapshot = session.snapshot()
    assert snapshot in executor.snapshots()
    opened = {}
    try:
        for _ in range(4 * NODES):
            later = executor.open_session("bash", snapshot=snapshot)
            opened[node_of(later)] = later
            assert later.files.read("folder/data") == data
            assert later.command("stat -c %a folder/data").stdout == "751\n"
            if len(opened) == NODES:
                break
        assert set(opened) == {item.info.id[:16] for item in members(executor)}
        assert [item.id for item in executor.snapshots()].count(snapshot.id) == 1
    finally:
        for later in opened.values():
            later.close()
    executor.remove_snapshot(snapshot)
    assert snapshot not in executor.snapshots()
    with pytest.raises(SnapshotError):
        executor.open_session("bash", snapshot=snapshot)
