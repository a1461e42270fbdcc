"""The OpenAPI document: it says everything, it is right, and its page needs no other host."""

from __future__ import annotations

import re
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from tests.support.browser import TIMEOUT, chromium
from tests.support.server import Server, serving

pytestmark = pytest.mark.promise("HTTP-3")

SETTINGS = """
[checks]
# What a schema allows may still be wrong: which file is the entry, or whether there is a version,
# none can say.
positive_data_acceptance.enabled = false

[[operations]]
# Piston takes much that its documents do not allow, and its clients count on that.
include-path-regex = "^/api/v2/"
checks.negative_data_rejection.enabled = false

[[operations]]
# A session whose limits are too small for its language's kernel is told so by 503.
include-path-regex = "^/v1/sessions/"
checks.not_a_server_error.enabled = false
"""
"""Every check of schemathesis but these."""

LONG = "^/(v1/(sessions|snapshots)|run_code|mcp)"
"""Paths that are tried in the night: each try runs a program, or is one of very many."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(env={"DRYBOX_TIMEOUT": "2s"}) as server:
        yield server


@pytest.fixture(scope="module")
def document(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = server.get("/openapi.json").json
    return found


def test_every_route_is_in_it_with_its_failures(document: dict[str, Any]) -> None:
    paths = document["paths"]
    assert {"/v1/execute", "/v1/execute/stream", "/v1/languages", "/healthz", "/readyz"} <= set(
        paths
    )
    for path in ("/v1/execute", "/v1/execute/stream"):
        answers = paths[path]["post"]["responses"]
        assert {"400", "401", "403", "408", "413", "422", "429", "503"} <= answers.keys()
        for status, answer in answers.items():
            if status != "200":
                assert list(answer["content"]) == ["application/problem+json"], (path, status)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    names = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert names <= schemas.keys()
    assert not [name for name in schemas if name.startswith("RequestModel")]
    for name in ("Event", "Stdin", "Eof", "Kill"):
        assert schemas[name]["description"]


@pytest.mark.parametrize("path", ["/v1/execute", "/v1/execute/stream"])
def test_its_examples_run(server: Server, document: dict[str, Any], path: str) -> None:
    body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    assert len(body["examples"]) >= 3
    for example in body["examples"].values():
        result = server.execute(**example["value"] | {"code": example["value"].get("code")})
        assert result["status"] == "success", (example, result)


def test_the_page_needs_no_other_host(server: Server) -> None:
    page = server.get("/docs")
    assert page.status == 200
    text = page.body.decode()
    assert "://" not in text
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy
    links = re.findall(r'(?:src|href)="([^"]+)"', text)
    files = [link for link in links if not link.startswith("data:")]
    assert len(files) == 4
    for file in files:
        assert server.get(f"/{file}").status == 200, file
    script = server.get("/docs/start.js").body.decode()
    assert '"openapi.json"' in script
    assert "http" not in script


def test_the_page_shows_every_route_and_runs_a_program(server: Server) -> None:
    """In a real browser, which also holds the page to its policy."""
    faults: list[str] = []
    asked: list[str] = []
    with chromium() as browser:
        page = browser.new_page()
        page.on("console", lambda said: faults.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"http://127.0.0.1:{server.port}/docs")
        run = page.locator("#operations-default-execute_v1_execute_post")
        run.get_by_role("button", name="post").first.click(timeout=TIMEOUT)
        run.get_by_role("button", name="Try it out").click(timeout=TIMEOUT)
        run.get_by_role("button", name="Execute", exact=True).click(timeout=TIMEOUT)
        answer = run.locator(".live-responses-table")
        expect(answer).to_contain_text("Hello, World!", timeout=TIMEOUT)
        assert page.locator(".opblock").count() >= 7
    assert [fault for fault in faults if not fault.startswith(("log:", "info:"))] == []
    assert {url.split("/")[2] for url in asked if "://" in url} == {f"127.0.0.1:{server.port}"}


def test_nothing_that_schemathesis_tries_breaks_it(server: Server, tmp_path: Path) -> None:
    _try_all(server, tmp_path, 15, "--exclude-path-regex", LONG)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_nothing_that_schemathesis_tries_elsewhere_breaks_it(
    server: Server, tmp_path: Path
) -> None:
    """A thousand requests follow from the schemas alone; ten more of each kind are made up."""
    _try_all(server, tmp_path, 10, "--include-path-regex", LONG, timeout=1500)


def _try_all(
    server: Server, tmp_path: Path, examples: int, *words: str, timeout: float = 280
) -> None:
    program = Path(sysconfig.get_path("scripts"), "schemathesis")
    url = f"http://127.0.0.1:{server.port}/openapi.json"
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    done = subprocess.run(
        [
            *(
                program,
                "run",
                url,
                "--max-examples",
                f"{examples}",
                "--seed",
                "20",
                "--continue-on-failure",
            ),
            *("--generation-database", "none", "--request-timeout", "60", *words),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stdout
    ran = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert ran, done.stdout
    assert int(ran[1]) == int(ran[2]) >= 100
    for path in ("/v1/execute", "/v1/execute/stream"):
        assert server.post(path, {"language": "python", "code": "1"}).status == 200
