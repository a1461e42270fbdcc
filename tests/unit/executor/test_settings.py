"""The arguments of executors: one list, typed, and checked when an executor is made of them."""

from __future__ import annotations

import inspect
from dataclasses import fields, replace
from typing import Any

import pytest

from drybox import (
    AsyncCodeExecutor,
    CodeExecutor,
    Environment,
    InvalidRequest,
    PoolSettings,
    ResourceLimits,
)
from drybox.executor.settings import ExecutorSettings

ARGUMENTS = {
    *("timeout", "limits", "isolation", "hooks", "hook_timeout", "allow_weaker", "concurrency"),
    *("queue_timeout", "compile_timeout", "compile_limits", "package_dir", "install_timeout"),
    *("install_limits", "progress", "docker", "pool", "observers", "compile_cache"),
}
"""Of the public contract: one may be added, none taken away."""


@pytest.mark.parametrize("kind", [CodeExecutor, AsyncCodeExecutor])
def test_both_executors_take_its_fields_as_arguments(kind: type) -> None:
    taken = inspect.signature(kind).parameters
    assert set(taken) == {item.name for item in fields(ExecutorSettings)}
    assert set(taken) >= ARGUMENTS
    by_position = [name for name, item in taken.items() if item.kind != item.KEYWORD_ONLY]
    assert by_position == ["timeout", "limits", "isolation"]
    assert taken["timeout"].default == 30.0
    assert taken["limits"].default == ResourceLimits()


@pytest.mark.parametrize("kind", [CodeExecutor, AsyncCodeExecutor])
def test_an_argument_of_another_name_is_refused(kind: Any) -> None:
    with pytest.raises(TypeError, match="'tiemout'"):
        kind(tiemout=3)
    with pytest.raises(TypeError, match="positional"):
        kind(30, None, "auto", ())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timeout", 0),
        ("limits", 5),
        ("isolation", 5),
        ("hooks", [5]),
        ("hook_timeout", -1),
        ("concurrency", 0),
        ("queue_timeout", -1),
        ("compile_timeout", 0),
        ("compile_limits", 5),
        ("package_dir", "relative"),
        ("install_timeout", 0),
        ("install_limits", 5),
        ("compile_cache", -1),
        ("allow_weaker", 3),
        ("allow_weaker", None),
        ("allow_weaker", [3]),
        ("concurrency", "2"),
        ("concurrency", 1.5),
        ("concurrency", True),
        ("progress", 3),
        ("docker", "unix:///socket"),
        ("pool", 3),
        ("observers", 3),
        ("observers", [3]),
        ("environments", 3),
        ("environments", {"data": ["numpy"]}),
        ("environments", Environment("data", "python", packages=["six"])),
        ("environment_dir", 3),
        ("environment_dir", ""),
        ("max_sessions", "5"),
        ("max_sessions", -1),
        ("max_snapshots", True),
        ("snapshot_dir", 3),
        ("snapshot_share", "64m"),
        ("snapshot_storage", 1.5),
    ],
)
@pytest.mark.parametrize("kind", [CodeExecutor, AsyncCodeExecutor])
def test_what_is_wrong_is_named(kind: Any, name: str, value: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        kind(**{name: value})
    assert caught.value.field.startswith(name)
    assert caught.value.hint


def test_none_means_the_default_where_it_may_be_given() -> None:
    plain = ExecutorSettings()
    given = replace(plain, limits=None, docker=None)
    assert given.defaults() == plain.defaults()
    assert given.slots() == plain.slots()


def test_what_may_be_weaker_is_a_list_or_one_text() -> None:
    for given in (["pids", "cpus"], ("pids,cpus",), "pids, cpus"):
        assert ExecutorSettings(allow_weaker=given).weaker() == {"pids", "cpus"}
    assert ExecutorSettings().weaker() == frozenset()


@pytest.mark.parametrize("given", ["memroy", ["pids", "network"], ("pids,tmp",)])
def test_what_cannot_be_given_up_is_said_before_anything_runs(given: Any) -> None:
    for kind in (CodeExecutor, AsyncCodeExecutor):
        with pytest.raises(InvalidRequest, match="cannot be given up") as caught:
            kind(allow_weaker=given)
        assert caught.value.field == "allow_weaker"
        assert "memory, cpus, pids" in caught.value.hint


def test_what_differs_from_the_defaults_makes_the_same_again() -> None:
    settings = ExecutorSettings(5, isolation="local", pool=None, allow_weaker=("pids",))
    assert settings.changed() == {
        "timeout": 5,
        "isolation": "local",
        "pool": None,
        "allow_weaker": ("pids",),
    }
    assert ExecutorSettings(**settings.changed()) == settings
    assert ExecutorSettings().changed() == {}


@pytest.mark.parametrize(
    ("name", "value"), [("min_idle", -1), ("max_total", "8"), ("max_age", None), ("memory", True)]
)
def test_what_is_wrong_with_a_pool_is_named(name: str, value: Any) -> None:
    with pytest.raises(InvalidRequest, match=name):
        PoolSettings(**{name: value})
    assert PoolSettings(min_idle=0, max_age=0.5).min_idle == 0
