"""MCP over stdio and HTTP, driven by its own clients, of today's protocol and of the one before."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, ImageContent, TextContent
from tests.support.cli import DRYBOX
from tests.support.host import eventually
from tests.support.registry_clients import MCP_BEFORE, clients
from tests.support.server import TIMEOUT, Server, serving

from drybox.languages.registry import known_languages
from drybox.service.api_keys import hash_key, new_key

pytestmark = pytest.mark.anyio

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
DRAW = f"open('a.png', 'wb').write({PIXEL!r}); open('no.png', 'w').write('text')"
KEY = new_key()
TOOLS = ["run_code", "run_command", "write_file", "read_file", "list_files", "close_session"]
JSON = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(env={"DRYBOX_SERVER_PUBLIC_METRICS": "true"}) as server:
        yield server


def _url(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}/mcp"


Connect = Callable[[], AbstractAsyncContextManager[Client]]


@pytest.fixture(params=["stdio", "http"])
def connect(request: pytest.FixtureRequest) -> Connect:
    """How a client reaches the tools."""
    if request.param == "stdio":
        parameters = StdioServerParameters(
            command=str(DRYBOX), args=["mcp"], env={"DRYBOX_CONFIG": "/dev/null"}
        )
        return lambda: Client(parameters)
    url = _url(request.getfixturevalue("server"))
    return lambda: Client(url)


async def run(client: Client, code: str, **more: Any) -> CallToolResult:
    return await client.call_tool("run_code", {"code": code, **more})


def text_of(result: CallToolResult) -> str:
    first = result.content[0]
    assert isinstance(first, TextContent)
    return first.text


@pytest.mark.promise("MCP-1")
async def test_an_assistant_runs_code(connect: Connect) -> None:
    async with connect() as client:
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == TOOLS
        tool = tools[0]
        assert set(tool.input_schema["required"]) == {"code"}
        for name in known_languages():
            assert name in tool.input_schema["properties"]["language"]["description"]
        result = await run(
            client, "print(open('d.txt').read(), input())", files={"d.txt": "é"}, stdin="in"
        )
        assert not result.is_error
        assert text_of(result).startswith("stdout:\né in\n[success, exit code 0, ")
        assert "bash" in text_of(await run(client, "echo bash", language="bash"))


@pytest.mark.promise("MCP-2")
async def test_what_went_wrong_says_what_to_do_next(connect: Connect) -> None:
    async with connect() as client:
        cases: list[tuple[dict[str, Any], str, str]] = [
            ({"code": "1/0"}, "ZeroDivisionError", "correct the code"),
            ({"code": "int main() { no(); }", "language": "cpp"}, "compiler:", "compiler names"),
            (
                {"code": "while True: pass", "timeout": 0.3},
                "[timeout",
                "longer timeout, of at most",
            ),
            ({"code": "x = bytearray(1 << 30)"}, "[memory_limit", "less data"),
            ({"code": "while True: print('x' * 999)"}, "left out", "Print a summary"),
            ({"code": "", "language": "cobol"}, "Nothing ran", "There are python"),
            ({"code": "", "timeout": 1e4}, "Nothing ran", "Ask for at most"),
            ({"code": 1}, "code: it is not text", "Pass text. Then call the tool again."),
            ({"code": "", "languge": "node"}, "languge: ", "Did you mean 'language'?"),
            ({"code": "", "files": {"../x": ""}}, "Nothing ran", "relative path"),
            ({"code": "", "environment": "none"}, "Nothing ran", "None is configured"),
        ]
        for arguments, told, following in cases:
            result = await client.call_tool("run_code", arguments)
            text = text_of(result)
            assert result.is_error, arguments
            assert told in text, text
            assert following in text.rpartition("Next: ")[2], text
            assert len(text) < 50_000
        with pytest.raises(MCPError, match="there are run_code"):
            await client.call_tool("nothing", {})


@pytest.mark.promise("MCP-2")
async def test_pictures_are_shown_and_bounded(connect: Connect) -> None:
    async with connect() as client:
        result = await run(client, DRAW)
        (image,) = result.content[1:]
        assert isinstance(image, ImageContent)
        assert (image.mime_type, base64.b64decode(image.data)) == ("image/png", PIXEL)
        assert "Picture a.png follows." in text_of(result)
        many = f"for n in range(9): open(f'{{n}}.png', 'wb').write({PIXEL!r} + bytes([n]))"
        large = f"open('large.png', 'wb').write({PIXEL!r} + bytes(2 << 20))"
        result = await run(client, f"{many}\n{large}")
        assert len(result.content) == 1 + 4
        assert "large.png has 2,097,222 bytes, which is too large to show" in text_of(result)


@pytest.mark.promise("MCP-1")
async def test_a_session_keeps_state_and_files(connect: Connect) -> None:
    async with connect() as client:

        async def call(name: str, **arguments: Any) -> list[Any]:
            result = await client.call_tool(name, arguments)
            assert not result.is_error, result
            return result.content

        named, shown = await call("run_code", code="x = 6\nx * 7", session_id="new")
        id = named.text.removeprefix("session_id: ")
        assert shown.text.startswith("result:\n42\n[success")
        wrong = await client.call_tool("run_code", {"code": "x / 0", "session_id": id})
        assert wrong.is_error
        assert "ZeroDivisionError" in str(wrong.content)
        await call("write_file", path="d/a.txt", content="é", session_id=id)
        assert (
            "1 d/a.txt"
            in (await call("run_command", command="wc -l -m d/a.txt", session_id=id))[1].text
        )
        await call("run_code", code=DRAW, session_id=id)
        assert (await call("read_file", path="d/a.txt", session_id=id))[0].text == "é"
        (image,) = await call("read_file", path="a.png", session_id=id)
        assert base64.b64decode(image.data) == PIXEL
        assert "/sandbox/d/a.txt" in (await call("list_files", depth=2, session_id=id))[1].text
        for name, arguments, words in (
            ("run_code", {"code": "while True: pass", "timeout": 0.5}, "it took too long"),
            ("run_code", {"code": "x = bytearray(1 << 30)"}, "it needed more memory"),
            ("run_code", {"code": "while True: print('x' * 999)"}, "Print a summary"),
            ("run_command", {"command": "yes"}, "Print a summary"),
            ("run_command", {"command": "exit 3"}, "correct the command"),
        ):
            ended = await client.call_tool(name, {**arguments, "session_id": id})
            assert ended.is_error
            assert words in str(ended.content[1:]).rpartition("Next: ")[2], ended
        await call("write_file", path="b.bin", content="/wA=", encoding="base64", session_id=id)
        binary = await client.call_tool("read_file", {"path": "b.bin", "session_id": id})
        assert binary.is_error
        assert "neither text nor a picture: 2 bytes" in text_of(binary)
        gone = await client.call_tool("read_file", {"path": "none", "session_id": id})
        assert gone.is_error
        assert "Next: " in text_of(gone)
        assert "closed" in (await call("close_session", session_id=id))[0].text
        late = await client.call_tool("run_command", {"command": "ls", "session_id": id})
        assert late.is_error
        assert "open another" in text_of(late)


@pytest.mark.promise("MCP-1")
@pytest.mark.parametrize("how", ["stdio", "http"])
def test_a_client_of_the_protocol_before(server: Server, how: str) -> None:
    script = """
