"""The example of a fleet runs as it is."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.fleet.conftest import Nodes
from tests.support.source_tree import ROOT

pytestmark = [pytest.mark.isolations("local"), pytest.mark.nightly]


def test_solutions_are_scored_from_one_program_and_inside_of_a_ray_program(nodes: Nodes) -> None:
    words = [str(ROOT / "examples/fleet/score.py"), "--address", nodes.address, "--count", "24"]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=280)
    # Ray itself tells of processes that have ended, in between.
    told = [line for line in done.stdout.splitlines() if line.endswith(" passed")]
    assert (done.returncode, told) == (0, ["6 of 24 passed"] * 2), done.stdout + done.stderr
