"""What a front door may let keys use, as leased from the ledger of all front doors."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from drybox.fleet.cluster import ReplicaGone
from drybox.fleet.keys.account import LeasedAccount
from drybox.fleet.messages import pack, unpack
from drybox.settings import ApiKey

BEAT = 0.5
"""Seconds between two calls of the ledger where nobody waits for it."""

ASK_AGAIN = 0.1
"""The same where a key's requests wait for what others have running."""

LEASE = 5.0
"""Seconds after its last answer in which what the ledger granted may still be used."""

CALL_TIMEOUT = 3.0
"""Seconds in which the ledger has to answer."""

ANSWER_TIMEOUT = 8.0
"""Seconds that a request waits for the ledger; a new one takes some to know what there is."""

_log = logging.getLogger("drybox.fleet")


class KeyLeases:
    """The accounts of a front door's keys.

    What was leased may be used until :data:`LEASE` seconds after the ledger's last answer. Then
    nothing of a key that has limits begins, until a ledger answers again.

    Args:
        call: Has the ledger, made anew if there is none, answer a message; raises
            :class:`ReplicaGone` where it does not.
        clock: Seconds that only go forward.
    """

    def __init__(
        self, call: Callable[[bytes], Awaitable[bytes]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._call = call
        self._clock = clock
        self._door = os.urandom(8).hex()
        self._number = 0
        self._ledger = ""  # the name of the one that answered last
        self._accounts: dict[str, LeasedAccount] = {}
        self._heard_at = -LEASE
        self._is_ready = False
        self._fails = False
        self._kicked = anyio.Event()
        self._answered = anyio.Event()

    def account(self, key: ApiKey) -> LeasedAccount:
        """The account of a key."""
        account = LeasedAccount(key, self, self._clock)
        if account.is_limited:
            self._accounts[key.name] = account
        return account

    def is_known(self) -> bool:
        """Whether what was leased may be used."""
        return self._is_ready and self._clock() - self._heard_at < LEASE

    def kick(self) -> None:
        """Have the ledger called soon."""
        self._kicked.set()

    async def wait(self, until: Callable[[], bool]) -> None:
        """Wait until an answer of the ledger has made something true, or for long."""
        with anyio.move_on_after(ANSWER_TIMEOUT):
            while not until():
                self.kick()
                await self._answered.wait()

    async def serve(self, changed: Callable[[], None]) -> None:
        """Call the ledger, for ever; at the end it is told what was used.

        Args:
            changed: Called after each answer.
        """
        try:
            while True:
                waits = any(account.wants for account in self._accounts.values())
                with anyio.move_on_after(ASK_AGAIN if waits else BEAT):
                    await self._kicked.wait()
                self._kicked = anyio.Event()
                if not self._accounts:
                    continue
                await self._exchange()
                answered, self._answered = self._answered, anyio.Event()
                answered.set()
                changed()
                if not self._is_ready:
                    await anyio.sleep(ASK_AGAIN)
        finally:
            if self._accounts:
                with anyio.CancelScope(shield=True):
                    await self._exchange(leaves=True)

    async def _exchange(self, *, leaves: bool = False) -> None:
        told = {name: account.tell(leaves) for name, account in self._accounts.items()}
        message = {
            "door": self._door,
            "number": self._number,
            "knew": self._ledger,
            "leaves": leaves,
            "keys": told,
        }
        try:
            with anyio.fail_after(CALL_TIMEOUT):
                answer: dict[str, Any] = unpack(await self._call(pack(message)))
        except (ReplicaGone, TimeoutError) as error:
            if not self._fails:
                _log.warning("The ledger of keys does not answer: %s", error or "in time")
            self._fails = True
            if not leaves:
                await anyio.sleep(ASK_AGAIN)
            return
        self._fails = False
        self._number += 1
        self._ledger, self._is_ready = answer["ledger"], answer["ready"]
        self._heard_at = self._clock()
        for name, account in self._accounts.items():
            account.hear(told[name], answer["keys"][name], is_ready=self._is_ready)
