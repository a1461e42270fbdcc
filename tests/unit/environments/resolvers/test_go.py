"""What the go command is asked, from a proxy in files, and what is staged of what it brought."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from tests.support.go_modules import make_proxy, using

from drybox import Environment, InvalidRequest, Unavailable
from drybox.environments.lock import Lock
from drybox.environments.resolvers.base import Target
from drybox.environments.resolvers.go import GoResolver
from drybox.environments.resolvers.go_archive import h1_of
from drybox.environments.resolvers.go_mod import edits, read_wanted, wanted_of, written
from drybox.environments.tools import program_of
from drybox.host.workplace import workplace

pytestmark = [
    pytest.mark.promise("ENV-3"),
    pytest.mark.skipif(
        not (shutil.which("go") or program_of("go", "bin/go")), reason="there is no go command"
    ),
]

HERE = Target({"label": "Go 1.99.1", "version": "1.21.0"})
WEB = Environment("web", "go", packages=["example.com/greet@v1.2.0"])


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Path]:
    folder = make_proxy(tmp_path / "proxy")
    cache = tmp_path / "mod"
    with using(folder, cache):
        yield folder
    subprocess.run(["chmod", "-R", "u+w", cache], check=False, capture_output=True)


def resolve(environment: Environment, folder: Path, target: Target = HERE) -> Lock:
    folder.mkdir()
    return GoResolver().resolve(environment, target, folder, lambda *said: None)


def fetch(lock: Lock, archives: Path) -> None:
    with workplace(archives.parent) as folder:
        GoResolver().fetch(lock, HERE, archives, folder, lambda *said: None)


def test_a_lock_has_every_module_and_its_sum(proxy: Path, tmp_path: Path) -> None:
    lock = resolve(WEB, tmp_path / "work")
    found = [(item.name, item.version, item.licence) for item in lock.packages]
    assert found == [("example.com/greet", "v1.2.0", ""), ("example.com/words", "v1.9.0", "MIT")]
    archive = proxy / "example.com/words/@v/v1.9.0.zip"
    assert f"example.com/words v1.9.0 {h1_of(archive)}\n" in lock.notes["go.sum"]
    assert "go 1.21\n" in lock.notes["go.mod"]
    assert "-require=example.com/words@v1.9.0\n" in lock.notes["go.edits"]
    assert lock.notes["asked"] == "example.com/greet/...\n"
    assert resolve(WEB, tmp_path / "again") == lock


def test_programs_that_are_named_or_are_tools_of_a_go_mod_become_commands(
    proxy: Path, tmp_path: Path
) -> None:
    named = Environment("web", "go", packages=["example.com/tools/cmd/hello@v1.0.0"])
    lock = resolve(named, tmp_path / "work")
    assert lock.notes["commands"] == "example.com/tools/cmd/hello\n"
    (tmp_path / "go.mod").write_text(
        "module own\n\ngo 1.18\n\ntool example.com/tools/cmd/other\n\n"
        "require (\n\texample.com/greet v1.2.0\n"
        "\texample.com/tools v1.0.0 // indirect\n)\n"
    )
    lock = resolve(Environment("web", "go", requirements=tmp_path / "go.mod"), tmp_path / "own")
    assert lock.notes["commands"] == "example.com/tools/cmd/other\n"
    assert lock.notes["asked"] == "example.com/greet/...\nexample.com/tools/...\n"
    assert "tool" not in lock.notes["go.mod"].replace("example.com/tools", "")


def test_what_is_staged_is_a_proxy_of_what_the_lock_says(proxy: Path, tmp_path: Path) -> None:
    lock = resolve(WEB, tmp_path / "work")
    archives, stage = tmp_path / "archives", tmp_path / "stage"
    archives.mkdir()
    stage.mkdir()
    fetch(lock, archives)
    assert sorted(path.name for path in archives.iterdir()) == [
        "example.com,greet@v1.2.0.zip",
        "example.com,words@v1.9.0.zip",
    ]
    packages = GoResolver().stage(lock, archives, stage)
    assert all(item.size > 0 for item in packages)
    at = stage / "proxy/example.com/words/@v"
    assert {path.name for path in at.iterdir()} == {
        *("list", "v1.9.0.info", "v1.9.0.mod", "v1.9.0.zip")
    }
    shutil.rmtree(proxy)  # nothing is missing, so nothing is asked for
    fetch(lock, archives)
    (archives / packages[0].archive).write_bytes(b"PK else")
    (tmp_path / "other").mkdir()
    with pytest.raises(Unavailable, match="is not what the lock says"):
        GoResolver().stage(lock, archives, tmp_path / "other")


def test_another_content_than_was_locked_is_refused(proxy: Path, tmp_path: Path) -> None:
    lock = resolve(WEB, tmp_path / "work")
    sums = lock.notes["go.sum"].replace("v1.9.0 h1:", "v1.9.0 h1:AAAA")
    other = [
        line if "AAAA" not in line else f"{line[: line.index('AAAA')]}{'A' * 43}=\n"
        for line in sums.splitlines(keepends=True)
    ]
    changed = replace(lock, notes={**lock.notes, "go.sum": "".join(other)})
    (tmp_path / "archives").mkdir()
    with pytest.raises(Unavailable, match=r"words v1\.9\.0 could not be downloaded as it was"):
        fetch(changed, tmp_path / "archives")


def test_the_go_that_a_module_asks_for_is_no_module(proxy: Path, tmp_path: Path) -> None:
    recent = Environment("web", "go", packages=["example.com/recent"])
    lock = resolve(recent, tmp_path / "work")
    assert [item.name for item in lock.packages] == ["example.com/recent"]
    assert json.loads(lock.notes["graph.json"]).keys() == {"example.com/recent@v1.0.0"}


@pytest.mark.parametrize("name", ["example.com/../../a@v1.0.0", "/a.b@v1.0.0", "a.b/c@v1/../../d"])
def test_a_lock_that_leads_out_is_refused(proxy: Path, tmp_path: Path, name: str) -> None:
    lock = resolve(WEB, tmp_path / "work")
    changed = replace(lock, notes={**lock.notes, "graph.json": json.dumps({name: "module a\n"})})
    (tmp_path / "stage").mkdir()
    with pytest.raises(Unavailable, match="is no version of a module"):
        GoResolver().stage(changed, tmp_path, tmp_path / "stage")
    assert not list((tmp_path / "stage").iterdir())


def test_what_a_module_does_not_say_is_passed_over_and_a_proxy_out_of_reach_is_not(
    proxy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = Environment("web", "go", packages=["example.com/part"])
    lock = resolve(part, tmp_path / "work")
    assert [item.name for item in lock.packages] == ["example.com/part", "example.com/words"]
    subprocess.run(["chmod", "-R", "u+w", tmp_path / "mod"], check=True)
    shutil.rmtree(tmp_path / "mod")
    (proxy / "example.com/words/@v/v1.9.0.zip").unlink()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("GOPROXY", f"file://{proxy},http://127.0.0.1:{port}")
    with pytest.raises(Unavailable, match="the go command failed") as told:
        resolve(part, tmp_path / "again")
    assert "connection refused" in getattr(told.value, "output", "")


@pytest.mark.parametrize(
    ("package", "problem"),
    [
        ("example.com/nothing", "there is no module example.com/nothing"),
        ("example.com/words@v7.0.0", "there is no version v7.0.0 of example.com/words"),
        ("example.com/words@v7", "there is no version v7 of example.com/words"),
        ("example.com/words/sub", "module example.com/words has no package example.com/words/sub"),
        ("nothing", "nothing is no path of a module"),
        ("example.com/newer", "newer v1.0.0 needs Go 1.99, and this is Go 1.99.1"),
        ("fmt", "the go command failed"),
    ],
)
def test_what_is_wrong_is_told(proxy: Path, tmp_path: Path, package: str, problem: str) -> None:
    with pytest.raises(Unavailable, match=problem):
        resolve(Environment("web", "go", packages=[package]), tmp_path / "work")


@pytest.mark.parametrize("status", [403, 404])
def test_a_module_that_a_proxy_over_http_does_not_give_out_is_named(
    proxy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    class Refuses(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(status)

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Refuses) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("GOPROXY", f"http://127.0.0.1:{server.server_port}")
        try:
            with pytest.raises(Unavailable, match=r"example\.com/nothing") as told:
                resolve(Environment("web", "go", packages=["example.com/nothing"]), tmp_path / "w")
        finally:
            server.shutdown()
            thread.join()
    assert "go list -m -versions example.com/nothing" in told.value.hint


def test_a_newer_module_than_the_toolchain_is_told(proxy: Path, tmp_path: Path) -> None:
    """The go command here is a newer one, and takes it."""
    recent = Environment("web", "go", packages=["example.com/recent"])
    old = Target({"label": "Go 1.20.2", "version": "1.20.2"})
    with pytest.raises(Unavailable, match=r"one of its modules needs Go 1\.21.*is Go 1\.20"):
        resolve(recent, tmp_path / "work", old)


def test_requirements_of_an_operators_go_mod_count(proxy: Path, tmp_path: Path) -> None:
    path = tmp_path / "go.mod"
    path.write_text(
        "module operator\n\ngo 1.20\n\ntoolchain go1.99.0\n\n"
        "require (\n\texample.com/greet v1.2.0 // why\n"
        "\texample.com/words v1.9.0 // indirect\n)\n\n"
        "replace example.com/words => example.com/words v1.8.0\n"
    )
    environment = Environment("web", "go", requirements=path)
    lock = resolve(environment, tmp_path / "work")
    found = [(item.name, item.version) for item in lock.packages]
    assert found == [("example.com/greet", "v1.2.0"), ("example.com/words", "v1.8.0")]
    assert lock.notes["asked"] == "example.com/greet/...\n"
    assert "-replace=example.com/words=example.com/words@v1.8.0\n" in lock.notes["go.edits"]
    path.write_text("module operator\n\nrequire example.com/words v1.7.0\n")
    with pytest.raises(Unavailable, match=r"no version v1\.7\.0 of example\.com/words"):
        resolve(environment, tmp_path / "third")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("go 1.99\n", r"asks for Go 1\.99, and the toolchain is Go 1\.21\.0"),
        ("go 1.2;x\n", "is no version"),
        ("replace example.com/a => ../a\n", "names no version of a module"),
        ("replace (\n\texample.com/a => /srv/a\n)\n", "names no version of a module"),
        ("require example.com/a ../../b\n", "names no version of a module"),
        ("require -x v1.0.0\n", "names no version of a module"),
    ],
)
def test_what_a_go_mod_may_not_ask_for(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "go.mod"
    path.write_text(f"module operator\n\n{text}")
    with pytest.raises(InvalidRequest, match=problem):
        wanted_of(Environment("web", "go", requirements=path), "1.21.0")
    with pytest.raises(InvalidRequest, match="cannot be read: No such file"):
        wanted_of(Environment("web", "go", requirements=tmp_path / "no.mod"), "1.21.0")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "go.mod"
    path.write_text("module a\n\nrequire example.com/a v1.0.0\n\nexclude example.com/a v0.9.0\n")
    wanted = replace(read_wanted(path), go="1.21")
    path.write_text(written(wanted))
    assert read_wanted(path) == wanted
    assert edits(wanted) == "-require=example.com/a@v1.0.0\n-exclude=example.com/a@v0.9.0\n"


def test_modules_in_capitals_have_names_of_their_own(tmp_path: Path, proxy: Path) -> None:
    from tests.support.packages import make_go

    files = {"a.go": "package a\n", "go.mod": "module example.com/Big/A\n\ngo 1.18\n"}
    made = make_go(tmp_path / "made", "example.com/Big/A", "v1.0.0", files)
    place = proxy / "example.com/!big/!a/@v"
    shutil.copytree(made.parent, place)
    lock = resolve(Environment("web", "go", packages=["example.com/Big/A"]), tmp_path / "work")
    assert [item.archive for item in lock.packages] == ["example.com,!big,!a@v1.0.0.zip"]
    assert json.loads(lock.notes["graph.json"]).keys() == {"example.com/Big/A@v1.0.0"}
