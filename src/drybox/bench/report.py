"""The figures of a run of the benchmark: values, and the document made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from drybox.bench.statistics import Summary, summary

BARE, WARM, AGAIN, COLD = "bare", "warm", "again", "cold"
"""The sides: outside any sandbox; in one that waited; there, but a source that ran before; in
one made for the run."""


@dataclass(frozen=True)
class Group:
    """One language behind one wall; all sides of it took turns.

    Attributes:
        language: The language.
        wall: The wall.
        seconds: Wall seconds of each run, by side.
        rates: Sustained runs per second, by side.
        idle: Bytes that each sandbox takes that waits; empty if that was not measured.
    """

    language: str
    wall: str
    seconds: Mapping[str, Sequence[float]]
    rates: Mapping[str, float] = field(default_factory=dict)
    idle: Sequence[int] = ()

    def summary(self, side: str) -> Summary:
        """The quantiles of one side."""
        return summary(self.seconds[side])

    def ratio(self, side: str, base: str = BARE) -> float | None:
        """Median of one side over that of another; None if either did not run."""
        if not self.seconds.get(side) or not self.seconds.get(base):
            return None
        return self.summary(side).p50 / self.summary(base).p50

    def rate_ratio(self, side: str) -> float | None:
        """Runs per second of one side over those of the bare process; None if not measured."""
        if not self.rates.get(BARE) or side not in self.rates:
            return None
        return self.rates[side] / self.rates[BARE]

    @property
    def idle_size(self) -> int | None:
        """Bytes of the largest sandbox that waits; None if not measured."""
        return max(self.idle, default=None)


@dataclass(frozen=True)
class Missing:
    """What could not be measured, and why."""

    language: str
    wall: str
    reason: str


@dataclass(frozen=True)
class Report:
    """Everything that was measured.

    Attributes:
        machine: Where.
        groups: The figures.
        missing: What there are none of.
        concurrency: Runs that were under way at once for the rates.
    """

    machine: Mapping[str, Any]
    groups: Sequence[Group]
    missing: Sequence[Missing]
    concurrency: int

    def find(self, language: str, wall: str) -> Group | None:
        """The figures of a language behind a wall."""
        for group in self.groups:
            if (group.language, group.wall) == (language, wall):
                return group
        return None

    def document(self) -> dict[str, Any]:
        """All of it, raw figures too, as JSON has it."""
        return {
            "machine": dict(self.machine),
            "concurrency": self.concurrency,
            "groups": [_document(group) for group in self.groups],
            "missing": [asdict(item) for item in self.missing],
        }


def _document(group: Group) -> dict[str, Any]:
    sides = {
        name: {
            **asdict(group.summary(name)),
            "ratio": group.ratio(name),
            "rate": group.rates.get(name),
            "rate_ratio": group.rate_ratio(name),
            "seconds": list(values),
        }
        for name, values in group.seconds.items()
        if values
    }
    idle = {"idle_bytes": group.idle_size}
    return {"language": group.language, "wall": group.wall, **idle, "sides": sides}
