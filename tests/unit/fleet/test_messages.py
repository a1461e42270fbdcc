"""What travels between front doors and nodes comes out as it went in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from drybox.environments.info import EnvironmentInfo, PackageInfo
from drybox.errors import (
    DryboxError,
    InvalidRequest,
    Rejected,
    SandboxLost,
    SessionClosed,
    SessionFileError,
    SnapshotError,
    Unavailable,
    Unsupported,
)
from drybox.fleet.messages import (
    Load,
    Reply,
    RunMessage,
    pack_answer,
    pack_load,
    pack_reply,
    pack_run,
    unpack_answer,
    unpack_environments,
    unpack_languages,
    unpack_load,
    unpack_reply,
    unpack_run,
)
from drybox.job import ExecutionCaps
from drybox.model import (
    ErrorInfo,
    Event,
    ExecutionRequest,
    ExecutionResult,
    LanguageInfo,
    PhaseResult,
    PoolCount,
    ResourceLimits,
    Truncated,
    Usage,
)

PHASE = PhaseResult("run", "failed", b"\xff\0", b"x", 3, None, 0.5, 0.25, 1 << 40)
RESULT = ExecutionResult(
    *("failed", b"\xff\0", b"x", 3, None, 0.5, ErrorInfo("a", "b", "c"), [PHASE]),
    *(Usage(0.25, None), Truncated(stderr=True), {"dir/a": b"\0\xfe"}, "id", "python", "3.11"),
    *("local", ("pids", "inodes"), "local", "data@0123"),
)
LIMITS = ResourceLimits(memory=1 << 41, cpus=0.5)


@given(
    some.builds(
        ExecutionRequest,
        some.text(),
        some.none() | some.text(),
        files=some.none() | some.dictionaries(some.text(), some.binary() | some.text()),
        stdin=some.binary() | some.text(),
        args=some.lists(some.text()).map(tuple),
        env=some.none() | some.dictionaries(some.text(), some.text()),
        timeout=some.none() | some.floats(0, 1e5),
        limits=some.none() | some.just(LIMITS),
        artifacts=some.lists(some.text()).map(tuple),
        isolation=some.none() | some.just("local"),
        environment=some.none() | some.just("data"),
    ),
    some.booleans(),
)
def test_a_request_arrives(request: ExecutionRequest, streamed: bool) -> None:
    message = RunMessage(request, ExecutionCaps(run_cpu_time=1.5), streamed, not streamed)
    assert unpack_run(pack_run(message)) == message


@pytest.mark.parametrize("code", ["\ud800", "\0", "é" * 1000, ""])
def test_text_of_any_kind_arrives(code: str) -> None:
    message = RunMessage(ExecutionRequest("python", code, args=(code,), files={"a": code}))
    assert unpack_run(pack_run(message)).request.code == code


def test_a_result_and_events_arrive() -> None:
    events = (
        Event("start", "id"),
        Event("phase", "id", "run", outcome=PHASE),
        Event("stdout", "id", "run", "\ufffd", b"\xff"),
        Event("result", "id", result=RESULT),
    )
    reply = Reply("result", RESULT, cpu_time=0.5, events=events)
    assert unpack_reply(pack_reply(reply)) == reply


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequest("limits.memory", "it is wrong", hint="Do."),
        Unsupported("cannot", hint="Do.", what="pids"),
        Unavailable("nothing ran", hint="Again."),
        Unavailable("all slots were taken", hint="Again.", is_full=True),
        SessionClosed("idle", "it is closed", hint="Open another."),
        SessionFileError("not_found", "there is none", hint="Write it."),
        SnapshotError("no_space", "it does not fit", hint="Remove some."),
        SandboxLost("gone", hint="Look."),
        Rejected("no", hint=""),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_arrives_as_it_was(error: DryboxError) -> None:
    found = unpack_reply(pack_reply(Reply("error", error=error))).error
    assert type(found) is type(error)
    assert vars(found) == vars(error)
    assert str(found) == str(error)
    with pytest.raises(type(error)):
        unpack_answer(pack_answer(error=error))


def test_an_error_that_nobody_knows_may_have_run_something() -> None:
    class Own(DryboxError):
        pass

    found = unpack_reply(pack_reply(Reply("error", error=Own("x", hint="y")))).error
    assert type(found) is SandboxLost


def test_what_a_node_says_of_itself_arrives() -> None:
    load = Load("1.0", 4, 2, (PoolCount("local", "python", 1, 2, 3, 4),), True, 77, 0.5)
    assert unpack_load(pack_load(load)) == load
    info = LanguageInfo("python", ("py",), (".py",), "3.11", "", ("3.11", "3.10"))
    assert unpack_languages(pack_answer([info])) == [info]
    package = PackageInfo("numpy", "2.0")
    environment = EnvironmentInfo("data", "python", "3.11", (package,), ("numpy",), True)
    assert unpack_environments(pack_answer([environment])) == [environment]
    unpack_answer(pack_answer())
