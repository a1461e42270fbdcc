"""The ASGI application: routes over one executor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

import drybox
from drybox.executor import AsyncCodeExecutor
from drybox.http.gate import FairGate
from drybox.http.ledger import Ledger
from drybox.http.metrics import ServiceMetrics
from drybox.http.metrics import router as metrics_router
from drybox.http.openapi import describe
from drybox.http.pages import add_docs
from drybox.http.piston import Piston, make_router
from drybox.http.playground import playground_routes
from drybox.http.problems import add_handlers
from drybox.http.request_log import RequestLog
from drybox.http.routes import router
from drybox.http.service import Service
from drybox.settings import ApiKey, ServerSettings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

    from drybox.http.gate import GateObserver


def create_app(
    executor: AsyncCodeExecutor,
    settings: ServerSettings,
    keys: Iterable[ApiKey] = (),
    provider: TracerProvider | None = None,
) -> FastAPI:
    """The service as an ASGI application.

    Args:
        executor: Runs the requests. The application opens it when it starts, and closes it.
        settings: The server's.
        keys: The clients; without any, everybody is one client that needs no key.
        provider: Whom traces are for; nothing is traced if None.

    Returns:
        The application; ``app.state.service`` is its :class:`Service`.

    Raises:
        InvalidRequest: ``settings.state_dir`` cannot be used.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        keeping = ledger.keep(gate.day_use) if ledger is not None else nullcontext()
        async with executor, keeping:
            yield

    app = FastAPI(
        title="drybox",
        version=drybox.__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    metrics = app.state.metrics = ServiceMetrics(executor.pools)
    executor.observe(metrics.executions)
    observers: list[GateObserver] = [metrics]
    if provider is not None:
        # With an extra of its own, which not everybody has.
        from drybox.http.tracing import QueueTraces, RequestTraces
        from drybox.monitoring.tracing import TraceObserver

        executor.observe(TraceObserver(provider))
        observers.append(QueueTraces(provider))
        app.add_middleware(RequestTraces, provider=provider)
    ledger = Ledger(settings.state_dir) if settings.state_dir else None
    if ledger is not None:
        observers.append(ledger)
    gate = FairGate(
        keys, executor.concurrency, executor.isolation, executor.limits, settings, observers
    )
    if ledger is not None:
        gate.resume(ledger.read())
    metrics.watch(gate)
    service = app.state.service = Service(executor, gate, settings)
    add_handlers(app)
    app.include_router(router)  # first: a request goes by every route before its own
    app.routes.extend(playground_routes())
    app.include_router(make_router(Piston(service)))
    app.include_router(metrics_router)
    add_docs(app)
    describe(app, service)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=("GET", "POST"),
            allow_headers=("Authorization", "Content-Type", "X-Request-ID"),
            expose_headers=("Retry-After", "X-Request-ID"),
        )
    app.add_middleware(RequestLog, observers=[metrics], lines=settings.access_log)
    return app
