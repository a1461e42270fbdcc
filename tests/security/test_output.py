"""Attacks with output: floods, streams that are closed or swapped, and forged results."""

from __future__ import annotations

import contextlib
import subprocess
import time

import pytest
from tests.support import host
from tests.support.attack import TIMEOUT, attack, drybox_run, new_marker, probe, source, watched
from tests.support.identity import REPO, Runner

from drybox import ResourceLimits
from drybox.guest.connection import TOKEN
from drybox.guest.frames import END

MIB = 1 << 20


def frame(kind: bytes, payload: bytes, token: bytes = b"") -> bytes:
    """A frame as a sandbox's init sends it to drybox; see ``drybox.guest.connection``."""
    return kind + len(payload).to_bytes(4, "little") + token + payload


GUESS = bytes(TOKEN)
END_WITH_0 = frame(b"Z", bytes(END.size))
FORGED = frame(b"2", b"forged") + frame(b"F", bytes(8) + b"forged") + END_WITH_0 * 3
GUESSED = frame(b"1", b"forged", GUESS) + frame(b"Z", bytes(END.size), GUESS)


@pytest.mark.promise("ISO-16")
@pytest.mark.parametrize("streams", [(1,), (2,), (1, 2)])
def test_output_flood_is_cut_and_does_not_fill_drybox(
    runner: Runner, streams: tuple[int, ...]
) -> None:
    limit = MIB
    flood = attack(
        f"""
        piece = b"x" * (1 << 16)
        while True:
            for stream in {streams!r}:
                os.write(stream, piece)
        """,
        limits=ResourceLimits(output=limit),
    )
    before = host.resident(runner.pid)

    result, figures = watched(runner, flood, "memory", lambda _: host.resident(runner.pid))

    assert result.status == "output_limit"
    written = {1: result.stdout_bytes, 2: result.stderr_bytes}
    assert limit in [len(written[stream]) for stream in streams]
    assert all(len(data) <= limit and set(data) <= {ord("x")} for data in written.values())
    assert max(size for _, size in figures) < before + 32 * MIB


@pytest.mark.promise("ISO-16")
@pytest.mark.parametrize("flooded", ["its reader", "the program"])
def test_a_side_that_takes_nothing_does_not_fill_drybox(runner: Runner, flooded: str) -> None:
    marker = new_marker()
    flood = 'while True:\n    os.write(1, b"x" * 65536)'
    code = source(flood if flooded == "its reader" else "while True:\n    pass")
    timeout = "2s" if runner.isolation.shows_processes else "8s"  # looking takes its time
    words = ["-l", "python", "--timeout", timeout, "--output", "1g", "-c", code, "--", marker]
    argv, env = runner.command([*drybox_run(runner), *words])
    sizes: list[int] = []

    def runs() -> bool:
        is_shown = runner.isolation.shows_processes
        return bool(host.confined(marker)) if is_shown else runner.isolation.runs(marker)

    def has_ended() -> bool:
        with contextlib.suppress(KeyError):  # it may have ended by itself
            sizes.append(host.resident(drybox.pid))
        return not runs()

    with (
        open("/dev/zero", "rb") as endless,
        subprocess.Popen(argv, env=env, cwd=REPO, stdin=endless, stdout=subprocess.PIPE) as drybox,
    ):
        assert host.eventually(runs, TIMEOUT)
        assert host.eventually(has_ended, TIMEOUT)
        drybox.communicate(timeout=TIMEOUT)

    assert drybox.returncode == 124
    assert max(sizes) < 96 * MIB


@pytest.mark.promise("ISO-16")
def test_output_flood_of_many_children_is_cut(runner: Runner) -> None:
    flood = attack(
        """
        for _ in range(4):
            os.fork()
        while True:
            os.write(1, b"x" * 4096)
        """,
        limits=ResourceLimits(output=1000),
    )

    result = runner.execute(flood)

    assert (result.status, result.stdout_bytes) == ("output_limit", b"x" * 1000)


def test_closed_streams_do_not_end_the_run_early(runner: Runner) -> None:
    closed = attack(
        """
        answer("begun")
        for stream in (0, 1, 2):
            os.close(stream)
        child(lambda: os._exit(0))
        os.wait()
        os._exit(7)
        """
    )

    result = runner.execute(closed)

    assert (result.status, result.exit_code, result.stdout) == ("failed", 7, '"begun"\n')


def test_stdout_onto_stderr_is_stderr(runner: Runner) -> None:
    swapped = attack(
        """
        saved = os.dup(1)
        os.dup2(2, 1)
        os.write(1, b"err")
        os.dup2(saved, 2)
        os.write(2, b"out")
        """
    )

    result = runner.execute(swapped)

    assert (result.stdout, result.stderr) == ("out", "err")


