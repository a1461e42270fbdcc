"""How many nodes there are, by what front doors tell; in a time of the tests' own."""

from __future__ import annotations

import pytest

from drybox import InvalidRequest
from drybox.fleet.scaling.scaler import NodeUse, Scaler, Scaling, pack_use, unpack_left

pytestmark = pytest.mark.promise("FLEET-7")

SLOTS = 4


class Front:
    """Front doors and their scaler."""

    def __init__(self, scaling: Scaling) -> None:
        self.now = 0.0
        self.scaling = scaling
        self.asked: list[int] = []
        self.scaler = Scaler(self.asked.append, lambda: self.now)

    def tell(
        self,
        used: dict[str, int],
        *,
        waiting: int = 0,
        door: str = "one",
        fleet: str = "f",
        stays: tuple[str, ...] = ("head",),
    ) -> set[str]:
        """A front door sees so much taken of each node; the nodes to be left."""
        nodes = {id: NodeUse(SLOTS, count, id in stays) for id, count in used.items()}
        told = pack_use(door, fleet, self.scaling, waiting, nodes)
        return set(unpack_left(self.scaler.exchange(told)))


@pytest.fixture
def front() -> Front:
    return Front(Scaling(1, 5, 60.0))


def test_what_waits_asks_for_nodes_at_once_within_bounds(front: Front) -> None:
    front.tell({"head": 0})
    front.tell({"head": 4}, waiting=1)
    front.tell({"head": 4}, waiting=9)
    front.tell({"head": 4}, waiting=1000)
    assert front.asked == [1, 2, 4, 5]


def test_front_doors_of_one_fleet_see_the_same_use_and_wait_each(front: Front) -> None:
    front.tell({"head": 4}, waiting=3)
    front.tell({"head": 4}, waiting=2, door="two")
    assert front.asked[-1] == 3
    front.tell({"head": 4}, fleet="other", door="three")
    assert front.asked[-1] == 4
    front.now = 11.0  # the others have gone
    front.tell({"head": 0}, fleet="other", door="three")
    front.now = 80.0
    front.tell({"head": 0}, fleet="other", door="three")
    assert front.asked[-1] == 1


def test_nodes_are_left_once_fewer_were_enough_for_a_while(front: Front) -> None:
    full = {"head": 4, "a": 4, "b": 4, "c": 4}
    assert front.tell(full) == set()
    assert front.asked == [4]
    for second in range(1, 60):
        front.now = float(second)
        # For one moment three were needed.
        used = {"head": 4, "a": 2, "b": 0, "c": 3} if second == 30 else {**full, "b": 0, "c": 0}
        assert front.tell(used) == set()
    front.now = 61.0
    assert front.tell({"head": 1, "a": 1, "b": 0, "c": 1}) == {"b"}
    assert front.asked[-1] == 3
    front.now = 122.0
    front.tell({"head": 1, "a": 0, "b": 0, "c": 1})
    front.now = 183.0
    # The same one is left still, and the emptier of the others.
    assert front.tell({"head": 1, "a": 0, "b": 0, "c": 1}) == {"a", "b", "c"}
    assert front.asked[-1] == 1


def test_one_that_is_needed_again_is_used_again(front: Front) -> None:
    front.tell({"head": 4, "a": 4})
    front.now = 1.0
    front.tell({"head": 1, "a": 0})
    front.now = 62.0
    assert front.tell({"head": 1, "a": 0}) == {"a"}
    assert front.tell({"head": 4, "a": 0}, waiting=1) == set()
    assert front.asked == [2, 1, 2]


def test_who_has_sessions_or_a_front_door_stays(front: Front) -> None:
    front.tell({"head": 4, "a": 4, "b": 4})
    front.now = 1.0
    front.tell({"head": 0, "a": 0, "b": 0})
    front.now = 62.0
    assert front.tell({"head": 0, "a": 0, "b": 0}, stays=("head", "a")) == {"b"}
    assert front.tell({"head": 0, "a": 0, "b": 0}, stays=("head", "a", "b")) == set()


def test_the_number_is_told_again_from_time_to_time(front: Front) -> None:
    for second in range(0, 100, 5):
        front.now = float(second)
        front.tell({"head": 1})
    assert front.asked == [1, 1, 1, 1]


def test_without_front_doors_no_node_is_asked_for(front: Front) -> None:
    front.tell({"head": 4}, waiting=9)
    front.scaler.close()
    assert front.asked == [4, 0]


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("min_nodes", (0, 1, 60.0)),
        ("max_nodes", (1, True, 60.0)),
        ("max_nodes", (3, 2, 60.0)),
        ("node_idle_timeout", (1, 2, 0.0)),
    ],
)
def test_bounds_that_are_none_are_refused(field: str, given: tuple[int, int, float]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Scaling(*given)
    assert caught.value.field == field
