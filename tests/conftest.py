"""Fixtures that every folder of tests shares."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from tests.support.identity import Runner, Self, ordinary_user

from drybox import CodeExecutor

pytest_plugins = ["tests.docker_fixtures"]


@pytest.fixture(scope="session")
def executor() -> Iterator[CodeExecutor]:
    """An executor of whoever runs the tests, with default settings."""
    with CodeExecutor() as executor:
        yield executor


@pytest.fixture(scope="session")
def own_runner(executor: CodeExecutor) -> Runner:
    return Self(executor)


@pytest.fixture(scope="session")
def user_runner() -> Iterator[Runner]:
    if os.getuid():
        pytest.skip("only root can start drybox as another user; this run is an ordinary user's")
    with ordinary_user() as user:
        yield user


@pytest.fixture(params=["own", "user"])
def runner(request: pytest.FixtureRequest) -> Runner:
    """drybox as whoever runs the tests (root in CI) and as an ordinary user."""
    runner: Runner = request.getfixturevalue(f"{request.param}_runner")
    return runner
