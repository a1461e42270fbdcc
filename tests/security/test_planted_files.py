"""Attacks with files that a program leaves for whoever touches them after it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.attack import attack, drybox_run, run_as, source
from tests.support.identity import Runner

from drybox import ExecutionRequest, InvalidRequest, ResourceLimits

pytestmark = pytest.mark.promise("ISO-23")

PLANTS = {
    "link to a file": "os.symlink({canary!r}, name)",
    "link to a folder": "os.symlink('/tmp', name)",
    "dangling link": "os.symlink('/nowhere', name)",
    "link to itself": "os.symlink(name, name)",
    "FIFO": "os.mkfifo(name)",
    "folder": "os.mkdir(name)",
    "socket": "socket.socket(socket.AF_UNIX).bind(name)",
    "link to a device": "os.symlink('/dev/zero', name)",
    "unreadable file": "os.close(os.open(name, os.O_CREAT, 0))",
}

NAMES = ("main.py", "main", "main.js", "Main.java", "main.go", "go.mod", "stdin", "run.sh")

FETCHED: dict[str, tuple[str, dict[str, bytes]]] = {
    "a link to a file of the host": ("os.symlink('/etc/passwd', 'it')", {}),
    "a link to a file of its own": ("os.symlink('main.py', 'it')", {}),
    "a link to init's memory": ("os.symlink('/proc/1/mem', 'it')", {}),
    "a link to an endless device": ("os.symlink('/dev/zero', 'it')", {}),
    "a linked parent": ("os.symlink('/etc', 'it')", {}),
    "a linked parent of its own": (
        "os.mkdir('d')\nopen('d/it', 'w').close()\nos.symlink('d', 'it')",
        {"d/it": b""},
    ),
    "a link up": ("os.symlink('..', 'it')", {}),
    "a FIFO": ("os.mkfifo('it')", {}),
    "a socket": ("socket.socket(socket.AF_UNIX).bind('it')", {}),
    "an unreadable file": ("os.close(os.open('it', os.O_CREAT, 0))", {}),
    "an unreadable folder": ("os.mkdir('it')\nopen('it/x', 'w').close()\nos.chmod('it', 0)", {}),
    "a hard link": (
        "attempt(os.link, '/etc/passwd', 'it')\nattempt(os.link, '/bin/sh', 'it')\n"
        "open('one', 'w').write('1')\nos.link('one', 'two')",
        {"one": b"1", "two": b"1"},
    ),
    "a deep path": (
        "for _ in range(1000):\n    os.mkdir('it')\n    os.chdir('it')\nopen('x', 'w').close()",
        {},
    ),
    "long names": (
        "name = 'n' * 255\nfor _ in range(20):\n    os.mkdir(name)\n    os.chdir(name)\n"
        "open('x', 'w').close()",
        {},
    ),
    "names that are no text": (
        "open(b'\\xff\\xfe', 'w').close()\nopen(b'new\\nline', 'w').close()\n"
        "open(b'\\x1b[31m', 'w').close()\nopen(b'..\\\\it', 'w').close()",
        {"\\xff\\xfe": b"", "new\nline": b"", "\x1b[31m": b"", "..\\it": b""},
    ),
    "thousands of files": (
        "for index in range(5000):\n    open(f'it{index}', 'w').close()",
        {f"it{index}": b"" for index in range(5000)},
    ),
}


@pytest.fixture
def folder(runner: Runner) -> Iterator[Path]:
    """A folder of the host that belongs to drybox's user."""
    path = Path(tempfile.mkdtemp(prefix="drybox-test-"))
    os.chown(path, runner.uid, runner.uid)
    yield path
    shutil.rmtree(path)


@pytest.mark.parametrize("plant", PLANTS)
def test_what_a_run_planted_does_not_touch_the_next(
    runner: Runner, canary: Path, plant: str
) -> None:
    planted = attack(
        f"""
        for folder in ("/sandbox", "/tmp", "/build"):
            os.chdir(folder)
            for name in {NAMES!r}:
                attempt(os.unlink, name)
                {PLANTS[plant].format(canary=str(canary))}
        answer(sorted(os.listdir("/sandbox")))
        """
    )
    look = attack("answer([sys.stdin.read(), sorted(os.listdir('.'))])", stdin=b"given")

    first = runner.execute(planted)
    second = runner.execute(look)

    assert (first.status, json.loads(first.stdout)) == ("success", sorted(NAMES)), first.stderr
    assert (second.status, second.stdout) == ("success", '["given", ["main.py"]]\n')


