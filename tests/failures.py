"""The option ``--failures-to FILE``, and a command that runs what failed once more, alone.

``./dev test`` runs three parts of the tests at a time on however few processors there are, so a
test whose deadline is too short for that can fail. What failed then runs again by itself, by
``python tests/failures.py FILE...``: a fault fails twice. What gets no second chance: an attack, as
one that succeeds once is a hole, a part of the tests that did not come to its end, and more
failures than slowness explains.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

MOST = 8
"""Failures that run again. A tree that is broken shows more of them."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("drybox").addoption(
        "--failures-to", metavar="FILE", type=Path, help="write the names of tests that fail here"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("failures_to"):
        config.pluginmanager.register(Failures(config.getoption("failures_to")))


class Failures:
    """Collects the names of the tests that fail in one run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._failed: dict[str, None] = {}
        path.unlink(missing_ok=True)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failed set-up, call or end of a test."""
        if report.failed:
            self._failed[report.nodeid] = None

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the names, unless some tests were never reached."""
        ends = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        if exitstatus in ends and not (session.shouldfail or session.shouldstop):
            self._path.write_text(json.dumps(list(self._failed)))


def main(paths: list[Path]) -> int:
    """Run once more what the runs that wrote ``paths`` saw failing.

    Returns:
        An exit code: 0 where all of it holds alone.
    """
    failed: list[str] = []
    for path in paths:
        if not path.exists():
            return _refuse(f"{path.stem}: this part of the tests did not come to its end")
        failed += json.loads(path.read_text())
    if not failed:
        return _refuse("no test failed, yet a part of the tests did")
    if len(failed) > MOST:
        return _refuse(f"{len(failed)} tests failed: more than {MOST} are not run again")
    attacks = [name for name in failed if name.startswith("tests/security/")]
    if attacks:
        return _refuse(f"an attack that succeeds once is a hole: {', '.join(attacks)}")
    print("== Once more, alone:", *failed, sep="\n   ", flush=True)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--timeout", "900"]
    return subprocess.run([*command, *failed], check=False).returncode


def _refuse(reason: str) -> int:
    print("==", reason, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main([Path(argument) for argument in sys.argv[1:]]))
