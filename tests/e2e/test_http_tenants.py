"""What one client asks for never shapes what another gets: two keys at one server."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.server import Answer, Server, serving

from drybox.service.api_keys import hash_key, new_key

pytestmark = pytest.mark.promise("SPEED-11")

HOSTILE, USUAL = new_key(), new_key()
KEYS = {
    "DRYBOX_KEYS_HOSTILE_HASH": hash_key(HOSTILE),
    "DRYBOX_KEYS_USUAL_HASH": hash_key(USUAL),
    "DRYBOX_ISOLATION": "local",
    "DRYBOX_CONCURRENCY": "4",
    "DRYBOX_SERVER_ACCESS_LOG": "false",
}

ROUNDS = 7
"""Runs of which the median is taken."""

VIEW = """
import os, resource
root = "/sys/fs/cgroup"
disk = os.statvfs("/sandbox")
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], disk.f_blocks * disk.f_frsize, disk.f_files)
"""
GO = 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("%s") }\n'
JAVA = 'public class Main { public static void main(String[] a) { System.out.println("%s"); } }'

PROGRAMS = {"python": (VIEW, "256 67108864 16384\n"), "go": (GO % "here", "here\n")}


def run(server: Server, key: str, language: str, code: str, **more: object) -> Answer:
    body = json.dumps({"language": language, "code": code, **more})
    return server.ask("POST", "/v1/execute", body, {"Authorization": f"Bearer {key}"})


def attacks(language: str, code: str) -> Iterator[dict[str, Any]]:
    """Requests that want sandboxes which nobody else wants."""
    for limits in (
        {"memory": "1MiB"},
        {"memory": "9MiB", "disk": "64KiB"},
        {"memory": "4GiB", "cpus": 2},
        {"cpus": 0.01},
        {"pids": 1},
        {"pids": 1024, "open_files": 4096},
        {"open_files": 8},
        {"output": 0},
        *({"disk": size} for size in (65_536, 1_000_000, 200_000_000, 1 << 30)),
    ):
        yield {"language": language, "code": code, "limits": limits, "timeout": 1}
    for version in ("0", "99.1", "3", "3.11", "1", "17"):
        yield {"language": f"{language}@{version}", "code": code, "timeout": 1}
    yield {"language": language, "code": code, "env": {"X": "x" * 100_000}, "args": ["y"] * 5000}
    yield {"language": language, "code": "(", "timeout": 1}


def usual_times(servers: tuple[Server, ...], language: str) -> list[float]:
    """Median seconds of a usual request to each, seen to be a right one; they take turns."""
    code, wanted = PROGRAMS[language]
    taken: list[list[float]] = [[] for _ in servers]
    for _ in range(ROUNDS):
        time.sleep(0.3)  # the time in which a pool fills up
        for server, times in zip(servers, taken, strict=True):
            began = time.monotonic()
            answer = run(server, USUAL, language, code)
            times.append(time.monotonic() - began)
            assert (answer.status, answer.json["status"]) == (200, "success"), answer
            assert answer.json["stdout"] == wanted
    return [statistics.median(times) for times in taken]


@pytest.mark.parametrize("language", PROGRAMS)
def test_hostile_requests_that_come_first_shape_nothing(language: str) -> None:
    code = PROGRAMS[language][0]
    with serving(env=KEYS) as server, serving(env=KEYS) as other:
        for attack in attacks(language, code):
            answer = run(server, HOSTILE, **attack)
            assert answer.status == 200 or 400 <= answer.status < 500, (attack, answer)
        # Whatever else this machine does, it does to both.
        after, alone = usual_times((server, other), language)
        assert after < 2 * alone + 0.02


def test_no_jvm_is_prepared_for_nobody() -> None:
    """Each wants another disk: none of them is kept, and what Java takes is what runs took."""
    with serving(env={**KEYS, "DRYBOX_SERVER_PUBLIC_METRICS": "true"}) as server:
        for disk in range(3):
            limits = {"disk": (60 << 20) + disk * 4096}
            answer = run(server, HOSTILE, "java", JAVA % disk, limits=limits)
            assert answer.json["status"] == "success", answer
        assert 'drybox_pool_idle{isolation="local",language="java"} 0.0' in idle(server)


def idle(server: Server) -> list[str]:
    lines = server.get("/metrics").body.decode().splitlines()
    return [line for line in lines if line.startswith("drybox_pool_idle")]
