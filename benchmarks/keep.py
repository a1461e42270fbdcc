"""What the benchmarks share: where their raw figures go, and the cache that they install into."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "drybox-bench")


def keep(name: str, document: dict[str, Any]) -> Path:
    """Write raw figures, with the machine and the commit in them, and return the file.

    Args:
        name: The benchmark's.
        document: As ``drybox.bench.report.Report.document`` makes it: it names the machine.
    """
    machine = document["machine"]
    RESULTS.mkdir(exist_ok=True)
    commit = (machine["commit"] or "unknown")[:9]
    path = RESULTS / f"{name}-{machine['time'][:10]}-{commit}.json"
    path.write_text(json.dumps(document, indent=1) + "\n")
    return path
