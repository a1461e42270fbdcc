"""Snapshots: the files of a session, content-addressed, in memory or in a folder."""

from __future__ import annotations

from drybox.errors import InvalidRequest, Unsupported
from drybox.sessions.programs.inside import Inside
from drybox.sessions.results import Snapshot


class SnapshotStore:
    """Keeps snapshots."""

    async def keep(self, inside: Inside) -> Snapshot:
        """Take one."""
        raise Unsupported("snapshots are not there yet.", hint="Copy files with 'files'.")

    async def restore(self, id: str, inside: Inside) -> None:
        """Write the files of one.

        Raises:
            InvalidRequest: There is none of this id; none can be taken yet.
        """
        raise InvalidRequest(
            "snapshot",
            f"there is none of the id {id[:100]!r}",
            hint="Open the session without one, and copy files with 'files'.",
        )
