"""The audit's lines: one for every sandbox, whatever became of the execution in it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from datetime import datetime, timedelta
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.support.hook import Note

from drybox import (
    AsyncCodeExecutor,
    AuditHook,
    CodeExecutor,
    ExecutionRequest,
    HookContext,
    Rejected,
    Unavailable,
)
from drybox.job import Exit
from drybox.testing.fake_backend import FakeSandbox, Install, Script

pytestmark = [pytest.mark.anyio, pytest.mark.promise("HOOK-4")]
REQUEST = ExecutionRequest("python", "1")
ENDED = Exit(0, None, 0.25, 0.125, 4096)
Lines = Callable[[], list[dict[str, Any]]]
CALLER = ContextVar("CALLER", default="nobody")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[Lines]:
    """What a handler of the standard library has written to its file."""
    path = tmp_path / "audit.jsonl"
    handler = RotatingFileHandler(path, maxBytes=1_000_000, backupCount=1)
    logger = logging.getLogger("drybox.audit")
    logger.addHandler(handler)
    yield lambda: [json.loads(line) for line in path.read_text().splitlines()]
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)
    handler.close()


async def test_a_line_says_who_ran_what_and_what_became_of_it(
    install: Install, lines: Lines
) -> None:
    note = Note("a", [])
    install(FakeSandbox([Script(end=ENDED)], weakened=("pids",)))
    async with AsyncCodeExecutor(isolation="fake", hooks=[AuditHook("ada"), note]) as executor:
        result = await executor.execute(REQUEST)
    (line,) = lines()
    time, elapsed = datetime.fromisoformat(line.pop("time")), line.pop("wall_time")
    assert time.utcoffset() == timedelta()
    assert 0 < elapsed < 60
    assert line == {
        "who": "ada",
        "id": result.id,
        "source_sha256": note.contexts[0].source_sha256,
        "language": "python",
        "version": "9.8.7",
        "isolation": "fake",
        "weakened": ["pids"],
        "status": "success",
        "exit_code": 0,
        "signal": None,
        "usage": {"cpu_time": 0.125, "memory_peak": 4096},
        "execution_time": 0.25,
        "error": None,
    }


async def test_what_is_refused_fails_or_is_given_up_has_its_line_too(
    install: Install, lines: Lines
) -> None:
    problems: list[BaseException | None] = [Rejected("no\n\x7f\x1b", hint="x"), ValueError("boom")]

    async def policy(context: HookContext) -> None:
        if problem := problems.pop(0):
            raise problem

    note = Note("a", [])
    note.before_run = policy  # type: ignore[method-assign]
    signaled = Script(end=Exit(None, 11, 0.1))
    install(FakeSandbox(), FakeSandbox(), FakeSandbox([signaled]), FakeSandbox([Script(deaf=True)]))
    hooks = [note, AuditHook()]
    async with AsyncCodeExecutor(isolation="fake", hooks=hooks, concurrency=1) as executor:
        with pytest.raises(Rejected):
            await executor.execute(REQUEST)
        (unavailable,) = await executor.execute_many([REQUEST])
        problems += [None, None]
        await executor.execute(REQUEST)
        with anyio.move_on_after(0.05):
            await executor.execute(REQUEST)
    found = lines()
    assert [(line["status"], line["signal"]) for line in found] == [
        *(("rejected", None), ("error", None), ("signaled", "SIGSEGV"), ("cancelled", None)),
    ]
    assert found[0]["error"] == {"type": "Rejected", "message": "no\n\x7f\x1b"}
    assert "ValueError: boom" in found[1]["error"]["message"]
    assert (unavailable.status, unavailable.id) == ("sandbox_error", found[1]["id"])


async def test_one_request_that_is_rejected_takes_no_other_along(
    install: Install, lines: Lines
) -> None:
    install(FakeSandbox([Script(end=ENDED)]), FakeSandbox([Script(end=ENDED)]))

    async def policy(event: Any) -> None:
        if event.name == "before_run" and event.context.arg_count:
            raise Rejected("no arguments here", hint="Leave them out.")

    async with AsyncCodeExecutor(isolation="fake", hooks=[policy, AuditHook()]) as executor:
        fine, not_fine = await executor.execute_many(
            [REQUEST, ExecutionRequest("python", "1", args=["x"])]
        )
    assert (fine.status, not_fine.status, not_fine.phases) == ("success", "sandbox_error", [])
    assert not_fine.error is not None
    assert (not_fine.error.type, not_fine.error.hint) == ("Rejected", "Leave them out.")
    assert {line["id"]: line["status"] for line in lines()} == {
        fine.id: "success",
        not_fine.id: "rejected",
    }


async def test_a_line_is_one_line_of_plain_ascii(install: Install, tmp_path: Path) -> None:
    install(FakeSandbox([Script(end=ENDED)]))
    path = tmp_path / "raw.jsonl"
    handler = logging.FileHandler(path)
    logger = logging.getLogger("other.audit")
    logger.addHandler(handler)
    who = "a\nb\r\x00\x1b[31m\x7f\x85\u2028\ud800"
    async with AsyncCodeExecutor(
        isolation="fake", hooks=[AuditHook(who, logger="other.audit")]
    ) as executor:
        await executor.execute(REQUEST)
    logger.removeHandler(handler)
    handler.close()
    raw = path.read_bytes()
    assert raw.count(b"\n") == 1
    assert raw.endswith(b"\n")
    assert all(0x20 <= byte <= 0x7E for byte in raw[:-1])
    assert json.loads(raw)["who"] == who


def test_who_is_read_where_the_caller_set_it(install: Install, lines: Lines) -> None:
    install(*(FakeSandbox([Script(end=ENDED)]) for _ in range(4)))
    with CodeExecutor(isolation="fake", hooks=[AuditHook(CALLER.get)]) as executor:
        for who, use in (
            ("one", lambda: executor.execute(REQUEST)),
            ("two", lambda: executor.execute_many([REQUEST] * 2)),
            ("three", lambda: list(executor.stream(REQUEST))),
        ):
            token = CALLER.set(who)
            use()
            CALLER.reset(token)
    assert [line["who"] for line in lines()] == ["one", "two", "two", "three"]


async def test_a_label_that_fails_costs_no_line(
    install: Install, lines: Lines, caplog: pytest.LogCaptureFixture
) -> None:
    install(FakeSandbox([Script(end=ENDED)]))

    def who() -> str:
        raise LookupError("no user")

    async with AsyncCodeExecutor(isolation="fake", hooks=[AuditHook(who)]) as executor:
        assert (await executor.execute(REQUEST)).status == "success"
    (line,) = lines()
    assert (line["who"], line["status"]) == (None, "success")
    (record,) = [item for item in caplog.records if item.name == "drybox.hooks"]
    assert "AuditHook.sandbox_destroyed raised LookupError: no user" in record.getMessage()


async def test_no_sandbox_no_line(install: Install, lines: Lines) -> None:
    install(Unavailable("no room", hint="Later."))
    async with AsyncCodeExecutor(isolation="fake", hooks=[AuditHook()]) as executor:
        with pytest.raises(Unavailable):
            await executor.execute(REQUEST)
    assert lines() == []


def test_a_level_that_somebody_set_stays(lines: Lines) -> None:
    logger = logging.getLogger("drybox.audit")
    logger.setLevel(logging.WARNING)
    AuditHook()
    assert logger.level == logging.WARNING
