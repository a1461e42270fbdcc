"""The real init, unsealed, over a socket: what it answers to every request."""

from __future__ import annotations

import os
import shutil
import struct
import sys
import time
from pathlib import Path

import anyio
import pytest
from tests.support import host
from tests.support.guest import TOKEN, frame
from tests.support.init import Init, init_in

from drybox.execution.phases import source_of
from drybox.guest.frames import GuestExecError, GuestFileError, GuestGone
from drybox.job import WORK_DIR, Command, File
from drybox.model import ResourceLimits, Stream

pytestmark = pytest.mark.anyio

PYTHON = os.path.realpath(shutil.which("python3", path=os.defpath) or sys.executable)
"""One that anybody may start: the one that runs the tests may be in somebody's home."""


# --- files ----------------------------------------------------------------------------------


async def test_files_are_placed_with_their_modes_and_folders(init: Init, tmp_path: Path) -> None:
    big = os.urandom(200_001)
    await init.guest.put([File("a/b/c.bin", big, 0o755), File("é", b""), File("a/d", b"1")])
    await init.guest.put([File("later", b"2")])
    assert (tmp_path / "a/b/c.bin").read_bytes() == big
    assert (tmp_path / "a/b/c.bin").stat().st_mode & 0o7777 == 0o755
    assert (tmp_path / "later").stat().st_mode & 0o7777 == 0o644
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "later", "é"]


@pytest.mark.parametrize(
    ("path", "words"),
    [("old", "File exists"), ("old/x", "Not a directory"), ("link", "File exists")],
)
async def test_nothing_that_is_there_is_written_over(
    init: Init, tmp_path: Path, path: str, words: str
) -> None:
    (tmp_path / "old").write_text("kept")
    (tmp_path / "link").symlink_to("old")
    with pytest.raises(GuestFileError, match=words):
        await init.guest.put([File("x", b"1"), File(path, b"new"), File(path, b"again")])
    assert (tmp_path / "old").read_text() == "kept"
    await init.guest.put([File("y", b"2")])
    assert (tmp_path / "y").read_text() == "2"


async def test_regular_files_come_back_and_nothing_else(init: Init, tmp_path: Path) -> None:
    big = os.urandom(100_000)
    (tmp_path / "d").mkdir()
    (tmp_path / "d/big").write_bytes(big)
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "link").symlink_to("/etc/passwd")
    (tmp_path / "folder").symlink_to("/etc")
    os.mkfifo(tmp_path / "fifo")
    Path(os.fsdecode(bytes(tmp_path) + b"/\xff")).write_bytes(b"odd")
    found = await init.guest.get(["**", "n*/**"], 1 << 20)
    assert found.files == {"d/big": big, "empty": b"", "\\xff": b"odd"}
    assert sorted(found.left_out) == [
        "'fifo' is a named pipe",
        "'folder' is a symbolic link, which is not followed",
        "'link' is a symbolic link, which is not followed",
    ]
    assert found.unmatched == ["n*/**"]
    large = await init.guest.get(["d/*", "empty"], 99_999)
    assert large.files == {"empty": b""}
    assert list(large.left_out) == ["'d/big' is 100,000 bytes, and all together may be 99,999"]


async def test_what_lies_deep_comes_and_what_lies_deeper_is_told(
    init: Init, tmp_path: Path
) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    for depth in range(300):
        if depth in (100, 255, 257):
            os.close(os.open("x", os.O_CREAT, 0o600, dir_fd=folder))
        os.mkdir("d", dir_fd=folder)
        below = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    os.close(folder)
    found = await init.guest.get(["**"], 100)
    assert set(found.files) == {"d/" * 100 + "x", "d/" * 255 + "x"}
    (told,) = found.left_out
    assert told.endswith("is a folder that is too deep to be looked into")
    assert len(told) < 300
    assert not (await init.guest.get(["*.txt"], 100)).left_out


