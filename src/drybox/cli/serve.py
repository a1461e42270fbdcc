"""``drybox serve``."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from drybox.cli.configuration import configuration
from drybox.cli.progress import tell
from drybox.errors import Unsupported

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from drybox import AuditHook


@click.command()
@click.option("--host", metavar="ADDRESS", help="Address to listen at.  [default: 127.0.0.1]")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port; 0 for a free one.  [default: 8080]"
)
def serve(host: str | None, port: int | None) -> None:
    """Serve executions over HTTP until SIGTERM or Ctrl-C; see docs/guides/server.md."""
    try:
        from drybox.http.app import create_app
        from drybox.http.json_log import logging_to
        from drybox.http.server import serve as serve_app
    except ImportError as error:
        raise Unsupported(
            f"the HTTP service needs the Python package {(error.name or '').partition('.')[0]!r}",
            hint="Install it: pip install 'drybox[server]'",
        ) from error
    from drybox import AsyncCodeExecutor

    config = configuration()
    settings = config.server
    if host is not None:
        settings = replace(settings, host=host)
    if port is not None:
        settings = replace(settings, port=port)
    hooks = [_audit()] if settings.audit else []
    executor = AsyncCodeExecutor(**config.executor_options(), hooks=hooks, progress=tell)
    with ExitStack() as stack:
        stack.enter_context(logging_to(sys.stdout.fileno()))
        provider = stack.enter_context(_exporting()) if settings.traces else None
        serve_app(create_app(executor, settings, config.keys, provider), settings, _say)


def _exporting() -> AbstractContextManager[Any]:
    try:
        from drybox.http.tracing import exporting
    except ImportError as error:
        raise Unsupported(
            f"traces need the Python package {error.name!r}",
            hint="Install it: pip install 'drybox[otel]', or take server.traces out.",
        ) from error
    return exporting()


def _audit() -> AuditHook:
    """One that names the key and the request of each execution."""
    from drybox import AuditHook
    from drybox.http.request_record import current_record

    return AuditHook(lambda: current_record().key, request_id=lambda: current_record().id)


def _say(line: str) -> None:
    click.echo(f"drybox: {line}", err=True)
