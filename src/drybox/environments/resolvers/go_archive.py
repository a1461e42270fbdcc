"""Archives of Go modules: their names, where a proxy has them, and the digest that go.sum has."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from pathlib import Path

from drybox.environments.archives import BadArchive, opened_zip, pieces_of
from drybox.environments.resolvers.failures import BuildFailed
from drybox.environments.resolvers.go_mod import is_module

MAX_MODULE = 500 << 20
"""Bytes of all files of a module; the go command takes none that has more."""


def h1_of(archive: Path) -> str:
    """The digest that go.sum has of a module, whatever compressed its archive.

    Raises:
        OSError, BadArchive: It cannot be read, is none, or larger than one.
    """
    whole, size = hashlib.sha256(), 0
    with opened_zip(archive) as opened:
        for name in sorted(opened.namelist(), key=os.fsencode):
            digest = hashlib.sha256()
            for piece in pieces_of(opened, name):
                size += len(piece)
                if size > MAX_MODULE:
                    raise BadArchive(f"it holds more than {MAX_MODULE:,} bytes")
                digest.update(piece)
            whole.update(f"{digest.hexdigest()}  {name}\n".encode())
    return f"h1:{base64.b64encode(whole.digest()).decode()}"


def escaped(text: str) -> str:
    """A path or version as file names have it, on systems that take ``A`` for ``a``."""
    return re.sub("[A-Z]", lambda match: f"!{match[0].lower()}", text)


def proxy_path(path: str, version: str, suffix: str) -> str:
    """Where a proxy has a file of a module.

    Raises:
        BuildFailed: These are none of a module, as a lock of somebody else's may have it.
    """
    if not is_module(path, version):
        raise BuildFailed(
            f"{ascii(path)[:80]} {ascii(version)[:40]} is no version of a module.",
            hint="Lock the environment anew.",
        )
    return f"{escaped(path)}/@v/{escaped(version)}{suffix}"
