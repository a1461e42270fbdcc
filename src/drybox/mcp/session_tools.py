"""The tools that work in a session, which keeps variables and files between calls."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

from mcp_types import CallToolResult, ContentBlock, TextContent, Tool, ToolAnnotations
from pydantic import BaseModel, ConfigDict, Field

from drybox.errors import InvalidRequest
from drybox.mcp.content import command_content, cut, image_content, session_content
from drybox.model import MIB
from drybox.service.admission import Caller
from drybox.service.memory_budget import Reservation
from drybox.service.sessions import OwnedSession, ServedSessions, fitted
from drybox.sessions.request import SessionRequest

NEW = "new"
"""What an assistant passes for a session that is opened for the call."""

IDLE_TIMEOUT = 900.0
"""Seconds after which a session of an assistant's is closed: it may think for long."""

MAX_FILE = MIB
"""Bytes of a file that an assistant reads or writes at once."""

MOST_LISTED = 500
"""Files that a list has."""

SESSION = Annotated[
    str,
    Field(
        max_length=100,
        description="The session_id that an earlier answer gave, or 'new' for a new session.",
    ),
]
OPEN_SESSION = Annotated[
    str, Field(max_length=100, description="The session_id that an earlier answer gave.")
]
PATH = Annotated[str, Field(max_length=4096, description="Relative to /sandbox, or absolute.")]


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class RunCommand(_Arguments):
    """Arguments of ``run_command``."""

    command: Annotated[str, Field(description="A line for bash.")]
    session_id: SESSION = NEW
    timeout: Annotated[float | None, Field(gt=0, description="Seconds.")] = None


class WriteFile(_Arguments):
    """Arguments of ``write_file``."""

    path: PATH
    content: str
    encoding: Literal["utf-8", "base64"] = "utf-8"
    session_id: SESSION = NEW


class ReadFile(_Arguments):
    """Arguments of ``read_file``."""

    session_id: OPEN_SESSION
    path: PATH


class ListFiles(_Arguments):
    """Arguments of ``list_files``."""

    session_id: OPEN_SESSION
    path: PATH = "."
    depth: Annotated[int, Field(ge=1, le=8, description="Folders below one another.")] = 1


class CloseSession(_Arguments):
    """Arguments of ``close_session``."""

    session_id: OPEN_SESSION


def _tool(name: str, model: type[BaseModel], description: str, *, reads: bool = False) -> Tool:
    return Tool(
        name=name,
        description=description,
        input_schema=model.model_json_schema(),
        annotations=ToolAnnotations(read_only_hint=reads, open_world_hint=False),
    )


RUN_COMMAND = _tool(
    "run_command",
    RunCommand,
    "Run a shell command in a session's sandbox, which has no network. Files stay in the session."
    " The answer begins with the session_id for the next calls.",
)
WRITE_FILE = _tool("write_file", WriteFile, "Write a file in a session, and the folders above it.")
READ_FILE = _tool(
    "read_file", ReadFile, "Read a file of a session: its text, or a picture.", reads=True
)
LIST_FILES = _tool("list_files", ListFiles, "List the files in a folder of a session.", reads=True)
CLOSE_SESSION = _tool(
    "close_session", CloseSession, "End a session that is not needed any more, with all its files."
)


