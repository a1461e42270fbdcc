"""A notebook: cells run in order, and what they show is written into a page."""

from __future__ import annotations

import html
import sys
from pathlib import Path

from drybox import CodeExecutor, RunResult

CELLS = [
    "import math\nradius = 2",
    "math.pi * radius ** 2",
    "class Table:\n"
    "    def _repr_html_(self):\n"
    "        return '<table>' + ''.join(f'<tr><td>{n}<td>{n * n}' for n in range(4)) + '</table>'\n"
    "Table()",
    "print('a line'); 1 / 0",
]


def shown(result: RunResult) -> list[str]:
    """A cell's output as HTML. What code says is HTML goes into a frame that may do nothing."""
    parts = [f"<pre>{html.escape(result.stdout)}</pre>"] if result.stdout else []
    for display in result.results:
        if "text/html" in display.data:
            page = html.escape(str(display.data["text/html"]), quote=True)
            parts.append(f'<iframe sandbox srcdoc="{page}"></iframe>')
        else:
            parts.append(f"<pre>{html.escape(str(display.data.get('text/plain', '')))}</pre>")
    if result.error is not None:
        parts.append(f"<pre class=error>{html.escape(result.error.traceback)}</pre>")
    return parts


def main(page: Path) -> None:
    """Run all cells, a failed one included, and write the page."""
    body = []
    with CodeExecutor() as executor, executor.session("python") as session:
        for cell in CELLS:
            result = session.run(cell, timeout=60)
            body += [f"<h3>[{result.execution_count}]</h3><pre>{html.escape(cell)}</pre>"]
            body += shown(result)
            print(f"[{result.execution_count}] {result.status}")
    page.write_text("<!doctype html><meta charset=utf-8>" + "\n".join(body))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
