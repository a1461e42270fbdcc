"""The checks of a backend find what is wrong with one."""

from __future__ import annotations

import anyio
import pytest

from drybox.backends.base import Guarantee, Support
from drybox.errors import Unavailable
from drybox.job import Exit
from drybox.model import Artifacts
from drybox.testing.backend_checks import BACKEND_CHECKS, check_backend
from drybox.testing.fake_backend import FakeBackend, FakeSandbox, Script
from drybox.testing.selftest import CheckResult


def checked(name: str, *sandboxes: FakeSandbox) -> CheckResult:
    async def main() -> CheckResult:
        (result,) = await check_backend(lambda: FakeBackend(*sandboxes), only=[name])
        return result

    return anyio.run(main)


def test_a_backend_without_a_fix_for_what_is_missing() -> None:
    class Silent(FakeBackend):
        async def check(self) -> Support:
            return Support(self.name, (Guarantee("memory", False, "no cgroup"),))

    async def main() -> CheckResult:
        (result,) = await check_backend(Silent, only=["support"])
        return result

    result = anyio.run(main)
    assert (result.status, result.detail) == ("failed", "the guarantee 'memory' has no fix")
    assert checked("support").status == "ok"


@pytest.mark.parametrize(
    ("name", "script", "complaint"),
    [
        ("output", Script([("stdout", b"cut")]), "stdout is not what was written"),
        ("ends", Script(end=Exit(1, None, 0.1)), "exit 0"),
        ("deadline", Script(end=Exit(0, None, 0.1)), "the deadline did not end it"),
        ("memory", Script(end=Exit(0, None, 0.1)), "the memory limit did not end it"),
        ("privileges", Script([("stdout", b"False False 1\n")]), "user and capabilities"),
        ("network", Script([("stdout", b"reached 127.0.0.1\n")]), "reached 127.0.0.1"),
    ],
)
def test_a_sandbox_that_breaks_a_promise(name: str, script: Script, complaint: str) -> None:
    sandbox = FakeSandbox([script])
    result = checked(name, sandbox)
    assert (result.status, result.promise) == ("failed", BACKEND_CHECKS[name][0])
    assert complaint in result.detail
    assert sandbox.closed


def test_a_sandbox_that_follows_links() -> None:
    found = Artifacts({"plain": b"x", "link": b"root:x:0:0"})
    result = checked("links", FakeSandbox([Script()], artifacts=found))
    assert (result.status, result.detail) == ("failed", "brought back: ['link', 'plain']")


def test_what_a_backend_cannot_make_is_a_failed_check() -> None:
    class Unable(FakeBackend):
        async def open(self, spec: object) -> FakeSandbox:
            raise Unavailable("no room", hint="Make some.")

    async def main() -> CheckResult:
        (result,) = await check_backend(Unable, only=["output"])
        return result

    assert "no room" in anyio.run(main).detail
