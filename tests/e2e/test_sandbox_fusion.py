"""SandboxFusion's API of a started server: its own client, unchanged, and what others count on."""

from __future__ import annotations

import base64
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.support.environments import make_index, settings_of
from tests.support.host import eventually
from tests.support.packages import GREETING
from tests.support.registry_clients import SANDBOX_FUSION, Clients, clients
from tests.support.server import TIMEOUT, Answer, Server, serving

from drybox.languages.registry import known_languages
from drybox.service.api_keys import hash_key, new_key

KEY = new_key()
FULL = {
    "DRYBOX_CONCURRENCY": "1",
    "DRYBOX_SERVER_QUEUE": "1",
    "DRYBOX_SERVER_PUBLIC_METRICS": "true",
    "DRYBOX_SERVER_DRAIN_TIMEOUT": "100ms",
}
LOOP = "print('before', flush=True)\nwhile True: pass"
HOG = "print(len(bytearray(1 << 30)))"


def ask(server: Server, code: str, language: str = "python", **more: object) -> Answer:
    return server.post("/run_code", {"code": code, "language": language, **more})


def run(server: Server, code: str, language: str = "python", **more: object) -> dict[str, Any]:
    answer = ask(server, code, language, **more)
    assert answer.status == 200, answer
    document: dict[str, Any] = answer.json
    return document


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


# --- what a program comes to ----------------------------------------------------------------


def test_ping(server: Server) -> None:
    assert server.get("/v1/ping").json == "pong"


@pytest.mark.promise("FUSION-2")
@pytest.mark.parametrize("name", known_languages())
def test_every_language_runs(server: Server, name: str) -> None:
    language = known_languages()[name]
    document = run(server, language.samples.numbered(42), name)
    assert (document["status"], document["message"]) == ("Success", "")
    assert document["run_result"]["stdout"] == "hello 42\n"
    assert (document["compile_result"] is not None) == language.samples.compiles


@pytest.mark.promise("FUSION-2")
def test_limits_are_failures_of_the_program(server: Server) -> None:
    late = run(server, LOOP, run_timeout=1)
    assert (late["status"], late["run_result"]["status"]) == ("Failed", "TimeLimitExceeded")
    assert (late["run_result"]["return_code"], late["run_result"]["stdout"]) == (None, "before\n")
    for code in (HOG, "while True: print('x' * 1000)"):
        found = run(server, code, memory_limit_MB=64)
        assert (found["status"], found["run_result"]["status"]) == ("Failed", "Finished")
        assert found["run_result"]["return_code"]
        assert isinstance(found["run_result"]["stderr"], str)
    broken = run(server, "int main() { nothing(); }", "cpp")
    assert (broken["status"], broken["run_result"]) == ("Failed", None)
    assert broken["compile_result"]["status"] == "Finished"
    assert "nothing" in broken["compile_result"]["stderr"]


@pytest.mark.promise("FUSION-2")
def test_files_go_in_and_come_back(server: Server) -> None:
    document = run(
        server,
        "open('out/x.bin', 'wb').write(open('in.bin', 'rb').read()[::-1])",
        files={"in.bin": "AAH/", "out/.keep": "", "nothing": None},
        fetch_files=["out/x.bin", "absent"],
    )
    assert document["status"] == "Success", document
    assert base64.b64decode(document["files"].pop("out/x.bin")) == b"\xff\x01\x00"
    assert document["files"] == {}


