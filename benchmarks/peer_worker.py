"""Runs programs with another sandbox: in that one's own environment, once for each line of input.

``python peer_worker.py NAME [IMAGE]``. Each line is a number; the answer is a line of JSON with
what the program that says it has printed, or with the error that kept it from doing so.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

READABLE = ["/usr", "/lib", "/lib64", "/bin", "/etc", "/proc", "/dev"]


@contextmanager
def sandlock() -> Iterator[Callable[[str], str]]:
    """Landlock and seccomp around a new process."""
    from sandlock import Sandbox  # type: ignore[import-not-found, unused-ignore]

    def run(source: str) -> str:
        sandbox = Sandbox(fs_readable=READABLE, max_memory="256M", max_processes=64)
        result = sandbox.run([PYTHON, "-S", "-c", NO_PACKAGES + source], timeout=10)
        if not result.success:
            raise RuntimeError(str(result.error or result.stderr))
        return str(result.stdout.decode())

    yield run


@contextmanager
def new_session(**settings: Any) -> Iterator[Callable[[str], str]]:
    """A session of llm-sandbox for each run, as drybox has a sandbox for each."""
    from llm_sandbox import SandboxSession  # type: ignore[import-not-found, unused-ignore]

    def run(source: str) -> str:
        with SandboxSession(lang="python", **settings) as session:
            return str(session.run(source).stdout)

    yield run


@contextmanager
def kept_session(**settings: Any) -> Iterator[Callable[[str], str]]:
    """One session for all runs: each finds what those before it left."""
    from llm_sandbox import SandboxSession

    with SandboxSession(lang="python", **settings) as session:
        yield lambda source: str(session.run(source).stdout)


def workers(image: str) -> dict[str, Any]:
    """Each way to run a program, by its name."""
    container = {"backend": "docker", "image": image, "skip_environment_setup": True}
    container["runtime_configs"] = {"network_mode": "none"}
    return {
        "sandlock": sandlock,
        "llm-sandbox": lambda: new_session(backend="bubblewrap"),
        "llm-sandbox, kept": lambda: kept_session(backend="bubblewrap"),
        "llm-sandbox docker": lambda: new_session(**container),
        "llm-sandbox docker, kept": lambda: kept_session(**container),
    }


def main() -> None:
    """Serve the numbers on standard input."""
    name, image = sys.argv[1], (sys.argv[2:] or [""])[0]
    answer: dict[str, str]
    try:
        with workers(image)[name]() as run:
            for line in sys.stdin:
                try:
                    answer = {"said": run(f"print('hello', {int(line)})")}
                except Exception as error:  # whatever it is, it is this peer's answer
                    answer = {"error": f"{type(error).__name__}: {error}"}
                print(json.dumps(answer), flush=True)
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)


PYTHON = "/usr/bin/python3"
NO_PACKAGES = "import site; site.PREFIXES = []; site.main()\n"
"""As drybox.languages.python has it, which cannot be imported here."""

if __name__ == "__main__":
    main()
