"""The figures that the project promises, as SPECIFICATION.md has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drybox.bench.report import CACHED, COLD, COMMAND, FORKED, WARM, Group, Report

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Goal:
    """One promise about a language with an isolation.

    Attributes:
        words: What is promised.
        limit: The bound.
        value: The figure of it; None if it was not measured.
        at_least: The bound is a lower one.
    """

    language: str
    isolation: str
    words: str
    limit: float
    value: Callable[[Group], float | None]
    at_least: bool = False

    def is_met(self, value: float) -> bool:
        """Whether a figure is within the bound."""
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True, slots=True)
class Verdict:
    """A goal and what was measured of it."""

    goal: Goal
    value: float

    @property
    def is_met(self) -> bool:
        """Whether it is met."""
        return self.goal.is_met(self.value)

    @property
    def text(self) -> str:
        """One line for people, with how much a missed one is off."""
        goal = self.goal
        bound = f"{'at least' if goal.at_least else 'at most'} {goal.limit:.3g}"
        off = (self.value / goal.limit - 1) * 100
        end = "met" if self.is_met else f"missed by {abs(off):.0f} %"
        name = f"{goal.language} · {goal.isolation}"
        return f"{name:16} {goal.words:38} {self.value:6.2f}, {bound:14} {end}"


def _ratio(contender: str) -> Callable[[Group], float | None]:
    return lambda group: group.ratio(contender)


def _spread(group: Group) -> float | None:
    found = group.summary(WARM) if group.seconds.get(WARM) else None
    return found.p99 / found.p50 if found else None


def _idle(group: Group) -> float | None:
    return group.idle_size / MB if group.idle_size else None


GOALS = (
    Goal("python", "local", "warm / baseline", 0.25, _ratio(WARM)),
    Goal("python", "local", "warm p99 / p50", 3.0, _spread),
    Goal("node", "local", "warm / baseline", 0.30, _ratio(WARM)),
    Goal("java", "local", "warm / baseline", 0.12, _ratio(WARM)),
    Goal("typescript", "local", "warm, new source / baseline", 0.35, _ratio(WARM)),
    Goal("bash", "local", "warm / baseline", 2.0, _ratio(WARM)),
    Goal("go", "local", "warm, new source / baseline", 0.65, _ratio(WARM)),
    Goal("go", "local", "warm, the same source again / baseline", 0.10, _ratio(CACHED)),
    *(
        goal
        for name in ("c", "cpp", "rust")
        for goal in (
            Goal(name, "local", "warm, new source / baseline", 1.05, _ratio(WARM)),
            Goal(name, "local", "warm, the same source again / baseline", 0.10, _ratio(CACHED)),
        )
    ),
    Goal("python", "docker", "warm / baseline", 0.6, _ratio(WARM)),
    Goal("python", "local", "sustained runs / baseline", 0.7, lambda g: g.rate_ratio(WARM), True),
    Goal("python", "local", "forked / warm", 1.0, lambda g: g.ratio(FORKED, WARM)),
    Goal(
        "python", "local", "sustained forked / baseline", 1.5, lambda g: g.rate_ratio(FORKED), True
    ),
    Goal("python", "local", "drybox run / baseline", 9.0, _ratio(COMMAND)),
    Goal("pandas", "local", "warm, imported ahead / baseline", 0.03, _ratio(WARM)),
    Goal("pandas", "local", "cold / baseline", 1.1, _ratio(COLD)),
    Goal("pandas", "local", "sustained runs / baseline", 25.0, lambda g: g.rate_ratio(WARM), True),
    Goal("pandas", "local", "memory of 32 that wait / baseline", 4.0, lambda g: g.idle_ratio),
    Goal("matplotlib", "local", "warm, imported ahead / baseline", 0.35, _ratio(WARM)),
    Goal("python", "local", "MB of an idle sandbox", 15.0, _idle),
    Goal("python", "local", "cold / baseline", 1.6, _ratio(COLD)),
    Goal("node", "local", "cold / baseline", 1.4, _ratio(COLD)),
    Goal("go", "local", "cold / baseline", 1.3, _ratio(COLD)),
    Goal("java", "local", "cold / baseline", 1.2, _ratio(COLD)),
)


def verdicts(report: Report) -> list[Verdict]:
    """Every goal that something was measured for."""
    found = []
    for goal in GOALS:
        group = report.find(goal.language, goal.isolation)
        value = goal.value(group) if group else None
        if value is not None:
            found.append(Verdict(goal, value))
    return found
