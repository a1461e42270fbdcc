"""The one place where output is capped and turned into text."""

from __future__ import annotations

import codecs
from io import BytesIO

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
        # What these give away is not copied: a large output keeps nobody else waiting.
        self._parts: dict[Stream, BytesIO] = {name: BytesIO() for name in STREAMS}
        self._decoders: dict[Stream, codecs.IncrementalDecoder] = {}
        self.truncated: dict[Stream, bool] = dict.fromkeys(STREAMS, False)

    def add(self, stream: Stream, data: bytes) -> bytes:
        """Keep what fits, and return that."""
        part = self._parts[stream]
        kept = data[: self._limit - part.tell()]
        part.write(kept)
        self.truncated[stream] |= len(kept) < len(data)
        return kept

    def decode(self, stream: Stream, kept: bytes) -> str:
        """The text that bytes complete, for who follows a stream from its start.

        A character whose bytes have not all come yet is part of a later text.
        """
        return self._decoder(stream).decode(kept)

    def finish(self, stream: Stream) -> str:
        """The text of a character that was left unfinished."""
        return self._decoder(stream).decode(b"", final=True)

    def _decoder(self, stream: Stream) -> codecs.IncrementalDecoder:
        if stream not in self._decoders:
            self._decoders[stream] = _DECODER("replace")
        return self._decoders[stream]

    @property
    def overflowed(self) -> bool:
        """Whether something did not fit."""
        return any(self.truncated.values())

    def bytes(self, stream: Stream) -> bytes:
        """All that was kept of a stream."""
        return self._parts[stream].getvalue()
