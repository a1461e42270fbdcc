"""Room in pipes: as much as is asked for, while there is some."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from drybox.guest.pipe_room import PIPES, USUAL, PipeRoom
from drybox.model import MIB, ResourceLimits


@pytest.mark.parametrize(
    ("limits", "given"),
    [
        (ResourceLimits(), MIB),
        (ResourceLimits(output=300_000), 300_000),
        (ResourceLimits(output=16 * MIB), MIB),
        (ResourceLimits(output=USUAL), 0),
        (ResourceLimits(memory=8 * MIB), MIB // 4),
        (ResourceLimits(memory=1 * MIB), 0),
    ],
)
def test_a_program_has_room_for_its_output(limits: ResourceLimits, given: int) -> None:
    with PipeRoom(64 * MIB, MIB).taken(limits) as room:
        assert room == given


def test_programs_share_it_and_give_it_back() -> None:
    shared = PipeRoom(2 * PIPES * MIB, MIB)
    with ExitStack() as running:
        rooms = [running.enter_context(shared.taken(ResourceLimits())) for _ in range(3)]
        assert rooms == [MIB, MIB, 0]
    with pytest.raises(RuntimeError), shared.taken(ResourceLimits()):
        raise RuntimeError
    with shared.taken(ResourceLimits()) as first, shared.taken(ResourceLimits()) as second:
        assert (first, second) == (MIB, MIB)


def test_this_host_allows_some() -> None:
    with PipeRoom.of_host().taken(ResourceLimits()) as room:
        assert room > USUAL
