"""Forks have what is imported ahead, differ where they must, and are like fresh starts."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from tests.support import host
from tests.support.environments import using
from tests.support.packages import make_wheel
from tests.support.warmth import waiting

from drybox import CodeExecutor, Environment, ExecutionRequest, ExecutionResult, PoolSettings

pytestmark = [pytest.mark.isolations("local"), pytest.mark.promise("SPEED-29")]

AHEAD = """
import atexit, os, random, ssl, tempfile, uuid
os.environ["SET_BY_AHEAD"] = "yes"
SEEN = os.environ.get("GIVEN", "nothing")
OWN = random.Random()
FORKED = []
ssl.RAND_bytes(8), tempfile.mktemp()
atexit.register(lambda: print("end of", os.environ.get("SET_BY_AHEAD"), SEEN))
os.register_at_fork(after_in_child=lambda: FORKED.append(os.getpid()))

def draw():
    return [OWN.random(), random.random(), ssl.RAND_bytes(8).hex(), uuid.uuid4().hex,
            tempfile.mktemp(), os.urandom(8).hex()]
"""
THREAD = (
    "import threading, time\nthreading.Thread(target=time.sleep, args=[600], daemon=True).start()\n"
)
# Forks well at first; then what it does before each fork is more than a sandbox may have.
SWELLS = """
import os
FORKS = []
def before():
    FORKS.append(None)
    if len(FORKS) > 3:
        FORKS.append(b"x" * (4 << 30))
os.register_at_fork(before=before)
"""
LOOK = """
import sys
there = "ahead" in sys.modules
import ahead, json, os
try:
    open("/proc/self/exe").close()
    is_fork = False
except PermissionError:
    is_fork = True
print(json.dumps({"there": there, "fork": is_fork, "draws": ahead.draw(), "seen": ahead.SEEN,
                  "file": ahead.__file__, "modules": [n for n in sys.modules if "drybox" in n],
                  "fds": sorted(int(n) for n in os.listdir("/proc/self/fd"))[:-1],
                  "threads": len(os.listdir("/proc/self/task"))}))
"""

ENVIRONMENTS = [
    Environment("ahead", "python", packages=["ahead"], preload=["ahead"]),
    Environment("threads", "python", packages=["ahead"], preload=["starts_thread"]),
    Environment("swells", "python", packages=["ahead"], preload=["swells"]),
    Environment("plain", "python", preload=["decimal", "uuid"]),
]


@pytest.fixture(autouse=True)
def nothing_is_left() -> None:
    """What waits here stays until the module's executor is closed."""


@pytest.fixture
def runner() -> None:
    """These have an executor of their own."""


@pytest.fixture(scope="module")
def ahead(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CodeExecutor]:
    index, said = tmp_path_factory.mktemp("index"), list[str]()
    make_wheel(
        index,
        "ahead",
        "1.0.0",
        {"ahead.py": AHEAD, "starts_thread.py": THREAD, "swells.py": SWELLS},
    )
    with CodeExecutor(
        environments=ENVIRONMENTS,
        environment_dir=tmp_path_factory.mktemp("store"),
        isolation="local",
        timeout=60.0,
        pool=PoolSettings(min_idle=2),
    ) as executor:
        with using(index):
            for environment in ENVIRONMENTS:
                executor.build_environment(
                    environment.name, progress=lambda what, done, total: said.append(what)
                )
        assert [line for line in said if "themselves" in line] == [
            "Programs import for themselves: its modules start threads"
        ]
        yield executor


def run(executor: CodeExecutor, code: str, environment: str, **fields: object) -> ExecutionResult:
    """Run it where a sandbox waited, or one could not be kept."""
    request = ExecutionRequest("python", code, environment=environment, isolation="local", **fields)  # type: ignore[arg-type]
    result = executor.execute(request)
    if not waiting(executor, request):
        assert host.eventually(lambda: waiting(executor, request) > 0, 60.0)
    assert result.status == "success", result.stderr
    return result


def run_warm(executor: CodeExecutor, code: str, environment: str) -> ExecutionResult:
    """Run it in a sandbox that waited for this environment: the second one does."""
    warm = sum(count.warm for count in executor.pools())
    while True:
        result = run(executor, code, environment)
        if sum(count.warm for count in executor.pools()) > warm:
            return result


