"""Sessions of the real init: what it tells of their use, and how long it waits for drybox."""

from __future__ import annotations

import os
import signal
import struct

import anyio
import pytest
from tests.support import host
from tests.support.init import Init

from drybox.guest.frames import GuestGone
from drybox.guest.frames import frame as frame_of
from drybox.guest.programs import OUTPUT_WINDOW, Grant, GuestProgram, GuestStream, Programs
from drybox.job import Command
from drybox.model import ResourceLimits

pytestmark = pytest.mark.anyio

LEASE = 4
"""Seconds of silence after which an init that was told so is to end."""


def take(stream: GuestStream, data: bytes) -> Grant:
    return "now"


def lease(seconds: int) -> bytes:
    return frame_of(b"H", struct.pack("<I", seconds))


async def start(programs: Programs, script: str) -> GuestProgram:
    command = Command(("/bin/sh", "-c", script), ResourceLimits(), 1.0)
    return await programs.start(command, {"PATH": "/usr/bin:/bin"}, take, timeout=20.0)


async def test_it_tells_what_all_that_ran_has_used(init: Init) -> None:
    programs = await init.guest.begin_session(ResourceLimits())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(programs.follow)
        with anyio.fail_after(host.TIMEOUT):
            before = await programs.use()
            spinning = await start(programs, "while :; do :; done")
            while (await programs.use()).cpu_time < before.cpu_time + 0.2:
                await anyio.sleep(0.01)
            last = await programs.use()
            await programs.kill(spinning)
            await spinning.ended.wait()
            assert (await programs.use()).cpu_time >= last.cpu_time  # also of what has ended
        tasks.cancel_scope.cancel()
    assert not programs.is_lost  # nobody listens any more, which is another thing


async def test_who_asks_hears_of_the_sandbox_end(init: Init) -> None:
    programs = await init.guest.begin_session(ResourceLimits())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(programs.follow)
        os.kill(init.pid, signal.SIGKILL)
        with anyio.fail_after(host.TIMEOUT):
            await programs.gone.wait()
            assert programs.is_lost
            with pytest.raises(GuestGone):
                await programs.use()


@pytest.mark.parametrize("size", [100, 4_000, 31_000, 60_000])
async def test_answers_wait_for_room_behind_output_that_nobody_reads(init: Init, size: int) -> None:
    taken = {"stdout": 0, "stderr": 0, "answers": 0}

    def count(stream: GuestStream, data: bytes) -> Grant:
        taken[stream] += len(data)
        return "now"

    script = f"""
    for i in $(seq 200); do
        head -c 30000 /dev/zero; head -c {size} /dev/zero >&4; head -c 20000 /dev/zero >&2
    done
    """
    command = Command(("/bin/sh", "-c", script), ResourceLimits(), 1.0)
    programs = await init.guest.begin_session(ResourceLimits())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(programs.follow)
        with anyio.fail_after(host.TIMEOUT):
            env = {"PATH": "/usr/bin:/bin"}
            program = await programs.start(command, env, count, timeout=20.0, is_kernel=True)
            await program.ended.wait()
        assert not programs.gone.is_set(), programs.problem
        assert taken == {"stdout": 200 * 30000, "stderr": 200 * 20000, "answers": 200 * size}
        tasks.cancel_scope.cancel()


async def test_answers_that_wait_for_room_when_a_kernel_ends_are_told(init: Init) -> None:
    taken, has_no_credit = 0, anyio.Event()

    def count(stream: GuestStream, data: bytes) -> Grant:
        nonlocal taken
        taken += len(data)
        if taken == OUTPUT_WINDOW:
            has_no_credit.set()
        return "later"

    script = f"head -c {OUTPUT_WINDOW} /dev/zero >&4; read -r go; head -c 60000 /dev/zero >&4"
    command = Command(("/bin/sh", "-c", script), ResourceLimits(), 1.0)
    programs = await init.guest.begin_session(ResourceLimits())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(programs.follow)
        with anyio.fail_after(host.TIMEOUT):
            env = {"PATH": "/usr/bin:/bin"}
            program = await programs.start(command, env, count, timeout=20.0, is_kernel=True)
            await has_no_credit.wait()
            await programs.write(program, b"\n")
            await program.ended.wait()
        assert taken == OUTPUT_WINDOW + 60_000
        tasks.cancel_scope.cancel()


async def test_one_of_whom_nothing_is_heard_ends(init: Init) -> None:
    await init.stream.send(lease(1))
    assert await init.ended() == (0, "")


@pytest.mark.parametrize("in_session", [False, True])
async def test_time_in_which_it_stood_still_is_not_silence(init: Init, in_session: bool) -> None:
    await init.stream.send(lease(LEASE))
    if in_session:
        programs = await init.guest.begin_session(ResourceLimits())
    else:
        await init.run("true")
    ours = [process.pid for process in host.descendants(init.pid)]
    assert ours
    for pid in ours:
        os.kill(pid, signal.SIGSTOP)
    await anyio.sleep(LEASE * 1.1)
    await init.stream.send(lease(600))  # as drybox does all the time
    for pid in ours:
        os.kill(pid, signal.SIGCONT)
    with anyio.fail_after(host.TIMEOUT):
        if in_session:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(programs.follow)
                await programs.use()
                tasks.cancel_scope.cancel()
        else:
            assert (await init.run("echo on"))[1] == b"on\n"
