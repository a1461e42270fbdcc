"""Requests whose environment is not built: one build at once, and they leave others room."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from drybox import Environment, ResourceLimits, Unavailable
from drybox.environments.definition import key_of
from drybox.environments.environment import by_name
from drybox.environments.resolvers.base import Target
from drybox.environments.store import BuildRecord, EnvironmentStore
from drybox.execution.validation import Defaults, make_job
from drybox.executor.environments.environments import Environments
from drybox.job import Job
from drybox.model import ExecutionRequest

pytestmark = pytest.mark.anyio

KNOWN = by_name(Environment(name, "python", packages=[name]) for name in ("one", "two", "three"))
DIGEST = "0" * 32


class FakeBackend:
    """Knows of one toolchain. It stands for a pool as well."""

    def for_environments(self) -> FakeBackend:
        return self

    async def toolchain(self, language: object, version: str) -> str:
        return "toolchain"


class FakeBuilder:
    """Builds when it is told to go on."""

    def __init__(self, store: EnvironmentStore) -> None:
        self.store = store
        self.go_on = anyio.Event()
        self.now = self.most = self.builds = 0

    async def build(self, environment: Environment, pool: object, progress: object) -> BuildRecord:
        self.builds += 1
        self.now += 1
        self.most = max(self.most, self.now)
        await self.go_on.wait()
        self.now -= 1
        (self.store.folder / "trees" / DIGEST).mkdir(parents=True, exist_ok=True)
        key = key_of(environment, "toolchain")
        words = (environment.name, "python", "3.11.2", DIGEST)
        record = BuildRecord(key, *words, (), (), 0, 0, "", "", "")
        self.store.note(record)
        return record


def job(name: str) -> Job:
    defaults = Defaults(1.0, ResourceLimits(), "local", None, KNOWN)
    return make_job(ExecutionRequest("python", "1", environment=name), defaults)[1]


async def test_who_waits_for_builds_leaves_room_for_others(tmp_path: Path) -> None:
    store = EnvironmentStore(tmp_path)
    builder = FakeBuilder(store)
    make: Any = lambda: builder  # noqa: E731
    found = Environments(KNOWN, store, make, lambda line: None, slots=6)
    pool: Any = FakeBackend()
    ends = list[str]()

    async def ask(name: str) -> None:
        try:
            ends.append((await found.find(job(name), pool))[0].environment)
        except Unavailable as error:
            ends.append(str(error))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, "one")
        with anyio.fail_after(5):
            while not builder.builds:
                await anyio.sleep(0.001)
            for name in ("one", "two", "one", "three"):
                tasks.start_soon(ask, name)
            while len(ends) < 2:
                await anyio.sleep(0.001)
        assert all("waits to be built" in end for end in ends)  # more than half of the slots
        builder.go_on.set()
    assert builder.most == 1
    assert len(ends) == 5
    assert all(end.endswith(f"@{DIGEST}") for end in ends[2:])
    for name in KNOWN:
        assert (await found.find(job(name), pool))[0].environment == f"{name}@{DIGEST}"


async def test_what_is_built_is_found_while_others_are_built(tmp_path: Path) -> None:
    store = EnvironmentStore(tmp_path)
    builder = FakeBuilder(store)
    make: Any = lambda: builder  # noqa: E731
    found = Environments(KNOWN, store, make, lambda line: None, slots=2)
    pool: Any = FakeBackend()
    builder.go_on.set()
    await found.find(job("one"), pool)
    builder.go_on = anyio.Event()
    found._used = {word: replace_age(used) for word, used in found._used.items()}
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(found.find, job("two"), pool)
        with anyio.fail_after(5):
            while builder.builds < 2:
                await anyio.sleep(0.001)
            assert (await found.find(job("one"), pool))[0].environment == f"one@{DIGEST}"
        builder.go_on.set()


async def test_nobody_is_refused_what_is_built(tmp_path: Path) -> None:
    store = EnvironmentStore(tmp_path)
    builder = FakeBuilder(store)
    make: Any = lambda: builder  # noqa: E731
    pool: Any = FakeBackend()
    builder.go_on.set()
    await Environments(KNOWN, store, make, lambda line: None, slots=2).find(job("one"), pool)
    found = Environments(KNOWN, store, make, lambda line: None, slots=2)
    async with anyio.create_task_group() as tasks:
        for _ in range(20):  # nothing is known yet, and all look at once
            tasks.start_soon(found.find, job("one"), pool)
    assert builder.builds == 1


def replace_age(used: tuple[float, Any]) -> tuple[float, Any]:
    """What is known, as if for long."""
    return 0.0, used[1]


@pytest.mark.parametrize("libc", ["musl", "glibc"])
async def test_an_environment_of_another_language_must_fit_its_toolchain(
    tmp_path: Path, libc: str
) -> None:
    """Where the toolchains are two, as images are."""
    known = by_name([Environment("web", "node", packages=["lodash"])])

    told = list[str]()

    class Images(FakeBackend):
        async def toolchain(self, language: Any, version: str) -> str:
            return f"image of {language.name}"

    class Builder(FakeBuilder):
        async def target(self, environment: Environment, pool: object, toolchain: str) -> Target:
            assert toolchain == f"image of {environment.of.name}"
            told.append(environment.of.name)
            here = "glibc" if environment.of.name == "node" else libc
            return Target({"label": f"Node.js 20 with {here}"})

        async def build(self, environment: Environment, pool: object, progress: object) -> Any:
            record = await super().build(environment, pool, progress)
            self.store.note(replace(record, key=key_of(environment, "image of node")))
            return self.store.find(key_of(environment, "image of node"))

    store = EnvironmentStore(tmp_path)
    builder = Builder(store)
    builder.go_on.set()
    make: Any = lambda: builder  # noqa: E731
    found = Environments(known, store, make, lambda line: None)
    pool: Any = Images()
    defaults = Defaults(1.0, ResourceLimits(), "local", None, known)
    asked = make_job(ExecutionRequest("typescript", "1", environment="web"), defaults)[1]
    if libc == "musl":
        with pytest.raises(
            Unavailable, match=r"web' is for Node\.js 20 with glibc, and TypeScript"
        ):
            await found.find(asked, pool)
        assert builder.builds == 0
    else:
        for _ in range(2):
            assert (await found.find(asked, pool))[0].environment == f"web@{DIGEST}"
        assert told == ["node", "typescript"]
    found.release()
