"""Finds the end of each request in a byte stream, and limits headers and framing.

No I/O: bytes in, positions and problems out.
"""

from __future__ import annotations

from collections.abc import Iterable

from drybox.service.refusals import Problem

HEAD_BYTES, URL_BYTES, HEADER_COUNT = 32 * 1024, 8 * 1024, 100
"""Most of a request's head: bytes in all, bytes of its URL, header lines (trailers too)."""

FRAMING_BYTES = 64 * 1024
"""What the framing of a chunked body may take beyond half of what the body itself does."""

CHUNKED_BYTES = 16 * 1024
"""Bytes of a chunked body that are parsed before its framing is looked at: a chunk of a byte costs
as much as a long one, and what comes at once may have 40,000."""

LONG_HEAD = Problem(
    "head-too-large",
    f"The head has more than {HEAD_BYTES:,} bytes or {HEADER_COUNT} lines.",
    "Send fewer and shorter headers.",
)
LONG_URL = Problem("url-too-long", f"The URL has more than {URL_BYTES:,} bytes.", "Shorten it.")
SCATTERED = Problem(
    "bad-request", "The body comes in chunks that are far too small.", "Send larger chunks."
)

ONCE = frozenset((b"authorization", b"content-length", b"content-type", b"host", b"origin"))
"""Headers that a request has at most once. Of two a proxy may look at one and the server at the
other: at another key, host or length of the body."""

_END = b"\r\n\r\n"


class Framing:
    """One request on its way in."""

    def __init__(self) -> None:
        self.head_size = 0
        self._is_head = True
        self._is_chunked = False
        self._tail = b""
        self._lines = self._left = self._body_size = self._overhead = 0
        self._twice = b""

    def end_of_piece(self, data: bytes, at: int) -> int:
        """Where the request may end, at the earliest; or what is left of a bound does.

        Args:
            data: What came.
            at: What of it has been looked at.

        Returns:
            Position in ``data``, after ``at``.
        """
        if not self._is_head:
            if self._is_chunked:
                end = min(len(data), at + CHUNKED_BYTES)
                self._overhead += end - at
                return end
            return min(len(data), at + max(1, self._left))
        most = at + HEAD_BYTES + 1 - self.head_size
        split = (self._tail + data[at : at + 3]).find(_END)  # begun by what came before
        if split >= 0:
            end = at + split + len(_END) - len(self._tail)
        else:
            found = data.find(_END, at, most)
            end = found + len(_END) if found >= 0 else len(data)
        end = min(end, most)
        self._tail = (self._tail + data[max(at, end - 3) : end])[-3:]
        self.head_size += end - at
        return end

    def is_another_line(self) -> bool:
        """Count a header; False if it is a trailer, or one too many."""
        self._lines += 1
        return self._is_head and self._lines <= HEADER_COUNT

    def end_head(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """The head has come whole."""
        self._is_head = False
        self.head_size = 0
        seen = set[bytes]()
        for name, value in headers:
            if name in seen:
                self._twice = name
            if name in ONCE:
                seen.add(name)
            if name == b"content-length" and value.isdigit():
                self._left = int(value)
            elif name == b"transfer-encoding":
                self._is_chunked = True

    def add_body(self, size: int) -> None:
        """So many bytes of the body have come."""
        self._left -= size
        self._body_size += size
        self._overhead -= size

    def problem(self, url: bytes) -> Problem | None:
        """What is too much of what came so far, if anything is.

        Args:
            url: The request's URL, as far as it has come.
        """
        if self._is_head and len(url) > URL_BYTES:
            return LONG_URL
        if (self._is_head and self.head_size > HEAD_BYTES) or self._lines > HEADER_COUNT:
            return LONG_HEAD
        if self._twice:
            detail = f"There is more than one {self._twice.decode().title()} header."
            return Problem("bad-request", detail, "Send one.")
        if self._overhead > FRAMING_BYTES + self._body_size // 2:
            return SCATTERED
        return None