@pytest.mark.parametrize("what", FETCHED)
def test_fetching_artifacts_follows_nothing_and_comes_to_an_end(runner: Runner, what: str) -> None:
    plant, expected = FETCHED[what]
    started = time.monotonic()

    result = runner.execute(attack(plant, artifacts=["**"]))

    assert result.status == "success", result.stderr
    found = dict(result.artifacts)
    assert b"answer(" in found.pop("main.py")
    assert found == expected
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("size", [1 << 50, (1 << 63) - 4096, 200 << 20])
def test_a_sparse_file_is_refused_and_not_read(runner: Runner, size: int) -> None:
    sparse = attack(
        f"""
        open("sparse", "w").close()
        answer(attempt(os.truncate, "sparse", {size}))
        """,
        artifacts=["sparse"],
    )
    started = time.monotonic()

    result = runner.execute(sparse)

    assert (result.status, result.artifacts) == ("success", {})
    if result.stdout == '"allowed"\n':
        assert result.error is not None
        assert result.error.type == "artifacts"
    assert time.monotonic() - started < 20


def test_a_file_that_is_swapped_for_a_link_all_the_time_gives_nothing_of_the_host(
    runner: Runner,
) -> None:
    swapper = attack(
        """
        def swap():
            os.setsid()
            while True:
                open("own", "w").close()
                os.rename("own", "it")
                os.symlink("/etc/passwd", "link")
                os.rename("link", "it")

        child(swap)
        while not os.path.islink("it"):
            pass
        """,
        artifacts=["it"],
    )

    for _ in range(5):
        result = runner.execute(swapper)

        assert result.status == "success", result.stderr
        assert result.artifacts in ({}, {"it": b""})


def test_many_sparse_files_are_bounded_together(runner: Runner) -> None:
    many = attack(
        """
        for index in range(8):
            with open(f"sparse{index}", "w") as file:
                os.truncate(file.fileno(), 10 << 20)
        """,
        artifacts=["sparse*"],
    )

    result = runner.execute(many)

    assert result.status == "success"
    assert 0 < sum(map(len, result.artifacts.values())) <= 64 << 20
    assert result.error is not None
    assert result.error.type == "artifacts"


def test_names_that_leave_the_folder_are_refused_before_anything_runs(runner: Runner) -> None:
    for path in ("../x", "/etc/x", "a/../../x", "a\0b", "..", "a/..", "", "x" * 300):
        with pytest.raises(InvalidRequest):
            runner.execute(ExecutionRequest("python", "print(1)", files={path: b""}))
        with pytest.raises(InvalidRequest):
            runner.execute(ExecutionRequest("python", "print(1)", artifacts=[path]))
        with pytest.raises(InvalidRequest):
            runner.execute(ExecutionRequest("python", "print(1)", entrypoint=path))


def test_files_cannot_be_placed_outside_their_share_of_the_disk(runner: Runner) -> None:
    big = ExecutionRequest(
        "python", "print(1)", files={"big": bytes(1 << 20)}, limits=ResourceLimits(disk=1 << 17)
    )

    with pytest.raises(InvalidRequest) as caught:
        runner.execute(big)

    assert caught.value.field == "files"


def test_the_command_line_writes_artifacts_into_its_folder_only(
    runner: Runner, folder: Path, canary: Path
) -> None:
    code = source(
        f"""
        os.makedirs("made/below")
        open("made/below/it", "w").write("fetched")
        open(b"..\\\\escaped", "w").close()
        open(b"control\\x1b", "w").close()
        os.symlink({str(canary)!r}, "link")
        os.symlink("/tmp", "made/parent")
        os.mkfifo("fifo")
        """
    )
    out = folder / "out"
    words = ["--artifact", "**", "--artifact-dir", str(out)]

    done = run_as(runner, [*drybox_run(runner), "-l", "python", "-c", code, *words])

    assert done.returncode == 0
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    assert found == {
        *("out", "out/main.py", "out/made", "out/made/below", "out/made/below/it"),
        "out/..\\escaped",  # a name like any other here
    }


def test_the_command_line_does_not_follow_links_in_the_folder_of_artifacts(
    runner: Runner, folder: Path, canary: Path
) -> None:
    (folder / "it").symlink_to(canary)
    (folder / "below").symlink_to("/tmp")
    code = source(
        f"os.mkdir('below')\nfor p in ('it', 'below/{canary.name}'): open(p, 'w').write('escaped')"
    )
    words = ["--artifact", "it", "--artifact", "below/*", "--artifact-dir", str(folder)]

    done = run_as(runner, [*drybox_run(runner), "-l", "python", "-c", code, *words])

    assert done.stderr.count("was not written") == 2


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_the_command_line_refuses_to_run_what_is_no_file(
    runner: Runner, folder: Path, make: object
) -> None:
    path = folder / "x.py"
    assert callable(make)
    make(path)

    done = run_as(runner, [*drybox_run(runner), str(path)])

    assert (done.returncode, done.stdout) == (2, "")
    assert "not a regular file" in done.stderr


def test_the_command_line_takes_no_fifo_or_link_out_of_a_folder(
    runner: Runner, folder: Path, canary: Path
) -> None:
    os.mkfifo(folder / "fifo.py")
    (folder / "link.txt").symlink_to(canary)
    (folder / "parent").symlink_to("/tmp")
    (folder / "main.py").write_text("import os\nprint(sorted(os.listdir('.')))")

    done = run_as(runner, [*drybox_run(runner), str(folder)])

    assert (done.returncode, done.stdout) == (0, "['main.py']\n")
