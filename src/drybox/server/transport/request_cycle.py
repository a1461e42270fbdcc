"""One request on the wire and its answer: uvicorn's, which holds back what comes too early."""

from __future__ import annotations

from typing import Any

import anyio
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

SHORT_BODY = 32 * 1024
"""Bytes of a body that is worth a wait before an answer that came early is sent."""

SHORT_WAIT = 0.5
"""Seconds of that wait. There are proxies that lose an answer which comes while they still send:
Go's HTTP client, and so Caddy and Traefik."""


class RequestCycle(RequestResponseCycle):
    """One request and its answer."""

    async def send(self, message: Any) -> None:
        """Write a part of the answer."""
        if message["type"] == "http.response.start":
            if self.waiting_for_100_continue:
                self.keep_alive = False  # nobody knows whether the body comes
            elif self.more_body and self._announced_body <= SHORT_BODY:
                await self._wait_for_body()
        await super().send(message)

    @property
    def _announced_body(self) -> int:
        """Bytes of the body that its head speaks of; very many if it does not say."""
        for name, value in self.scope["headers"]:
            if name == b"content-length":
                return int(value)
        return SHORT_BODY + 1

    async def _wait_for_body(self) -> None:
        with anyio.move_on_after(SHORT_WAIT):
            while self.more_body and not self.disconnected:
                self.flow.resume_reading()
                await self.message_event.wait()
                self.message_event.clear()
        self.message_event.set()  # for whoever else waits for what has come
