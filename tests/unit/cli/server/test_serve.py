"""What ``drybox serve`` makes its executor with."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from drybox import InvalidRequest
from drybox.cli.server.serve import serve, session_bounds
from drybox.executor.settings import ExecutorSettings
from drybox.settings import ServerSettings


def test_an_executors_defaults_keep_no_server_from_its_own_bounds() -> None:
    plain = ExecutorSettings()
    bounds = session_bounds(plain, ServerSettings(max_sessions=500, session_memory=64 << 30))
    assert bounds == {"max_sessions": 500, "session_memory": 64 << 30}
    assert session_bounds(plain, ServerSettings(max_sessions=1))["max_sessions"] == 64


def test_what_is_configured_for_the_executor_holds() -> None:
    executor = ExecutorSettings(max_sessions=3)
    assert "max_sessions" not in session_bounds(executor, ServerSettings(max_sessions=500))


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (["--address", "127.0.0.1:1"], "--address"),
        (["--max-nodes", "3"], "--max-nodes"),
        (["--fleet", "ray", "--min-nodes", "3"], "--min-nodes"),
        (["--fleet", "ray", "--node-idle-timeout", "1m"], "--node-idle-timeout"),
        (["--fleet", "ray", "--max-nodes", "2", "--node-idle-timeout", "x"], "--node-idle-timeout"),
        (["--fleet", "ray", "--min-nodes", "3", "--max-nodes", "2"], "max_nodes"),
    ],
)
def test_words_of_a_fleet_without_the_others_are_refused(words: list[str], field: str) -> None:
    found = CliRunner().invoke(serve, words)
    assert isinstance(found.exception, InvalidRequest)
    assert found.exception.field == field
