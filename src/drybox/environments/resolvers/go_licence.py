"""What a Go module says of its licence, which is only told by the text of a file."""

from __future__ import annotations

import re
from pathlib import Path

from drybox.environments.archives import opened_zip, pieces_of

MAX_TEXT = 256 * 1024
"""Bytes of such a file that are read."""

_NAME = re.compile(r"(?:LICEN[CS]E|COPYING|UNLICENSE)(?:[.-][A-Za-z0-9.-]{1,20})?", re.IGNORECASE)
_KNOWN = (
    ("Apache-2.0", "Apache License Version 2.0"),
    ("MPL-2.0", "Mozilla Public License Version 2.0"),
    ("MPL-2.0", "Mozilla Public License, version 2.0"),
    ("AGPL-3.0", "GNU AFFERO GENERAL PUBLIC LICENSE Version 3"),
    ("LGPL-3.0", "GNU LESSER GENERAL PUBLIC LICENSE Version 3"),
    ("GPL-3.0", "GNU GENERAL PUBLIC LICENSE Version 3"),
    ("GPL-2.0", "GNU GENERAL PUBLIC LICENSE Version 2"),
    ("MIT", "Permission is hereby granted, free of charge"),
    ("ISC", "Permission to use, copy, modify, and/or distribute this software"),
    ("ISC", "Permission to use, copy, modify, and distribute this software"),
    ("Unlicense", "This is free and unencumbered software"),
    ("BSD-3-Clause", "endorse or promote products derived from"),
    ("BSD-2-Clause", "Redistributions in binary form must reproduce"),
)
"""Names of licences, each with words of its text that those before it lack."""


def licence_in(archive: Path, top: str) -> str:
    """The name of the licence that is in an archive; "" if none is known.

    Args:
        archive: A module's archive.
        top: The folder of the module in it, with its slash.

    Raises:
        OSError: It cannot be read.
        BadArchive: It is no archive.
    """
    with opened_zip(archive) as opened:
        names = (name for name in opened.namelist() if name.startswith(top))
        for name in sorted(names):
            if _NAME.fullmatch(name[len(top) :]):
                start = next(pieces_of(opened, name), b"")[:MAX_TEXT]
                text = " ".join(start.decode("utf-8", "replace").split()).lower()
                for word, said in _KNOWN:
                    if said.lower() in text:
                        return word
    return ""
