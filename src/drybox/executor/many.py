"""Runs many requests side by side, with no more in hand than run at once."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence

import anyio

from drybox.errors import InvalidRequest
from drybox.execution.texts import show
from drybox.model import ExecutionRequest, ExecutionResult

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup

Done = Callable[[int, int], None]
"""Told how many requests have their results, and how many there are."""


def listed(requests: Iterable[ExecutionRequest]) -> Sequence[ExecutionRequest]:
    """Requests that can be counted.

    Raises:
        InvalidRequest: They are none.
    """
    if isinstance(requests, Sequence) and not isinstance(requests, (str, bytes)):
        return requests
    if isinstance(requests, (str, bytes, ExecutionRequest)) or not isinstance(requests, Iterable):
        raise InvalidRequest(
            "requests", f"{show(requests)} is no list of requests", hint="Pass a list of them."
        )
    return tuple(requests)


async def run_all(
    run: Callable[[int], Awaitable[ExecutionResult]], count: int, most: int, progress: Done | None
) -> list[ExecutionResult]:
    """The results of requests, in their order.

    Args:
        run: Runs the request of an index.
        count: How many there are.
        most: How many run at once.
        progress: Told whenever there is one more result.
    """
    results: dict[int, ExecutionResult] = {}
    indices = iter(range(count))

    async def work() -> None:
        for index in indices:
            results[index] = await run(index)
            if progress is not None:
                progress(len(results), count)

    try:
        async with anyio.create_task_group() as tasks:
            for _ in range(min(count, most)):
                tasks.start_soon(work)
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
    return [results.pop(index) for index in range(count)]
