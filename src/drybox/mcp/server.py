"""The MCP server: the tools by the protocol of 2026-07-28 and by those before it."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
)

import drybox
from drybox.mcp.open_requests import Incoming, OpenRequests, Outgoing
from drybox.mcp.tools import Tools
from drybox.service.admission import Caller
from drybox.service.service import Service
from drybox.service.sessions import ServedSessions

INSTRUCTIONS = (
    "Runs code in sealed sandboxes without a network: for calculations, to try code out, to draw."
    " run_code alone begins anew each time. For work in steps open a session with"
    " session_id='new', pass the session_id of the answer from then on, and close it at the end."
)

CALLER: ContextVar[Caller] = ContextVar("drybox_mcp_caller")
"""Who sends what is being served; not set where nobody needs a key."""

Context = ServerRequestContext[Any, Any]


def make_server(service: Service, sessions: ServedSessions) -> Server[Any]:
    """A server of the tools; it takes what comes from :data:`CALLER`.

    Args:
        service: Runs what they ask for.
        sessions: Its sessions.
    """
    tools = Tools(service, sessions)

    async def list_tools(
        context: Context, params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        return ListToolsResult(tools=tools.list(), ttl_ms=60_000, cache_scope="public")

    async def call_tool(context: Context, params: CallToolRequestParams) -> CallToolResult:
        try:
            return await tools.call(CALLER.get(Caller()), params.name, params.arguments or {})
        except KeyError:
            known = ", ".join(tool.name for tool in tools.list())
            raise MCPError(
                INVALID_PARAMS, f"There is no tool {params.name[:100]!r}; there are {known}."
            ) from None

    return Server(
        "drybox",
        version=drybox.__version__,
        title="drybox",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


async def serve_stdio(service: Service) -> None:
    """Serve one assistant over standard input and output, until it closes its input.

    What runs then has the time of a server that goes down to end, and is answered.
    """
    sessions = ServedSessions(service)
    server = make_server(service, sessions)
    requests, end_timeout = OpenRequests(), service.settings.drain_timeout
    async with stdio_server() as (read_stream, write_stream):
        await server.run(
            Incoming(read_stream, requests, end_timeout),
            Outgoing(write_stream, requests),
            server.create_initialization_options(),
        )
