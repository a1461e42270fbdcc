"""``drybox mcp``."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import anyio
import click

from drybox.cli.configuration import configuration
from drybox.cli.progress import tell
from drybox.errors import Unsupported


@click.command()
def mcp() -> None:
    """Serve an assistant (Model Context Protocol) over stdin and stdout; see docs/guides/mcp.md."""
    try:
        from drybox.mcp.server import serve_stdio
    except ImportError as error:
        raise Unsupported(
            f"MCP needs the Python package {(error.name or '').partition('.')[0]!r}",
            hint="Install it: pip install 'drybox[mcp]'",
        ) from error
    from drybox import AsyncCodeExecutor
    from drybox.service.admission import AdmissionController
    from drybox.service.request_limits import most_cpu_time
    from drybox.service.service import Service

    config = configuration()
    executor = AsyncCodeExecutor(**config.executor_options(), progress=tell)
    most = partial(most_cpu_time, executor)
    controller = AdmissionController(
        (), executor.concurrency, executor.isolation, most, config.server
    )

    async def serve() -> None:
        async with executor:
            await serve_stdio(Service(executor, controller, config.server))

    with suppress(BrokenPipeError):  # the assistant has left
        anyio.run(serve)
