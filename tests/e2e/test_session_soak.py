"""Many sessions give right answers, leave nothing, and are in nobody's way."""

from __future__ import annotations

import pytest
from tests.support.session_soak import Found, idle_sessions_beside, use_sessions

pytestmark = pytest.mark.promise("SES-6")


def check(found: Found) -> None:
    print(f"{found.sessions} sessions in {found.seconds:.0f} s: {found.before} {found.idle}")
    assert found.after == found.before
    assert found.idle[1] == found.idle[0]


def test_sessions_opened_used_and_closed_leave_nothing() -> None:
    check(use_sessions(24))


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_two_hundred_sessions_opened_used_and_closed_leave_nothing() -> None:
    check(use_sessions(200))


def test_idle_sessions_and_executions_do_not_disturb_each_other() -> None:
    idle_sessions_beside(8, 60)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_fifty_idle_sessions_and_a_thousand_executions_do_not_disturb_each_other() -> None:
    seconds = idle_sessions_beside(50, 1000)
    print(f"1,000 executions beside 50 sessions in {seconds:.0f} s")
