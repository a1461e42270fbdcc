"""The figures that the project promises, as SPECIFICATION.md has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drybox.bench.report import AGAIN, COLD, WARM, Group, Report

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Goal:
    """One promise about a language behind a wall.

    Attributes:
        words: What is promised.
        limit: The bound.
        value: The figure of it; None if it was not measured.
        at_least: The bound is a lower one.
    """

    language: str
    wall: str
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
        name = f"{goal.language} · {goal.wall}"
        return f"{name:16} {goal.words:38} {self.value:6.2f}, {bound:14} {end}"


def _ratio(side: str) -> Callable[[Group], float | None]:
    return lambda group: group.ratio(side)


def _spread(group: Group) -> float | None:
    found = group.summary(WARM) if group.seconds.get(WARM) else None
    return found.p99 / found.p50 if found else None


def _idle(group: Group) -> float | None:
    return group.idle_size / MB if group.idle_size else None


GOALS = (
    Goal("python", "local", "warm / bare", 0.25, _ratio(WARM)),
    Goal("python", "local", "warm p99 / p50", 3.0, _spread),
    Goal("node", "local", "warm / bare", 0.30, _ratio(WARM)),
    Goal("java", "local", "warm / bare", 0.12, _ratio(WARM)),
    Goal("go", "local", "warm, new source / bare", 0.65, _ratio(WARM)),
    Goal("go", "local", "warm, the same source again / bare", 0.10, _ratio(AGAIN)),
    Goal("python", "docker", "warm / bare", 0.6, _ratio(WARM)),
    Goal("python", "local", "sustained runs / bare", 0.7, lambda g: g.rate_ratio(WARM), True),
    Goal("python", "local", "MB of an idle sandbox", 15.0, _idle),
    Goal("python", "local", "cold / bare", 1.6, _ratio(COLD)),
    Goal("node", "local", "cold / bare", 1.4, _ratio(COLD)),
    Goal("go", "local", "cold / bare", 1.3, _ratio(COLD)),
    Goal("java", "local", "cold / bare", 1.2, _ratio(COLD)),
)


def verdicts(report: Report) -> list[Verdict]:
    """Every goal that something was measured for."""
    found = []
    for goal in GOALS:
        group = report.find(goal.language, goal.wall)
        value = goal.value(group) if group else None
        if value is not None:
            found.append(Verdict(goal, value))
    return found
