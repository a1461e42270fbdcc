"""What a key has used of its day, over restarts of a real server."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from tests.support.cli import drybox
from tests.support.host import eventually
from tests.support.server import TIMEOUT, Answer, Server, serving

from drybox.service.api_keys import hash_key, new_key

pytestmark = pytest.mark.promise("KEY-13")

POOR = new_key()
BUSY = "import time\nwhile time.process_time() < 0.3: pass"


def settings(folder: Path) -> dict[str, str]:
    return {
        "DRYBOX_KEYS_POOR_HASH": hash_key(POOR),
        "DRYBOX_KEYS_POOR_CPU_PER_DAY": "0.2s",
        "DRYBOX_SERVER_STATE_DIR": str(folder),
    }


def run(server: Server, code: str) -> Answer:
    body = json.dumps({"language": "python", "code": code})
    return server.ask("POST", "/v1/execute", body, {"Authorization": f"Bearer {POOR}"})


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_gives_no_second_budget(tmp_path: Path, end: signal.Signals) -> None:
    file = tmp_path / "cpu-time.json"
    with serving(env=settings(tmp_path)) as server:
        assert run(server, BUSY).json["status"] == "success"
        if end == signal.SIGKILL:
            assert eventually(file.exists, TIMEOUT)
        server.stop(end)
    assert json.loads(file.read_text())["cpu_seconds"]["poor"] >= 0.3
    with serving(env=settings(tmp_path)) as server:
        assert run(server, "1").problem["type"].endswith("quota-exceeded")


def test_what_cannot_be_kept_is_said_before_anybody_is_served(tmp_path: Path) -> None:
    env = {"DRYBOX_CONFIG": "/dev/null", **settings(tmp_path / "nothing")}
    done = drybox("serve", "--port", "0", env=env)
    assert done.returncode == 2
    assert b"server.state_dir: " in done.stderr
    with serving(env=settings(tmp_path)):
        env = {"DRYBOX_CONFIG": "/dev/null", **settings(tmp_path)}
        done = drybox("serve", "--port", "0", env=env)
    assert done.returncode == 2
    assert b"another server uses" in done.stderr
