"""A server's sessions, asked over HTTP."""

from __future__ import annotations

import http.client
import json
import os
import re
import ssl
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO
from urllib.parse import quote, quote_from_bytes, urlsplit

from drybox.cli.wording import in_options, printable
from drybox.errors import DryboxError, InvalidRequest, Unavailable
from drybox.sessions.host_files import NEW_FILE, NEW_PROGRAM, keep_may_run

PIECE = 256 * 1024
"""Bytes of a file that are under way at once."""

MOST = 256 << 20
"""Bytes of a document; a larger one is no answer of ours."""

TIMEOUT = 60.0
"""Seconds without a byte after which a server is given up, where it has nothing to run."""


class Remote:
    """A server. Each question has a connection of its own.

    Args:
        url: Where, for instance ``https://sandbox.example``.
        key: What it asks for; "" for none.

    Raises:
        InvalidRequest: The URL is none.
    """

    def __init__(self, url: str, key: str) -> None:
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
            raise InvalidRequest(
                "server",
                f"{url[:200]!r} is no address of a server",
                hint="Write it like http://127.0.0.1:8080, in --server or DRYBOX_SERVER.",
            )
        if parts.username or parts.query or parts.fragment:
            raise InvalidRequest(
                "server", "it is more than an address", hint="Put the key into DRYBOX_KEY."
            )
        if not key.isascii() or not key.isprintable():
            raise InvalidRequest("key", "it is no key", hint="Put it into DRYBOX_KEY as it is.")
        self._url = url
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, port
        self._below = parts.path.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def ask(self, method: str, path: str, document: object = None, *, waits: bool = False) -> Any:
        """Ask for a document.

        Args:
            method: ``GET``, ``POST`` or ``DELETE``.
            path: Below the server's own.
            document: What is sent as JSON.
            waits: The answer comes when something has run.

        Raises:
            DryboxError: What the server says is wrong, or why there is no answer.
        """
        with self.answer(method, path, document, waits=waits) as answer:
            body = answer.read(MOST + 1)
        if not body:
            return None
        return _parsed(body)

    @contextmanager
    def answer(
        self,
        method: str,
        path: str,
        content: object = None,
        *,
        waits: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[http.client.HTTPResponse]:
        """An answer that is not read yet; leaving the context gives up the rest.

        A file is sent as it is, anything else as JSON.
        """
        connection = self._connect(None if waits else TIMEOUT)
        known = {**self._headers, **(headers or {})}
        body: Any = content
        if content is not None and not hasattr(content, "read"):
            body, known["Content-Type"] = json.dumps(content).encode(), "application/json"
        try:
            try:
                with suppress(BrokenPipeError, ConnectionResetError):  # it says why
                    connection.request(method, f"{self._below}{path}", body, known)
                answer = connection.getresponse()
                if answer.status >= 400:
                    raise _problem(answer)
                yield answer
            except (OSError, http.client.HTTPException) as error:
                raise self._gone(error) from error
        finally:
            connection.close()

    def events(self, path: str, document: object) -> Iterator[dict[str, Any]]:
        """The data of server-sent events, one after another."""
        with self.answer("POST", path, document, waits=True) as answer:
            data = b""
            while line := answer.readline(MOST):
                if line.startswith(b"data:"):
                    data = line[5:]
                elif line in (b"\n", b"\r\n") and data:
                    yield _parsed(data)
                    data = b""

    def download(self, session: str, path: str, into: BinaryIO) -> None:
        """Write the content of a session's file into one of this host, which may be run as it."""
        with self.answer("GET", file_path(session, path)) as answer:
            keep_may_run(into.fileno(), _mode_of(answer))
            while piece := answer.read(PIECE):
                into.write(piece)

    def upload(self, session: str, path: str, file: BinaryIO) -> None:
        """Write a file of this host into a session, where it may be run as here."""
        known = os.fstat(file.fileno())
        size, mode = known.st_size, NEW_PROGRAM if known.st_mode & stat.S_IXUSR else NEW_FILE
        headers = {"Content-Length": str(size)}
        given = _Bounded(file, size)
        where = f"{file_path(session, path)}?mode={mode:o}"
        with self.answer("PUT", where, given, headers=headers) as answer:
            answer.read(MOST)

    def _connect(self, timeout: float | None) -> http.client.HTTPConnection:
        if not self._secure:
            return http.client.HTTPConnection(
                self._host, self._port, timeout=timeout, blocksize=PIECE
            )
        return http.client.HTTPSConnection(
            *(self._host, self._port),
            timeout=timeout,
            blocksize=PIECE,
            context=ssl.create_default_context(),
        )

    def _gone(self, error: Exception) -> Unavailable:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return Unavailable(
            f"{self._url} gives no whole answer: {why}.",
            hint="See whether 'drybox serve' runs there; --server or DRYBOX_SERVER says where.",
        )


class _Bounded:
    """As much of a file as was said: one that grows meanwhile is no other request."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._left = size

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._file.read(wanted)
        if wanted and not data:
            raise OSError(0, "the file has become shorter")
        self._left -= len(data)
        return data


def session_path(session: str, *below: str) -> str:
    """Where a session is, or something of it."""
    return "/".join(("/v1/sessions", quote(session, safe=""), *below))


def file_path(session: str, path: str) -> str:
    """Where a file of a session is."""
    return session_path(session, "files", quote_from_bytes(os.fsencode(path)))


def _mode_of(answer: http.client.HTTPResponse) -> int:
    """A file's permission bits; none where the server does not say them."""
    digits = answer.headers.get("X-File-Mode", "")
    return int(digits, 8) if re.fullmatch(r"[0-7]{1,4}", digits) else 0


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Unavailable(
            "the server's answer is no document.",
            hint="See whether 'drybox serve' is what answers there.",
        ) from None


def _problem(answer: http.client.HTTPResponse) -> DryboxError:
    """What a problem document says."""
    document: Any = {}
    with suppress(ValueError, RecursionError, OSError, http.client.HTTPException):
        document = json.loads(answer.read(1 << 20))
    return error_of(document, answer.status)


def error_of(document: object, status: int = 0) -> DryboxError:
    """The error that a problem document is.

    Args:
        document: The document, from whoever answers there.
        status: The status of the answer; 0 for the document's own.
    """
    known: dict[str, Any] = document if isinstance(document, dict) else {}
    status = status or known.get("status") or 500
    detail = _shown(known.get("detail")) or f"the server answers {status}."
    hint = _shown(known.get("hint")) or "See whether 'drybox serve' is what answers there."
    detail, hint = in_options(detail), in_options(hint)
    if status == 401:
        hint = "Put a key of this server into DRYBOX_KEY; its operator makes one."
    if status in (400, 401, 403, 404, 409, 413, 422):
        error = InvalidRequest(_shown(known.get("field")), "", hint=hint)
        error.message = detail  # which names its field, if it has one
        return error
    return Unavailable(detail, hint=hint)


def _shown(text: object) -> str:
    """A server's words without what a terminal would take for a command."""
    if not isinstance(text, str):
        return ""
    return printable(text[:2000])
