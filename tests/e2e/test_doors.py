"""A NUL in a source goes to the tool, whichever way the program comes in."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.cli import drybox
from tests.support.server import Server, serving

import drybox as library

SOURCES = {
    "python": "print(1)\n\0print(2)\n",
    "node": 'console.log("a\0b".length)\n',
    "bash": "echo one\necho t\0wo\n",
}
NAMES = {"python": "main.py", "node": "main.js", "bash": "main.sh"}
TOOLS = {"python": sys.executable, "node": "node", "bash": "bash"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def _from_library(language: str, code: str, server: Server, folder: Path) -> dict[str, Any]:
    return library.execute(language, code).to_dict()


def _from_files(language: str, code: str, server: Server, folder: Path) -> dict[str, Any]:
    with library.CodeExecutor() as executor:
        name = NAMES[language]
        return executor.execute(language, files={name: code.encode()}, entrypoint=name).to_dict()


def _from_a_file(language: str, code: str, server: Server, folder: Path) -> dict[str, Any]:
    path = folder / NAMES[language]
    path.write_text(code)
    return _document(drybox("run", "--json", str(path)).stdout)


def _from_stdin(language: str, code: str, server: Server, folder: Path) -> dict[str, Any]:
    done = drybox("run", "--json", "-l", language, "-", stdin=code.encode())
    return _document(done.stdout)


def _from_http(language: str, code: str, server: Server, folder: Path) -> dict[str, Any]:
    return server.execute(language, code)


def _from_events(language: str, code: str, server: Server, folder: Path) -> dict[str, Any]:
    with server.stream({"language": language, "code": code}) as events:
        found: dict[str, Any] = list(events)[-1]["result"]
        return found


def _from_websocket(language: str, code: str, server: Server, folder: Path) -> dict[str, Any]:
    with server.websocket({"language": language, "code": code}) as socket:
        found: dict[str, Any] = socket.until("result")["result"]
        return found


def _from_piston(language: str, code: str, server: Server, folder: Path) -> dict[str, Any]:
    answer = server.post(
        "/api/v2/execute",
        {
            "language": language,
            "version": "*",
            "files": [{"name": NAMES[language], "content": code}],
        },
    )
    assert answer.status == 200, answer
    run = answer.json["run"]
    return {
        "status": "success" if run["code"] == 0 else "failed",
        "exit_code": run["code"],
        "stdout": run["stdout"],
        "stderr": run["stderr"],
    }


def _from_sandbox_fusion(language: str, code: str, server: Server, folder: Path) -> dict[str, Any]:
    answer = server.post("/run_code", {"language": language, "code": code})
    assert answer.status == 200, answer
    run = answer.json["run_result"]
    return {
        "status": answer.json["status"].lower(),
        "exit_code": run["return_code"],
        "stdout": run["stdout"],
        "stderr": run["stderr"],
    }


def _document(text: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


DOORS: list[Callable[[str, str, Server, Path], dict[str, Any]]] = [
    _from_library,
    _from_files,
    _from_a_file,
    _from_stdin,
    _from_http,
    _from_events,
    _from_websocket,
    _from_piston,
    _from_sandbox_fusion,
]


@pytest.mark.parametrize("language", SOURCES)
def test_a_nul_in_a_source_goes_to_the_tool(server: Server, tmp_path: Path, language: str) -> None:
    code = SOURCES[language]
    keys = ("status", "exit_code", "stdout", "stderr")
    seen = {}
    for door in DOORS:
        found = door(language, code, server, tmp_path)
        seen[door.__name__] = tuple(found[key] for key in keys)
    assert len(set(seen.values())) == 1, seen

    (tmp_path / "bare").write_text(code)
    bare = subprocess.run(
        [TOOLS[language], str(tmp_path / "bare")], capture_output=True, text=True, timeout=60
    )
    _, exit_code, stdout, _ = seen["_from_http"]
    assert (exit_code, stdout) == (bare.returncode, bare.stdout)
