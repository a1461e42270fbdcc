"""Medians, quantiles and ratios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed, by the nearest rank.

    Raises:
        ValueError: There are none.
    """
    if not values:
        raise ValueError("no values have no quantile")
    return sorted(values)[round(share * (len(values) - 1))]


@dataclass(frozen=True, slots=True)
class Summary:
    """Quantiles of isolation times, in seconds.

    Attributes:
        count: How many there were.
        p50: Their median.
        p95: What 95 of 100 do not exceed.
        p99: What 99 of 100 do not exceed.
    """

    count: int
    p50: float
    p95: float
    p99: float


def summary(values: Sequence[float]) -> Summary:
    """The quantiles of some isolation times."""
    p50, p95, p99 = (quantile(values, share) for share in (0.5, 0.95, 0.99))
    return Summary(len(values), p50, p95, p99)
