"""A client's fault is told as one: a 4xx or a result, and never with a place on the host."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.isolations import NO_DAEMON
from tests.support.server import Server, serving

from drybox.languages.registry import known_languages

MIB = 1 << 20
PROGRAMS = {name: language.samples.numbered(1) for name, language in known_languages().items()}
NO_PROGRAM = "package lib\n"

TREE = """
import os
for d in range(30):
    folder = "/".join(["d" * 60] * 50) + str(d)
    os.makedirs(folder)
    for i in range(250):
        open(f"{folder}/{'f' * 100}{i}", "w")
"""

FAULTS: dict[str, dict[str, Any]] = {
    "go-module": {
        "language": "go",
        "files": [
            {"path": "go.mod", "content": "module x\n\ngo 1.20\n"},
            {"path": "main.go", "content": NO_PROGRAM},
        ],
    },
    "go-tagged": {"language": "go", "code": "//go:build linux\n\n" + NO_PROGRAM},
    "go-plain": {"language": "go", "code": NO_PROGRAM},
    "go-test": {
        "language": "go",
        "files": [{"path": "a_test.go", "content": PROGRAMS["go"]}],
        "entrypoint": "a_test.go",
    },
    "java-module": {"language": "java", "files": [{"path": "Main.java", "content": "module x {}"}]},
    "words": {"args": ["x" * 131_071] * 3, "env": {"A": "z" * 120_000, "B": "z" * 120_000}},
    "many-words": {"args": ["x"] * 20_000, "env": {f"A{n}": "" for n in range(20_000)}},
    "environment": {"env": {"PATH": "/nowhere", "LD_PRELOAD": "/x", "LD_LIBRARY_PATH": "."}},
    "memory": {"limits": {"memory": MIB}},
    "memory-of-node": {"language": "node", "limits": {"memory": 2 * MIB}},
    "memory-of-go": {"language": "go", "limits": {"memory": MIB}},
    "memory-of-java": {"language": "java", "limits": {"memory": MIB}},
    "disk": {"limits": {"disk": 65_536, "memory": MIB}},
    "pids": {"limits": {"pids": 1}},
    "open-files": {"language": "java", "limits": {"open_files": 8}},
    "large-file": {
        "files": [{"path": "big", "content": "x" * 9_000_000}],
        "limits": {"memory": 9 * MIB},
    },
    "many-files": {
        "files": [{"path": f"f{n}", "content": ""} for n in range(1999)],
        "limits": {"disk": 65_536},
    },
    "names-of-artifacts": {
        "code": TREE,
        "limits": {"disk": 1 << 30, "memory": 1 << 30},
        "artifacts": ["**"],
        "timeout": 30,
    },
    **{f"version-{name}": {"language": f"{name}@2.7"} for name in PROGRAMS},
    **{f"packages-{name}": {"language": name, "packages": ["x"]} for name in ("python", "go")},
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    env = {"DRYBOX_ISOLATION": "local", "DOCKER_HOST": NO_DAEMON}
    with serving(env=env) as server:
        yield server


@pytest.mark.promise("KEY-10")
@pytest.mark.parametrize("fault", FAULTS)
def test_it_is_told_as_the_clients(server: Server, fault: str) -> None:
    document = {"language": "python", **FAULTS[fault]}
    if "entrypoint" not in document and not (fault.startswith("go-") and "files" in document):
        document.setdefault("code", PROGRAMS[document["language"].partition("@")[0]])
    answer = server.post("/v1/execute", document)
    assert answer.status == 200 or 400 <= answer.status < 500, answer
    if answer.status == 200:
        assert answer.json["status"] != "sandbox_error", answer
        assert (answer.json["error"] or {}).get("type") != "SandboxLost", answer
    assert not places_in(answer.body.decode())


@pytest.mark.promise("KEY-10")
@pytest.mark.parametrize("fault", [name for name in FAULTS if name.startswith("go-")])
def test_what_is_no_program_does_not_compile(server: Server, fault: str) -> None:
    answer = server.post("/v1/execute", FAULTS[fault])
    if fault != "go-test":
        assert (answer.status, answer.json["status"]) == (200, "compile_error")
        assert "is not a main package" in answer.json["stderr"]


@pytest.mark.promise("KEY-11")
@pytest.mark.parametrize("isolation", ["docker", "gvisor", "kata"])
def test_where_a_daemon_is_not_is_told_to_nobody(server: Server, isolation: str) -> None:
    document = {"language": "python", "code": "print(1)", "isolation": isolation}
    answer = server.post("/v1/execute", document)
    assert answer.status in (422, 503)
    assert not places_in(answer.body.decode())


@pytest.mark.promise("KEY-11")
def test_a_host_that_lacks_something_tells_nobody_where() -> None:
    with serving(env={"DRYBOX_ISOLATION": "docker", "DOCKER_HOST": NO_DAEMON}) as server:
        plain = server.post("/v1/execute", {"language": "python", "code": "print(1)"})
        piston = server.post(
            "/api/v2/execute", {"language": "python", "version": "*", "files": [{"content": ""}]}
        )
        for answer in (plain, piston, server.get("/readyz"), server.get("/v1/languages")):
            assert not places_in(answer.body.decode()), answer
        assert plain.problem["status"] == 503


def places_in(text: str) -> list[str]:
    """Paths that lead somewhere on this host, and addresses of daemons."""
    paths = re.findall(r"/[\w.@+-]+(?:/[\w.@+-]+)+", text)
    known = [path for path in paths if os.path.exists(path) or path in NO_DAEMON]
    return known + re.findall(r"unix:|\.sock\b", text)