@pytest.mark.promise("FUSION-2")
def test_files_that_lead_elsewhere_do_not_come_back(server: Server, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the host's")
    tmp_path.chmod(0o755)
    code = f"""
import os, pathlib
os.mkdir('real'); pathlib.Path('real/own').write_text('own')
for name, to in {{'file': {str(secret)!r}, 'folder': {str(tmp_path)!r}, 'root': '/', 'up': '..',
                 'proc': '/proc', 'self': 'self', 'near': 'real/own', 'dir': 'real'}}.items():
    os.symlink(to, name)
os.mkfifo('pipe')
os.link('real/own', 'hard')
"""
    paths = [
        *("file", "folder/secret", f"root{secret}", "up/etc/passwd", "proc/self/environ", "self"),
        *("near", "dir/own", "pipe", "real", "root/proc/1/environ", "root/dev/zero"),
    ]
    document = run(server, code, fetch_files=[*paths, "real/own", "hard"])
    assert document["status"] == "Success", document
    assert {base64.b64decode(data) for data in document["files"].values()} == {b"own"}
    assert set(document["files"]) == {"real/own", "hard"}
    for wrong in ("../secret", "/etc/passwd", str(secret), "a/../../b", "a\0b"):
        answer = ask(server, "1", fetch_files=[wrong])
        assert (answer.status, answer.problem["field"]) == (422, "fetch_files"), wrong


@pytest.mark.promise("FUSION-2")
def test_programs_have_processes(server: Server) -> None:
    code = (
        "import multiprocessing\nif __name__ == '__main__':\n"
        "    with multiprocessing.Pool(2) as pool:\n        print(pool.map(abs, [-1, -2]))"
    )
    assert run(server, code)["run_result"]["stdout"] == "[1, 2]\n"


@pytest.mark.promise("FUSION-2")
def test_what_is_wrong_is_422(server: Server) -> None:
    for wrong in ({"language": "cobol"}, {"run_timeout": 1e6}, {"files": {"../x": ""}}):
        answer = ask(server, "1", **wrong)
        assert (answer.status, answer.problem["field"]) == (422, next(iter(wrong)))


@pytest.mark.promise("FUSION-2")
def test_the_operator_chooses_the_environment_of_a_language(tmp_path: Path) -> None:
    variables = {
        **settings_of(make_index(tmp_path / "index")),
        "DRYBOX_ISOLATION": "local",
        "DRYBOX_ENVIRONMENT_DIR": str(tmp_path / "store"),
        "DRYBOX_ENVIRONMENTS_GREETING_LANGUAGE": "python",
        "DRYBOX_ENVIRONMENTS_GREETING_PACKAGES": "greet",
        "DRYBOX_SERVER_SANDBOX_FUSION_ENVIRONMENTS": "greeting",
    }
    with serving(env=variables) as server:
        # The first one has it built, which takes longer than an answer may.
        request = {"code": "import greet; print(greet.greet())", "language": "python"}
        assert _told(server, request).json["run_result"]["stdout"] == f"{GREETING}\n"
        assert run(server, "echo 1", "bash")["run_result"]["stdout"] == "1\n"


# --- full servers ---------------------------------------------------------------------------


def _executions(server: Server) -> int:
    """How many programs have run."""
    lines = server.get("/metrics").body.decode()
    return sum(
        int(float(n)) for n in re.findall(r"^drybox_executions_total\{.*\} (\S+)$", lines, re.M)
    )


@pytest.mark.promise("FUSION-3")
def test_a_full_server_says_504_in_time_and_runs_it_once() -> None:
    hello = {"code": "print(6 * 7)", "language": "python", "run_timeout": 0.5}
    endless = {"code": LOOP, "language": "python", "timeout": 60}
    with serving(env=FULL) as server:
        with server.stream(endless) as events, ThreadPoolExecutor(2) as pool:
            assert next(event for event in events if event["type"] == "stdout")
            # The queue is full as well: the second of the two has no place even to wait in.
            began = time.monotonic()
            answers = list(pool.map(lambda _: server.post("/run_code", hello), range(2)))
            assert time.monotonic() - began < 0.5 + 2.0
        for answer in answers:
            assert answer.status == answer.problem["status"] == 504
            assert answer.problem["type"].endswith("no-result-yet")
            assert answer.headers["retry-after"] == "1"
        for _ in range(2):
            told = _told(server, hello)
            assert told.json["run_result"]["stdout"] == "42\n"
        assert _executions(server) == 3, "the endless one, and each of the two once"


def _told(server: Server, request: object) -> Answer:
    """The answer to a request that is sent again as long as there is none in time."""
    answers: list[Answer] = []

    def is_told() -> bool:
        answers.append(server.post("/run_code", request))
        return answers[-1].status != 504

    assert eventually(is_told, TIMEOUT)
    assert answers[-1].status == 200, answers[-1]
    return answers[-1]


@pytest.mark.promise("FUSION-3")
def test_a_key_goes_into_the_url_and_its_rate_is_waited_for() -> None:
    keys = {
        "DRYBOX_KEYS_TRAINING_HASH": hash_key(KEY),
        "DRYBOX_KEYS_TRAINING_RATE": "2/s",
    }
    body = json.dumps({"code": "print(1)", "language": "python"})
    with serving(env=keys) as server:
        assert server.ask("POST", "/run_code", body).status == 401
        shown = base64.b64encode(f":{KEY}".encode()).decode()
        headers = {"Authorization": f"Basic {shown}"}
        with ThreadPoolExecutor(5) as pool:
            answers = list(
                pool.map(lambda _: server.ask("POST", "/run_code", body, headers), range(5))
            )
        assert [answer.status for answer in answers] == [200] * 5


# --- its own client -------------------------------------------------------------------------

CLIENT = """
import concurrent.futures, json, sys
from sandbox_fusion import RunCodeRequest, run_code, set_endpoint, summary_run_code_result
from sandbox_fusion.models import SummaryMapping
given = json.load(sys.stdin)
set_endpoint(given["endpoint"])
words = ("CompileFailed", "RunFailed", "RunTimeout")
mapping = SummaryMapping(**{word: word for word in words})
def told(job):
    language, code, wanted = job
    request = RunCodeRequest(language=language, code=code, run_timeout=given["timeout"])
    try:
        found = run_code(request)
        return summary_run_code_result(found, mapping), found.run_result and found.run_result.stdout
    except Exception as error:
        return str(error), None
with concurrent.futures.ThreadPoolExecutor(given["clients"]) as pool:
    json.dump(list(pool.map(told, given["jobs"])), sys.stdout)
"""

client = pytest.mark.skipif(
    sys.version_info >= (3, 14), reason="the client needs pydantic.v1, which 3.14 does not have"
)


@pytest.fixture(scope="module")
def installed() -> Clients:
    return clients(SANDBOX_FUSION, ())


@pytest.fixture(scope="module")
def small() -> Iterator[Server]:
    """One whose programs have little memory: its client cannot ask for less, and to fill it takes
    time."""
    with serving(env={"DRYBOX_LIMITS_MEMORY": "48MiB"}) as server:
        yield server


@client
@pytest.mark.promise("FUSION-1")
def test_its_client_understands_every_end(installed: Clients, small: Server) -> None:
    jobs = [
        ("python", "print(1)", "Success"),
        ("python", "raise SystemExit(3)", "RunFailed"),
        ("python", LOOP, "RunTimeout"),
        ("python", HOG, "RunFailed"),
        ("cpp", "int main() { nothing(); }", "CompileFailed"),
        ("bash", "echo 1", "Success"),
    ]
    said = installed.python(CLIENT, endpoint=_url(small), jobs=jobs, clients=2, timeout=4)
    assert [summary for summary, _ in said] == [wanted for _, _, wanted in jobs]


def _url(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}"


def _load(installed: Clients, server: Server, many: int, calls: int, wait: float = 180.0) -> None:
    """So many clients at once, half of whose programs never end or eat memory.

    A program that is right has long enough for a machine on which other tests run.
    """
    bad = ((LOOP, ("RunTimeout",)), (HOG, ("RunFailed", "RunTimeout")))  # a slow hog is late
    jobs: list[tuple[str, str, tuple[str, ...]]] = []
    for number in range(calls):
        right = (f"print({number} * 3)", ("Success",))
        jobs.append(("python", *(bad[number // 2 % 2] if number % 2 else right)))
    began = time.monotonic()
    endpoint = _url(server)
    said = installed.python(
        CLIENT, wait=wait, endpoint=endpoint, jobs=jobs, clients=many, timeout=6
    )
    took = time.monotonic() - began
    kinds = [("right", "endless", "right", "hog")[number % 4] for number in range(calls)]
    ends = Counter((kind, summary[:24]) for kind, (summary, _) in zip(kinds, said, strict=True))
    print(f"{many} clients, {calls} calls, {took:.0f} s: {dict(ends)}")
    for number, ((summary, stdout), (_, _, wanted)) in enumerate(zip(said, jobs, strict=True)):
        assert summary in wanted, (number, summary, stdout)
        assert number % 2 or stdout == f"{number * 3}\n"


@client
@pytest.mark.promise("FUSION-3")
def test_many_clients_at_once_are_all_told_right(installed: Clients, small: Server) -> None:
    _load(installed, small, 16, 32)


@client
@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.promise("FUSION-3")
def test_a_trainings_load_is_told_right(installed: Clients) -> None:
    # 500 programs run into their 6 s: so many at once that no request waits for longer than its
    # client sends it again.
    env = {"DRYBOX_LIMITS_MEMORY": "48MiB", "DRYBOX_CONCURRENCY": "16"}
    with serving(env=env) as server:
        _load(installed, server, 128, 2000, wait=3000)
