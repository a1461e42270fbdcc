"""The events of ``stream``: what they are, in which order, and what ends them."""

from __future__ import annotations

import pickle
from collections.abc import Sequence

import pytest
from tests.conformance.bench import Bench, feed, marker, until
from tests.support.host import eventually

from drybox import Event, ExecutionResult, ResourceLimits

pytestmark = pytest.mark.promise("RES-8")


def agree(events: Sequence[Event]) -> ExecutionResult:
    """The events tell the same as the result, which is the last of them."""
    result = events[-1].result
    assert result is not None
    assert [event.type for event in events].count("result") == 1
    assert {event.id for event in events} == {result.id}
    for stream, text, data in (
        ("stdout", result.stdout, result.stdout_bytes),
        ("stderr", result.stderr, result.stderr_bytes),
    ):
        pieces = [event for event in events if event.type == stream]
        assert "".join(piece.data for piece in pieces) == text
        assert b"".join(piece.data_bytes for piece in pieces) == data
    outcomes = [event.outcome for event in events if event.outcome is not None]
    assert outcomes == result.phases
    return result


def test_events_come_in_order(bench: Bench) -> None:
    events = list(bench.executor.stream(bench.request(bench.programs.hello)))
    result = agree(events)
    assert result.status == "success"
    told = [(event.type, event.phase) for event in events if event.type not in ("stdout", "stderr")]
    phases = [("phase", name) for name in bench.phases() for _ in range(2)]
    assert told == [("start", None), *phases, ("result", None)]
    begun = [event.outcome is None for event in events if event.type == "phase"]
    assert begun == [True, False] * len(bench.phases())
    output = [event for event in events if event.type in ("stdout", "stderr")]
    assert {event.phase for event in output} == {"run"}
    first = events.index(output[0])
    assert events[first - 1].phase == "run"


def test_fields_of_events_are_also_keys(python_bench: Bench) -> None:
    for event in python_bench.executor.stream(python_bench.request(python_bench.programs.hello)):
        assert event["type"] == event.type
        assert event["data"] == event.data
        assert event["result"] is event.result
        assert pickle.loads(pickle.dumps(event)) == event


def test_a_compile_error_is_told_too(bench: Bench) -> None:
    events = list(bench.executor.stream(bench.request(bench.programs.broken)))
    result = agree(events)
    assert bench.programs.complaint in result.stderr
    assert result.status == ("compile_error" if bench.programs.compiles else "failed")


def test_much_output_agrees_with_the_result(bench: Bench) -> None:
    events = list(bench.executor.stream(bench.request(bench.programs.flood, "stderr", "900000")))
    result = agree(events)
    assert (result.status, len(result.stderr)) == ("success", 900_000)


def test_output_over_the_limit_agrees_with_the_result(bench: Bench) -> None:
    request = bench.request(
        bench.programs.flood, "stdout", "9000000", limits=ResourceLimits(output=70_000)
    )
    result = agree(list(bench.executor.stream(request)))
    assert (result.status, len(result.stdout)) == ("output_limit", 70_000)


def test_a_character_in_two_pieces_is_joined(bench: Bench) -> None:
    with feed() as stdin:
        events = bench.executor.stream(bench.request(bench.programs.split), stdin=stdin)
        seen = []
        for event in events:
            seen.append(event)
            if event.type == "stdout" and event.data_bytes == b"\xc3":
                assert event.data == ""
                stdin.send(b"go on\n")
                stdin.end()
    assert agree(seen).stdout == "é\n"
    texts = [event.data for event in seen if event.type == "stdout"]
    assert "".join(texts) == "é\n"
    assert not any("\ufffd" in text for text in texts)


def test_a_character_that_is_never_finished(python_bench: Bench) -> None:
    code = "import os\nos.write(1, b'a\\xe2\\x82')\n"
    events = list(python_bench.executor.stream(python_bench.request(code)))
    assert agree(events).stdout == "a\ufffd"


def test_every_byte_in_an_event_of_its_own(python_bench: Bench) -> None:
    code = """\
import os, sys
for byte in sys.argv[1].encode() + bytes([0xff, 0xf0, 0x9f]):
    os.write(1, bytes([byte]))
    sys.stdin.read(1)
"""
    text = "aé€🙂z"
    with feed() as stdin:
        events = []
        for event in python_bench.executor.stream(python_bench.request(code, text), stdin=stdin):
            events.append(event)
            if event.type == "stdout" and event.data_bytes:
                assert len(event.data_bytes) == 1
                stdin.send(b".")
    assert agree(events).stdout == f"{text}\ufffd\ufffd"


def test_events_come_while_the_program_runs(bench: Bench) -> None:
    with feed() as stdin:
        events = bench.executor.stream(bench.request(bench.programs.talk), stdin=stdin)
        seen = until(events, "ready\n")
        for line in ("one", "two"):
            stdin.send(f"{line}\n".encode())
            seen += until(events, f"got {line}\n")
        stdin.end()
        result = agree([*seen, *events])
    assert (result.status, result.stdout) == ("success", "ready\ngot one\ngot two\n")


def test_leaving_a_stream_ends_the_program(bench: Bench) -> None:
    word = marker()
    events = bench.executor.stream(bench.request(bench.programs.hang, word))
    until(events, "ready\n")
    assert eventually(lambda: bench.isolation.runs(word))
    events.close()  # type: ignore[attr-defined]  # what leaving the loop does
    assert eventually(lambda: not bench.isolation.runs(word), 2)


def test_breaking_out_of_the_loop_ends_the_program(python_bench: Bench) -> None:
    word = marker()

    def first() -> Event:
        request = python_bench.request(python_bench.programs.hang, word)
        for event in python_bench.executor.stream(request):
            if event.type == "stdout":
                assert eventually(lambda: python_bench.isolation.runs(word))
                break
        return event

    assert first().data == "ready\n"
    assert eventually(lambda: not python_bench.isolation.runs(word), 2)


def test_a_stream_that_nobody_follows_runs_nothing(python_bench: Bench) -> None:
    word = marker()
    events = python_bench.executor.stream(python_bench.request(python_bench.programs.hang, word))
    events.close()  # type: ignore[attr-defined]
    assert not python_bench.isolation.runs(word)
    assert python_bench.run("print(1)").stdout == "1\n"


def test_a_slow_follower_gets_everything(python_bench: Bench) -> None:
    request = python_bench.request(python_bench.programs.flood, "stdout", "900000")
    events = python_bench.executor.stream(request)
    seen = until(events, "0123456789")
    # Other runs go on meanwhile; the one that is followed waits for its follower.
    assert python_bench.run("print(1)").stdout == "1\n"
    assert len(agree([*seen, *events]).stdout) == 900_000
