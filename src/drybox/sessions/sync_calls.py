"""Calls of code that is not async into an event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from drybox.errors import SandboxLost, SessionClosed

T = TypeVar("T")


class Call(Protocol):
    """Runs an async function in the event loop, and waits for it."""

    def __call__(self, function: Callable[..., Awaitable[T]], *arguments: object) -> T:
        """Run it."""


def iterate(call: Call, begin: Callable[[], Any]) -> Iterator[Any]:
    """Items of an async iterator, which is closed where the loop is left."""

    async def first() -> Any:
        return begin()

    events = call(first)
    try:
        while True:
            try:
                yield call(events.__anext__)
            except StopAsyncIteration:
                return
    finally:
        with suppress(SessionClosed, SandboxLost):  # they have ended with it
            call(events.aclose)


_END: Any = object()


async def in_steps(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Pieces of an iterator that may block: each is taken in a worker thread."""
    from anyio.to_thread import run_sync

    while (piece := await run_sync(next, pieces, _END)) is not _END:
        yield piece
