"""A request for which a sandbox waits goes the way that ARCHITECTURE.md draws."""

from __future__ import annotations

import anyio
import pytest
from tests.support.asgi import ask
from tests.support.isolations import Isolation
from tests.support.walk import STEPS, followed

from drybox import AsyncCodeExecutor
from drybox.server.app import create_app
from drybox.settings import ServerSettings

BODY = b'{"language": "python", "code": "1"}'


@pytest.mark.isolations("local")
@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_request_with_a_warm_sandbox_goes_the_way_of_the_picture(
    isolation: Isolation, anyio_backend: str
) -> None:
    executor = AsyncCodeExecutor(isolation=isolation.name)
    app = create_app(executor, ServerSettings())
    async with executor:
        assert (await ask(app, "POST", "/v1/execute", BODY)).status == 200
        with anyio.fail_after(60):
            while not any(count.idle for count in executor.pools()):
                await anyio.sleep(0.01)
        with followed() as walk:
            answer = await ask(app, "POST", "/v1/execute", BODY)
    assert answer.status == 200, answer
    assert walk.stays == [file for file, _ in STEPS]
