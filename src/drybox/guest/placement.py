"""What to tell of files that cannot be put into a sandbox, whatever that is made of."""

from __future__ import annotations

from drybox.errors import InvalidRequest
from drybox.guest.protocol import GuestFileError


def unplaced(error: GuestFileError) -> InvalidRequest:
    """Init could not write them."""
    return InvalidRequest(
        "files",
        f"they could not be placed: {error}",
        hint="Check their paths and sizes, or ask for a larger limits.disk.",
    )


def too_large() -> InvalidRequest:
    """The kernel ended the sandbox for want of memory while they were written."""
    return InvalidRequest(
        "files",
        "they need more memory than the sandbox has",
        hint="Ask for a larger limits.memory.",
    )
