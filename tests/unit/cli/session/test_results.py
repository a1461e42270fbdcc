"""What ends a run of a server's session, without a server."""

from __future__ import annotations

from typing import Any

import pytest

from drybox.cli.session.results import Shown
from drybox.errors import InvalidRequest, Unavailable


@pytest.mark.parametrize(
    ("problem", "kind", "words"),
    [
        (
            {"status": 503, "detail": "The server goes down.", "hint": "Try again."},
            Unavailable,
            "goes down",
        ),
        ({"status": 500, "detail": "A bug.", "hint": "Report it."}, Unavailable, "A bug"),
        (
            {"status": 422, "detail": "timeout: it is long", "hint": "Less.", "field": "timeout"},
            InvalidRequest,
            "--timeout: it is long",
        ),
        (None, Unavailable, "answers 500"),
        ("nonsense", Unavailable, "answers 500"),
    ],
)
def test_a_problem_in_the_stream_is_the_error_that_it_is(
    problem: Any, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        Shown("").show({"type": "error", "problem": problem})
