"""``drybox selftest`` on this host."""

from __future__ import annotations

import json

from tests.support.cli import drybox

LANGUAGES = ["python", "node", "go", "java"]


def test_this_host_holds_every_program() -> None:
    done = drybox("selftest", "--isolation", "local", "--json")
    document = json.loads(done.stdout)
    failed = [check for check in document["checks"] if check["status"] != "ok"]
    assert (done.returncode, document["passed"], failed) == (0, True, [])
    names = [check["name"] for check in document["checks"]]
    assert names[:4] == LANGUAGES
    assert {"network", "secrets", "deadline", "memory", "processes", "disk"} <= {*names}


def test_people_get_a_line_for_each_check() -> None:
    done = drybox("selftest", "--isolation", "local")
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 0, lines
    assert lines[-1] == "All is well."
    assert all(line.startswith("ok ") for line in lines[:-1])
    assert len(lines) > 12


def test_without_the_wall_nothing_is_held() -> None:
    env = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
    done = drybox("selftest", "--isolation", "docker", "--json", env=env)
    assert done.returncode == 1
    assert json.loads(done.stdout)["passed"] is False


def test_an_unknown_wall_is_misuse() -> None:
    done = drybox("selftest", "--isolation", "paper")
    assert done.returncode == 2
    assert b"isolation" in done.stderr
