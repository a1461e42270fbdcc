"""Nothing of drybox grows with what it has run, and nothing is left."""

from __future__ import annotations

import pytest
from tests.support.soak import MOST_GROWTH, Found, soak

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
