"""The figures of a run of the benchmark: values, and the document made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from drybox.bench.statistics import Summary, summary

BASELINE, WARM, CACHED, COLD = "baseline", "warm", "cached", "cold"
FORKED, COMMAND = "forked", "command"
"""The contenders: outside any sandbox; in one that waited; there, but a source that ran before; in
one made for the run; in one that waited and was forked from a template; by ``drybox run``."""


@dataclass(frozen=True)
class Group:
    """One language with one isolation; all contenders of it were interleaved.

    Attributes:
        language: The language.
        isolation: Its name.
        seconds: Wall seconds of each run, by contender.
        rates: Sustained runs per second, by contender.
        idle: Bytes that each sandbox takes that waits; empty if that was not measured.
        baseline_size: Bytes of one baseline process that has imported what they have; None if
            that was not measured.
    """

    language: str
    isolation: str
    seconds: Mapping[str, Sequence[float]]
    rates: Mapping[str, float] = field(default_factory=dict)
    idle: Sequence[int] = ()
    baseline_size: int | None = None

    def summary(self, contender: str) -> Summary:
        """The quantiles of one contender."""
        return summary(self.seconds[contender])

    def ratio(self, contender: str, base: str = BASELINE) -> float | None:
        """Median of one contender over that of another; None if either did not run."""
        if not self.seconds.get(contender) or not self.seconds.get(base):
            return None
        return self.summary(contender).p50 / self.summary(base).p50

    def rate_ratio(self, contender: str) -> float | None:
        """Runs per second as a ratio to the baseline process; None if not measured."""
        if not self.rates.get(BASELINE) or contender not in self.rates:
            return None
        return self.rates[contender] / self.rates[BASELINE]

    @property
    def idle_size(self) -> int | None:
        """Bytes of the largest sandbox that waits; None if not measured."""
        return max(self.idle, default=None)

    @property
    def idle_ratio(self) -> float | None:
        """Bytes of all that wait and of their template, over the baseline's."""
        return sum(self.idle) / self.baseline_size if self.idle and self.baseline_size else None


@dataclass(frozen=True)
class Missing:
    """What could not be measured, and why."""

    language: str
    isolation: str
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

    def find(self, language: str, isolation: str) -> Group | None:
        """The figures of a language with an isolation."""
        for group in self.groups:
            if (group.language, group.isolation) == (language, isolation):
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
    contenders = {
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
    if group.baseline_size:
        idle |= {"all_idle_bytes": sum(group.idle), "baseline_bytes": group.baseline_size}
    return {
        "language": group.language,
        "isolation": group.isolation,
        **idle,
        "contenders": contenders,
    }
