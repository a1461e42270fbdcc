"""What every request leaves behind: a name, a line, and nothing that is secret."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from tests.support.asgi import ask

from drybox import AsyncCodeExecutor, AuditHook, Unavailable
from drybox.job import OWNER
from drybox.server.app import create_app
from drybox.server.observability.json_log import JsonFormatter
from drybox.service.api_keys import hash_key, new_key
from drybox.service.request_context import RequestRecord, current_record, request_id_of
from drybox.settings import ApiKey, ServerSettings
from drybox.testing.fake_backend import FakeBackend, FakeSandbox, Script, advertise, maker

pytestmark = [pytest.mark.anyio, pytest.mark.promise("MON-6")]
HELLO = Script([("stdout", b"hello")])
BODY = b'{"language": "python", "code": "print(\'a secret in the source\')", "stdin": "a secret"}'
KEY = new_key()
SHOP = ApiKey("shop", (hash_key(KEY),))
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Lister(logging.Handler):
    """Keeps the lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def lines() -> Iterator[Lines]:
    """The lines of the log so far."""
    handler, logger = Lister(), logging.getLogger("drybox")
    handler.setFormatter(JsonFormatter())
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in handler.lines]
    logger.setLevel(level)
    logger.removeHandler(handler)


@pytest.fixture
def open_app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Opens an application over sandboxes that play scripts."""

    @asynccontextmanager
    async def opened(
        *sandboxes: FakeSandbox | Exception, keys: tuple[ApiKey, ...] = (), **options: Any
    ) -> AsyncIterator[FastAPI]:
        backend = FakeBackend(*sandboxes)
        advertise(monkeypatch, tmp_path, "drybox.backends", "fake", maker(backend))
        executor = AsyncCodeExecutor(isolation="fake", pool=None, **options)
        app = create_app(executor, ServerSettings(), keys)
        async with executor:
            yield app

    return opened


# --- names ----------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["abc", "A-1.b_2:c", "x" * 128])
def test_a_plain_name_is_kept(given: str) -> None:
    assert request_id_of(given) == given


@pytest.mark.parametrize("given", ["", "a b", "a\nb", '"', "x" * 129, "é", "{}", "a/b"])
def test_any_other_is_replaced(given: str) -> None:
    made = request_id_of(given)
    assert made != given
    assert len(made) == 32
    assert request_id_of(given) != made


def test_outside_of_a_request_there_is_a_nameless_one() -> None:
    assert current_record() == RequestRecord(id="")


# --- lines ----------------------------------------------------------------------------------


async def test_a_request_has_one_line_with_what_became_of_it(open_app: Any, lines: Lines) -> None:
    async with open_app(FakeSandbox([HELLO]), keys=(SHOP,)) as app:
        headers = {"X-Request-ID": "mine-1", "Authorization": f"Bearer {KEY}"}
        answer = await ask(app, "POST", "/v1/execute", BODY, headers)
    assert (answer.status, answer.headers["x-request-id"]) == (200, "mine-1")
    (line,) = lines()
    assert line.pop("time")
    assert line.pop("seconds") >= 0
    assert line == {
        "level": "info",
        "logger": "drybox.access",
        "request_id": "mine-1",
        "client": "127.0.0.1",
        "key": "shop",
        "method": "POST",
        "path": "/v1/execute",
        "status": 200,
        "bytes": len(answer.body),
        "execution": {
            "id": answer.json["id"],
            "language": "python",
            "isolation": "fake",
            "status": "success",
        },
    }


async def test_problems_have_the_name_of_their_request(open_app: Any, lines: Lines) -> None:
    async with open_app(Unavailable("none", hint="wait")) as app:
        for body, status in ((b"no json", 400), (BODY, 503)):
            answer = await ask(app, "POST", "/v1/execute", body, {"X-Request-ID": "mine"})
            assert (answer.status, answer.problem["request_id"]) == (status, "mine")
            assert answer.headers["x-request-id"] == "mine"
    assert [line["status"] for line in lines()] == [400, 503]


async def test_a_failure_of_drybox_is_answered_and_logged_without_its_words(
    open_app: Any, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_app() as app:

        async def languages() -> None:
            raise LookupError("a secret in a message")

        monkeypatch.setattr(app.state.service.executor, "languages", languages)
        answer = await ask(app, "GET", "/v1/languages", headers={"X-Request-ID": "mine"})
    assert answer.problem["status"] == 500
    assert answer.headers["x-request-id"] == answer.problem["request_id"] == "mine"
    error, access = lines()
    assert (error["level"], error["request_id"]) == ("error", "mine")
    assert error["errors"][0]["type"] == "LookupError"
    assert "test_access_log.py" in error["errors"][0]["stack"][-1]
    assert (access["status"], access["failure"]) == (500, "LookupError")
    assert "a secret" not in json.dumps([error, access]) + answer.body.decode()


async def test_a_client_that_leaves_has_a_line_too(open_app: Any, lines: Lines) -> None:
    async with open_app(FakeSandbox([Script(hangs=True)])) as app:
        await ask(app, "POST", "/v1/execute", BODY, leaves_after=0.05)
    (line,) = lines()
    assert line["status"] == 499


async def test_nothing_of_a_program_and_no_key_is_in_the_log(open_app: Any, lines: Lines) -> None:
    sandboxes = [FakeSandbox([HELLO]), FakeSandbox([Script(end=ValueError("a secret"))])]
    async with open_app(*sandboxes, keys=(SHOP,)) as app:
        headers = {"Authorization": f"Bearer {KEY}"}
        for path in ("/v1/execute", "/v1/execute/stream?key=" + KEY, "/" + KEY, "/nothing"):
            await ask(app, "POST", path, BODY, headers)
        await ask(app, "POST", "/v1/execute", b'{"code": "a secret"', headers)
        await ask(app, "POST", "/v1/execute", BODY, {"Authorization": f"Basic {KEY}"})
    text = json.dumps(lines())
    assert len(lines()) >= 6
    assert "secret" not in text
    assert KEY not in text


async def test_the_audit_says_for_whom_and_for_which_request(open_app: Any, lines: Lines) -> None:
    hook = AuditHook(lambda: current_record().key, request_id=lambda: current_record().id)
    sandboxes = [FakeSandbox([HELLO]), FakeSandbox([HELLO])]
    async with open_app(*sandboxes, keys=(SHOP,), hooks=[hook]) as app:
        for path in ("/v1/execute", "/v1/execute/stream"):
            headers = {"X-Request-ID": "mine", "Authorization": f"Bearer {KEY}"}
            await ask(app, "POST", path, BODY, headers)
    audits = [line for line in lines() if line["logger"] == "drybox.audit"]
    assert [(line["who"], line["request_id"]) for line in audits] == [("shop", "mine")] * 2
    assert audits[0]["source_sha256"]


async def test_sandboxes_are_opened_for_the_key_that_asks(open_app: Any, lines: Lines) -> None:
    """So that templates can be one key's own, in a stream too."""
    hook = AuditHook(OWNER.get)
    sandboxes = [FakeSandbox([HELLO]), FakeSandbox([HELLO])]
    async with open_app(*sandboxes, keys=(SHOP,), hooks=[hook]) as app:
        for path in ("/v1/execute", "/v1/execute/stream"):
            await ask(app, "POST", path, BODY, {"Authorization": f"Bearer {KEY}"})
    audits = [line for line in lines() if line["logger"] == "drybox.audit"]
    assert [line["who"] for line in audits] == ["shop"] * 2
