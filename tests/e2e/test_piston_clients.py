"""Piston's clients, unchanged, against a started server: only the address is another."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.registry_clients import Clients, clients
from tests.support.server import Server, serving

pytestmark = [
    pytest.mark.skipif(
        not (3, 11) <= sys.version_info < (3, 13),
        reason="ultra-piston needs Python 3.11, and piston_rspy has nothing for 3.13",
    ),
    pytest.mark.promise("PISTON-1"),
]

READER = "import sys; print(sys.argv[1:], input()); print('e', file=sys.stderr); sys.exit(3)"
GO = 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("go") }\n'
BROKEN_GO = "package main\n\nfunc main() { nothing() }\n"


@pytest.fixture(scope="module")
def installed() -> Clients:
    return clients()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture(params=["", "/piston"], ids=["own", "public"])
def base(request: pytest.FixtureRequest, server: Server) -> str:
    """The address of a Piston of one's own, and how the public one's looked."""
    return f"http://127.0.0.1:{server.port}/api/v2{request.param}"


ULTRA = """
import json, sys
from ultra_piston import File, PistonClient
from ultra_piston.errors import BadRequestError, NotFoundError
given = json.load(sys.stdin)
client = PistonClient(base_url=given["base"], rate_limit=0)
def run(language, content, **more):
    return client.post_execute(language, "*", File(content=content), **more).model_dump()
def refused(call):
    try:
        call()
    except (BadRequestError, NotFoundError) as error:
        return type(error).__name__
json.dump({
    "runtimes": [item.model_dump() for item in client.get_runtimes()],
    "packages": [item.model_dump() for item in client.get_packages()],
    "hello": run("python3", given["reader"], stdin="in", args=["a", "b"]),
    "go": run("golang", given["go"]),
    "slow": run("py", "while True: pass", run_timeout=300),
    "unknown": refused(lambda: run("cobol", "")),
    "above": refused(lambda: run("py", "1", run_timeout=10**9)),
    "install": refused(lambda: client.post_packages("bash", "5.x")),
    "remove": refused(lambda: client.delete_packages("bash", "5.x")),
}, sys.stdout)
"""


def test_ultra_piston(installed: Clients, base: str) -> None:
    said = installed.python(ULTRA, base=base, reader=READER, go=GO)
    names = {item["language"] for item in said["runtimes"]}
    assert {"python", "javascript", "go", "java"} <= names
    assert {item["installed"] for item in said["packages"]} == {True}
    assert said["hello"]["language"] == "python"
    assert said["hello"]["run"]["code"] == 3
    assert said["hello"]["run"]["stdout"] == "['a', 'b'] in\n"
    assert said["hello"]["run"]["stderr"] == "e\n"
    assert said["go"]["compile"]["code"] == 0
    assert said["go"]["run"]["output"] == "go\n"
    assert said["slow"]["run"]["signal"] == "SIGKILL"
    assert said["slow"]["run"]["code"] is None
    assert said["unknown"] == said["above"] == "BadRequestError"
    assert said["install"] == said["remove"] == "NotFoundError"


AIOPYSTON = """
import asyncio, json, sys
from pyston import File, PystonClient
from pyston.exceptions import ExecutionError, InvalidLanguage
given = json.load(sys.stdin)
async def main():
    client = PystonClient(base_url=given["base"] + "/")
    async def run(language, content, **more):
        return (await client.execute(language, [File(content)], **more)).raw_json
    async def refused(call):
        try:
            await call
        except (ExecutionError, InvalidLanguage) as error:
            return str(error)
    said = {
        "languages": sorted(await client.languages()),
        "js": [str(item) for item in await client.get_runtimes("js")],
        "hello": await run("py", given["reader"], stdin="in", args=["a", "b"]),
        "broken": await run("go", given["broken"]),
        "unknown": await refused(run("py", "1", version="2.7.18")),
    }
    await client.close_session()
    json.dump(said, sys.stdout)
    sys.stdout.flush()
