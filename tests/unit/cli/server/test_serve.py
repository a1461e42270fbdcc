"""What ``drybox serve`` makes its executor with."""

from __future__ import annotations

from drybox.cli.server.serve import session_bounds
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
