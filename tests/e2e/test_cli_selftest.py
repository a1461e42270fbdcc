"""``drybox selftest`` on this host."""

from __future__ import annotations

import json

import pytest
from tests.support.cli import DRYBOX, drybox

from drybox.languages.registry import known_languages

pytestmark = pytest.mark.promise("RES-12")

LANGUAGES = list(known_languages())


def test_this_host_holds_every_program() -> None:
    done = drybox("selftest", "--isolation", "local", "--json")
    document = json.loads(done.stdout)
    failed = [check for check in document["checks"] if check["status"] != "ok"]
    assert (done.returncode, document["passed"], failed) == (0, True, [])
    names = [check["name"] for check in document["checks"]]
    assert names[: len(LANGUAGES)] == LANGUAGES
    assert {"network", "secrets", "deadline", "memory", "processes", "disk"} <= {*names}


def test_people_get_a_line_for_each_check() -> None:
    done = drybox("selftest", "--isolation", "local")
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 0, lines
    assert lines[-1] == "All is well."
    assert all(line.startswith("ok ") for line in lines[:-1])
    assert len(lines) > 12


@pytest.mark.parametrize("as_json", [True, False])
def test_what_is_given_up_is_not_tried(as_json: bool) -> None:
    # A mount namespace in which the host's cgroups are not to be seen: nothing bounds a program.
    hidden = ("bwrap", "--dev-bind", "/", "/", "--tmpfs", "/sys/fs/cgroup", "--", DRYBOX)
    words = ["--json"] if as_json else []
    env = {"DRYBOX_ALLOW_WEAKER": "memory,cpus,pids"}
    done = drybox("selftest", "--isolation", "local", *words, env=env, command=hidden)
    assert done.returncode == 0, done.stdout
    if not as_json:
        end = done.stdout.decode().splitlines()[-1]
        assert end == "What was tried is well. Not tried, for it is given up: cpus, memory, pids."
        return
    document = json.loads(done.stdout)
    found = {check["name"]: check["status"] for check in document["checks"]}
    assert document["given_up"] == ["cpus", "memory", "pids"]
    assert {name for name, status in found.items() if status == "skipped"} == {
        *document["given_up"]
    }
    assert {"seccomp", "disk", "deadline"} <= {*found}
    assert "processes" not in found


def test_without_the_isolation_nothing_is_held() -> None:
    env = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
    done = drybox("selftest", "--isolation", "docker", "--json", env=env)
    assert done.returncode == 1
    assert json.loads(done.stdout)["passed"] is False


def test_an_unknown_isolation_is_misuse() -> None:
    done = drybox("selftest", "--isolation", "paper")
    assert done.returncode == 2
    assert b"isolation" in done.stderr