asyncio.run(main())
"""


def test_aiopyston(installed: Clients, base: str) -> None:
    said = installed.python(AIOPYSTON, base=base, reader=READER, broken=BROKEN_GO)
    assert {"python", "javascript", "go", "java"} <= set(said["languages"])
    assert set(said["js"]) == {"node"}  # once for each of its versions
    assert said["hello"]["run"]["code"] == 3
    assert said["hello"]["run"]["stdout"] == "['a', 'b'] in\n"
    assert said["broken"]["compile"]["code"] == 1
    assert "nothing" in said["broken"]["compile"]["stderr"]
    assert said["broken"]["run"] == said["broken"]["compile"]
    assert said["unknown"] == "py-2.7.18 runtime is unknown"


# The client's own threads may still end as Python does, which Python takes for a fatal error.
RSPY = """
import asyncio, json, os, sys
from piston_rspy import Client, Executor, File
given = json.load(sys.stdin)
async def main():
    client = Client.with_url(given["base"])
    async def run(language, content, version="*", **more):
        file = File(name="", content=content)
        answer = await client.execute(Executor(language, version, [file], **more))
        return {
            **{"ok": answer.is_ok(), "stderr": answer.run.stderr, "language": answer.language},
            **{"stdout": answer.run.stdout, "code": answer.run.code},
            **{"output": answer.run.output, "signal": answer.run.signal},
            "compiled": answer.compile is not None and answer.compile.is_ok(),
        }
    json.dump({
        "runtimes": [[item.language, *item.aliases] for item in await client.fetch_runtimes()],
        "hello": await run("python", given["reader"], stdin="in", args=["a", "b"]),
        "go": await run("go", given["go"]),
        "crash": await run("py", "import os; os.abort()"),
        "unknown": await run("py", "1", "99.x"),
    }, sys.stdout)
asyncio.run(main())
sys.stdout.flush()
os._exit(0)
"""


def test_piston_rspy(installed: Clients, base: str) -> None:
    said = installed.python(RSPY, base=base, reader=READER, go=GO)
    assert ["go", "go", "golang"] in said["runtimes"]
    assert said["hello"]["stdout"] == "['a', 'b'] in\n"
    assert said["hello"]["code"] == 3
    assert said["go"]["compiled"]
    assert (said["go"]["ok"], said["go"]["output"]) == (True, "go\n")
    assert said["crash"]["signal"] == "SIGABRT"
    assert not said["unknown"]["ok"]
    assert "py-99.x runtime is unknown" in said["unknown"]["stderr"]


PISTON_CLIENT = """
import { piston } from "piston-client";
import { readFileSync } from "node:fs";
const given = JSON.parse(readFileSync(0, "utf8"));
const client = piston({ server: given.server });
console.log(JSON.stringify({
  runtimes: await client.runtimes(),
  hello: await client.execute("javascript", "console.log(process.argv.slice(2))"),
  files: await client.execute({
    language: "python",
    version: "3.x",
    files: [{ name: "app.py", content: "import lib" }, { name: "lib.py", content: "print(7)" }],
    args: [],
    runTimeout: 2000,
  }),
  unknown: await client.execute("cobol", "x"),
}));
"""


def test_piston_client_of_npm(installed: Clients, server: Server) -> None:
    said = installed.node(PISTON_CLIENT, server=f"http://127.0.0.1:{server.port}")
    runtimes: dict[str, Any] = {item["language"]: item for item in said["runtimes"]}
    assert runtimes["javascript"]["runtime"] == "node"
    assert said["hello"]["run"]["output"] == "[ '1', '2', '3' ]\n"
    assert said["hello"]["version"] == runtimes["javascript"]["version"]
    assert said["files"]["run"]["stdout"] == "7\n"
    # It leaves the version out where it knows none.
    assert said["unknown"] == {"message": "version is required as a string"}
