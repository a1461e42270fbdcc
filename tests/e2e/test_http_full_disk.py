"""A server whose folder of state and shared memory are full: nobody is turned away for that."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

import pytest
from tests.support.cli import DRYBOX
from tests.support.host import eventually
from tests.support.server import TIMEOUT, Answer, Server, serving

from drybox.service.api_keys import hash_key, new_key

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts file systems as root")

KEY = new_key()
BUSY = "import time\nwhile time.process_time() < 0.2: pass"
MOUNT = """
mount -t tmpfs -o size=64k full {state}
mount -t tmpfs -o size=16k full /dev/shm
exec "$@"
"""


def run(server: Server, code: str, **more: object) -> Answer:
    body = json.dumps({"language": "python", "code": code, **more})
    return server.ask("POST", "/v1/execute", body, {"Authorization": f"Bearer {KEY}"})


def fill(folder: Path) -> Path:
    """A file that takes all the room there is."""
    path = folder / "everything"
    with suppress(OSError), path.open("wb", 0) as file:
        while True:
            file.write(bytes(4096))
    return path


def test_a_full_disk_turns_nobody_away(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    mount = MOUNT.format(state=state)
    command = ("unshare", "--mount", "--propagation", "private", "sh", "-ec", mount, "sh")
    env = {
        "DRYBOX_KEYS_KEY_HASH": hash_key(KEY),
        "DRYBOX_KEYS_KEY_CPU_PER_DAY": "1s",
        "DRYBOX_SERVER_STATE_DIR": str(state),
    }
    with (
        (tmp_path / "log").open("wb") as log,
        serving(env=env, command=(*command, str(DRYBOX)), lines=log) as server,
    ):
        root = Path(f"/proc/{server.process.pid}/root")
        seen = root / str(state)[1:]
        kept = seen / "cpu-time.json"
        assert run(server, BUSY).json["status"] == "success"
        assert eventually(kept.exists, TIMEOUT)
        before = json.loads(kept.read_text())["cpu_seconds"]["key"]
        blocks = [fill(seen), fill(root / "dev/shm")]

        # Programs run, also those that want shared memory, which is the sandbox's own.
        shared = "import multiprocessing; multiprocessing.Lock(); print(1)"
        result = run(server, shared + "\n" + BUSY, artifacts=["*"]).json
        assert (result["status"], result["stdout"]) == ("success", "1\n"), result
        said = "the CPU time of keys cannot be kept"
        assert eventually(lambda: said in (tmp_path / "log").read_text(), TIMEOUT)
        assert json.loads(kept.read_text())["cpu_seconds"]["key"] == before

        for block in blocks:
            block.unlink()
        assert run(server, BUSY).json["status"] == "success"
        # What was used meanwhile was not forgotten.
        assert eventually(
            lambda: json.loads(kept.read_text())["cpu_seconds"]["key"] > before + 0.35, TIMEOUT
        )
        assert (tmp_path / "log").read_text().count(said) == 1
