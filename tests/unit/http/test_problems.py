"""Every failure is a problem with the status that its caller may act on."""

from __future__ import annotations

import json
import logging

import pytest
from starlette.exceptions import HTTPException

from drybox import DryboxError, InvalidRequest, Rejected, SandboxLost, Unavailable, Unsupported
from drybox.http.problems import KINDS, MEDIA_TYPE, Problem, Refused, problem_of


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidRequest("limits.memory", "too small", hint="more"), 422),
        (Unsupported("no wall", hint="build one"), 422),
        (Rejected("no", hint="ask"), 403),
        (Unavailable("none", hint="later"), 503),
        (SandboxLost("gone", hint="again"), 500),
        (DryboxError("odd", hint="tell us"), 500),
        (HTTPException(404), 404),
        (HTTPException(405, headers={"Allow": "POST"}), 405),
        (HTTPException(400, "odd"), 400),
        (HTTPException(418, "odd"), 400),
        (Refused(Problem("queue-full", "full", "wait", {"Retry-After": "2"})), 429),
    ],
)
def test_each_failure_has_its_status(error: Exception, status: int) -> None:
    problem = problem_of(error)
    response = problem.response()
    assert response.status_code == status
    assert response.media_type == MEDIA_TYPE
    document = json.loads(bytes(response.body))
    assert document["status"] == status
    assert all(document[name] for name in ("type", "title", "detail", "hint"))


def test_headers_go_along() -> None:
    assert problem_of(Unavailable("none", hint="later")).response().headers["retry-after"] == "1"
    response = problem_of(HTTPException(405, headers={"Allow": "POST"})).response()
    assert response.headers["allow"] == "POST"


def test_the_field_is_named() -> None:
    error = InvalidRequest("limits.memory", "too small", hint="more")
    assert problem_of(error).document()["field"] == "limits.memory"
    assert "field" not in problem_of(Rejected("no", hint="ask")).document()


def test_a_failure_of_ours_tells_the_operator_all_and_the_client_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR, "drybox.http"):
        problem = problem_of(ZeroDivisionError("secret"))
    assert problem.status == 500
    assert "secret" not in json.dumps(problem.document())
    assert caplog.records[0].exc_info is not None


def test_every_kind_is_a_failure() -> None:
    assert all(400 <= status < 600 and title for status, title in KINDS.values())
