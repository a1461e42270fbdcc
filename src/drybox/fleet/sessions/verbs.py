"""What a node may be asked to do with one of its sessions, by its name on the way."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from drybox.errors import InvalidRequest, SessionClosed
from drybox.fleet.sessions.messages import plain_result, process_of
from drybox.sessions.base import AsyncProcess, AsyncSession


async def find_process(session: AsyncSession, pid: int) -> AsyncProcess:
    """What it has started under this number.

    Raises:
        InvalidRequest: It has none.
    """
    for process in await session.processes():
        if process.pid == pid:
            return process
    raise InvalidRequest("pid", f"there is no process {pid}", hint="See processes().")


async def _run(session: AsyncSession, given: dict[str, Any]) -> Any:
    return plain_result(await session.run(**given))


async def _start(session: AsyncSession, given: dict[str, Any]) -> Any:
    return process_of(await session.start(**given))


async def _processes(session: AsyncSession, given: dict[str, Any]) -> Any:
    return [process_of(item) for item in await session.processes()]


async def _files(session: AsyncSession, given: dict[str, Any]) -> Any:
    do = given.pop("do")
    if do not in ("list", "stat", "make_dir", "rename", "remove"):
        raise InvalidRequest("do", f"files cannot do {do!r}", hint="Use one version of drybox.")
    return await getattr(session.files, do)(**given)


async def _signal(process: AsyncProcess, given: dict[str, Any]) -> None:
    await process.signal(given["number"])


async def _kill(process: AsyncProcess, given: dict[str, Any]) -> None:
    with contextlib.suppress(SessionClosed):
        await process.kill()


OF_SESSIONS: dict[str, Callable[[AsyncSession, dict[str, Any]], Awaitable[Any]]] = {
    "run": _run,
    "command": lambda session, given: session.command(**given),
    "complete": lambda session, given: session.complete(**given),
    "start": _start,
    "processes": _processes,
    "interrupt": lambda session, given: session.interrupt(**given),
    "restart": lambda session, given: session.restart(**given),
    "snapshot": lambda session, given: session.snapshot(),
    "pause": lambda session, given: session.pause(),
    "resume": lambda session, given: session.resume(),
    "update": lambda session, given: session.update(**given),
    "take_cpu_time": lambda session, given: session.take_cpu_time(),
    "extend": lambda session, given: session.extend(**given),
    "files": _files,
}

OF_PROCESSES: dict[str, Callable[[AsyncProcess, dict[str, Any]], Awaitable[Any]]] = {
    "process.write": lambda process, given: process.stdin.write(**given),
    "process.end": lambda process, given: process.stdin.close(),
    "process.signal": _signal,
    "process.kill": _kill,
    "process.resize": lambda process, given: process.resize(**given),
    "process.wait": lambda process, given: process.wait(),
}
