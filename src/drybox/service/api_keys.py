"""API keys: made here, kept as hashes, compared in constant time.

A key is 256 random bits. Nobody can guess one, so there is nothing that a slow, salted hash of
the kind that passwords need could make harder: SHA-256 keeps what leaks from a configuration
useless, and costs a request a microsecond.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable

from drybox.settings import ApiKey

KEY_PREFIX = "drybox_"
"""What every key begins with, so that scanners for secrets can find one that got lost."""

NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")
"""What a key may be called."""

HASH = re.compile(r"sha256:[0-9a-f]{64}")
"""What a hash looks like."""


def new_key() -> str:
    """A new key: 256 bits from the system's source of randomness."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def hash_key(key: str) -> str:
    """The hash that the configuration keeps of a key."""
    return "sha256:" + hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def find_key_holder(keys: Iterable[ApiKey], shown: str) -> ApiKey | None:
    """Whose key this is.

    Every hash is compared, and each in constant time: how long it takes tells nothing of any.

    Args:
        keys: The clients there are.
        shown: What a client has shown.

    Returns:
        The client, or None if it is nobody's.
    """
    digest = hash_key(shown).encode()
    found = None
    for key in keys:
        for known in key.hashes:
            if hmac.compare_digest(digest, known.encode()):
                found = key
    return found