async def test_links_to_what_was_installed_are_not_the_programs(init: Init, tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to("/build/packages/node_modules")
    (tmp_path / "mine").symlink_to("/builder")
    assert list((await init.guest.get(["**"], 100)).left_out) == [
        "'mine' is a symbolic link, which is not followed"
    ]


async def test_a_listing_ends_and_says_so(init: Init, tmp_path: Path) -> None:
    for index in range(100_010):
        os.close(os.open(tmp_path / f"{index}", os.O_CREAT, 0o600))
    found = await init.guest.get(["none"], 100)
    assert list(found.left_out) == ["there are too many files to look at them all"]
    assert found.unmatched == ["none"]


async def test_a_file_that_became_a_link_is_not_followed(init: Init, tmp_path: Path) -> None:
    (tmp_path / "d").symlink_to("/etc")
    (tmp_path / "f").symlink_to("/etc/passwd")
    for path in (b"d/passwd", b"f"):
        await init.stream.send(frame(b"G", struct.pack("<Q", 1 << 20) + path))
        assert await init.stream.receive() == frame(b"e", bytes(3))


async def test_a_file_larger_than_asked_is_cut_and_said_not_to_be_whole(
    init: Init, tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(b"12345")
    (tmp_path / "f").chmod(0o640)
    for most, whole in ((4, b"\0\xa0\1"), (5, b"\1\xa0\1"), (6, b"\1\xa0\1")):
        await init.stream.send(frame(b"G", struct.pack("<Q", most) + b"f"))
        answer = b""
        while not answer.endswith(frame(b"e", whole)):
            answer += await init.stream.receive()
        assert answer in (frame(b"e", whole), frame(b"d", b"12345") + frame(b"e", whole))
        assert whole.startswith(b"\1") == answer.startswith(b"d")


# --- running --------------------------------------------------------------------------------


async def test_a_command_has_its_output_and_code_and_no_more(init: Init) -> None:
    end, out, err = await init.run('echo out; echo "$PPID $X" >&2; exit 7', env={"X": "é"})
    assert (end.code, end.signal, end.timed_out) == (7, None, False)
    assert (out, err) == (b"out\n", "1 é\n".encode())
    assert 0 < end.wall_time < 20
    assert 0 <= end.cpu_time < 20


async def test_commands_run_one_after_the_other(init: Init) -> None:
    for number in range(3):
        end, out, _ = await init.run(f"echo {number} $$ > f; cat f; exit {number}")
        assert (end.code, out.split()[0]) == (number, b"%d" % number)
        await init.guest.kill()  # too late, and harmless


async def test_a_death_by_signal_is_told(init: Init) -> None:
    end, _, _ = await init.run("kill -SEGV $$")
    assert (end.code, end.signal, end.timed_out) == (None, 11, False)


async def test_output_comes_whole_whatever_its_size(init: Init) -> None:
    script = "head -c 1000000 /dev/zero; head -c 300000 /dev/zero >&2"
    end, out, err = await init.run(script)
    assert (end.code, len(out), len(err)) == (0, 1_000_000, 300_000)


async def test_output_byte_by_byte_comes_in_few_pieces_and_its_first_byte_at_once(
    init: Init,
) -> None:
    code = (
        "import os, time\nos.write(2, str(time.monotonic()).encode())\ntime.sleep(0.5)\n"
        "for _ in range(4000): os.write(1, b'x'); time.sleep(0.0001)"
    )
    pieces: list[int] = []
    began = first = 0.0

    async def sink(stream: Stream, data: bytes) -> None:
        nonlocal began, first
        if stream == "stderr":
            began, first = float(data), time.monotonic()
        else:
            pieces.append(len(data))

    command = Command((PYTHON, "-c", code), ResourceLimits(), 30.0)
    end = await init.guest.exec(command, {}, sink, None)
    assert (end.code, sum(pieces)) == (0, 4000)
    assert len(pieces) < 40 + end.wall_time / 0.001
    assert first - began < 0.4  # it did not wait for what came after it


async def test_bytes_to_both_streams_in_turns_come_in_few_pieces_and_each_streams_order(
    init: Init,
) -> None:
    code = (
        "import os, time\n"
        "for n in range(20000):\n"
        " for fd in (1, 2): os.write(fd, b'%06d' % n)\n"
        "for n in range(8):\n"
        " time.sleep(0.2)\n"
        " os.write(1 + n % 2, b' %f' % time.monotonic())\n"
    )
    pieces = 0
    output = {"stdout": b"", "stderr": b""}
    late: list[float] = []

    async def sink(stream: Stream, data: bytes) -> None:
        nonlocal pieces
        pieces += 1
        output[stream] += data
        if b" " in data:
            late.append(time.monotonic() - float(data.rpartition(b" ")[2]))

    command = Command((PYTHON, "-c", code), ResourceLimits(), 30.0)
    end = await init.guest.exec(command, {}, sink, None)
    written = b"".join(b"%06d" % number for number in range(20000))
    assert end.code == 0
    assert [text.partition(b" ")[0] for text in output.values()] == [written] * 2
    assert pieces < 40 + 900 * (end.wall_time - 1.5)
    assert min(late) < 0.01


@pytest.mark.parametrize("errors", [0, 40_000])
async def test_who_reads_late_gets_everything_and_the_end(init: Init, errors: int) -> None:
    """Whatever is still in the pipes, in init and on the way when the program is dead."""

    def is_dead() -> bool:
        alive = {process.cmdline[0] for process in host.descendants(init.pid) if process.cmdline}
        return not alive & {"/bin/sh", "head"}

    deaths = 0
    for size in range(100_000, 800_000, 10_000):
        has_waited = died = False
        received = {"stdout": 0, "stderr": 0}

        async def sink(stream: Stream, data: bytes) -> None:
            nonlocal has_waited, died
            if not has_waited:
                has_waited = True
                died = await anyio.to_thread.run_sync(host.eventually, is_dead, 1.0)
            received[stream] += len(data)  # noqa: B023 - it has ended before the next round

        script = f"head -c {errors} /dev/zero >&2; exec head -c {size} /dev/zero"
        command = Command(("/bin/sh", "-c", script), ResourceLimits(), 20.0)
        with anyio.fail_after(10.0):
            end = await init.guest.exec(command, {"PATH": "/usr/bin:/bin"}, sink, None)
        assert (end.code, received) == (0, {"stdout": size, "stderr": errors})
        if not died:  # there is no room for so much while nobody reads
            break
        deaths += 1
    assert deaths


async def test_input_comes_whole_and_ends(init: Init) -> None:
    data = os.urandom(500_000)
    end, out, _ = await init.run("cat", stdin=source_of(data))
    assert (end.code, out) == (0, data)
    assert (await init.run("cat"))[1] == b""


async def test_input_that_nobody_reads_holds_nothing_up(init: Init) -> None:
    assert (await init.run("exit 4", stdin=source_of(bytes(1 << 20))))[0].code == 4
    script = "exec <&-; echo closed"
    assert (await init.run(script, stdin=source_of(bytes(1 << 20))))[1] == b"closed\n"


async def test_the_deadline_kills_the_whole_tree(init: Init) -> None:
    script = "echo begun; setsid sleep 60 & sleep 60"
    end, out, _ = await init.run(script, timeout=0.1)
    assert (end.code, end.signal, end.timed_out) == (None, 9, True)
    assert out == b"begun\n"
    assert 0.1 <= end.wall_time < 10


async def test_a_programs_end_is_its_daemons_end(init: Init) -> None:
    end, out, _ = await init.run("(setsid sh -c 'sleep 60; echo late' &) ; echo done; exit 3")
    assert (end.code, out) == (3, b"done\n")
    _, out, _ = await init.run("ls -d /proc/[0-9]* | wc -l")
    assert int(out) <= 5  # init, the shell and the pipe


async def test_a_kill_ends_the_command(init: Init) -> None:
    async def sink(stream: Stream, data: bytes) -> None:
        await init.guest.kill()

    command = Command(("/bin/sh", "-c", "echo; exec sleep 60"), ResourceLimits(), 50.0)
    with anyio.fail_after(20.0):
        end = await init.guest.exec(command, {}, sink, None)
    assert (end.signal, end.timed_out) == (9, False)


@pytest.mark.parametrize(
    ("argv", "cwd", "words"),
    [
        (("nothing-of-that-name",), None, "No such file"),
        (("/etc/passwd",), None, "Permission denied"),
        (("/bin/sh",), "/nowhere", "No such file"),
    ],
)
async def test_what_cannot_be_started_says_why_and_the_next_one_runs(
    init: Init, tmp_path: Path, argv: tuple[str, ...], cwd: str | None, words: str
) -> None:
    await init.guest.put([File("/etc/passwd", b"")] if argv[0] == "/etc/passwd" else [])
    with pytest.raises(GuestExecError, match=words):
        await init.guest.exec(Command(argv, ResourceLimits(), 9.0, cwd=cwd), {}, _drop, None)
    assert (await init.run("exit 5"))[0].code == 5


async def test_a_program_starts_clean(init: Init) -> None:
    script = "ulimit -n; ulimit -c; umask; pwd; ls /proc/$$/fd; env"
    _, out, _ = await init.run(script, open_files=33, env={"PATH": "/usr/bin", "A": "1"})
    lines = out.decode().split()
    assert lines[:4] == ["33", "0", "0022", WORK_DIR]
    assert set(lines[4:]) <= {"0", "1", "2", "10", "A=1", "PATH=/usr/bin", "PWD=/sandbox"}


# --- who it is --------------------------------------------------------------------------------


async def test_sealed_it_marks_every_answer_with_the_token_and_no_request(init: Init) -> None:
    await init.stream.send(frame(b"S", TOKEN) + frame(b"L"))
    answer = b""
    while not answer.endswith(frame(b"f", b"", TOKEN)):
        answer += await init.stream.receive()
    assert answer == frame(b"R", b"", TOKEN) + frame(b"f", b"", TOKEN)


async def test_nothing_of_its_environment_is_left_but_a_copy_of_path(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TESTS_SECRET", "secret")
    keeping = [word for word in command if word != "--clearenv"]
    async with init_in(tmp_path, keeping) as init:
        _, environment, _ = await init.run("tr -d '\\0' < /proc/1/environ; echo; env")
    before, _, after = environment.partition(b"\n")
    assert before == b""
    assert b"secret" not in after


async def test_a_program_has_a_session_and_a_group_of_its_own(init: Init) -> None:
    _, stat, _ = await init.run("cut -d' ' -f1,5,6 /proc/$$/stat")
    assert len(set(stat.split())) == 1


# --- ends -----------------------------------------------------------------------------------


async def test_the_hosts_end_is_its_end(init: Init) -> None:
    await init.stream.send_eof()
    assert await init.ended() == (0, "")


async def test_the_hosts_end_ends_a_running_program_too(init: Init) -> None:
    await init.stream.send(frame(b"X", _exec("/bin/sleep", "60")))
    assert await init.stream.receive() == frame(b"B")
    await init.stream.aclose()
    assert (await init.ended())[1] == ""


def _exec(*argv: str) -> bytes:
    words = b"".join(word.encode() + b"\0" for word in ("/", *argv))
    return struct.pack("<IIIIII", 60_000, 256, 64, 0, len(argv), 0) + words


@pytest.mark.parametrize(
    "request_",
    [
        frame(b"?"),
        b"P" + struct.pack("<I", (1 << 20) + 1),
        b"P\xff\xff\xff\xff",
        frame(b"P", b"\0\0"),
        frame(b"P", b"\0\0" + b"x" * 4096),
        frame(b"G", bytes(8)),
        frame(b"G", bytes(8) + b"x" * 4096),
        frame(b"g", bytes(8)),
        frame(b"X", bytes(25)),
        frame(b"X", struct.pack("<IIIIII", 1, 1, 1, 0, 0, 0) + b"/\0x\0"),
        frame(b"X", struct.pack("<IIIIII", 1, 1, 1, 0, 9, 0) + b"/\0x\0"),
        frame(b"X", struct.pack("<IIIIII", 1, 1, 1, 0, 2**32 - 1, 2**32 - 1) + b"/\0x\0"),
        frame(b"X", struct.pack("<IIIIII", 1, 1, 1, 0, 1, 2**32 - 9) + b"/\0x\0"),
        frame(b"X", struct.pack("<IIIIII", 1, 1, 1, 0, 1, 0) + b"/\0x"),
        frame(b"S", bytes(15)),
        frame(b"S", bytes(16 + 7)),
        frame(b"M", bytes(11)),
        frame(b"X", _exec("/bin/sleep", "60")) + frame(b"L"),
        frame(b"X", _exec("/bin/sleep", "60")) + frame(b"I", bytes(60_000)) * 4,
    ],
    ids=lambda value: f"{value[:1]!r}{len(value)}",
)
async def test_a_malformed_request_ends_it_with_the_reason(init: Init, request_: bytes) -> None:
    await init.stream.send(request_)
    code, words = await init.ended()
    assert code == 1
    assert words.startswith("drybox-init: ")
    with pytest.raises(GuestGone):
        await init.run("true")


async def _drop(stream: Stream, data: bytes) -> None:
    """Takes output nobody looks at."""
