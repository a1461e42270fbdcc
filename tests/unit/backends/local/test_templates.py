"""When a template is forked once more, when another takes its place, and what a failure means."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from drybox import PoolSettings, ResourceLimits
from drybox.backends.base import SandboxSpec
from drybox.backends.local import templates
from drybox.backends.local.templates import Templates, new_key
from drybox.errors import Unavailable
from drybox.languages.prestart import PrestartedProcess
from drybox.languages.registry import find_language
from drybox.pool.waiting import open_waiting
from drybox.testing.fake_backend import FakeBackend

pytestmark = pytest.mark.anyio

PRESTART = PrestartedProcess(("python3", "main.py"), module_folder="folder")


class FakeSandbox:
    """A template's sandbox."""

    def __init__(self, prestart: PrestartedProcess) -> None:
        self.number = 1
        self.prestart = prestart
        self.alive = True
        self.closed = False

    def is_alive(self) -> bool:
        return self.alive

    async def close(self) -> None:
        self.closed = True


def is_closed(sandbox: FakeSandbox) -> bool:
    """Whether it is; a type checker takes an attribute for what it was."""
    return sandbox.closed


class Starter:
    """Starts sandboxes, or fails to."""

    def __init__(self) -> None:
        self.made: list[FakeSandbox] = []
        self.fails = False

    async def __call__(self, prestart: PrestartedProcess) -> FakeSandbox:
        if self.fails:
            raise Unavailable("no room.", hint="None.")
        self.made.append(FakeSandbox(prestart))
        return self.made[-1]


async def test_one_template_serves_a_kind_until_it_is_worn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "MOST_CHILDREN", 2)
    found, start = Templates(), Starter()
    first = await found.find("kind", PRESTART, start)
    assert first is not None
    assert await found.find("kind", PRESTART, start) is first
    assert await found.find("other", PRESTART, start) is not first
    first.enter()
    first.enter()
    assert await found.find("kind", PRESTART, start) is not first
    first.leave()
    await found.sweep()
    assert not is_closed(start.made[0])  # one child of it is still there
    first.leave()
    await found.sweep()
    assert is_closed(start.made[0])
    await found.close()
    assert all(sandbox.closed for sandbox in start.made)


async def test_it_starts_with_the_module_that_forks_it() -> None:
    found, start = Templates(), Starter()
    await found.find("kind", PRESTART, start)
    assert [file.path for file in start.made[0].prestart.files] == [f"folder/{templates.MODULE}"]


async def test_an_old_one_and_a_dead_one_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    found, start = Templates(), Starter()
    first = await found.find("kind", PRESTART, start)
    start.made[0].alive = False
    second = await found.find("kind", PRESTART, start)
    assert second is not first
    monkeypatch.setattr(templates, "MAX_AGE", -1.0)
    assert await found.find("kind", PRESTART, start) is not second


async def test_after_a_failure_there_is_none_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    found, start = Templates(), Starter()
    start.fails = True
    assert await found.find("kind", PRESTART, start) is None
    start.fails = False
    assert await found.find("kind", PRESTART, start) is None
    monkeypatch.setattr(templates, "RETRY_DELAY", 0.0)
    assert await found.find("kind", PRESTART, start) is not None


async def test_what_fails_because_everything_ends_is_told_to_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither as a template's failure nor as that of the sandbox which is forked from it."""

    async def start(prestart: PrestartedProcess) -> FakeSandbox:
        scope.cancel()  # as a pool does first; then the supervisor is closed, and that fails
        raise Unavailable("the supervisor ended.", hint="None.")

    class Ending(FakeBackend):
        async def open(self, spec: SandboxSpec) -> Any:
            await start(PRESTART)

    spec = SandboxSpec(find_language("python")[0], "", ResourceLimits(), "local")
    settings = PoolSettings(fork_server="on")
    with anyio.CancelScope() as scope:
        await Templates().find("kind", PRESTART, start)
    with anyio.CancelScope() as scope:
        await open_waiting(Ending(), spec, [PRESTART], ResourceLimits(), settings)
    assert scope.cancelled_caught
    assert caplog.messages == []


async def test_one_whose_child_did_not_come_has_no_more() -> None:
    found, start = Templates(), Starter()
    template = await found.find("kind", PRESTART, start)
    assert template is not None
    template.enter()
    template.fail()
    assert await found.find("kind", PRESTART, start) is None
    template.leave()
    await found.sweep()
    assert start.made[0].closed


async def test_what_cannot_be_forked_has_no_template() -> None:
    start = Starter()
    assert await Templates().find("kind", PrestartedProcess(("node",)), start) is None
    assert not start.made


async def test_each_child_of_roots_has_a_user_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    template = await Templates().find("kind", PRESTART, Starter())
    assert template is not None
    assert [template.enter() for _ in range(3)] == ["+1", "+2", "+3"]


def test_keys_are_never_none() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(0 < key < 1 << 64 for key in keys)


async def test_there_are_only_so_many_and_the_idle_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "MAX_TEMPLATES", 2)
    found, start = Templates(), Starter()
    first = await found.find("first", PRESTART, start)
    second = await found.find("second", PRESTART, start)
    assert first is not None
    assert second is not None
    first.enter()
    assert await found.find("third", PRESTART, start) is not None
    assert [is_closed(sandbox) for sandbox in start.made] == [False, True, False]
    third = await found.find("third", PRESTART, start)
    assert third is not None
    third.enter()
    assert await found.find("fourth", PRESTART, start) is None  # programs start as usual
    first.leave()
    third.leave()
    monkeypatch.setattr(templates, "MAX_IDLE", -1.0)
    assert await found.find("fourth", PRESTART, start) is not None
    assert [is_closed(sandbox) for sandbox in start.made] == [True, True, True, False]
