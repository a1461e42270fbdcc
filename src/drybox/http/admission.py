"""Who may run how much: the seam.

Every execution of every route passes one gate, see ``service.py``.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import HTTPConnection

from drybox.model import ExecutionRequest, ExecutionResult


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        name: The name of the key, for logs and metrics; "" where no key is needed.
    """

    name: str = ""


class Ticket(Protocol):
    """The right to run one execution."""

    def finish(self, result: ExecutionResult) -> None:
        """Tell what it came to. Not called where nothing is known of that."""


class Gate(Protocol):
    """Admits callers and their requests."""

    @property
    def asks_for_keys(self) -> bool:
        """Whether somebody without a key is turned away."""

    async def identify(self, connection: HTTPConnection) -> Caller:
        """Who this is; before anything of a body is read.

        Raises:
            Refused: Nobody who may use this server (401, 403, 429).
        """

    def check_metrics(self, caller: Caller) -> None:
        """See to it that a caller may read the metrics.

        Raises:
            Refused: It may not (403).
        """

    def enter(
        self, caller: Caller, request: ExecutionRequest
    ) -> AbstractAsyncContextManager[Ticket]:
        """Wait for a turn; it lasts until the context is left. Cancelling gives it up.

        Raises:
            Refused: There is none to be had (429), on entering.
        """
