"""HEAD is answered wherever GET is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.support.asgi import ask

from drybox import AsyncCodeExecutor
from drybox.server.app import create_app
from drybox.settings import ServerSettings
from drybox.testing.fake_backend import FakeBackend, FakeSandbox, advertise, maker

pytestmark = pytest.mark.anyio

OTHERS = ("/", "/docs", "/docs/start.js", "/openapi.json", "/api/v2/piston/runtimes")
"""What the document does not have."""


async def test_every_path_that_has_get_has_head(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    advertise(
        monkeypatch,
        tmp_path,
        "drybox.backends",
        "fake",
        maker(FakeBackend(FakeSandbox(), FakeSandbox())),
    )
    executor = AsyncCodeExecutor(isolation="fake", pool=None)
    app = create_app(executor, ServerSettings(), ())
    described = [path for path, item in app.openapi()["paths"].items() if "get" in item]
    assert "/v1/sessions/{id}/files/{path}" in described
    assert not [path for path, item in app.openapi()["paths"].items() if "head" in item]
    async with executor:
        for path in [re.sub(r"\{\w+\}", "1", path) for path in described] + list(OTHERS):
            got, head = [await ask(app, method, path) for method in ("GET", "HEAD")]
            assert head.status == got.status, path
            assert head.headers["content-type"] == got.headers["content-type"], path
        for path in ("/v1/execute", "/mcp"):
            assert (await ask(app, "HEAD", path)).status == 405, path
        refused = await ask(app, "PUT", "/v1/languages")
        assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD")
