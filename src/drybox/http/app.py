"""The ASGI application: routes over one executor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from fastapi import FastAPI

import drybox
from drybox.executor import AsyncCodeExecutor
from drybox.http.gate import FairGate
from drybox.http.openapi import describe
from drybox.http.pages import add_docs
from drybox.http.piston import Piston, make_router
from drybox.http.problems import add_handlers
from drybox.http.routes import router
from drybox.http.service import Service
from drybox.settings import ApiKey, ServerSettings


def create_app(
    executor: AsyncCodeExecutor, settings: ServerSettings, keys: Iterable[ApiKey] = ()
) -> FastAPI:
    """The service as an ASGI application.

    Args:
        executor: Runs the requests. The application opens it when it starts, and closes it.
        settings: The server's.
        keys: The clients; without any, everybody is one client that needs no key.

    Returns:
        The application; ``app.state.service`` is its :class:`Service`.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with executor:
            yield

    gate = FairGate(keys, executor.concurrency, executor.isolation, executor.limits, settings)
    app = FastAPI(
        title="drybox",
        version=drybox.__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    service = app.state.service = Service(executor, gate, settings)
    add_handlers(app)
    app.include_router(router)
    app.include_router(make_router(Piston(service)))
    add_docs(app)
    describe(app, service)
    return app
