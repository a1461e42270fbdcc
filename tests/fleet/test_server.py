"""The HTTP service in front of a fleet, and what the command line tells of one."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest
from tests.fleet.conftest import NODES, SLOTS, Nodes
from tests.support.cli import DRYBOX
from tests.support.server import serving
from tests.support.sessions import JSON, HttpSession, open_session

from drybox.service.api_keys import hash_key, new_key

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


def test_sessions_are_reached_from_every_front_door(nodes: Nodes) -> None:
    alice, bob = new_key(), new_key()
    env = {
        "DRYBOX_ISOLATION": "local",
        "DRYBOX_CONCURRENCY": str(SLOTS),
        "DRYBOX_KEYS_ALICE_HASH": hash_key(alice),
        "DRYBOX_KEYS_BOB_HASH": hash_key(bob),
        "DRYBOX_SERVER_SESSIONS_PER_KEY": "2",
    }
    words = ("--fleet", "ray", "--address", nodes.address)
    owner = {"Authorization": f"Bearer {alice}"}
    with serving(*words, env=env) as first, serving(*words, env=env) as second:
        session = open_session(first, owner, language="bash")
        session.run("x=kept")
        elsewhere = HttpSession(second, session.document, owner)
        assert elsewhere.run("echo $x")["stdout"] == "kept\n"
        pid = session.start("echo begun; cat")
        assert [item["pid"] for item in elsewhere.ask("GET", "/commands").json] == [pid]
        assert elsewhere.ask("PUT", "/files/a", b"\0" * 3_000_000).status == 200
        assert session.ask("GET", "/files/a").body == b"\0" * 3_000_000
        snapshot = session.ask("POST", "/snapshot").json["id"]
        found = second.ask("GET", "/v1/snapshots", headers=owner).json
        assert [item["id"] for item in found] == [snapshot]
        stranger = HttpSession(second, session.document, {"Authorization": f"Bearer {bob}"})
        assert stranger.ask("GET").status == 404
        mine = {"Authorization": f"Bearer {bob}"}
        assert first.ask("GET", "/v1/snapshots", headers=mine).json == []
        begins = json.dumps({"language": "bash", "snapshot": snapshot})
        assert second.ask("POST", "/v1/sessions", begins, {**JSON, **mine}).status == 404
        other = open_session(second, owner, language="bash", snapshot=snapshot)
        assert other.ask("GET", "/files/a").body == b"\0" * 3_000_000
        listed = first.ask("GET", "/v1/sessions", headers=owner).json
        assert {item["id"] for item in listed} == {session.document["id"], other.document["id"]}
        body = json.dumps({"language": "bash"})
        assert first.ask("POST", "/v1/sessions", body, {**JSON, **owner}).status == 429
        first.process.kill()
        assert elsewhere.run("echo $x")["stdout"] == "kept\n"
        assert elsewhere.ask("DELETE").status == 204
        assert elsewhere.ask("GET").status == 404
        status = [DRYBOX, "fleet", "status", "--address", nodes.address, "--json"]
        node = other.document["id"].rpartition("-")[2]
        found = json.loads(subprocess.check_output(status, text=True, timeout=100))
        (replica,) = [item for item in found if item["node"].startswith(node) and item["sessions"]]
        os.kill(replica["pid"], signal.SIGKILL)
        lost = other.ask("GET")
        assert (lost.status, lost.problem["type"]) == (410, "urn:drybox:problem:session-closed")
        assert "lost" in lost.problem["detail"]
