"""Snapshots over HTTP, against started servers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support.server import Answer, Server, serving
from tests.support.sessions import HttpSession, open_session

from drybox.service.api_keys import hash_key, new_key

pytestmark = pytest.mark.promise("SNAP-4")


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def problem(answer: Answer, status: int, kind: str) -> dict[str, Any]:
    assert answer.status == status, answer
    document: dict[str, Any] = answer.problem
    assert document["type"] == f"urn:drybox:problem:{kind}"
    return document


def begin(server: Server, headers: dict[str, str], snapshot: str) -> Answer:
    return server.ask(
        "POST",
        "/v1/sessions",
        f'{{"language": "bash", "snapshot": "{snapshot}"}}',
        {"Content-Type": "application/json", **headers},
    )


def test_a_snapshot_is_its_keys_own_and_survives_a_restart(tmp_path: Path) -> None:
    mine, other = new_key(), new_key()
    env = {
        "DRYBOX_KEYS_MINE_HASH": hash_key(mine),
        "DRYBOX_KEYS_OTHER_HASH": hash_key(other),
        "DRYBOX_SNAPSHOT_DIR": str(tmp_path / "kept"),
        "DRYBOX_MAX_SNAPSHOTS": "2",
    }
    with serving(env=env) as server:
        session = open_session(server, bearer(mine), language="bash")
        assert session.ask("PUT", "/files/folder/data", b"content").status == 200
        session.command("ln -s /etc/passwd link")
        kept = session.ask("POST", "/snapshot")
        assert kept.status == 201, kept
        assert (kept.json["files"], kept.json["size"]) == (2, 7)
        assert len(kept.json["left_out"]) == 1
        id = kept.json["id"]
        assert server.ask("GET", "/v1/snapshots", None, bearer(mine)).json == [kept.json]
        # Another key's is not there, though it has the same id where the files are the same.
        assert server.ask("GET", "/v1/snapshots", None, bearer(other)).json == []
        problem(begin(server, bearer(other), id), 404, "not-found")
        problem(server.ask("DELETE", f"/v1/snapshots/{id}", None, bearer(other)), 404, "not-found")
        same = open_session(server, bearer(other), language="bash")
        same.ask("PUT", "/files/folder/data", b"content")
        assert same.ask("POST", "/snapshot").json["id"] == id
        assert server.ask("DELETE", f"/v1/snapshots/{id}", None, bearer(other)).status == 204
        problem(begin(server, bearer(other), id), 404, "not-found")
        session.ask("PUT", "/files/more", b"1")
        assert session.ask("POST", "/snapshot").status == 201
        session.ask("PUT", "/files/more", b"2")
        problem(session.ask("POST", "/snapshot"), 507, "no-space")
        assert session.ask("DELETE").status == 204
        problem(session.ask("POST", "/snapshot"), 404, "not-found")
    with serving(env=env) as server:
        assert len(server.ask("GET", "/v1/snapshots", None, bearer(mine)).json) == 2
        answer = begin(server, bearer(mine), id)
        assert answer.status == 201, answer
        later = HttpSession(server, answer.json, bearer(mine))
        assert later.ask("GET", "/files/folder/data").body == b"content"
        assert later.command("ls")["stdout"] == "folder\n"
        assert server.ask("DELETE", f"/v1/snapshots/{id}", None, bearer(mine)).status == 204
        problem(begin(server, bearer(mine), id), 404, "not-found")
        assert later.command("cat folder/data")["stdout"] == "content"
        assert server.ask("GET", "/v1/snapshots").status == 401
        assert list((tmp_path / "kept").iterdir())
