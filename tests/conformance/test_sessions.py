"""Sessions, behind every isolation: what runs in one, its files, and how long it lives."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.isolations import Isolation

from drybox import (
    CodeExecutor,
    InvalidRequest,
    ResourceLimits,
    SandboxLost,
    Session,
    SessionClosed,
)

pytestmark = [pytest.mark.promise("SES-1")]


@pytest.fixture
def session(executor: CodeExecutor, isolation: Isolation) -> Iterator[Session]:
    with executor.session("bash", isolation=isolation.name) as opened:
        yield opened


def test_a_command_has_a_result(session: Session) -> None:
    done = session.command("echo out; echo err >&2; exit 3")
    assert (done.stdout, done.stderr, done.exit_code) == ("out\n", "err\n", 3)
    assert (done.status, done.signal) == ("failed", None)
    assert session.command(["cat"], stdin="given").stdout == "given"
    assert session.command("pwd").stdout == "/sandbox\n"
    assert session.command("pwd", cwd="/tmp").stdout == "/tmp\n"
    assert session.command("echo $WORD", env={"WORD": "told"}).stdout == "told\n"
    assert session.command(["no-such-program"]).exit_code == 127
    assert session.command("kill -SEGV $$").signal == "SIGSEGV"


def test_files_stay_from_one_command_to_the_next(session: Session) -> None:
    session.command("echo kept > file")
    assert session.command("cat file").stdout == "kept\n"


def test_a_command_ends_at_its_time_with_its_descendants(session: Session) -> None:
    done = session.command("sleep 300 & (sleep 300; true); sleep 300", timeout=0.5)
    assert done.status == "timeout"
    assert done.exit_code is None
    left = session.command("cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '").stdout
    assert "sleep 300" not in left


def test_a_command_that_writes_too_much_is_ended(session: Session) -> None:
    done = session.command("yes")
    assert done.status == "output_limit"
    assert done.truncated.stdout
    assert len(done.stdout_bytes) == 1 << 20


def test_what_a_command_has_started_goes_on(session: Session) -> None:
    done = session.command("(echo begun; while ! test -e go; do sleep 0.02; done; touch went) &")
    assert done.exit_code == 0
    session.files.write("go", "")
    assert session.command("while ! test -e went; do sleep 0.02; done").status == "success"


def test_a_session_with_too_many_processes_says_what_to_do(
    executor: CodeExecutor, isolation: Isolation
) -> None:
    limits = ResourceLimits(pids=24)
    with executor.session("bash", isolation=isolation.name, limits=limits) as session:

        def start_many() -> None:
            for _ in range(64):
                session.start(["sleep", "300"])

        # gVisor's own threads count, too, and it ends where it gets no more.
        is_gvisor = isolation.name == "gvisor"
        kind, words = (
            (SandboxLost, "ended from outside") if is_gvisor else (InvalidRequest, "more pids")
        )
        with pytest.raises(kind, match=words):
            start_many()


def test_a_process_runs_beside(session: Session) -> None:
    process = session.start(["cat"])
    process.stdin.write("one\n")
    events = process.events
    assert next(events).data == "one\n"
    assert session.command("echo beside").stdout == "beside\n"
    process.stdin.write("two\n")
    assert next(events).data == "two\n"
    process.stdin.close()
    last = next(events)
    assert last.type == "exit"
    assert last.result is not None
    assert last.result.status == "success"
    assert process.wait().exit_code == 0
    assert [item.pid for item in session.processes()] == [process.pid]


def test_a_process_is_signalled_and_killed(session: Session) -> None:
    process = session.start("trap 'echo told; exit 7' TERM; echo ready; while :; do :; done")
    events = process.events
    assert next(events).data == "ready\n"
    process.signal("SIGTERM")
    assert next(events).data == "told\n"
    assert process.wait().exit_code == 7
    other = session.start(["sleep", "300"])
    other.kill()
    assert other.wait().signal == "SIGKILL"
    with pytest.raises(InvalidRequest):
        other.signal("SIGNOTHING")


def test_events_may_be_let_go_after_the_end(isolation: Isolation) -> None:
    with CodeExecutor(isolation=isolation.name) as own, own.session("bash") as session:
        events = session.start(["echo", "some"]).events
        assert next(events).data == "some\n"
    events.close()  # type: ignore[attr-defined]


def test_nobody_need_read_what_a_process_writes(session: Session) -> None:
    process = session.start("yes | head -c 3000000; echo end")
    done = process.wait()
    assert done.status == "success"
    assert done.truncated.stdout
    assert done.stdout.endswith("end\n")
    assert len(done.stdout_bytes) == 1 << 20


def test_a_process_may_have_a_terminal(session: Session) -> None:
    process = session.start(["bash", "--norc"], terminal=True, size=(90, 30))
    process.stdin.write("tty; stty size\n")
    text = ""
    for event in process.events:
        text += event.data
        if "30 90" in text:
            break
    assert "/dev/pts/" in text
    process.resize(100, 40)
    process.stdin.write("stty size; exit 5\n")
    assert process.wait().exit_code == 5
    with pytest.raises(InvalidRequest):
        session.start(["true"]).resize(1, 1)


def test_what_is_no_content_no_path_and_no_size_is_refused(session: Session) -> None:
    wrong: Any = [3, None, iter([3]), [b"x", None], "\ud800"]
    for data in wrong:
        with pytest.raises(InvalidRequest, match="data"):
            session.files.write("file", data)
    assert not session.files.exists("file")
    nothing: Any = 3
    with pytest.raises(InvalidRequest, match="source"):
        session.files.upload(nothing)
    session.files.write("file", iter([b"a", b"b"]))
    for where in (nothing, "a\0b"):
        with pytest.raises(InvalidRequest, match="to"):
            session.files.download("file", where)
    sizes: Any = ["80x24", 80, (80,), (80, 24, 1), None, ("80", "24"), (0, 0)]
    for size in sizes:
        with pytest.raises(InvalidRequest, match="size"):
            session.start("true", terminal=True, size=size)


def test_a_bound_on_the_processes_of_all_holds(
    executor: CodeExecutor, isolation: Isolation
) -> None:
    if not isolation.kernel.counts_processes:
        pytest.skip("the host counts the threads of the whole sandbox")
    limits = ResourceLimits(pids=12)
    with executor.session("bash", isolation=isolation.name, limits=limits) as opened:
        beside = opened.start("for i in 1 2 3 4 5 6; do sleep 300 & done; echo begun; wait")
        assert next(beside.events).data == "begun\n"
        done = opened.command("for i in 1 2 3 4 5 6; do sleep 1 & done; wait", timeout=10)
        assert "fork" in done.stderr
        assert opened.command("true").status == "success"


def test_memory_of_all_together_is_bounded(executor: CodeExecutor, isolation: Isolation) -> None:
    limits = ResourceLimits(memory=96 << 20)
    with executor.session("bash", isolation=isolation.name, limits=limits) as opened:
        done = opened.command("x=$(head -c 200M /dev/zero | tr '\\0' x); echo ${#x}", timeout=20)
        assert "200" not in done.stdout
        if isolation.kernel.memory:  # the sandbox's own kernel went with it
            assert done.status == "memory_limit"
            with pytest.raises(SandboxLost, match="memory"):
                opened.command("true")
            return
        assert done.status in ("memory_limit", "failed", "signaled")
        assert opened.command("echo on").stdout == "on\n"


@pytest.mark.promise("SES-3")
def test_it_ends_when_it_is_idle(executor: CodeExecutor, isolation: Isolation) -> None:
    opened = executor.open_session("bash", isolation=isolation.name)
    opened.start(["sleep", "300"])
    opened.update(idle_timeout=0.1)
    while opened.state != "closed":
        time.sleep(0.02)
    with pytest.raises(SessionClosed) as caught:
        opened.command("true")
    assert caught.value.reason == "idle"


@pytest.mark.promise("SES-3")
def test_it_ends_after_its_lifetime_whatever_runs(
    executor: CodeExecutor, isolation: Isolation
) -> None:
    opened = executor.open_session("bash", isolation=isolation.name)
    opened.update(expires_in=1.0)
    with pytest.raises(SessionClosed) as caught:
        opened.command("trap '' TERM INT HUP; (setsid sleep 300 &) ; while :; do sleep 1; done")
    assert caught.value.reason == "lifetime"
    assert opened.state == "closed"


def test_it_can_be_extended(executor: CodeExecutor, isolation: Isolation) -> None:
    with executor.session("bash", isolation=isolation.name, max_lifetime=30) as opened:
        before = opened.expires_at
        opened.update(idle_timeout=600, metadata={"who": "me"})
        opened.extend(300)
        assert (opened.expires_at - before).total_seconds() > 200
        longer = opened.expires_at
        opened.extend(10)
        assert opened.expires_at >= longer
        opened.update(expires_in=100)
        assert (opened.expires_at - before).total_seconds() < 200
        assert (opened.idle_timeout, opened.metadata) == (600, {"who": "me"})


def test_a_closed_one_says_so(executor: CodeExecutor, isolation: Isolation) -> None:
    opened = executor.open_session("bash", isolation=isolation.name)
    assert [item.id for item in executor.sessions()].count(opened.id) == 1
    process = opened.start(["sleep", "300"])
    opened.close()
    opened.close()
    for act in (
        lambda: opened.command("true"),
        lambda: opened.files.list(),
        lambda: opened.run("1"),
        lambda: opened.pause(),
        process.wait,
    ):
        with pytest.raises(SessionClosed) as caught:
            act()
        assert caught.value.reason == "closed"
    assert opened.id not in [item.id for item in executor.sessions()]


def test_it_stands_still_while_it_is_paused(session: Session) -> None:
    session.start("while :; do date +%s%N > clock; done")
    while not session.files.exists("clock"):
        pass
    session.pause()
    states = [session.state]
    assert session.command("echo on").stdout == "on\n"  # what is asked of it resumes it
    states.append(session.state)
    assert states == ["paused", "running"]


def test_several_threads_may_use_one(session: Session) -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda n=n: found.append(session.command(f"echo {n}").stdout))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [f"{n}\n" for n in range(8)]


def test_code_that_is_followed_tells_its_events(session: Session) -> None:
    events = list(session.stream("echo one; echo two >&2"))
    assert events[-1].type == "result"
    assert events[-1].result is not None
    assert events[-1].result.status == "success"
    assert "".join(event.data for event in events if event.type == "stdout") == "one\n"
    assert "".join(event.data for event in events if event.type == "stderr") == "two\n"


COUNTING = {
    "c": """#include <stdio.h>
