"""Files of a session that are larger than what drybox may keep in memory."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from tests.support.isolations import Isolation

SIZE = 1 << 30
MOST_MEMORY = 160 << 20
"""Bytes of memory of a whole Python with drybox: an eighth of the file and some."""

PROGRAM = """
import asyncio, hashlib, json, resource, sys
from drybox import AsyncCodeExecutor, ResourceLimits

PIECE = 1 << 20
sent, received = hashlib.sha256(), hashlib.sha256()

async def pieces(size):
    for number in range(size // PIECE):
        piece = number.to_bytes(8, "little") * (PIECE // 8)
        sent.update(piece)
        yield piece

async def main(isolation, size):
    limits = ResourceLimits(memory="1500m", disk="1200m")
    async with AsyncCodeExecutor(limits=limits) as executor:
        session = await executor.open_session("bash", isolation=isolation)
        made = await session.files.write("large", pieces(size))
        async for piece in session.files.read_pieces("large"):
            received.update(piece)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps([made.size, sent.hexdigest() == received.hexdigest(), peak]))

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


@pytest.mark.nightly
@pytest.mark.promise("SES-1")
def test_a_gibibyte_goes_in_and_out_in_little_memory(isolation: Isolation) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, isolation.name, str(SIZE)],
        capture_output=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr.decode()
    size, is_same, peak = json.loads(done.stdout)
    assert (size, is_same) == (SIZE, True)
    assert peak < MOST_MEMORY
