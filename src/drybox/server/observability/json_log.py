"""Log lines as JSON, written without blocking when nobody reads them."""

from __future__ import annotations

import json
import logging
import os
import re
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

from drybox.hooks.audit import AUDIT_LOGGER
from drybox.service.api_keys import KEY_PREFIX
from drybox.service.request_context import current_record

MOST_LINES = 10_000
"""Lines that wait to be written; further ones are dropped, and the next says how many."""

WRITE_DELAY = 0.05
"""Seconds that a line waits at most before it is written."""

LAST_LINES = 1.0
"""Seconds that writing the rest may take at the end."""

MOST_FRAMES = 30
"""Frames that a line keeps of a stack."""

MOST_WORDS = 500
"""Characters that a line keeps of a message that is not drybox's own."""

_KEY = re.compile(KEY_PREFIX + r"[A-Za-z0-9_-]{43}")


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON.

    Of an exception it has the type and where it was raised. Its text may quote a request, so
    it is left out; so is anything that looks like a key.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        moment = datetime.fromtimestamp(record.created, timezone.utc)
        document: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        facts = getattr(record, "facts", None)
        if facts is not None:
            document |= facts
        elif record.name == AUDIT_LOGGER:
            document |= json.loads(record.getMessage())
        else:
            document["message"] = _words(record)
            document["request_id"] = current_record().id or None
        if record.exc_info and record.exc_info[1] is not None:
            document["errors"] = _chain(record.exc_info[1])
        return _KEY.sub(f"{KEY_PREFIX}…", json.dumps(document, default=str))


def _words(record: logging.LogRecord) -> str:
    """The message; of others' loggers what they make up themselves, before they quote."""
    text = record.getMessage()
    return text if record.name.startswith("drybox") else text.partition("\n")[0][:MOST_WORDS]


def _chain(error: BaseException) -> list[dict[str, Any]]:
    """An exception and what it came from."""
    found: list[dict[str, Any]] = []
    one: BaseException | None = error
    while one is not None and len(found) < 5:
        frames: list[str] = []
        trace = one.__traceback__
        while trace is not None and len(frames) < MOST_FRAMES:
            code = trace.tb_frame.f_code
            frames.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
            trace = trace.tb_next
        found.append({"type": type(one).__name__, "stack": frames})
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return found


class LineHandler(logging.Handler):
    """Leaves lines to a thread that writes them: a log that nobody reads must stop no server.

    Args:
        fd: File descriptor to write to.

    Attributes:
        dropped: Lines lost since the last one that was taken.
    """

    def __init__(self, fd: int) -> None:
        super().__init__()
        self.dropped = 0
        self._fd = fd
        self._lines: deque[bytes] = deque()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="drybox-log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line for the thread; drop it if too many wait."""
        try:
            line = self.format(record)
            if len(self._lines) >= MOST_LINES:
                self.dropped += 1
                return
            if self.dropped:
                line = f'{line[:-1]}, "dropped": {self.dropped}}}'
                self.dropped = 0
            self._lines.append(line.encode() + b"\n")
        except Exception:
            self.dropped += 1  # it cannot be made, and all goes on

    def close(self) -> None:
        """Write what waits, unless that takes too long."""
        self._ended.set()
        self._thread.join(LAST_LINES)
        super().close()

    def _work(self) -> None:
        # It looks now and then: to wake it for every line would have the event loop, which
        # holds the interpreter's lock, wait for it.
        while not self._ended.wait(WRITE_DELAY):
            self._write()
        self._write()

    def _write(self) -> None:
        # Without a buffer of Python's, whose lock a blocked thread would hold at the exit.
        while self._lines:
            line = self._lines.popleft()
            try:
                while line:
                    line = line[os.write(self._fd, line) :]
            except OSError:
                self.dropped += 1


def _is_news(record: logging.LogRecord) -> bool:
    # uvicorn takes a handshake that was refused for one that was forgotten; requests that did
    # not come to their end have lines of their own.
    return not record.getMessage().startswith("ASGI callable returned without completing")


@contextmanager
def logging_to(fd: int) -> Iterator[None]:
    """While this lasts, drybox's lines and others' warnings go to a descriptor as JSON."""
    handler = LineHandler(fd)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(_is_news)
    root, own = logging.getLogger(), logging.getLogger("drybox")
    level = own.level
    root.addHandler(handler)
    own.setLevel(logging.INFO)
    try:
        yield
    finally:
        own.setLevel(level)
        root.removeHandler(handler)
        handler.close()
