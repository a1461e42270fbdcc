"""What a terminal is told of a program's output: text, colours, and moves of its cursor.

A terminal does more than to show: it sets the clipboard and titles, changes what keys send, and
types answers to questions into whatever reads its input next, which may be the user's shell.
"""

from __future__ import annotations

import codecs
import re

MOST_HELD = 80
"""Characters of a sequence that waits for its end; a longer one is none that is passed on."""

# What is passed on comes first. Of the rest a sequence goes as a whole, a text for the terminal
# itself (a title, a clipboard) up to its end or the line's, and of anything else what makes it one.
_SEQUENCE = re.compile(
    "("
    "\x1b\\[[0-9;:]{0,64}m"  # colours
    "|\x1b\\[[0-9;]{0,16}[A-HKfdLMPX@]"  # the cursor, and what is around it
    "|\x1b\\[[012]?J"  # not what has scrolled away
    "|\x1b\\[[su]|\x1b[78]"
    "|\x1b\\[\\?25[hl]"  # whether the cursor is seen
    ")"
    "|\x1b\\[[0-?]*[ -/]*[@-~]"
    "|\x1b[\\]PX^_k][^\x07\n\x18\x1a\x1b]*(?:[\x07\x18\x1a]|\x1b\\\\)?"
    "|\x1b[ -/]*[0-~]"
    "|[\x00-\x06\x0e-\x1f\x7f-\x9f]"
)
_BEGUN = re.compile("\x1b(?:\\[[0-?]*[ -/]*|[ -/]*)\\Z")
_BEGUN_TEXT = re.compile("(\x1b[\\]PX^_k])[^\x07\n\x18\x1a\x1b]*(\x1b?)\\Z")


class TerminalText:
    """A program's output on its way to a terminal; pieces may end anywhere."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._held = ""

    def shown(self, data: bytes) -> bytes:
        """What the terminal is told of the next piece."""
        text = self._held + self._decode(data)
        self._held = ""
        if begun := _BEGUN_TEXT.search(text):
            self._held = begun[1] + begun[2]
        elif begun := _BEGUN.search(text):
            self._held = begun[0] if len(begun[0]) <= MOST_HELD else "\x1b[>"
        if begun:
            text = text[: begun.start()]
        return _SEQUENCE.sub(lambda match: match[1] or "", text).encode()
