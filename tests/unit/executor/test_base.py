"""What executors share: the local one is one, and a server takes any."""

from __future__ import annotations

import inspect

import pytest

from drybox import AsyncCodeExecutor
from drybox.executor.base import Events, Executor, ServedExecutor
from drybox.executor.event_stream import EventStream


def _as_served(executor: AsyncCodeExecutor) -> ServedExecutor:
    return executor  # type checkers look at this


def _as_events(events: EventStream) -> Events:
    return events  # and at this


def _members(protocol: type) -> set[str]:
    return {
        name
        for base in protocol.__mro__
        for name, value in vars(base).items()
        if inspect.isfunction(value) or isinstance(value, property)
        if not name.startswith("_") or name in ("__aenter__", "__aexit__", "__anext__")
    }


def test_the_contracts_methods_are_those_of_every_executor() -> None:
    assert {"execute", "execute_many", "stream", "languages", "open", "aclose"} <= _members(
        Executor
    )
    assert _members(Executor) < _members(ServedExecutor)


@pytest.mark.parametrize("protocol", [Executor, ServedExecutor])
def test_the_local_executor_is_one(protocol: type) -> None:
    executor = _as_served(AsyncCodeExecutor())
    for name in _members(protocol):
        assert hasattr(executor, name), name
        wanted, found = getattr(protocol, name), getattr(type(executor), name, None)
        if inspect.isfunction(wanted) and found is not None:
            asked, taken = (list(inspect.signature(each).parameters) for each in (wanted, found))
            assert taken[: len(asked)] == asked, name  # it may take more


def test_its_events_are_events() -> None:
    assert _members(Events) <= set(dir(EventStream))
