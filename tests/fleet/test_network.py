"""Machines that are network namespaces: a cut network, and a head that is killed and comes back."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.machines import Machine, Machines, machines
from tests.support.source_tree import ROOT

pytestmark = [pytest.mark.promise("FLEET-1"), pytest.mark.isolations("local"), pytest.mark.nightly]

COUNT = 3


@pytest.fixture
def three() -> Iterator[Machines]:
    # Ray's sockets are below it, and the path of one is short.
    with tempfile.TemporaryDirectory(prefix="dbx") as folder:
        env = {
            "PYTHONPATH": str(ROOT),
            "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
            "RAY_USAGE_STATS_ENABLED": "0",
            # Else a head asks for a token that lies at home, which the others do not send.
            "RAY_AUTH_MODE": "disabled",
            # What the head has to know again when it comes back.
            "RAY_gcs_storage": "rocksdb",
            "RAY_gcs_storage_path": f"{folder}/gcs",
            # Else nodes and front doors end after a minute without it.
            "RAY_gcs_rpc_server_reconnect_timeout_s": "600",
        }
        with machines(COUNT, Path(folder), env) as found:
            yield found


def behind_a_front_door(
    three: Machines,
    victim: Machine,
    harm: Callable[[], None],
    mend: Callable[[], None],
    told_within: float,
) -> None:
    """Have a front door on the second machine see what becomes of everything."""
    words = [sys.executable, "-m", "tests.support.fleet_door", three.address]
    words += [str(three.folder / "record"), victim.address, str(COUNT), str(told_within)]
    with subprocess.Popen(
        three.all[1].inside(words),
        env={**os.environ, **three.env},
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as door:
        assert door.stdin is not None
        assert door.stdout is not None
        try:
            for line in door.stdout:
                print(line, end="")
                if line.startswith(("harm", "mend")):
                    (harm if line.startswith("harm") else mend)()
                    door.stdin.write("done\n")
                    door.stdin.flush()
            assert door.wait(60) == 0
        finally:
            door.kill()


def test_a_node_whose_network_is_cut_is_lost_and_comes_back(
    three: Machines, told_within: float
) -> None:
    victim = three.all[2]

    def mend() -> None:
        victim.mend()
        victim.kill()  # Ray itself has given it up, and asks for a node of another name
        three.start(victim)

    behind_a_front_door(three, victim, victim.cut, mend, told_within)


def test_the_head_is_killed_and_comes_back(three: Machines, told_within: float) -> None:
    head = three.all[0]
    behind_a_front_door(three, head, head.kill, lambda: three.start(head), told_within)
