"""Every failure is a problem with the status that its caller may act on."""

from __future__ import annotations

import ast
import json
import logging

import pytest
from starlette.exceptions import HTTPException
from tests.support.source_tree import MODULES

from drybox import DryboxError, InvalidRequest, Rejected, SandboxLost, Unavailable, Unsupported
from drybox.server.transport.problem_response import (
    KINDS,
    MEDIA_TYPE,
    document_of,
    problem_response,
    status_of,
)
from drybox.server.transport.problems import problem_of
from drybox.service.refusals import Problem, Refused


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidRequest("limits.memory", "too small", hint="more"), 422),
        (Unsupported("no isolation", hint="build one"), 422),
        (Rejected("no", hint="ask"), 403),
        (Unavailable("none", hint="later"), 503),
        (SandboxLost("gone", hint="again"), 500),
        (DryboxError("odd", hint="tell us"), 500),
        (HTTPException(404), 404),
        (HTTPException(405, headers={"Allow": "POST"}), 405),
        (HTTPException(400, "odd"), 400),
        (HTTPException(418, "odd"), 400),
        (Refused(Problem("queue-full", "full", "wait", retry_after=2)), 429),
    ],
)
def test_each_failure_has_its_status(error: Exception, status: int) -> None:
    problem = problem_of(error)
    response = problem_response(problem)
    assert response.status_code == status
    assert response.media_type == MEDIA_TYPE
    document = json.loads(bytes(response.body))
    assert document["status"] == status
    assert all(document[name] for name in ("type", "title", "detail", "hint"))


def test_headers_go_along() -> None:
    assert (
        problem_response(problem_of(Unavailable("none", hint="later"))).headers["retry-after"]
        == "1"
    )
    response = problem_response(problem_of(HTTPException(405, headers={"Allow": "POST"})))
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("problem", "headers"),
    [
        (Problem("queue-full", "full", "wait", retry_after=7), {"retry-after": "7"}),
        (Problem("draining", "down", "ask another"), {"connection": "close"}),
        (Problem("request-timeout", "slow", "be quick"), {"connection": "close"}),
        (Problem("upgrade-required", "x", "y"), {"upgrade": "websocket", "connection": "Upgrade"}),
        (Problem("unauthorized", "x", "y"), {"www-authenticate": 'Bearer realm="drybox"'}),
        (
            Problem("unauthorized", "x", "y", shown_key=True),
            {"www-authenticate": 'Bearer realm="drybox", error="invalid_token"'},
        ),
        (Problem("forbidden", "x", "y"), {}),
    ],
)
def test_a_problem_has_the_headers_of_its_kind(problem: Problem, headers: dict[str, str]) -> None:
    found = dict(problem_response(problem).headers)
    assert {name: found.pop(name) for name in ("content-length", "content-type")}
    assert found == headers


def test_the_field_is_named() -> None:
    error = InvalidRequest("limits.memory", "too small", hint="more")
    assert document_of(problem_of(error))["field"] == "limits.memory"
    assert "field" not in document_of(problem_of(Rejected("no", hint="ask")))


def test_a_failure_of_ours_tells_the_operator_all_and_the_client_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR, "drybox.http"):
        problem = problem_of(ZeroDivisionError("secret"))
    assert status_of(problem) == 500
    assert "secret" not in json.dumps(document_of(problem))
    assert caplog.records[0].exc_info is not None


def test_every_kind_is_a_failure() -> None:
    assert all(400 <= status < 600 and title for status, title in KINDS.values())


def test_every_kind_that_is_named_is_listed() -> None:
    named = {
        node.args[0].value
        for path in MODULES.values()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("Problem", "HttpProblem", "_later")
        and isinstance(node.args[0], ast.Constant)
    }
    assert len(named) > 15
    assert named <= set(KINDS)
