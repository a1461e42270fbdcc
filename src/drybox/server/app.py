"""The ASGI application: routes over one executor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING

import anyio
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

import drybox
from drybox.errors import DryboxError
from drybox.executor.base import ServedExecutor
from drybox.server.mcp.routes import McpEndpoint
from drybox.server.mcp.routes import make_router as mcp_router
from drybox.server.observability.access_log import RequestLog
from drybox.server.observability.metrics import ServiceMetrics
from drybox.server.observability.metrics import router as metrics_router
from drybox.server.pages.api_docs import add_docs
from drybox.server.pages.playground import playground_routes
from drybox.server.piston.routes import Piston
from drybox.server.piston.routes import make_router as piston_router
from drybox.server.sandbox_fusion.routes import SandboxFusion
from drybox.server.sandbox_fusion.routes import make_router as sandbox_fusion_router
from drybox.server.transport.forwarding import BelowPath
from drybox.server.transport.problems import add_handlers
from drybox.server.v1.openapi import describe
from drybox.server.v1.routes import router
from drybox.server.v1.sessions import commands, files, routes, runs
from drybox.server.v1.sessions.files import MODE_HEADER
from drybox.service.accounts import Accounts
from drybox.service.admission import AdmissionController
from drybox.service.quota.store import QuotaStore
from drybox.service.request_limits import most_cpu_time
from drybox.service.service import Service
from drybox.service.sessions import ServedSessions
from drybox.settings import ApiKey, ServerSettings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

    from drybox.service.admission import AdmissionObserver

SLOTS_INTERVAL = 1.0
"""Seconds between two looks at how many sandboxes run at once."""


def create_app(
    executor: ServedExecutor,
    settings: ServerSettings,
    keys: Iterable[ApiKey] = (),
    provider: TracerProvider | None = None,
    accounts: Accounts | None = None,
) -> FastAPI:
    """The service as an ASGI application.

    Args:
        executor: Runs the requests. The application opens it when it starts, and closes it.
        settings: The server's.
        keys: The clients; without any, everybody is one client that needs no key.
        provider: Whom traces are for; nothing is traced if None.
        accounts: Counts what keys use; this server alone does if None.

    Returns:
        The application; ``app.state.service`` is its :class:`Service`. ``app.state.failure`` is why
        the executor did not open, if so.

    Raises:
        InvalidRequest: ``settings.state_dir`` cannot be used.
    """

    async def follow_slots() -> None:
        """A fleet's slots come and go with its nodes."""
        while True:
            controller.resize(executor.concurrency)
            await anyio.sleep(SLOTS_INTERVAL)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        keeping = quota_store.keep(controller.day_use) if quota_store is not None else nullcontext()
        try:
            async with executor, keeping, anyio.create_task_group() as tasks:
                tasks.start_soon(follow_slots)
                if accounts is not None:
                    tasks.start_soon(accounts.serve, controller.serve)
                try:
                    yield
                finally:
                    tasks.cancel_scope.cancel()
                    sessions.end()
                    fusion.close()
                    await mcp.close()
        except DryboxError as error:
            app.state.failure = error
            raise

    app = FastAPI(
        title="drybox",
        version=drybox.__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.failure = None
    metrics = app.state.metrics = ServiceMetrics(executor.pools)
    executor.observe(metrics.executions)
    observers: list[AdmissionObserver] = [metrics]
    if provider is not None:
        # With an extra of its own, which not everybody has.
        from drybox.monitoring.tracing import TraceObserver
        from drybox.server.observability.tracing import QueueTraces, RequestTraces

        executor.observe(TraceObserver(provider))
        observers.append(QueueTraces(provider))
        app.add_middleware(RequestTraces, provider=provider)
    quota_store = QuotaStore(settings.state_dir) if settings.state_dir else None
    if quota_store is not None:
        observers.append(quota_store)
    most = partial(most_cpu_time, executor)
    controller = AdmissionController(
        *(keys, executor.concurrency, executor.isolation, most, settings, observers),
        make_account=accounts.account if accounts is not None else None,
    )
    if quota_store is not None:
        controller.resume(quota_store.read())
    metrics.watch(controller)
    service = app.state.service = Service(executor, controller, settings)
    sessions = app.state.sessions = ServedSessions(service)
    metrics.watch_sessions(sessions)
    fusion, mcp = SandboxFusion(service), McpEndpoint(service, sessions)
    add_handlers(app)
    app.include_router(router)  # first: a request goes by every route before its own
    for part in (routes, runs, commands, files):
        app.include_router(part.router)
    app.routes.extend(playground_routes())
    app.include_router(piston_router(Piston(service)))
    app.include_router(sandbox_fusion_router(fusion))
    app.include_router(mcp_router(mcp))
    app.include_router(metrics_router)
    add_docs(app)
    describe(app, service)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
            allow_headers=("Authorization", "Content-Type", "X-Request-ID"),
            expose_headers=("Retry-After", "X-Request-ID", MODE_HEADER),
        )
    app.add_middleware(BelowPath, settings=settings)
    app.add_middleware(RequestLog, observers=[metrics], lines=settings.access_log)
    return app
