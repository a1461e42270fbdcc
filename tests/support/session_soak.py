"""Many sessions of one executor, and what is to be counted before and after."""

from __future__ import annotations

import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from tests.support import host
from tests.support.soak import at_rest, left, temporary_files_in

from drybox import CodeExecutor, ExecutionRequest, Session, SessionClosed

SIDE_BY_SIDE = 8

LANGUAGES = ("python", "bash", "python", "node")
"""Those whose sessions take turns: each has a kernel, and starts it within a second."""

CODE = {
    "python": ("kept = {0}", "print(kept * 2)"),
    "node": ("let kept = {0}", "console.log(kept * 2)"),
    "bash": ("kept={0}", "echo $((kept * 2))"),
}
"""What keeps a number, and what prints twice of it."""


@dataclass(frozen=True)
class Found:
    """What was counted.

    Attributes:
        sessions: Sessions.
        seconds: How long they took.
        before: What there was before the executor, by name.
        after: What there was after it.
        idle: The same while a kernel of each language waits and no session is open, after the
            first sessions and after the last.
    """

    sessions: int
    seconds: float
    before: dict[str, int]
    after: dict[str, int]
    idle: tuple[dict[str, int], dict[str, int]]


def use_sessions(count: int) -> Found:
    """Open, use and close so many sessions, eight at a time; each must say what is its own."""
    with tempfile.TemporaryDirectory() as folder, temporary_files_in(folder):
        before, others = left(()), _supervisors()
        began = time.monotonic()
        with CodeExecutor(isolation="local") as executor:
            _use_all(executor, 0, SIDE_BY_SIDE)
            supervisors = tuple(_supervisors() - others)
            idle = _at_rest(supervisors)
            _use_all(executor, SIDE_BY_SIDE, count)
            seconds = time.monotonic() - began
            assert executor.sessions() == []
            idle_at_end = _at_rest(supervisors)
        host.eventually(lambda: left(supervisors) == before)
        return Found(count, seconds, before, left(supervisors), (idle, idle_at_end))


def _supervisors() -> set[int]:
    return {supervisor.pid for supervisor in host.supervisors(os.getpid())}


def _use_all(executor: CodeExecutor, first: int, end: int) -> None:
    with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
        done = threads.map(lambda number: _use(executor, number), range(first, end))
        assert len(list(done)) == end - first


def _use(executor: CodeExecutor, number: int) -> None:
    """One session, from its opening to its end."""
    language = LANGUAGES[number % len(LANGUAGES)]
    with executor.session(language, idle_timeout=600) as session:
        keep(session, number)
        assert session.command("echo files: $(ls -A)").stdout == "files:\n"
        session.files.write("own", f"{number}")
        beside = session.start(["sleep", "600"])
        assert session.command("cat own; cat").stdout == f"{number}"
        assert session.files.read("own") == f"{number}".encode()
        check(session, number)
        assert beside.result is None
    with pytest.raises(SessionClosed) as caught:
        session.run("1")
    assert caught.value.reason == "closed"


def keep(session: Session, number: int) -> None:
    """Have a session keep a number."""
    result = session.run(CODE[session.language][0].format(number))
    assert result.status == "success", result


def check(session: Session, number: int) -> None:
    """A session says twice the number that it keeps."""
    result = session.run(CODE[session.language][1])
    assert (result.status, result.stdout) == ("success", f"{number * 2}\n"), result


def _at_rest(supervisors: tuple[int, ...]) -> dict[str, int]:
    """What there is once nothing but a kernel of each language waits."""

    def rests() -> bool:
        return at_rest(supervisors, len({*LANGUAGES}))

    assert host.eventually(rests, 60)
    counts = left(supervisors)
    return {name: counts[name] for name in ("descriptors", "processes", "cgroups", "mounts")}


def idle_sessions_beside(sessions: int, executions: int) -> float:
    """Open sessions, execute beside them, and look into each afterwards.

    Returns:
        Seconds that the executions took.
    """
    with CodeExecutor(isolation="local", max_sessions=sessions, timeout=60) as executor:
        opened = []
        for number in range(sessions):
            language = LANGUAGES[number % len(LANGUAGES)]
            session = executor.open_session(language, idle_timeout=3600)
            keep(session, number)
            session.files.write("own", f"{number}")
            opened.append(session)
        began = time.monotonic()
        requests = [
            ExecutionRequest("python", f"import os; print({number} * 3, os.listdir())")
            for number in range(executions)
        ]
        for first in range(0, executions, 100):
            results = executor.execute_many(requests[first : first + 100])
            for number, result in enumerate(results, first):
                assert result.status == "success", result
                assert result.stdout == f"{number * 3} ['main.py']\n", result
        seconds = time.monotonic() - began
        assert [item.id for item in executor.sessions()] == [item.id for item in opened]
        for number, session in enumerate(opened):
            check(session, number)
            assert session.files.read("own") == f"{number}".encode()
            assert session.command("ls -A").stdout == "own\n"
    return seconds
