"""Environments over HTTP: the list, requests that name one, and Piston's runtimes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.environments import make_index, settings_of
from tests.support.packages import GREETING
from tests.support.server import Server, serving

pytestmark = pytest.mark.promise("ENV-1")

CODE = "import greet; print(greet.greet())"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("served")
    variables = {
        **settings_of(make_index(folder / "index")),
        "DRYBOX_ISOLATION": "local",
        "DRYBOX_ENVIRONMENT_DIR": str(folder / "store"),
        "DRYBOX_ENVIRONMENTS_GREETING_LANGUAGE": "python",
        "DRYBOX_ENVIRONMENTS_GREETING_PACKAGES": "greet",
        "DRYBOX_ENVIRONMENTS_ABSENT_LANGUAGE": "python",
        "DRYBOX_ENVIRONMENTS_ABSENT_PACKAGES": "nothing",
    }
    with serving(env=variables) as server:
        yield server


def test_a_request_names_one_and_the_first_has_it_built(server: Server) -> None:
    result = server.execute("python", CODE, environment="greeting", timeout=60)
    assert result["stdout"] == f"{GREETING}\n", result
    assert result["environment"].startswith("greeting@")
    assert [phase["name"] for phase in result["phases"]] == ["run"]
    listed = {item["name"]: item for item in server.get("/v1/environments").json}
    assert set(listed) == {"greeting", "absent"}
    built = listed["greeting"]
    assert built["languages"] == ["python"]
    assert (built["built"], f"greeting@{built['digest']}") == (True, result["environment"])
    assert [(item["name"], item["version"]) for item in built["packages"]] == [
        ("greet", "1.2.0"),
        ("words", "2.0.0"),
    ]
    assert (listed["absent"]["built"], listed["absent"]["digest"]) == (False, None)
    assert "hint" not in built


def test_an_unknown_one_is_a_wrong_request(server: Server) -> None:
    document = {"language": "python", "code": CODE, "environment": "greting"}
    answer = server.post("/v1/execute", document)
    assert answer.status == 422
    assert "Did you mean 'greeting'?" in answer.problem["hint"]


def test_one_that_cannot_be_built_is_not_to_be_had(server: Server) -> None:
    document = {"language": "python", "code": CODE, "environment": "absent"}
    for _ in range(2):  # the second is told what became of the first
        answer = server.post("/v1/execute", document)
        assert answer.status == 503
        assert "there is no package nothing" in answer.problem["detail"]


def test_piston_has_a_runtime_for_it(server: Server) -> None:
    server.execute("python", CODE, environment="greeting", timeout=60)
    body = {"version": "*", "files": [{"content": CODE}]}
    for name in ("greeting", "python-greeting"):
        answer = server.post("/api/v2/execute", {**body, "language": name})
        assert answer.status == 200, answer
        assert answer.json["run"]["stdout"] == f"{GREETING}\n"
    runtimes = server.get("/api/v2/runtimes").json
    aliases = {item["language"]: item["aliases"] for item in runtimes}
    assert aliases["python-greeting"] == ["greeting"]
