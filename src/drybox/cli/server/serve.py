"""``drybox serve``."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from drybox.cli.configuration import configuration
from drybox.cli.progress import progress
from drybox.errors import InvalidRequest, Unsupported
from drybox.units import parse_duration

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from drybox import AuditHook
    from drybox.executor.settings import ExecutorSettings
    from drybox.settings import ServerSettings


@click.command()
@click.option("--host", metavar="ADDRESS", help="Address to listen at.  [default: 127.0.0.1]")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port; 0 for a free one.  [default: 8080]"
)
@click.option(
    "--fleet", type=click.Choice(["ray"]), help="Run executions on the nodes of a cluster."
)
@click.option("--address", metavar="HOST:PORT", help="The cluster, with --fleet.  [default: auto]")
@click.option("--min-nodes", type=click.IntRange(1), help="Nodes at least.  [default: 1]")
@click.option("--max-nodes", type=click.IntRange(1), help="Have Ray add nodes, up to so many.")
@click.option(
    "--node-idle-timeout",
    metavar="TIME",
    help="How long nodes are too many before they are left.  [default: 5m]",
)
def serve(
    host: str | None,
    port: int | None,
    fleet: str | None,
    address: str | None,
    min_nodes: int | None,
    max_nodes: int | None,
    node_idle_timeout: str | None,
) -> None:
    """Serve executions over HTTP until SIGTERM or Ctrl-C; see docs/guides/server.md."""
    try:
        from drybox.server.app import create_app
        from drybox.server.observability.json_log import logging_to
        from drybox.server.process import serve as serve_app
    except ImportError as error:
        raise Unsupported(
            f"the HTTP service needs the Python package {(error.name or '').partition('.')[0]!r}",
            hint="Install it: pip install 'drybox[server]'",
        ) from error
    from drybox import AsyncCodeExecutor, AsyncRayExecutor

    config = configuration()
    settings = config.server
    if host is not None:
        settings = replace(settings, host=host)
    if port is not None:
        settings = replace(settings, port=port)
    if address is not None and fleet is None:
        raise InvalidRequest("--address", "there is no fleet", hint="Add '--fleet ray'.")
    if fleet is None and max_nodes is not None:
        raise InvalidRequest("--max-nodes", "there is no fleet", hint="Add '--fleet ray'.")
    for name, value in (
        ("--min-nodes", min_nodes),
        ("--node-idle-timeout", node_idle_timeout),
    ):
        if max_nodes is None and value is not None:
            raise InvalidRequest(name, "--max-nodes is missing", hint="Add '--max-nodes'.")
    options = config.executor_options()
    options.update(session_bounds(config.executor, settings))
    executor: AsyncCodeExecutor | AsyncRayExecutor
    if fleet is not None:
        if settings.audit:
            raise Unsupported(
                "server.audit works on one machine: a fleet's hooks run on its nodes",
                hint="Turn it off, or serve without --fleet.",
            )
        if node_idle_timeout is not None:
            seconds = parse_duration(node_idle_timeout, "--node-idle-timeout")
            options["node_idle_timeout"] = seconds
        executor = AsyncRayExecutor(
            address or "auto",
            shares_sessions=True,
            min_nodes=min_nodes or 1,
            max_nodes=max_nodes,
            **options,
        )
    else:
        hooks = [_audit()] if settings.audit else []
        executor = AsyncCodeExecutor(**options, hooks=hooks, progress=progress())
    with ExitStack() as stack:
        stack.enter_context(logging_to(sys.stdout.fileno()))
        provider = stack.enter_context(_exporting()) if settings.traces else None
        accounts = None
        if isinstance(executor, AsyncRayExecutor):
            from drybox.fleet.actors.caller import ActorCaller
            from drybox.fleet.keys.leases import KeyLeases

            accounts = KeyLeases(ActorCaller(executor.cluster.ledger))
        app = create_app(executor, settings, config.keys, provider, accounts)
        if isinstance(executor, AsyncRayExecutor):
            from drybox.fleet.metrics import FleetMetrics

            FleetMetrics(executor, app.state.metrics.registry)
        serve_app(app, settings, _say)


def session_bounds(executor: ExecutorSettings, server: ServerSettings) -> dict[str, int]:
    """Bounds of sessions for a server's executor: none is below the server's own.

    What is configured for the executor holds; only its defaults give way.
    """
    names, configured = ("max_sessions", "session_memory"), executor.changed()
    most = {name: max(getattr(executor, name), getattr(server, name)) for name in names}
    return {name: value for name, value in most.items() if name not in configured}


def _exporting() -> AbstractContextManager[Any]:
    try:
        from drybox.server.observability.tracing import exporting
    except ImportError as error:
        raise Unsupported(
            f"traces need the Python package {error.name!r}",
            hint="Install it: pip install 'drybox[otel]', or remove server.traces.",
        ) from error
    return exporting()


def _audit() -> AuditHook:
    """One that names the key and the request of each execution."""
    from drybox import AuditHook
    from drybox.service.request_context import current_record

    return AuditHook(lambda: current_record().key, request_id=lambda: current_record().id)


def _say(line: str) -> None:
    click.echo(f"drybox: {line}", err=True)
