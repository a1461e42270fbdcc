"""The fair queue, against whatever sequence of arrivals, ends and departures."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drybox.service.fair_queue import FairQueue, Full

KEYS = ("a", "b", "c", "d")
CAPS: dict[str, int | None] = {"a": None, "b": 1, "c": 2, "d": None}


@dataclass(eq=False)
class Item:
    """One request."""

    key: str
    number: int


@dataclass
class World:
    """A queue and what somebody who looks on knows of it."""

    queue: FairQueue[Item]
    waiting: dict[str, list[Item]] = field(default_factory=lambda: {key: [] for key in KEYS})
    running: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KEYS, 0))
    passed: dict[int, dict[str, int]] = field(default_factory=dict)
    count: int = 0

    def ready(self, key: str) -> bool:
        cap = CAPS[key]
        return bool(self.waiting[key]) and (cap is None or self.running[key] < cap)

    def arrive(self, key: str) -> None:
        item = Item(key, self.count)
        self.count += 1
        before = {name: len(items) for name, items in self.waiting.items()}
        try:
            pushed = self.queue.arrive(key, CAPS[key], item)
        except Full:
            assert sum(before.values()) >= self.queue.size
            assert before[key] + 1 >= max(before.values())
            return
        if pushed is not None:
            assert sum(before.values()) >= self.queue.size
            assert before[pushed.key] == max(before.values()) > before[key] + 1
            assert pushed is self.waiting[pushed.key].pop(), "not the newest of its key"
        self.waiting[key].append(item)
        self.grant()

    def grant(self) -> None:
        while (item := self.queue.next()) is not None:
            assert self.ready(item.key)
            assert item is self.waiting[item.key].pop(0), "a key's requests are overtaken"
            fewest = min(self.running[key] for key in KEYS if key == item.key or self.ready(key))
            assert self.running[item.key] == fewest
            self.running[item.key] += 1
            self.passed.pop(item.number, None)
            for key in KEYS:
                if key != item.key and self.ready(key) and self.running[key] == 0:
                    seen = self.passed.setdefault(self.waiting[key][0].number, {})
                    seen[item.key] = seen.get(item.key, 0) + 1
                    assert seen[item.key] == 1, "one key got two slots while another got none"
        full = sum(self.running.values()) == self.queue.slots
        assert full or not any(map(self.ready, KEYS)), "a place stays empty"

    def end(self, key: str) -> None:
        if self.running[key]:
            self.queue.end(key)
            self.running[key] -= 1
            self.grant()

    def leave(self, key: str, place: int) -> None:
        if self.waiting[key]:
            item = self.waiting[key].pop(place % len(self.waiting[key]))
            self.queue.leave(key, item)


steps = st.lists(
    st.tuples(
        st.sampled_from(["arrive", "arrive", "arrive", "end", "end", "leave"]),
        st.sampled_from(KEYS),
        st.integers(0, 9),
    ),
    max_size=150,
)


@pytest.mark.promise("KEY-4")
@settings(max_examples=400)
@given(st.integers(1, 4), st.integers(0, 8), steps)
def test_whatever_happens_slots_are_given_fairly_and_bounds_hold(
    slots: int, size: int, steps: list[tuple[str, str, int]]
) -> None:
    world = World(FairQueue(slots, size))
    for what, key, place in steps:
        if what == "arrive":
            world.arrive(key)
        elif what == "end":
            world.end(key)
        else:
            world.leave(key, place)
        assert world.queue.running == sum(world.running.values()) <= slots
        assert world.queue.waiting == sum(map(len, world.waiting.values())) <= size
        assert all(world.running[key] <= (CAPS[key] or slots) for key in KEYS)


def waits(
    slots: int, arrivals: list[tuple[float, str, float]], size: int = 10_000
) -> dict[str, list[float]]:
    """How long each request waits: requests are (moment, key, seconds that they run)."""
    queue: FairQueue[tuple[float, str, float]] = FairQueue(slots, size)
    found: dict[str, list[float]] = {}
    ends: list[tuple[float, str]] = []
    pending = sorted(arrivals)[::-1]
    while pending or ends:
        if pending and (not ends or pending[-1][0] <= ends[0][0]):
            item = pending.pop()
            now = item[0]
            queue.arrive(item[1], None, item)
        else:
            now, key = heapq.heappop(ends)
            queue.end(key)
        while (served := queue.next()) is not None:
            found.setdefault(served[1], []).append(now - served[0])
            heapq.heappush(ends, (now + served[2], served[1]))
    return found


@pytest.mark.promise("KEY-3")
@given(st.integers(1, 8), st.floats(0.0, 50.0))
def test_a_thousand_waiting_requests_delay_another_keys_by_one_service_time(
    slots: int, moment: float
) -> None:
    crowd = [(0.0, "crowd", 1.0)] * 1000
    found = waits(slots, [*crowd, (moment, "other", 1.0)])
    assert found["other"][0] <= 1.0
    assert len(found["crowd"]) == 1000


@pytest.mark.promise("KEY-3")
def test_a_key_that_asks_again_and_again_has_half_of_all_slots() -> None:
    crowd = [(0.0, "crowd", 1.0)] * 1000
    steady = [(2.0 * index, "steady", 1.0) for index in range(100)]
    found = waits(1, [*crowd, *steady])
    assert max(found["steady"]) <= 1.0


@pytest.mark.promise("KEY-3")
def test_long_programs_of_one_key_get_no_more_slots_than_short_ones_of_another() -> None:
    long = [(0.0, "long", 30.0)] * 50
    short = [(0.0, "short", 0.1)] * 1000
    found = waits(2, [*long, *short])
    assert max(found["short"]) <= 1000 * 0.1 + 30.0


@pytest.mark.promise("KEY-5")
def test_a_full_queue_makes_room_for_who_has_less_of_it() -> None:
    queue: FairQueue[str] = FairQueue(1, 3)
    queue.arrive("a", None, "running")
    assert queue.next() == "running"
    for name in ("first", "second", "third"):
        assert queue.arrive("a", None, name) is None
    with pytest.raises(Full):
        queue.arrive("a", None, "fourth")
    assert queue.arrive("b", None, "other") == "third"
    with pytest.raises(Full):
        queue.arrive("b", None, "one more")
    assert queue.waiting == 3


def test_who_can_run_at_once_needs_no_place_to_wait() -> None:
    queue: FairQueue[str] = FairQueue(2, 0)
    assert queue.arrive("a", 1, "one") is None
    assert queue.next() == "one"
    with pytest.raises(Full):
        queue.arrive("a", 1, "two")
    assert queue.arrive("b", 1, "three") is None
    assert queue.next() == "three"


def test_the_slots_ahead_are_counted() -> None:
    queue: FairQueue[str] = FairQueue(1, 100)
    queue.arrive("a", None, "running")
    queue.next()
    for index in range(9):
        queue.arrive("a", None, str(index))
    assert (queue.ahead("a"), queue.ahead("new")) == (9, 1)
