"""The one place where output is capped and turned into text."""

from __future__ import annotations

import codecs

from drybox.model import Stream

_DECODER = codecs.getincrementaldecoder("utf-8")

STREAMS: tuple[Stream, Stream] = ("stdout", "stderr")


class Output:
    """What a phase wrote, up to a limit for each stream.

    Args:
        limit: Bytes kept of each stream.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: dict[Stream, bytearray] = {name: bytearray() for name in STREAMS}
        self._decoders = {name: _DECODER("replace") for name in STREAMS}
        self.truncated: dict[Stream, bool] = dict.fromkeys(STREAMS, False)

    def add(self, stream: Stream, data: bytes) -> tuple[bytes, str]:
        """Keep what fits.

        Returns:
            The bytes kept, and the text they complete: a character whose bytes have not
            all come yet is part of a later text.
        """
        kept = data[: self._limit - len(self._parts[stream])]
        self._parts[stream] += kept
        self.truncated[stream] |= len(kept) < len(data)
        return kept, self._decoders[stream].decode(kept)

    def finish(self, stream: Stream) -> str:
        """The text of a character that was left unfinished."""
        return self._decoders[stream].decode(b"", final=True)

    @property
    def overflowed(self) -> bool:
        """Whether something did not fit."""
        return any(self.truncated.values())

    def bytes(self, stream: Stream) -> bytes:
        """All that was kept of a stream."""
        return bytes(self._parts[stream])

    def text(self, stream: Stream) -> str:
        """The same as text; undecodable bytes become U+FFFD."""
        return self._parts[stream].decode("utf-8", "replace")
