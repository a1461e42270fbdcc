"""The option ``--record-attacks``: keeps what became of each attack, for docs/reference/attacks.md.

``pytest tests/security --isolations local --record-attacks`` replaces what the file says of the
isolations and tests that ran, with the versions they ran on, and leaves the rest.
"""

from __future__ import annotations

import datetime
import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from drybox import __version__

RECORD = Path(__file__).parent.parent / "docs/reference/attacks.json"

COLUMNS = {"own": "local", "user": "local, ordinary user"}
"""What the record calls runners; container isolations go by their names."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("drybox").addoption(
        "--record-attacks", action="store_true", help=f"write what became of attacks to {RECORD}"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("record_attacks"):
        config.pluginmanager.register(Recorder())


class Recorder:
    """Counts the outcomes of one run."""

    def __init__(self) -> None:
        self._outcomes: dict[tuple[str, str], Counter[str]] = {}
        self._beside: dict[tuple[str, str], dict[str, float]] = {}
        self._versions: dict[str, dict[str, str]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note one part of a test: its call, or a fixture that failed or skipped."""
        report = yield
        column = _column(item) if isinstance(item, pytest.Function) else ""
        if column and item.path.parent.name == "security" and isinstance(item, pytest.Function):
            name = f"{item.path.name}::{item.originalname}"
            if report.when == "call" or report.outcome != "passed":
                outcomes = self._outcomes.setdefault((name, column), Counter())
                outcomes[report.outcome] += 1
            for told, value in item.user_properties if report.when == "call" else ():
                if told == "beside" and isinstance(value, dict):
                    self._beside[value["attack"], column] = value["times as long"]
            if column not in self._versions:
                self._versions[column] = _versions(item)
        return report

    def pytest_sessionfinish(self) -> None:
        """Put it into the file, in the place of what that said of the same tests."""
        record = json.loads(RECORD.read_text()) if RECORD.exists() else {"runs": {}, "tests": {}}
        record["runs"].update(self._versions)
        for (name, column), outcomes in self._outcomes.items():
            record["tests"].setdefault(name, {})[column] = dict(sorted(outcomes.items()))
        for (attack, column), ratios in self._beside.items():
            beside = record.setdefault("beside", {})
            beside.setdefault(attack, {})[column] = ratios
        RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")


def _column(item: pytest.Function) -> str:
    """Where a test ran; those that take no runner are about local sandboxes.

    "" where it is for none of the isolations that were asked for.
    """
    name = item.callspec.params.get("runner_name", "") if hasattr(item, "callspec") else ""
    if not isinstance(name, str):
        return ""
    if not name:
        name = "user" if "user_runner" in item.fixturenames else "own"
    return COLUMNS.get(name, name)


def _versions(item: pytest.Function) -> dict[str, str]:
    cgroup = "2" if os.path.exists("/sys/fs/cgroup/cgroup.controllers") else "1"
    found = {
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "drybox": __version__,
        "kernel": ".".join(os.uname().release.split("-")[0].split(".")[:2]),
        "cgroup": f"version {cgroup}",
    }
    daemon: Any = item.funcargs.get("runner")
    daemon = getattr(getattr(daemon, "isolation", None), "daemon", None)
    if not daemon:
        found["bubblewrap"] = _says("bwrap").removeprefix("bubblewrap ")
        return found
    from drybox.backends.docker.daemon import Daemon

    client = Daemon(daemon.host)
    try:
        found["Docker"] = str(client.info.get("ServerVersion"))
        found["runc"] = _says("runc").splitlines()[0].removeprefix("runc version ")
        if item.callspec.params["runner_name"] == "gvisor":
            found["gVisor"] = _says("runsc").splitlines()[0].removeprefix("runsc version ")
    finally:
        client.close()
    return found


def _says(program: str) -> str:
    path = shutil.which(program)
    if not path:
        return "unknown"
    return subprocess.run([path, "--version"], capture_output=True, text=True).stdout.strip()
