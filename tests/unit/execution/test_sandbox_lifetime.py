"""A sandbox is opened and closed by one part, and phases run in it by another."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from tests.support.clock import INSTANT
from tests.support.play import DEFAULTS, OPERATOR

from drybox import ExecutionRequest, HookContext, Rejected, Unavailable
from drybox.backends.base import Sandbox, SandboxSpec
from drybox.execution.cpu_meter import CpuMeter
from drybox.execution.kill_switch import KillSwitch
from drybox.execution.phases import Phases
from drybox.execution.sandbox_lifetime import SandboxLifetime
from drybox.execution.validation import make_job
from drybox.hooks.hooks import Hooks
from drybox.monitoring.observers import NULL_OBSERVATION
from drybox.testing.fake_backend import FakeBackend, FakeSandbox, Script

pytestmark = pytest.mark.anyio
LANGUAGE, JOB = make_job(ExecutionRequest("python", "pass"), DEFAULTS)
SPEC = SandboxSpec(LANGUAGE, "", JOB.limits, "fake")


@pytest.fixture
def anyio_backend() -> Any:
    return INSTANT


class Witness:
    """A hook of sandboxes alone, and what it was told."""

    def __init__(self, refuses: bool = False) -> None:
        self.told: list[tuple[str, str | None]] = []
        self._refuses = refuses

    async def sandbox_created(self, context: HookContext) -> None:
        self.told.append(("created", context.version))
        if self._refuses:
            raise Rejected("not here.", hint="Elsewhere.")

    async def sandbox_destroyed(self, context: HookContext) -> None:
        self.told.append(("destroyed", context.error.type if context.error else None))


async def lifetime_of(
    sandbox: FakeSandbox | Exception, *hooks: object, meter: CpuMeter | None = None
) -> SandboxLifetime:
    seen = await Hooks(hooks).start("e1", JOB, "fake", False)
    backend = FakeBackend(sandbox)
    return SandboxLifetime(backend, SPEC, seen, NULL_OBSERVATION, meter or CpuMeter(), 2.0)


async def run_in(sandbox: Sandbox, code: str) -> str:
    _, job = make_job(ExecutionRequest("python", code), DEFAULTS)
    phases = Phases(
        *("e1", job, LANGUAGE, "fake", OPERATOR, None, None, NULL_OBSERVATION, KillSwitch(), None)
    )
    return (await phases.run(sandbox, await phases.plan())).stdout


async def test_phases_run_again_and_again_in_a_sandbox_that_somebody_else_keeps() -> None:
    witness = Witness()
    sandbox = FakeSandbox([Script([("stdout", b"one")]), Script([("stdout", b"two")])])
    async with await lifetime_of(sandbox, witness) as opened:
        assert [await run_in(opened, code) for code in ("1", "2")] == ["one", "two"]
        assert "close" not in sandbox.calls
        assert witness.told == [("created", "9.8.7")]
    assert sandbox.closed
    assert witness.told == [("created", "9.8.7"), ("destroyed", None)]


async def test_phases_run_without_a_lifetime_and_close_nothing() -> None:
    sandbox = FakeSandbox([Script([("stdout", b"one")])])
    assert await run_in(sandbox, "1") == "one"
    assert "close" not in sandbox.calls


async def test_what_goes_wrong_inside_closes_it_and_is_told() -> None:
    witness, sandbox = Witness(), FakeSandbox()
    with pytest.raises(ZeroDivisionError):
        async with await lifetime_of(sandbox, witness):
            raise ZeroDivisionError
    assert sandbox.closed
    assert witness.told[-1] == ("destroyed", "ZeroDivisionError")


async def test_a_hook_that_refuses_the_sandbox_has_it_closed() -> None:
    witness, sandbox = Witness(refuses=True), FakeSandbox()
    with pytest.raises(Rejected):
        async with await lifetime_of(sandbox, witness):
            raise AssertionError("nothing runs in it")
    assert sandbox.calls == ["close"]
    assert witness.told[-1] == ("destroyed", "Rejected")


async def test_of_a_sandbox_that_never_was_nobody_hears() -> None:
    witness = Witness()
    with pytest.raises(Unavailable):
        async with await lifetime_of(Unavailable("no room.", hint="Later."), witness):
            raise AssertionError("there is none")
    assert witness.told == []


class Stuck(FakeSandbox):
    """Fails when it is closed."""

    async def close(self) -> None:
        raise OSError("stuck")


async def test_one_that_does_not_close_is_told_and_charged_all_the_same() -> None:
    witness, meter = Witness(), CpuMeter()
    with pytest.raises(OSError, match="stuck"):
        async with await lifetime_of(Stuck(cpu_time=0.5), witness, meter=meter):
            pass
    assert witness.told[-1] == ("destroyed", "OSError")
    assert meter.seconds == 0.5


async def test_where_nobody_counted_it_is_charged_the_most_that_it_can_have_been() -> None:
    counted, uncounted = CpuMeter(), CpuMeter()
    async with await lifetime_of(FakeSandbox(cpu_time=0.5), meter=counted):
        await anyio.sleep(3)
    async with await lifetime_of(FakeSandbox(), meter=uncounted):
        await anyio.sleep(3)
    assert counted.seconds == 0.5
    assert uncounted.seconds == pytest.approx(6.0)