class SessionTools:
    """What the tools do.

    Args:
        sessions: The sessions of assistants and of all other clients.
    """

    def __init__(self, sessions: ServedSessions) -> None:
        self._sessions = sessions

    async def run_code(
        self,
        caller: Caller,
        id: str,
        code: str,
        language: str,
        timeout: float | None,
        stdin: str,
        environment: str | None,
    ) -> CallToolResult:
        """Run code with what earlier code has left."""
        async with self._session(caller, id, len(code), language, environment) as (owned, room):
            sessions = self._sessions
            async with sessions.running(caller, owned, room, language, timeout) as meter:
                result = await owned.session.run(
                    code, language=language, timeout=timeout, stdin=stdin or None
                )
                meter.add(result.usage.cpu_time or 0.0)
                result = fitted(result, room)
            content = _named(owned, session_content(result))
            return CallToolResult(content=content, is_error=result.status != "success")

    async def run_command(self, caller: Caller, arguments: Mapping[str, Any]) -> CallToolResult:
        """Run a command."""
        given = RunCommand.model_validate(arguments)
        size = len(given.command)
        async with self._session(caller, given.session_id, size) as (owned, room):
            running = self._sessions.running(caller, owned, room, None, given.timeout)
            async with running as meter:
                result = await owned.session.command(given.command, timeout=given.timeout)
                meter.add(result.usage.cpu_time or 0.0)
            content = _named(owned, command_content(result))
            return CallToolResult(content=content, is_error=result.status != "success")

    async def write_file(self, caller: Caller, arguments: Mapping[str, Any]) -> CallToolResult:
        """Write a file."""
        given = WriteFile.model_validate(arguments)
        content = _decoded(given)
        async with self._session(caller, given.session_id, len(content)) as (owned, _):
            info = await owned.session.files.write(given.path, content)
            return _said(owned, f"Wrote {info.size:,} bytes to {_shown(info.path)}.")

    async def read_file(self, caller: Caller, arguments: Mapping[str, Any]) -> CallToolResult:
        """Read a file."""
        given = ReadFile.model_validate(arguments)
        async with self._session(caller, given.session_id, MAX_FILE) as (owned, _):
            content = await owned.session.files.read(given.path, max_bytes=MAX_FILE)
            image = image_content(content)
            if image is not None:
                return CallToolResult(content=[image])
            text = content.decode(errors="replace")
            if b"\0" in content and "\ufffd" in text:
                raise InvalidRequest(
                    "path",
                    f"{_shown(given.path)} is neither text nor a picture: {len(content):,} bytes",
                    hint="Look into it with run_command ('xxd', 'file') or run_code.",
                )
            return CallToolResult(content=[TextContent(text=cut(text))])

    async def list_files(self, caller: Caller, arguments: Mapping[str, Any]) -> CallToolResult:
        """List a folder."""
        given = ListFiles.model_validate(arguments)
        async with self._session(caller, given.session_id, 0) as (owned, _):
            found = await owned.session.files.list(given.path, depth=given.depth)
            lines = [f"{item.type:9} {item.size:>10,}  {_shown(item.path)}" for item in found]
            more = len(lines) - MOST_LISTED
            told = lines[:MOST_LISTED] + ([f"[… {more:,} more …]"] if more > 0 else [])
            return _said(owned, "\n".join(told) or "The folder is empty.")

    async def close_session(self, caller: Caller, arguments: Mapping[str, Any]) -> CallToolResult:
        """Close a session."""
        given = CloseSession.model_validate(arguments)
        await self._sessions.close(await self._sessions.find(caller, given.session_id))
        return CallToolResult(content=[TextContent(text="The session is closed.")])

    @asynccontextmanager
    async def _session(
        self,
        caller: Caller,
        id: str,
        size: int,
        language: str = "python",
        environment: str | None = None,
    ) -> AsyncIterator[tuple[OwnedSession, Reservation]]:
        """A session, which may be a new one, and what a call in it holds of the server's memory."""
        service = self._sessions.service
        room = service.memory.reserve(caller.name)
        try:
            await room.resize(2 * size, service.settings.queue_timeout)
            if id == NEW:
                request = SessionRequest(
                    language, environment=environment, idle_timeout=IDLE_TIMEOUT
                )
                yield await self._sessions.open(caller, request, room), room
            else:
                yield await self._sessions.find(caller, id), room
        finally:
            room.release()


def _decoded(given: WriteFile) -> bytes:
    if given.encoding == "utf-8":
        return given.content.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(given.content, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest("content", "it is not base64", hint="Encode it.") from None


def _named(owned: OwnedSession, content: list[ContentBlock]) -> list[ContentBlock]:
    """An answer with the name of its session in front."""
    return [TextContent(text=f"session_id: {owned.session.id}"), *content]


def _said(owned: OwnedSession, text: str) -> CallToolResult:
    return CallToolResult(content=_named(owned, [TextContent(text=text)]))


def _shown(path: str) -> str:
    """A path on one line, whatever is in its name."""
    return path if path.isprintable() else ascii(path)[1:-1]
