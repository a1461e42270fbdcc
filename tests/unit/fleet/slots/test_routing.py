"""Which node gets an execution."""

from __future__ import annotations

import pytest

from drybox.fleet.slots.routing import MAX_LAG, NodeState, choose_node, take_slot

WARM = {("local", "python"): 1}


def chosen(*nodes: NodeState, isolation: str = "auto", language: str = "python") -> str | None:
    found = choose_node(nodes, isolation, language)
    return None if found is None else found.id


def test_a_warm_sandbox_here_comes_before_more_of_them_elsewhere() -> None:
    here = NodeState("here", is_local=True, slots=4, running=3, sandboxes=WARM)
    other = NodeState("other", slots=4, sandboxes={("local", "python"): 3})
    assert chosen(here, other) == "here"


def test_a_warm_sandbox_elsewhere_comes_before_a_cold_one_here() -> None:
    here = NodeState("here", is_local=True, slots=4, sandboxes={("local", "node"): 2})
    other = NodeState("other", slots=4, running=3, sandboxes=WARM)
    assert chosen(here, other) == "other"
    assert chosen(here, other, isolation="docker") == "here"


def test_else_the_smallest_part_of_the_slots_decides() -> None:
    assert (
        chosen(NodeState("large", slots=10, running=4), NodeState("small", slots=2, running=1))
        == "large"
    )
    assert (
        chosen(NodeState("a", slots=2, elsewhere=1), NodeState("b", slots=2, last_chosen=9)) == "b"
    )


def test_equals_take_turns() -> None:
    nodes = [NodeState(name, slots=5) for name in "abc"]
    order = []
    for number in range(1, 10):
        node = choose_node(nodes, "auto", "python")
        assert node is not None
        take_slot(node, "auto", "python", number)
        order.append(node.id)
    assert order == [*"abc"] * 3


@pytest.mark.parametrize(
    "node",
    [
        NodeState("full", slots=2, running=1, elsewhere=1),
        NodeState("says so", slots=2, is_full=True),
        NodeState("drains", slots=2, is_draining=True),
        NodeState("slow", slots=2, lag=MAX_LAG + 0.1),
        NodeState("new"),
    ],
    ids=lambda node: node.id,
)
def test_a_node_without_room_gets_nothing(node: NodeState) -> None:
    assert chosen(node) is None


def test_a_sandbox_is_sent_for_once() -> None:
    node = NodeState("a", slots=4, sandboxes={("docker", "python"): 1, ("local", "python"): 1})
    take_slot(node, "local", "python", 1)
    assert node.sandboxes == {("docker", "python"): 1, ("local", "python"): 0}
    take_slot(node, "auto", "python", 2)
    take_slot(node, "auto", "python", 3)
    assert node.warm("auto", "python") == 0
    assert node.running == 3
