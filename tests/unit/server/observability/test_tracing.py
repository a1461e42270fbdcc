"""The trace of a request: request → queue → execution → claim, place, compile, run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from tests.support.asgi import ask

from drybox import AsyncCodeExecutor, Unavailable
from drybox.server.app import create_app
from drybox.service.api_keys import hash_key, new_key
from drybox.settings import ApiKey, ServerSettings
from drybox.testing.fake_backend import FakeBackend, FakeSandbox, Script, advertise, maker

pytestmark = [pytest.mark.anyio, pytest.mark.promise("MON-5")]
HELLO = Script([("stdout", b"hello")])
BODY = b'{"language": "java", "code": "class Secret {}"}'
TRACE = "0af7651916cd43dd8448eb211c80319c"
KEY = new_key()
Opener = Callable[..., AsyncCodeExecutor]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def executor_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Opener:
    """Makes an executor over sandboxes that play scripts."""

    def make(*sandboxes: FakeSandbox | Exception) -> AsyncCodeExecutor:
        backend = FakeBackend(*sandboxes)
        advertise(monkeypatch, tmp_path, "drybox.backends", "fake", maker(backend))
        return AsyncCodeExecutor(isolation="fake", pool=None, concurrency=1)

    return make


class Traced:
    """An application, and the spans that ended."""

    def __init__(self, executor: AsyncCodeExecutor) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        keys = [ApiKey("shop", (hash_key(KEY),))]
        self.executor = executor
        self.app = create_app(executor, ServerSettings(), keys, provider)

    def spans(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    async def run(self, path: str = "/v1/execute", **headers: str) -> int:
        given = {"Authorization": f"Bearer {KEY}", "X-Request-ID": "mine", **headers}
        return (await ask(self.app, "POST", path, BODY, given)).status


@pytest.mark.parametrize("path", ["/v1/execute", "/v1/execute/stream"])
async def test_a_request_is_one_trace_of_all_its_steps(executor_of: Opener, path: str) -> None:
    traced = Traced(executor_of(FakeSandbox([HELLO, HELLO])))
    async with traced.executor:
        assert await traced.run(path) == 200
    named = {span.name: span for span in traced.spans()}
    request = named.pop(f"POST {path}")
    assert request.kind is SpanKind.SERVER
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": path,
        "http.response.status_code": 200,
        "drybox.request.id": "mine",
        "drybox.key": "shop",
    }
    assert named.keys() == {"queue", "execution", "claim", "place", "compile", "run", "collect"}
    assert named["queue"].parent == named["execution"].parent == request.context
    for stage in ("claim", "place", "compile", "run", "collect"):
        assert named[stage].parent == named["execution"].context
    assert "Secret" not in "".join(span.to_json() for span in traced.spans())


async def test_the_wait_for_a_slot_is_in_it(executor_of: Opener) -> None:
    traced = Traced(
        executor_of(FakeSandbox([HELLO, Script(seconds=0.2)]), FakeSandbox([HELLO] * 2))
    )
    async with (
        traced.executor,
        anyio.create_task_group() as tasks,
    ):
        for _ in range(2):
            tasks.start_soon(traced.run)
    seconds = sorted(
        ((span.end_time or 0) - (span.start_time or 0)) / 1e9
        for span in traced.spans()
        if span.name == "queue"
    )
    assert seconds[0] < 0.1 < seconds[1]


async def test_a_clients_own_trace_goes_on(executor_of: Opener) -> None:
    traced = Traced(executor_of(FakeSandbox([HELLO, HELLO]), Unavailable("none", hint="wait")))
    async with traced.executor:
        await traced.run(traceparent=f"00-{TRACE}-b7ad6b7169203331-01")
        assert all(f"{span.context.trace_id:x}" == TRACE[1:] for span in traced.spans())
        count = len(traced.spans())
        for nonsense in ("", "00-zz-zz-01", "x" * 5000, "00-" + "0" * 32 + "-" + "0" * 16 + "-01"):
            await traced.run("/nothing", traceparent=nonsense)
        assert await traced.run() == 503
        new = traced.spans()[count:]
        assert not [span for span in new if f"{span.context.trace_id:x}" == TRACE[1:]]
    assert new[-1].status.status_code.name == "ERROR"


async def test_who_is_refused_has_the_reason_and_what_machines_ask_is_not_traced(
    executor_of: Opener,
) -> None:
    traced = Traced(executor_of(FakeSandbox([HELLO])))
    async with traced.executor:
        assert await traced.run(Authorization="Bearer wrong") == 401
        for path in ("/healthz", "/readyz", "/metrics"):
            await ask(traced.app, "GET", path)
    (span,) = traced.spans()
    assert span.attributes is not None
    assert span.attributes["drybox.rejected"] == "unauthorized"
    assert span.attributes["http.response.status_code"] == 401
