"""Nothing of drybox grows with what it has run, and nothing is left."""

from __future__ import annotations

import pytest
from tests.support.soak import MOST_GROWTH, Found, soak

from drybox.backends.local import templates, users
from drybox.languages.registry import known_languages

pytestmark = pytest.mark.promise("SPEED-12")


def check(found: Found) -> None:
    print(found.text)
    assert found.after == found.before
    assert found.open[0] == found.open[1]
    assert found.growth < MOST_GROWTH, found.text


def test_hundreds_of_executions_leave_drybox_as_it_was() -> None:
    check(soak(300))


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_ten_thousand_executions_leave_drybox_as_it_was() -> None:
    check(soak(10_000, tuple(known_languages())))


def check_forked(
    runs: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One template has all children: one that is made anew in time could grow unseen."""
    monkeypatch.setattr(templates, "MOST_CHILDREN", 2 * runs)
    monkeypatch.setattr(templates, "MAX_AGE", 1e9)
    monkeypatch.setattr(users, "USERS", 2 * runs + 1)  # one each, and the template's own
    found = soak(runs, forked=True)
    check(found)
    assert found.templates[0], "there is no template"
    assert found.template_growth < MOST_GROWTH, found.text
    assert not caplog.messages  # each run was forked, and none was told of for which it failed


def test_hundreds_of_forks_leave_drybox_and_the_template_as_they_were(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    check_forked(300, monkeypatch, caplog)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_ten_thousand_forks_leave_drybox_and_the_template_as_they_were(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    check_forked(10_000, monkeypatch, caplog)
