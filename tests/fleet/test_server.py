"""The HTTP service in front of a fleet, and what the command line tells of one."""

from __future__ import annotations

import json
import subprocess

import pytest
from tests.fleet.conftest import NODES, SLOTS, Nodes
from tests.support.cli import DRYBOX
from tests.support.server import serving

pytestmark = pytest.mark.nightly


def test_the_service_runs_on_a_fleet(nodes: Nodes) -> None:
    words = ("--fleet", "ray", "--address", nodes.address)
    env = {"DRYBOX_ISOLATION": "sleeper", "DRYBOX_CONCURRENCY": str(SLOTS)}
    with serving(*words, env=env) as server:
        result = server.execute("python", "print(1)", args=["served"])
        assert result["isolation"] == "sleeper"
        assert "served" in nodes.record.read_text()
        told = server.get("/metrics").body.decode()
        assert "drybox_fleet_slots{" in told
        status = [DRYBOX, "fleet", "status", "--address", nodes.address]
        done = subprocess.run(status, capture_output=True, text=True, check=True, timeout=100)
        assert "ready" in done.stdout
        told = subprocess.check_output([*status, "--json"], text=True, timeout=100)
        found = json.loads(told)
        assert {node["state"] for node in found} <= {"ready", "unused", "draining"}
        assert len({node["node"] for node in found}) == NODES
