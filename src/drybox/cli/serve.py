"""``drybox serve``."""

from __future__ import annotations

from dataclasses import replace

import click

from drybox.cli.configuration import configuration
from drybox.cli.progress import tell
from drybox.errors import Unsupported


@click.command()
@click.option("--host", metavar="ADDRESS", help="Address to listen at.  [default: 127.0.0.1]")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port; 0 for a free one.  [default: 8080]"
)
def serve(host: str | None, port: int | None) -> None:
    """Serve executions over HTTP until SIGTERM or Ctrl-C; see docs/guides/server.md."""
    try:
        from drybox.http.app import create_app
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
    executor = AsyncCodeExecutor(**config.executor_options(), progress=tell)
    serve_app(create_app(executor, settings, config.keys), settings, _say)


def _say(line: str) -> None:
    click.echo(f"drybox: {line}", err=True)
