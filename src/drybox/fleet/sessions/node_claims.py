"""Places for sessions that front doors are about to take, as one node was told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drybox.executor.base import SessionClaim


class NodeClaims:
    """What front doors have told one node."""

    def __init__(self) -> None:
        self._claims: dict[str, tuple[str, SessionClaim]] = {}

    def do(self, door: str, what: str, given: dict[str, Any]) -> Any:
        """``claim``, ``unclaim``, or say what is claimed by name."""
        if what == "claim":
            self._claims[given["name"]] = door, SessionClaim(given["owner"], given["memory"])
        elif what == "unclaim":
            self._claims.pop(given["name"], None)
        else:
            return {name: claim for name, (_, claim) in self._claims.items()}
        return None

    def forget_doors(self, gone: Callable[[str], bool]) -> None:
        """Front doors that have gone take nothing any more."""
        self._claims = {name: item for name, item in self._claims.items() if not gone(item[0])}


OF_CLAIMS = frozenset({"claim", "unclaim", "claims"})
"""What :meth:`NodeClaims.do` does."""
