"""Environments of packages made on the spot: no network, and the operator's own settings of pip."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.support.packages import GREETING, make_wheel

from drybox import CodeExecutor, Environment, ExecutionRequest, ExecutionResult, Unavailable
from drybox.environments.info import EnvironmentInfo

GREET = """
import words

def greet():
    return words.WORDS

def say():
    print("command", greet())
"""


def make_index(folder: Path) -> Path:
    """A folder of wheels: ``greet`` needs ``words``, ``raises`` cannot be imported."""
    folder.mkdir(exist_ok=True)
    make_wheel(folder, "words", "2.0.0", {"words.py": f"WORDS = {GREETING!r}\n"})
    points = "[console_scripts]\nsay-greeting = greet:say\n"
    files = {"greet.py": GREET, "greet-1.2.0.dist-info/entry_points.txt": points}
    make_wheel(folder, "greet", "1.2.0", files, needs="words>=2")
    make_wheel(folder, "raises", "1.0.0", {"raises.py": "raise ValueError('no import today')\n"})
    return folder


def settings_of(index: Path) -> Mapping[str, str]:
    """What has pip and uv look in a folder alone."""
    return {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(index),
        "PIP_CONFIG_FILE": os.devnull,
        "UV_NO_INDEX": "1",
        "UV_FIND_LINKS": str(index),
    }


@contextmanager
def using(index: Path) -> Iterator[None]:
    """While the operator's settings are these."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings_of(index).items():
            patch.setenv(name, value)
        yield


@dataclass(frozen=True)
class Site:
    """An environment of a test's own and where it is built, behind one isolation.

    Attributes:
        folder: Has the store, and what packages come from.
        isolation: The isolation's name.
        environment: What is built, and what programs run in.
        packages: While the language's own tool finds the test's packages in a folder.
        store: Name of the store's folder.
    """

    folder: Path
    isolation: str
    environment: Environment
    packages: Callable[[Path], AbstractContextManager[object]]
    store: str = "store"

    def executor(self, **settings: object) -> CodeExecutor:
        """An executor that has this environment, and keeps nothing waiting."""
        return CodeExecutor(
            environments=[self.environment],
            environment_dir=self.folder / self.store,
            isolation=self.isolation,
            timeout=60.0,
            pool=None,
            **settings,  # type: ignore[arg-type]
        )

    def build(self, **words: object) -> EnvironmentInfo:
        """Build it."""
        with self.packages(self.folder), self.executor() as made:
            return made.build_environment(self.environment.name, **words)  # type: ignore[arg-type]

    def run(self, code: str | None = None, **fields: object) -> ExecutionResult:
        """Run a program in what is built."""
        own = self.environment
        with self.executor() as executor:
            request = ExecutionRequest(own.language, code, environment=own.name, **fields)  # type: ignore[arg-type]
            return executor.execute(request)

    def check_lock(self) -> None:
        """From its lock the same bytes come, what is compiled ahead too, or nothing does."""
        (path,) = (self.folder / self.store / "locks").glob("*.json")
        lock = json.loads(path.read_text())
        assert replace(self, store="again").build().digest == lock["digest"]
        changed = self.folder / "changed.json"
        changed.write_text(json.dumps({**lock, "digest": "0" * 32}))
        with pytest.raises(Unavailable, match="cannot be built as it was locked"):
            replace(self, store="third").build(lock=changed)
