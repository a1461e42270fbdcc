"""The figures as an SVG chart that is readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

from drybox.bench.report import BASELINE, CACHED, COLD, WARM, Group, Report
from drybox.bench.table import NAMES

WIDTH, LEFT, ROW, GAP = 720, 170, 22, 30
BAR = 340
"""Pixels: of the picture, of its names, of a row, between groups, and of the longest bar."""

COLOURS = {BASELINE: "#8a8f98", WARM: "#2f9e6e", CACHED: "#2f9e6e", COLD: "#4c86d8"}
OTHER_COLOUR = "#c07a2c"

_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f; }
.head { font-weight: 600; } .small { font-size: 11px; fill: #656d76; }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .small { fill: #9aa4af; } }
"""


def chart(report: Report) -> str:
    """The medians of every group, each as a bar; those of a group have one scale.

    Args:
        report: The figures.

    Returns:
        The text of an SVG file.
    """
    rows = sum(sum(bool(values) for values in group.seconds.values()) for group in report.groups)
    height = rows * ROW + len(report.groups) * GAP + 40
    body: list[str] = []
    top = 8
    for group in report.groups:
        body.append(_text(8, top + 16, f"{group.language} · {group.isolation}", "head"))
        top += GAP
        for line in _bars(group, top):
            body.append(line)
        top += ROW * sum(bool(values) for values in group.seconds.values())
    machine = report.machine
    words = f"medians; {machine['cpu']}, {machine['cpus']} CPUs, {str(machine['time'])[:10]}"
    body.append(_text(8, top + 24, words, "small"))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
    title = "<title>What a run costs beside the baseline process</title>"
    return "\n".join([head, title, f"<style>{_STYLE}</style>", *body, "</svg>", ""])


def _bars(group: Group, top: int) -> Iterator[str]:
    contenders = [contender for contender in group.seconds if group.seconds[contender]]
    longest = max(group.summary(contender).p50 for contender in contenders)
    for number, contender in enumerate(contenders):
        y, found, ratio = top + number * ROW, group.summary(contender), group.ratio(contender)
        length = max(2.0, BAR * found.p50 / longest)
        yield _text(24, y + 13, NAMES.get(contender, contender))
        yield (
            f'<rect x="{LEFT}" y="{y + 2}" width="{length:.1f}" height="14" rx="2" '
            f'fill="{COLOURS.get(contender, OTHER_COLOUR)}"/>'
        )
        shown = "" if contender == BASELINE or ratio is None else f"  ({ratio:.2f}x)"
        yield _text(LEFT + length + 8, y + 13, f"{found.p50 * 1e3:.1f} ms{shown}")


def _text(x: float, y: float, words: str, kind: str = "") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.0f}" y="{y:.0f}"{style}>{escape(words)}</text>'
