"""Importing drybox: quick, light, quiet, and with exactly the names that are promised."""

from __future__ import annotations

import importlib
import json
import statistics
import subprocess
import sys
import time

import pytest

import drybox

NAMES = {
    "AsyncCodeExecutor",
    "AsyncProcess",
    "AsyncRayExecutor",
    "AsyncSession",
    "AuditHook",
    "CodeError",
    "CodeExecutor",
    "CommandResult",
    "Copied",
    "Config",
    "Display",
    "DockerSettings",
    "DryboxError",
    "Environment",
    "ErrorInfo",
    "Event",
    "ExecutionRequest",
    "ExecutionResult",
    "FileChange",
    "FileInfo",
    "HookContext",
    "HookEvent",
    "InvalidRequest",
    "PhaseResult",
    "PoolSettings",
    "Process",
    "RayExecutor",
    "Rejected",
    "ResourceLimits",
    "RunResult",
    "SandboxLost",
    "Session",
    "SessionClosed",
    "SessionEvent",
    "SessionFileError",
    "SessionRequest",
    "Snapshot",
    "SnapshotError",
    "Source",
    "Truncated",
    "Unavailable",
    "Unsupported",
    "Usage",
    "execute",
    "load_config",
}
HEAVY = ("anyio", "asyncio", "click", "docker", "fastapi", "pydantic", "testcontainers", "uvicorn")
MOST = 0.1
"""Seconds that an import may take beside the interpreter's own start."""


def interpreter(code: str, *flags: str) -> str:
    """What a fresh interpreter prints that runs this, which has nothing to complain of."""
    done = subprocess.run([sys.executable, *flags, "-c", code], capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


def start(code: str) -> float:
    begun = time.perf_counter()
    interpreter(code)
    return time.perf_counter() - begun


@pytest.mark.promise("SPEED-22")
def test_importing_is_quick() -> None:
    """The best of several, each beside a bare start: a busy machine slows both down."""
    start("import drybox")  # its byte code is there from now on
    pairs = [(start("import drybox"), start("pass")) for _ in range(5)]
    imported, bare = (min(times) for times in zip(*pairs, strict=True))
    assert imported - bare < MOST, f"{imported * 1000:.0f} ms, bare {bare * 1000:.0f} ms"


@pytest.mark.promise("SPEED-22")
def test_using_the_names_is_quick() -> None:
    """All of drybox, anyio included, by the interpreter's own clock for imports."""
    code = (
        "import time; begun = time.process_time()\n"
        "from drybox import CodeExecutor, ExecutionRequest\n"
        "CodeExecutor()\n"
        "print(time.process_time() - begun)\n"
    )
    interpreter(code)
    assert statistics.median(float(interpreter(code)) for _ in range(5)) < 1.0


@pytest.mark.promise("SPEED-22")
def test_importing_loads_nothing_heavy() -> None:
    code = "import drybox, json, sys; print(json.dumps(sorted(sys.modules)))"
    loaded = {name.partition(".")[0] for name in json.loads(interpreter(code))}
    assert not loaded.intersection(HEAVY)


@pytest.mark.promise("SPEED-22")
def test_running_code_loads_nothing_of_other_parts() -> None:
    code = (
        "import json, sys, drybox\n"
        "assert drybox.execute('python', 'print(1)').stdout == '1\\n'\n"
        "print(json.dumps(sorted(sys.modules)))\n"
    )
    loaded = {name.partition(".")[0] for name in json.loads(interpreter(code))}
    assert not loaded.intersection(HEAVY) - {"anyio", "asyncio"}


def test_public_names() -> None:
    assert set(drybox.__all__) == NAMES
    assert drybox.__all__ == sorted(drybox.__all__)
    assert set(dir(drybox)) >= NAMES
    for name in NAMES:
        value = getattr(drybox, name)
        assert value.__name__ == name
        assert value.__doc__


def test_star_import() -> None:
    found: dict[str, object] = {}
    exec("from drybox import *", found)
    assert set(found) - {"__builtins__"} == NAMES


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = drybox.nothing
    with pytest.raises(ImportError):
        exec("from drybox import nothing", {})


@pytest.mark.timeout(900)
def test_every_module_can_be_imported_first() -> None:
    """No module depends on another one having been imported before."""
    code = (
        "import importlib, json, pkgutil, drybox\n"
        "names = [m.name for m in pkgutil.walk_packages(drybox.__path__, 'drybox.')]\n"
        "runs = ('drybox.__main__', 'drybox.languages.runners.',\n"
        "    'drybox.sessions.kernels.programs.')\n"
        "print(json.dumps([name for name in names if not name.startswith(runs)]))\n"
    )
    names = json.loads(interpreter(code))
    assert len(names) > 30
    for name in names:
        importlib.import_module(name)
    first = "import os, sys\nfor name in sys.argv[1:]:\n    if not os.fork():\n"
    first += "        __import__(name); os._exit(0)\n    assert os.wait()[1] == 0, name\n"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", first, *names], capture_output=True, timeout=800
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    "flags", [("-W", "error"), ("-W", "error", "-X", "dev"), ("-O",), ("-OO",)]
)
def test_every_way_to_start_python(flags: tuple[str, ...]) -> None:
    code = (
        "import logging\n"  # in its debug mode asyncio complains of a machine that is busy
        "logging.getLogger('asyncio').setLevel(logging.ERROR)\n"
        "from drybox import CodeExecutor, ExecutionRequest, execute\n"
        "with CodeExecutor() as executor:\n"
        "    request = ExecutionRequest('python', 'print(1)')\n"
        "    print(executor.execute(request).stdout, end='')\n"
        "    print(*(event.type for event in executor.stream(request)))\n"
        "print(execute('python', 'print(2)').stdout, end='')\n"
    )
    first, second, third = interpreter(code, *flags).splitlines()
    assert (first, third) == ("1", "2")
    assert second.startswith("start phase")
    assert second.endswith("result")


def test_version_is_the_distributions() -> None:
    from importlib.metadata import version

    assert drybox.__version__ == version("drybox")


def test_it_is_typed() -> None:
    from importlib.resources import files

    assert files("drybox").joinpath("py.typed").is_file()
