"""A Ray cluster of this machine whose nodes Ray's own autoscaler adds and removes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.host import descendants, eventually

from drybox.fleet.actors.single import RESOURCE

START_TIMEOUT = 120.0

STORE = 80 << 20
"""Bytes of each node's object store: as little as Ray takes."""


def _port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _config(address: str, most: int, idle: float) -> dict[str, object]:
    node = {"CPU": 1, RESOURCE: 1, "object_store_memory": STORE}
    return {
        "cluster_name": "drybox",
        "provider": {
            "type": "fake_multinode",
            "gcs_address": address,
            "use_node_id_as_ip": True,  # all of them have one address
            "disable_node_updaters": True,
            "disable_launch_config_check": True,
        },
        "max_workers": most,
        "idle_timeout_minutes": idle / 60,
        "upscaling_speed": 1.0,
        "head_node_type": "ray.head.default",
        "available_node_types": {
            "ray.head.default": {"resources": node, "node_config": {}, "max_workers": 0},
            "worker": {"resources": node, "node_config": {}, "min_workers": 0, "max_workers": most},
        },
        "auth": {},
        "cluster_synced_files": [],
        "file_mounts": {},
        "file_mounts_sync_continuously": False,
        "head_node": {},
        "worker_nodes": {},
        "head_setup_commands": [],
        "head_start_ray_commands": [],
        "initialization_commands": [],
        "rsync_exclude": [],
        "rsync_filter": [],
        "setup_commands": [],
        "worker_setup_commands": [],
        "worker_start_ray_commands": [],
    }


@contextmanager
def scaled_cluster(folder: Path, most: int, idle: float, env: Mapping[str, str]) -> Iterator[str]:
    """Its address.

    Args:
        folder: For what it writes; with a short path, as sockets are in it.
        most: Nodes beside the head at most.
        idle: Seconds after which the autoscaler removes a node that nobody uses.
        env: Variables of all its processes.
    """
    address = f"127.0.0.1:{_port()}"
    config, log = folder / "autoscaler.json", folder / "log"
    config.write_text(json.dumps(_config(address, most, idle)))
    words = [str(Path(sys.executable).with_name("ray")), "start", "--head", "--block"]
    words += [f"--port={address.rpartition(':')[2]}", "--node-ip-address=127.0.0.1"]
    words += ["--num-cpus=1", f"--resources={json.dumps({RESOURCE: 1})}"]
    words += [f"--object-store-memory={STORE}", f"--temp-dir={folder / 'ray'}"]
    words += ["--include-dashboard=false", "--disable-usage-stats"]
    words += [f"--autoscaling-config={config}"]
    ours = {"AUTOSCALER_UPDATE_INTERVAL_S": "1", "RAY_FAKE_CLUSTER": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            words, env={**os.environ, **ours, **env}, stdout=output, stderr=output
        )

    def is_up() -> bool:
        assert process.poll() is None, log.read_text()
        return "Ray runtime started" in log.read_text()

    try:
        assert eventually(is_up, START_TIMEOUT), log.read_text()
        yield address
    finally:
        for pid in [*(item.pid for item in descendants(process.pid)), process.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
