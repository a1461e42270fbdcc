"""``drybox run`` loads what one program needs: its start is most of what a short one takes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from drybox.languages.registry import known_languages

FOLDERS = {
    *("backends", "cli", "config", "environments", "execution", "executor", "guest", "hooks"),
    *("host", "languages", "monitoring", "pool"),
}
"""Of drybox. What else there is serves other commands, other isolations and sessions."""

NEVER = {
    *("difflib", "tempfile", "http", "email", "tomllib", "concurrent.futures.thread"),
    *("docker", "pydantic", "starlette", "ray", "mcp", "IPython"),
}

MOST = 130
"""Modules of drybox: as many as there are now."""

SUPERVISORS = {
    "drybox",
    "drybox.backends",
    "drybox.backends.local",
    "drybox.backends.local.cgroups",
    "drybox.backends.local.cgroups.tree",
    "drybox.backends.local.rootfs",
    "drybox.backends.local.rootfs.mount_namespace",
    "drybox.backends.local.supervisor",
    "drybox.backends.local.supervisor.spawner",
    "drybox.backends.local.supervisor.supervisor",
    "drybox.backends.local.supervisor.templates",
    "drybox.errors",
    "drybox.host",
    "drybox.host.processes",
}


TELL = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"


def loaded(code: str, *args: str) -> set[str]:
    """Names of the modules that an interpreter has loaded at its end, without configuration."""
    done = subprocess.run(
        [sys.executable, "-c", TELL + code, *args],
        env={name: value for name, value in os.environ.items() if not name.startswith("DRYBOX_")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(done.stderr.split())


@pytest.fixture(scope="module")
def modules() -> set[str]:
    """Those of one ``drybox run``."""
    words = ("run", "-l", "python", "--isolation", "local", "-c", "print(1)")
    return loaded("from drybox.cli import main; main()", *words)


@pytest.mark.promise("SPEED-32")
def test_a_run_loads_what_it_needs(modules: set[str]) -> None:
    own = {name for name in modules if name.startswith("drybox.")}
    assert "drybox.execution.run" in own
    assert {name.split(".")[1] for name in own if name.count(".") > 1} <= FOLDERS
    others = set(known_languages()) - {"python"}
    assert not {f"drybox.languages.{name}" for name in others} & own
    assert "drybox.backends.docker.backend" not in own
    assert not NEVER & modules


@pytest.mark.promise("SPEED-32")
def test_it_loads_no_more_than_it_did(modules: set[str]) -> None:
    own = {name for name in modules if name.partition(".")[0] == "drybox"}
    assert len(own) <= MOST, sorted(own)


@pytest.mark.promise("SPEED-32")
def test_the_supervisor_loads_next_to_nothing() -> None:
    code = (
        "import sys, drybox.backends.local.supervisor.supervisor as it\n"
        "it._load_what_the_first_sandbox_takes()"
    )
    found = loaded(code)
    assert {name for name in found if name.partition(".")[0] == "drybox"} == SUPERVISORS
    assert not {"anyio", "asyncio", "click", "dataclasses", "shutil", "subprocess"} & found


ENDS = r"""
import atexit, sys, threading
atexit.register(lambda: print("exit function"))
def work():
    threading.main_thread().join()
    print("thread")
if sys.argv.pop() == "thread":
    threading.Thread(target=work).start()
from drybox.cli import main
main()
"""


@pytest.mark.parametrize(
    ("thread", "said"),
    [
        ("none", "1\nexit function\n"),
        ("thread", "1\nthread\nexit function\n"),
    ],
)
def test_who_has_something_to_do_at_the_end_does_it(thread: str, said: str) -> None:
    words = ["run", "-l", "python", "--isolation", "local", "-c", "print(1); raise SystemExit(7)"]
    done = subprocess.run(
        [sys.executable, "-c", ENDS, *words, thread],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (7, said, "")
