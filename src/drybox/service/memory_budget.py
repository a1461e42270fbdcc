"""The memory budget of all clients of the server, shared fairly between them."""

from __future__ import annotations

import anyio

from drybox.service.refusals import Problem, Refused

MEMORY, MEMORY_EACH = 512 << 20, 8 << 20
"""Bytes where the operator names none: so many, and more for each execution that may run."""

MARGIN = 16 << 20
"""Bytes that stay for others beside the largest request."""

UNCOUNTED = 16 * 1024
"""Bytes of a connection that are not taken from the budget one by one."""

PARSED = 5
"""How often a body is there at most while it is parsed; one is at a time."""


class MemoryBudget:
    """Bytes that clients' data may take together.

    An account may hold as much as it leaves free (dynamic thresholds): one alone gets half of the
    budget, two get a third each, and there is always something left for the next.

    Args:
        capacity: How many bytes.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.held = 0
        self._accounts: dict[str, int] = {}
        self._freed = anyio.Event()

    def reserve(self, account: str, *, yields: bool = False) -> Reservation:
        """A reservation that holds nothing yet.

        Args:
            account: Whose it is: one for each key, or for each address where no key is known.
            yields: Whether it leaves room for the account's others: it gets something only while
                the account leaves twice as much free as it has.
        """
        return Reservation(self, account, 2 if yields else 1)

    def take(self, account: str, size: int, left: int = 1) -> bool:
        """Take so many more bytes for an account, if it may have them.

        Args:
            account: Whose.
            size: How many.
            left: How often as much as the account has then has to be free.
        """
        own = self._accounts.get(account, 0) + size
        if left * own > self.capacity - self.held - size:
            return False
        self._accounts[account] = own
        self.held += size
        return True

    def give_back(self, account: str, size: int) -> None:
        """So many bytes of an account are free again."""
        if not size:
            return
        self.held -= size
        rest = self._accounts[account] - size
        if rest:
            self._accounts[account] = rest
        else:
            del self._accounts[account]
        freed, self._freed = self._freed, anyio.Event()
        freed.set()

    async def wait(self) -> None:
        """Wait until something is free again."""
        await self._freed.wait()


class Reservation:
    """What one request, or one connection, holds of the budget.

    Args:
        budget: The budget.
        account: Whose share it comes from.
        left: How often as much has to be free where it grows; see :meth:`MemoryBudget.take`.
    """

    def __init__(self, budget: MemoryBudget, account: str, left: int = 1) -> None:
        self._budget = budget
        self._account = account
        self._left = left
        self.size = 0

    def try_resize(self, size: int) -> bool:
        """Hold so many bytes from now on; False, and nothing changes, if there is no room."""
        more = size - self.size
        if more > 0 and not self._budget.take(self._account, more, self._left):
            return False
        if size < self.size:
            self._budget.give_back(self._account, self.size - size)
        self.size = size
        return True

    async def resize(self, size: int, deadline: float) -> None:
        """Hold so many bytes from now on, and wait for room.

        Args:
            size: Bytes.
            deadline: Seconds to wait.

        Raises:
            Refused: There was no room in all that time (429).
        """
        if self.try_resize(size):
            return
        with anyio.move_on_after(deadline):
            while not self.try_resize(size):
                await self._budget.wait()
            return
        raise Refused(
            Problem(
                "memory-full",
                "Requests and answers take all the memory that there is for them.",
                "Nothing ran; read the answers that wait for you, then try again.",
                retry_after=1,
            )
        )

    def release(self) -> None:
        """Hold nothing any more."""
        self.try_resize(0)
