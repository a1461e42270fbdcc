"""What a call that opens a session means, and what is said of one that means nothing."""

from __future__ import annotations

import pytest

from drybox import InvalidRequest
from drybox.sessions.request import session_request


def test_a_misspelt_field_is_told_with_the_nearest_name() -> None:
    with pytest.raises(InvalidRequest) as caught:
        session_request("python", idle_timout=3)  # type: ignore[call-arg]
    assert "'idle_timout'" in caught.value.message
    assert caught.value.hint.startswith("Did you mean 'idle_timeout'? ")
    assert "max_lifetime" in caught.value.hint


def test_a_field_like_no_other_is_told_with_those_that_there_are() -> None:
    with pytest.raises(InvalidRequest) as caught:
        session_request("python", zzz=3)  # type: ignore[call-arg]
    assert caught.value.hint.startswith("The fields of a session are language, ")
