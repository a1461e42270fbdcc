"""The tools that an assistant has, and what they do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from mcp_types import CallToolResult, TextContent, Tool, ToolAnnotations
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drybox.errors import DryboxError, InvalidRequest
from drybox.execution.validation import MAX_FILES
from drybox.languages.registry import known_languages
from drybox.mcp.content import IMAGE_GLOBS, run_content
from drybox.mcp.session_tools import (
    CLOSE_SESSION,
    LIST_FILES,
    READ_FILE,
    RUN_COMMAND,
    WRITE_FILE,
    CloseSession,
    ListFiles,
    ReadFile,
    RunCommand,
    SessionTools,
    WriteFile,
)
from drybox.model import ExecutionRequest
from drybox.service.admission import Caller
from drybox.service.refusals import Refused, without_places
from drybox.service.schema_faults import wrong_field
from drybox.service.service import Service
from drybox.service.sessions import ServedSessions

COPIES = 2
"""How often what a call sends is there at once."""


class RunCode(BaseModel):
    """Arguments of ``run_code``."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    code: Annotated[str, Field(description="The whole program.")]
    language: Annotated[
        str,
        Field(max_length=100, description=f"One of: {', '.join(known_languages())}."),
    ] = "python"
    stdin: Annotated[str, Field(description="What the program reads from standard input.")] = ""
    files: Annotated[
        dict[str, str],
        Field(
            max_length=MAX_FILES,
            description="Text files beside it, by path relative to the working directory.",
        ),
    ] = {}
    timeout: Annotated[
        float | None, Field(gt=0, description="Seconds; the server's default if left out.")
    ] = None
    session_id: Annotated[
        str | None,
        Field(
            max_length=100,
            description="Leave it out for a sandbox of its own. 'new' opens a session, which keeps"
            " variables and files; then pass the session_id that the answer gave.",
        ),
    ] = None
    environment: Annotated[
        str | None,
        Field(max_length=100, description="Name of a set of packages, if the operator has any."),
    ] = None


RUN_CODE = Tool(
    name="run_code",
    description=(
        "Run code in a sandbox without a network. Without a session_id it is a whole program in a"
        " sandbox of its own, which is destroyed after it; pictures (PNG, JPEG, GIF, WebP) that it"
        " saves in its working directory are shown. In a session variables and files stay, and the"
        " value of the last expression and figures are shown. Print what you want to know."
    ),
    input_schema=RunCode.model_json_schema(),
    annotations=ToolAnnotations(
        title="Run code in a sandbox",
        destructive_hint=False,
        open_world_hint=False,
    ),
)


_ARGUMENTS: dict[str, type[BaseModel]] = {
    model.__name__: model
    for model in (RunCode, RunCommand, WriteFile, ReadFile, ListFiles, CloseSession)
}


@dataclass(frozen=True, slots=True)
class _Bound:
    """A tool, and what calls it."""

    tool: Tool
    call: Callable[[Caller, Mapping[str, Any]], Awaitable[CallToolResult]]


class Tools:
    """The tools over a service.

    Args:
        service: Runs what they ask for.
        sessions: Its sessions.
    """

    def __init__(self, service: Service, sessions: ServedSessions) -> None:
        self._service = service
        own = self._in_session = SessionTools(sessions)
        bound = (
            _Bound(RUN_CODE, self._run_code),
            _Bound(RUN_COMMAND, own.run_command),
            _Bound(WRITE_FILE, own.write_file),
            _Bound(READ_FILE, own.read_file),
            _Bound(LIST_FILES, own.list_files),
            _Bound(CLOSE_SESSION, own.close_session),
        )
        self._bound = {item.tool.name: item for item in bound}

    def list(self) -> list[Tool]:
        """All of them."""
        return [item.tool for item in self._bound.values()]

    async def call(self, caller: Caller, name: str, arguments: Mapping[str, Any]) -> CallToolResult:
        """Call one. What is wrong with a call is told to the assistant, with what to do.

        Args:
            caller: Who asks.
            name: Its name.
            arguments: By name.

        Raises:
            KeyError: There is no such tool.
        """
        bound = self._bound[name]
        try:
            return await bound.call(caller, arguments)
        except ValidationError as error:
            wrong = wrong_field(error, _ARGUMENTS.get(error.title), "arguments")
            return _wrong(wrong.message, f"{wrong.hint} Then call the tool again.")
        except Refused as error:
            wait = error.problem.retry_after
            later = f" Wait {wait} s before you call it again." if wait else ""
            return _wrong(error.problem.detail, f"{error.problem.hint}{later}")
        except InvalidRequest as error:
            return _wrong(error.message, error.hint)
        except DryboxError as error:
            return _wrong(without_places(error.message), without_places(error.hint))

    async def _run_code(self, caller: Caller, arguments: Mapping[str, Any]) -> CallToolResult:
        given = RunCode.model_validate(arguments)
        if given.session_id is not None:
            if given.files:
                hint = "Use write_file for files of a session."
                raise InvalidRequest("files", "a session has its own", hint=hint)
            return await self._in_session.run_code(
                *(caller, given.session_id, given.code, given.language, given.timeout),
                *(given.stdin, given.environment),
            )
        service = self._service
        files = {
            path: content.encode("utf-8", "surrogatepass") for path, content in given.files.items()
        }
        request = ExecutionRequest(
            given.language,
            given.code,
            files=files or None,
            stdin=given.stdin,
            timeout=given.timeout,
            artifacts=IMAGE_GLOBS,
            environment=given.environment,
        )
        room = service.memory.reserve(caller.name)
        try:
            size = len(given.code) + len(given.stdin) + sum(map(len, files.values()))
            await room.resize(COPIES * size, service.settings.queue_timeout)
            result = await service.execute(caller, request, room)
            timeout = service.executor.timeout if given.timeout is None else given.timeout
            content = run_content(result, timeout, service.settings.max_timeout, files.values())
        finally:
            room.release()
        return CallToolResult(content=content, is_error=result.status != "success")


def _wrong(detail: str, hint: str) -> CallToolResult:
    text = f"Nothing ran: {detail}\nNext: {hint}"
    return CallToolResult(content=[TextContent(text=text)], is_error=True)
