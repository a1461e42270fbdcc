"""Prestarted processes that wait in the real init, one for each phase.

Shells that were told what to do.
"""

from __future__ import annotations

from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from tests.support import host
from tests.support.init import Init

from drybox.job import Command, File
from drybox.languages.prestart import Handoff, PrestartedProcess
from drybox.model import ResourceLimits

pytestmark = pytest.mark.anyio

LIMITS = ResourceLimits(open_files=64)
WAITS = "printf W >&100; read -r job <&100; exec 100>&-; "  # dash knows no such number
PROCESSES = "echo /proc/[0-9]*"
ALONE = 2
"""Processes that a program sees that is alone: init and itself."""


def asking(does: str, command_prefix: str = "/bin/sh") -> PrestartedProcess:
    """A prestarted process that does this when it has its job, whatever that is."""
    argv = ("/bin/bash", "-c", WAITS + does)
    return PrestartedProcess(argv, command_prefix=(command_prefix,), open_files=LIMITS.open_files)


def at_fifo(script: str = ". out/program") -> PrestartedProcess:
    """A prestarted process that reads its program out of a file that is yet to come."""
    argv = ("/bin/sh", "-c", script)
    return PrestartedProcess(
        argv, open_files=LIMITS.open_files, handoff=Handoff.FIFO, fifo="out/program"
    )


async def wait(init: Init, *prestarts: PrestartedProcess) -> None:
    """Have these wait, named in the order of their phases."""
    for prestart in reversed(prestarts):
        env = {"PATH": "/usr/bin:/bin", "WAITED": "yes"}
        with anyio.fail_after(20.0):
            await init.guest.warm(prestart, Command(prestart.argv, LIMITS, 20.0), env)


async def stands(init: Init) -> None:
    """Wait until a prestart is at its FIFO: one that is late is not waited for, and starts cold."""

    def is_there() -> bool:
        # The kernel's name for the place where the reader of a named pipe waits for a writer.
        family = host.descendants(init.pid)
        return "wait_for_partner" in {host.waits_in(process.pid) for process in family}

    assert await anyio.to_thread.run_sync(host.eventually, is_there)


async def said(init: Init, script: str = "echo cold") -> str:
    """What comes out of a shell that is to run this."""
    end, out, err = await init.run(script)
    assert (end.code, err) == (0, b"")
    return out.decode().strip()


async def test_each_phase_has_its_prestart(init: Init) -> None:
    await wait(init, asking("echo one"), asking("echo two"))
    assert await said(init) == "one"
    assert await said(init) == "two"
    assert await said(init) == "cold"


@pytest.mark.promise("SPEED-9")
async def test_nothing_of_a_phase_but_the_prestarts_of_later_ones_is_left(init: Init) -> None:
    stray = "sleep 1000 & (setsid sleep 1000 &) ; echo one"
    await wait(init, asking(stray), asking(PROCESSES))
    assert await said(init) == "one"
    assert len((await said(init)).split()) == ALONE


@pytest.mark.promise("SPEED-9")
async def test_a_prestart_whose_phase_is_past_ends_before_the_next_begins(init: Init) -> None:
    await wait(init, asking("echo one", command_prefix="compiler"), asking(PROCESSES))
    assert len((await said(init)).split()) == ALONE


@pytest.mark.promise("SPEED-9")
async def test_none_waits_beside_a_command_that_is_started(init: Init) -> None:
    await wait(
        init, asking("echo one", command_prefix="compiler"), asking("echo two", command_prefix="vm")
    )
    assert len((await said(init, PROCESSES)).split()) == ALONE


async def test_a_prestart_that_was_killed_is_done_without(init: Init) -> None:
    dies = "kill -9 ${it#/proc/}; while grep -q VmSize $it/status; do :; done"
    spare = f"for it in /proc/[0-9]*; do case $it in */1|*/$$) ;; *) {dies};; esac; done; echo one"
    await wait(init, asking(f"{{ {spare}; }} 2>/dev/null"), asking("echo two"))
    assert await said(init) == "one"
    assert await said(init) == "cold"
    assert await said(init, PROCESSES) != ""


async def test_a_prestart_that_ends_before_any_request_ends_the_sandbox(init: Init) -> None:
    await wait(init, asking("echo one"))
    hasty = PrestartedProcess(("/bin/bash", "-c", "printf W >&100"), open_files=LIMITS.open_files)
    await wait(init, hasty)
    assert "a prestarted process has ended" in (await init.ended())[1]


@pytest.mark.promise("SPEED-9")
@pytest.mark.parametrize("end", ["deadline", "kill"])
async def test_what_is_ended_by_force_takes_every_prestart_along(init: Init, end: str) -> None:
    await wait(init, asking("echo one; sleep 1000"), asking("echo two"))
    if end == "deadline":
        assert (await init.run("", timeout=0.3))[0].timed_out
    else:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(init.run, "")
            await anyio.wait_all_tasks_blocked()
            await init.guest.kill()
    assert await said(init) == "cold"


@pytest.mark.parametrize("size", [0, 300_000])
async def test_a_program_goes_through_its_fifo_whole(init: Init, tmp_path: Path, size: int) -> None:
    write = f"head -c {size} /dev/zero | tr '\\0' ' ' >out/program; "
    await wait(init, asking(write + "echo 'echo $WAITED' >>out/program; echo one"), at_fifo())
    await stands(init)
    assert await said(init) == "one"
    assert await said(init, ". out/program") == "yes"
    assert (tmp_path / "out/program").stat().st_size >= size


async def test_who_has_not_come_to_its_fifo_is_not_waited_for(init: Init) -> None:
    late = '[ "$WAITED" ] && sleep 1000; . out/program'
    await wait(init, asking("echo one; echo 'echo cold $WAITED' >out/program"), at_fifo(late))
    assert await said(init) == "one"
    assert await said(init, late) == "cold"


async def test_a_program_that_never_came_is_missed_by_a_plain_start(init: Init) -> None:
    await wait(init, asking("echo one"), at_fifo("cat out/program; true"))
    assert await said(init) == "one"
    end, out, err = await init.run("cat out/program; true")
    assert (end.code, out) == (0, b"")
    assert b"No such file" in err


async def test_time_and_processor_time_of_a_phase_are_its_own(init: Init) -> None:
    busy = "i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done; "
    ready = PrestartedProcess(
        ("/bin/bash", "-c", busy + WAITS + "echo two"),
        command_prefix=("/bin/sh",),
        open_files=LIMITS.open_files,
    )
    await wait(init, asking("echo one"), ready)
    for _ in range(2):
        end, _, _ = await init.run("")
        assert end.cpu_time < 0.1


async def test_what_was_kept_of_a_compiler_takes_the_place_of_a_fifo(init: Init) -> None:
    await wait(init, asking("echo one", command_prefix="compiler"), at_fifo())
    await stands(init)
    await init.guest.put([File("out/program", b"echo $WAITED")])
    assert await said(init, ". out/program") == "yes"
