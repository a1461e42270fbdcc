"""What Ray runs once for all front doors: the ledger of keys.

Ray begins it anew where it has died; the front doors then tell it what they know. See
:mod:`drybox.fleet.cluster`.
"""

from __future__ import annotations

import os
import threading
import time

from drybox.fleet.ending import end_actor
from drybox.fleet.keys.ledger import Ledger

TICK = 0.25
"""Seconds between two looks at what it depends on."""

EMPTY_TIMEOUT = 30.0
"""Seconds after which a ledger without any front door ends."""


class LedgerActor:
    """The ledger, which ends with its raylet, and when nobody needs it any more."""

    def __init__(self) -> None:
        self._raylet = os.getppid()
        self._ledger = Ledger()
        self._used_at = time.monotonic()
        threading.Thread(target=self._watch, name="drybox-ledger", daemon=True).start()

    async def exchange(self, data: bytes) -> bytes:
        """See :meth:`Ledger.exchange`."""
        self._used_at = time.monotonic()
        return self._ledger.exchange(data)

    def _watch(self) -> None:
        while os.getppid() == self._raylet:
            if time.monotonic() - self._used_at > EMPTY_TIMEOUT:
                end_actor()
            time.sleep(TICK)
        os._exit(0)  # whoever could be told is gone
