"""Who sandboxes are outside, where drybox is root and may choose."""

from __future__ import annotations

import itertools
import os
import secrets

from drybox.guest.frames import Purpose

UID_BASE, UID_COUNT = 1_879_048_192, 100_000_000
TEMPLATE_UID_BASE, TEMPLATE_UID_COUNT = UID_BASE + UID_COUNT, 100_000_000
"""Users that root's sandboxes run as, one each: above every range that systemd's table of
user ids (UIDS-GIDS.md) gives to people, services, containers or dynamic users."""

USERS = 4096
"""Users of a template: one for itself and each of its children, so more than it ever has."""


class Users:
    """Gives every sandbox a user of its own when drybox is root, who else would be it."""

    def __init__(self) -> None:
        self._count = itertools.count(secrets.randbelow(UID_COUNT))

    def next(self, purpose: Purpose) -> str:
        """Who the next sandbox is, as ``spawner.c`` spells it.

        Args:
            purpose: What it is for; a template gets users for its children, too.
        """
        number, is_template = next(self._count), purpose == Purpose.TEMPLATE
        if os.geteuid():
            return "0+1" if is_template else "-"
        if is_template:
            block = number % (TEMPLATE_UID_COUNT // USERS)
            return f"{TEMPLATE_UID_BASE + block * USERS}+{USERS}"
        return str(UID_BASE + number % UID_COUNT)
