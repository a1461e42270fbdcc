"""The progress of a pull, from what the daemon reports of each layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drybox.backends.images import PullProgress

UNKNOWN_SIZE = 1
"""Bytes that a layer counts for until the daemon tells its size, which it may never do."""

DONE = ("Pull complete", "Already exists")
FETCHED = ("Verifying Checksum", "Download complete")
FIRST = ("Pulling fs layer", "Waiting")


@dataclass(slots=True)
class _Layer:
    """Bytes of one layer: all, and those that were fetched and unpacked."""

    total: int = UNKNOWN_SIZE
    fetched: int = 0
    unpacked: int = 0


class Pulling:
    """Takes the daemon's words on one pull in; each gives a share that never falls."""

    def __init__(self) -> None:
        self._layers: dict[str, _Layer] = {}
        self._share = 0.0

    def after(self, word: Mapping[str, Any]) -> PullProgress:
        """How far it is after one more word of the daemon's."""
        status, name = str(word.get("status") or ""), str(word.get("id") or "")
        detail = word.get("progressDetail") or {}
        current, total = int(detail.get("current") or 0), int(detail.get("total") or 0)
        if status in (*FIRST, *FETCHED, *DONE) or status in ("Downloading", "Extracting"):
            layer = self._layers.setdefault(name, _Layer())
            layer.total = max(layer.total, total)
            if status == "Downloading":
                layer.fetched = max(layer.fetched, current)
            elif status in FETCHED:
                layer.fetched = layer.total
            elif status == "Extracting":
                layer.fetched, layer.unpacked = layer.total, max(layer.unpacked, current)
            elif status in DONE:
                layer.fetched = layer.unpacked = layer.total
        elif status.startswith("Status:"):
            self._share = 1.0
        layers = self._layers.values()
        whole = 2 * sum(layer.total for layer in layers)
        done = sum(min(layer.fetched, layer.total) + layer.unpacked for layer in layers)
        if whole:
            # A layer whose size becomes known later makes the whole larger, not the share less.
            self._share = max(self._share, min(done / whole, 1.0))
        return PullProgress(self._share, status)