@pytest.mark.promise("ISO-17")
def test_output_after_the_program_has_ended_is_bounded_by_its_end(runner: Runner) -> None:
    late = attack(
        """
        def write_for_ever():
            while True:
                os.write(1, b"late\\n")

        answer("begun")
        child(write_for_ever)
        """,
        timeout=60,
    )
    started = time.monotonic()

    result = runner.execute(late)

    assert result.status in ("success", "output_limit")
    assert result.stdout.startswith('"begun"\n')
    assert time.monotonic() - started < 30


def test_a_reader_that_waits_for_the_end_of_output_does_not_wait_for_orphans(
    runner: Runner,
) -> None:
    silent = attack("child(signal.pause)\nanswer('ended')", timeout=60)
    started = time.monotonic()

    result = runner.execute(silent)

    assert (result.status, result.stdout) == ("success", '"ended"\n')
    assert time.monotonic() - started < 30


@pytest.mark.promise("ISO-18")
def test_frames_of_drybox_in_the_output_are_just_output(runner: Runner) -> None:
    forger = attack(
        f"""
        for stream in (1, 2):
            os.write(stream, {FORGED!r})
        os._exit(3)
        """,
        artifacts=["*"],
    )

    result = runner.execute(forger)

    assert (result.status, result.exit_code) == ("failed", 3)
    assert result.stdout_bytes == FORGED
    assert result.stderr_bytes == FORGED
    assert set(result.artifacts) == {"main.py"}


@pytest.mark.promise("ISO-18")
def test_no_descriptor_of_the_program_leads_to_init(runner: Runner) -> None:
    forger = attack(
        f"""
        mine = {{os.stat(fd).st_ino for fd in (0, 1, 2)}}
        for fd in range(3, 64):
            attempt(os.write, fd, {END_WITH_0!r})
        answer(len(mine))
        os._exit(3)
        """
    )

    result = runner.execute(forger)

    assert (result.status, result.exit_code, result.stdout) == ("failed", 3, "3\n")


@pytest.mark.promise("ISO-18")
def test_inits_own_streams_cannot_be_opened(runner: Runner) -> None:
    opened, seen = probe(
        runner,
        """
        ways = (os.O_RDONLY, os.O_WRONLY, os.O_RDWR)
        opened = [attempt(os.open, f"/proc/1/fd/{fd}", way) for fd in range(8) for way in ways]
        seen = [attempt(os.listdir, path) for path in ("/proc/1/fd", "/proc/1/fdinfo")]
        seen += [attempt(os.readlink, f"/proc/1/fd/{fd}") for fd in range(8)]
        answer([sorted(set(opened)), sorted(set(seen))])
        """,
    )

    if "fd" not in runner.isolation.kernel.init_shows:
        assert opened == seen == ["EACCES"]


@pytest.mark.promise("ISO-18")
@pytest.mark.parametrize(
    "words", [END_WITH_0, FORGED, GUESSED, b"x"], ids=["an end", "answers", "a guess", "noise"]
)
def test_what_is_written_to_inits_streams_is_no_result(runner: Runner, words: bytes) -> None:
    forger = attack(
        f"""
        answer("begun")
        for fd in range(8):
            attempt(lambda: open(f"/proc/1/fd/{{fd}}", "wb", 0).write({words!r}))
        attempt(lambda: open("/proc/1/fd/1", "rb", 0).read(1))
        os._exit(3)
        """
    )

    result = runner.execute(forger)

    assert "forged" not in result.stdout
    if "fd" in runner.isolation.kernel.init_shows:
        assert result.status == "sandbox_error"
        assert result.error is not None
        assert "wrote into the stream" in result.error.message
    else:
        assert (result.status, result.exit_code) == ("failed", 3)


def test_output_of_every_byte_arrives_as_it_was_written(runner: Runner) -> None:
    every = bytes(range(256)) * 64

    result = runner.execute(attack("os.write(1, bytes(range(256)) * 64)\nos.write(2, b'\\0')"))

    assert (result.stdout_bytes, result.stderr_bytes) == (every, b"\0")


def test_the_pipes_of_the_program_lead_to_no_other_process(runner: Runner) -> None:
    # A write end of its own stdin, opened through /proc, may feed the program itself and no more.
    read = probe(
        runner,
        """
        with open("/proc/self/fd/0", "wb", 0) as end:
            end.write(b"own")
        answer(os.read(0, 100).decode())
        """,
        stdin=b"given ",
    )

    assert read in ("given own", "given ", "own")