import asyncio, json, sys
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client
given = json.load(sys.stdin)
async def main():
    if given["how"] == "stdio":
        parameters = StdioServerParameters(
            command=given["drybox"], args=["mcp"], env={"DRYBOX_CONFIG": "/dev/null"}
        )
        transport = stdio_client(parameters)
    else:
        transport = streamablehttp_client(given["url"])
    async with transport as (reads, writes, *_), ClientSession(reads, writes) as session:
        began = await session.initialize()
        tools = await session.list_tools()
        result = await session.call_tool("run_code", {"code": "print(6 * 7)"})
        wrong = await session.call_tool("run_code", {"code": "1/0"})
        json.dump([
            began.protocolVersion, [tool.name for tool in tools.tools],
            result.content[0].text, wrong.isError,
        ], sys.stdout)
asyncio.run(main())
"""
    version, tools, text, is_error = clients(MCP_BEFORE, ()).python(
        script, how=how, drybox=str(DRYBOX), url=_url(server)
    )
    assert version < "2026"
    assert (tools, is_error) == (TOOLS, True)
    assert text.startswith("stdout:\n42\n")


@pytest.mark.promise("MCP-3")
async def test_keys_and_quotas_hold_as_everywhere() -> None:
    keys = {
        "DRYBOX_KEYS_AGENT_HASH": hash_key(KEY),
        "DRYBOX_KEYS_AGENT_LANGUAGES": "python",
        "DRYBOX_KEYS_AGENT_RATE": "9/h",
    }
    with serving(env=keys) as server:
        answer = server.ask("POST", "/mcp", "{}", JSON)
        assert (answer.status, answer.problem["type"].rpartition(":")[2]) == (401, "unauthorized")
        headers = {"Authorization": f"Bearer {KEY}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=TIMEOUT) as http,
            Client(streamable_http_client(_url(server), http_client=http)) as client,
        ):
            assert not (await run(client, "print(1)")).is_error
            refused = text_of(await run(client, "echo", language="bash"))
            assert "may not use 'bash'" in refused
            for _ in range(8):
                assert not (await run(client, "print(1)")).is_error
            told: list[str] = []
            with pytest.raises(MCPError):
                told.append(text_of(await run(client, "print(1)")))
            assert told == [], "a key that may begin nothing now is told before its call is read"


@pytest.mark.promise("MCP-3")
def test_pages_of_other_sites_and_large_messages_are_refused(server: Server) -> None:
    answer = server.ask("POST", "/mcp", "{}", {**JSON, "Origin": "https://other.example"})
    assert (answer.status, answer.problem["type"].rpartition(":")[2]) == (403, "forbidden")
    answer = server.ask("POST", "/mcp", json.dumps({"x": "x" * (1 << 20)}), JSON)
    assert answer.status == 413
    assert server.get("/mcp").status == 405


@pytest.mark.promise("MCP-3")
def test_a_client_that_leaves_ends_its_program(server: Server) -> None:
    call = {"name": "run_code", "arguments": {"code": "while True: pass", "timeout": 60}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    connection = server.connect()
    connection.request("POST", "/mcp", json.dumps(message), JSON)

    def running(count: int) -> bool:
        return f"\ndrybox_executions_running {count}.0\n" in server.get("/metrics").body.decode()

    assert eventually(lambda: running(1), TIMEOUT)
    connection.close()
    assert eventually(lambda: running(0), TIMEOUT)


@pytest.mark.promise("MCP-3")
def test_an_assistant_that_ends_its_input_gets_its_answers() -> None:
    hello = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "pipe", "version": "1"},
    }
    code = "import time\ntime.sleep(1)\nprint(6 * 7)"
    messages = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        *(
            {
                "jsonrpc": "2.0",
                "id": id,
                "method": "tools/call",
                "params": {"name": "run_code", "arguments": {"code": code}},
            }
            for id in ("a", "b")
        ),
    ]
    done = subprocess.run(
        [DRYBOX, "mcp"],
        input="".join(f"{json.dumps(message)}\n" for message in messages),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        env={**os.environ, "DRYBOX_CONFIG": "/dev/null"},
    )
    answers = {answer["id"]: answer for answer in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 0, done.stderr
    for id in ("a", "b"):
        assert "42" in answers[id]["result"]["content"][0]["text"]
