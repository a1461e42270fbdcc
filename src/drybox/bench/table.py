"""The figures as text, with a bar for each."""

from __future__ import annotations

from collections.abc import Iterator

from drybox.bench.goals import MB, verdicts
from drybox.bench.report import BASELINE, CACHED, COLD, COMMAND, FORKED, WARM, Group, Report

NAMES = {
    BASELINE: "baseline process",
    WARM: "warm",
    CACHED: "warm, same source",
    COLD: "cold",
    FORKED: "warm, forked",
    COMMAND: "drybox run",
}
"""What people read for each contender; any other is shown by its own name."""

BAR_WIDTH = 24
"""Characters of the longest bar of a group."""

_EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(share: float, width: int, *, plain: bool = False) -> str:
    """A bar that takes this share of the width.

    Args:
        share: From 0 to 1.
        width: Characters of a whole one.
        plain: Only of ASCII.
    """
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    if plain:
        return "#" * max(1, eighths // 8)
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8]).strip() or "▏"


def table(report: Report, *, goals: bool = False, plain: bool = False) -> str:
    """The whole report for a terminal.

    Args:
        report: The figures.
        goals: Say which promises are kept, and by how much the others are missed.
        plain: Only ASCII in the bars.
    """
    machine = report.machine
    lines = [
        f"{machine['cpu']}, {machine['cpus']} CPUs, load {machine['load'][0]}, "
        f"Linux {machine['kernel']}, {machine['system']}"
    ]
    for group in report.groups:
        lines += ["", *_group(group, report.concurrency, plain)]
    if report.missing:
        lines += ["", "not measured:"]
        lines += [f"  {item.language} · {item.isolation}: {item.reason}" for item in report.missing]
    if goals:
        lines += ["", "goals:", *(f"  {verdict.text}" for verdict in verdicts(report))]
    return "\n".join(lines)


def _group(group: Group, concurrency: int, plain: bool) -> Iterator[str]:
    yield f"{f'{group.language} · {group.isolation}':22} p50 ms   p95 ms   p99 ms  runs   ratio"
    longest = max(
        group.summary(contender).p50 for contender in group.seconds if group.seconds[contender]
    )
    for contender, seconds in group.seconds.items():
        if not seconds:
            continue
        found, ratio = group.summary(contender), group.ratio(contender)
        figures = " ".join(f"{value * 1e3:8.1f}" for value in (found.p50, found.p95, found.p99))
        shown = f"{ratio:6.2f}x" if ratio is not None else ""
        drawn = bar(found.p50 / longest, BAR_WIDTH, plain=plain)
        name = NAMES.get(contender, contender)
        yield f"  {name:18} {figures} {found.count:5} {shown:>7}  {drawn}"
    words = []
    if (rate := group.rate_ratio(WARM)) is not None:
        warm, baseline = group.rates[WARM], group.rates[BASELINE]
        words.append(
            f"{warm:.0f} runs/s, baseline {baseline:.0f} ({rate:.2f}x), {concurrency} at a time"
        )
    if group.idle_ratio is not None and group.baseline_size:
        words.append(
            f"{sum(group.idle) / MB:.0f} MB for {len(group.idle) - 1} that wait and their "
            f"template, baseline {group.baseline_size / MB:.0f} ({group.idle_ratio:.2f}x)"
        )
    elif group.idle_size:
        words.append(f"{group.idle_size / MB:.1f} MB for each that waits")
    if words:
        yield f"  {'; '.join(words)}"
