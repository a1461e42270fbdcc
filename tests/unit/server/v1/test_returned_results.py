"""A result that an endpoint of somebody's own FastAPI application returns."""

from __future__ import annotations

import base64
import json
from typing import Any

import fastapi
import pytest
from tests.support.asgi import ask

from drybox import ExecutionResult, PhaseResult, Truncated, Usage

BINARY = bytes(range(256))


def a_result() -> ExecutionResult:
    phase = PhaseResult("run", "success", BINARY, b"\xff", 0, None, 0.5, None, None)
    return ExecutionResult(
        status="success",
        stdout_bytes=BINARY,
        stderr_bytes=b"\xff",
        exit_code=0,
        signal=None,
        execution_time=0.5,
        error=None,
        phases=[phase],
        usage=Usage(),
        truncated=Truncated(),
        artifacts={"plot.png": BINARY},
        id="1",
        language="python",
        version="3.11.2",
        isolation="local",
    )


pytestmark = pytest.mark.anyio


@pytest.fixture
def app() -> fastapi.FastAPI:
    app = fastapi.FastAPI()

    @app.get("/annotated")
    def annotated() -> ExecutionResult:
        return a_result()

    @app.get("/async")
    async def in_the_loop() -> ExecutionResult:
        return a_result()

    @app.get("/model", response_model=ExecutionResult)
    def with_model():  # type: ignore[no-untyped-def]
        return a_result()

    @app.get("/list")
    def several() -> list[ExecutionResult]:
        return [a_result()]

    @app.get("/bare")
    def bare():  # type: ignore[no-untyped-def]
        return a_result()

    @app.get("/bare_list")
    def bare_list():  # type: ignore[no-untyped-def]
        return [a_result()]

    @app.get("/anything")
    def anything() -> Any:
        return a_result()

    @app.get("/anything_list")
    def anything_list() -> list[Any]:
        return [a_result()]

    @app.get("/dict")
    def as_dictionary():  # type: ignore[no-untyped-def]
        return a_result().to_dict()

    return app


@pytest.mark.parametrize(
    "path",
    [
        *("annotated", "async", "model", "list", "dict"),
        *("bare", "bare_list", "anything", "anything_list"),
    ],
)
async def test_binary_output_comes_through(app: fastapi.FastAPI, path: str) -> None:
    answer = await ask(app, "GET", f"/{path}")
    assert answer.status == 200, answer
    found = json.loads(answer.body)
    document = found[0] if path.endswith("list") else found
    assert document == a_result().to_dict() == json.loads(a_result().to_json())
    assert document["stdout"] == BINARY.decode("utf-8", "replace")
    assert base64.b64decode(document["artifacts"]["plot.png"]) == BINARY


async def test_the_application_still_describes_itself(app: fastapi.FastAPI) -> None:
    answer = await ask(app, "GET", "/openapi.json")
    assert answer.status == 200
    schema = json.loads(answer.body)["paths"]["/annotated"]["get"]["responses"]["200"]
    assert "application/json" in schema["content"]