def test_forks_have_the_modules_and_nothing_else_of_the_template(ahead: CodeExecutor) -> None:
    found = [run_warm(ahead, LOOK, "ahead").stdout.splitlines() for _ in range(2)]
    for line, end in found:
        assert end == "end of yes nothing"  # its handlers run at each program's end
        facts = json.loads(line)
        assert (facts["there"], facts["fork"]) == (True, True)
        assert (facts["modules"], facts["fds"], facts["threads"]) == ([], [0, 1, 2], 1)


def test_forks_draw_different_numbers(ahead: CodeExecutor) -> None:
    draws = list[list[object]]()
    while len(draws) < 20:
        facts = json.loads(run(ahead, LOOK, "ahead").stdout.splitlines()[0])
        if facts["fork"]:
            draws.append(facts["draws"])
    for kind in zip(*draws, strict=True):
        assert len(set(kind)) == len(draws), kind


def test_fork_handlers_run_in_each_fork(ahead: CodeExecutor) -> None:
    code = "import ahead, os; print(ahead.FORKED == [os.getpid()])"
    assert run_warm(ahead, code, "ahead").stdout.splitlines()[0] == "True"


def test_a_programs_own_module_comes_first(ahead: CodeExecutor) -> None:
    run_warm(ahead, "", "ahead")
    request = ExecutionRequest(
        "python",
        files={
            "main.py": "import ahead, sys; print(ahead.__file__, sys.argv, sys.orig_argv[1:])",
            "ahead.py": "",
        },
        args=["a b", "ü"],
        environment="ahead",
        isolation="local",
    )
    words = ["main.py", "a b", "ü"]
    assert ahead.execute(request).stdout == f"/sandbox/ahead.py {words} {words}\n"


def test_variables_of_a_request_are_there_when_modules_are_imported(ahead: CodeExecutor) -> None:
    run_warm(ahead, "", "ahead")
    request = ExecutionRequest(
        "python", "import ahead; print(ahead.SEEN)", env={"GIVEN": "this"}, environment="ahead"
    )
    assert ahead.execute(request).stdout == "this\nend of yes this\n"


def test_what_cannot_be_forked_starts_as_usual(ahead: CodeExecutor) -> None:
    code = "import sys\nprint('starts_thread' in sys.modules)\nopen('/proc/self/exe').close()"
    for _ in range(2):
        assert run_warm(ahead, code, "threads").stdout == "False\n"
    assert sum(count.failures for count in ahead.pools()) == 0


def test_a_template_out_of_memory_leaves_the_ordinary_way(ahead: CodeExecutor) -> None:
    request = ExecutionRequest("python", "", environment="swells", isolation="local")
    code = "import swells, sys\nprint(len(swells.FORKS), file=sys.stderr)\nprint('here')"
    seen = set[str]()
    for _ in range(12):
        result = run(ahead, code, "swells")
        assert (result.status, result.stdout) == ("success", "here\n"), result
        seen.add(result.stderr)
        host.eventually(lambda: waiting(ahead, request) > 0, 5.0)
    assert {"0\n"} < seen  # some were forked, and some imported for themselves


def test_modules_of_the_standard_library_can_be_all_there_is(ahead: CodeExecutor) -> None:
    code = "import sys; print('decimal' in sys.modules, 'uuid' in sys.modules)"
    assert run_warm(ahead, code, "plain").stdout == "True True\n"


def test_ends_are_as_ever(ahead: CodeExecutor) -> None:
    """What a program leaves is finalized, and its status is its own."""
    run_warm(ahead, "", "ahead")
    code = (
        "import ahead, decimal, sys\n"
        "class Last:\n"
        "    def __init__(self, name): self.name = name\n"
        "    def __del__(self): print('gone', self.name)\n"
        "one = Last('global')\nahead.kept = Last('kept by a module')\n"
        "open_file = open('left.txt', 'w'); open_file.write('text')\n"
        "print('unflushed', end='')\nsys.exit(3)\n"
    )
    request = ExecutionRequest(
        "python", code, environment="ahead", isolation="local", artifacts=["left.txt"]
    )
    result = ahead.execute(request)
    assert result.exit_code == 3
    assert set(result.stdout.splitlines()) == {
        "unflushedend of yes nothing",
        "gone global",
        "gone kept by a module",
    }
    assert dict(result.artifacts) == {"left.txt": b"text"}