int main(void)
{
    FILE *kept = fopen("kept", "a+");
    for (int c; (c = getc(kept)) != EOF;)
        putchar(c);
    return fputc('a', kept) == EOF;
}
""",
    "go": """package main
import ("fmt"; "os")
func main() {
	data, _ := os.ReadFile("kept")
	fmt.Print(string(data))
	os.WriteFile("kept", []byte("a"), 0o644)
}
""",
}


def test_a_compiled_language_runs_piece_by_piece(
    executor: CodeExecutor, isolation: Isolation, request: pytest.FixtureRequest
) -> None:
    """Go, whose library is compiled first, once for each machine and image, is for the night."""
    nightly = request.config.getoption("nightly")
    for language, code in COUNTING.items() if nightly else [("c", COUNTING["c"])]:
        with executor.session(language, isolation=isolation.name, timeout=60) as opened:
            first = opened.run(code)
            assert (first.stdout, first.status) == ("", "success")
            second = opened.run(code)
            assert (second.stdout, second.status, second.execution_count) == ("a", "success", 2)
            assert opened.run(f"{code} x").status == "compile_error"


def test_a_snapshot_that_is_not_there_is_the_callers_mistake(
    executor: CodeExecutor, isolation: Isolation
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        executor.open_session("bash", isolation=isolation.name, snapshot="no-such")
    assert caught.value.field == "snapshot"
    assert list(executor.sessions()) == []
