"""What Ray runs once for all front doors: the ledger of keys, and the scaler.

Ray begins one anew where it has died; the front doors then tell it what they know. See
:mod:`drybox.fleet.cluster`.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import Protocol

from drybox.fleet.actors.ending import end_actor
from drybox.fleet.keys.ledger import Ledger
from drybox.fleet.scaling.scaler import Scaler

TICK = 0.25
"""Seconds between two looks at what it depends on."""

EMPTY_TIMEOUT = 30.0
"""Seconds after which one without any front door ends."""


RESOURCE = "drybox"
"""What a node of the fleet has one of, so that Ray's autoscaler can be asked for nodes."""


class Exchanges(Protocol):
    """What front doors tell something, and are answered."""

    def exchange(self, data: bytes) -> bytes:
        """An answer to what one of them tells."""


class _Single:
    """One, which ends with its raylet, and when nobody needs it any more."""

    def __init__(self, core: Exchanges) -> None:
        self._raylet = os.getppid()
        self._core = core
        self._used_at = time.monotonic()
        threading.Thread(target=self._watch, name="drybox-actor", daemon=True).start()

    async def exchange(self, data: bytes) -> bytes:
        """What the core answers."""
        self._used_at = time.monotonic()
        return self._core.exchange(data)

    def _watch(self) -> None:
        while os.getppid() == self._raylet:
            if time.monotonic() - self._used_at > EMPTY_TIMEOUT:
                self._give_up()
                end_actor()
            time.sleep(TICK)
        os._exit(0)  # whoever could be told is gone

    def _give_up(self) -> None:
        """Nobody needs it any more."""


class LedgerActor(_Single):
    """The ledger."""

    def __init__(self) -> None:
        super().__init__(Ledger())


class ScalerActor(_Single):
    """The scaler, which asks Ray's autoscaler for nodes."""

    def __init__(self) -> None:
        self._scaler = Scaler(_request)
        super().__init__(self._scaler)

    def _give_up(self) -> None:
        with contextlib.suppress(Exception):  # Ray's, of any kind
            self._scaler.close()


def _request(nodes: int) -> None:
    from ray.autoscaler.sdk import request_resources

    request_resources(bundles=[{RESOURCE: 1}] * nodes)
