"""A host that has run out: of processes, of disk. drybox says so, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import host
from tests.support.attack import DRYBOX, GONE_WITHIN, TIMEOUT, attack
from tests.support.identity import REPO, Runner

from drybox import ResourceLimits
from drybox.languages.registry import known_languages

pytestmark = [
    pytest.mark.promise("LEFT-4"),
    pytest.mark.isolations("local"),
    pytest.mark.skipif(os.geteuid() != 0, reason="makes cgroups and mounts as root"),
]

NEW = "print(1)"
DRYBOX_FAILED = 125


@pytest.fixture
def crowd(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A cgroup with room for a few processes."""
    own = host.cgroup_of(os.getpid(), "pids")
    folder = own / f"drybox-test-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / "pids.max").write_text("max")
    except OSError as error:
        pytest.skip(f"there is no cgroup to be had: {error}")
    yield folder
    assert host.eventually(lambda: not host.processes_in(folder), GONE_WITHIN)
    folder.rmdir()


@pytest.mark.parametrize("most", range(1, 16))
def test_a_full_table_of_processes_is_said(runner: Runner, crowd: Path, most: int) -> None:
    if runner.uid:
        pytest.skip("the ordinary user's drybox enters cgroups of theirs")
    argv = [*DRYBOX, "run", "--isolation", "local", "-l", "python", "-c", NEW]
    (crowd / "pids.max").write_text(str(most))
    enter = ["sh", "-c", f'echo 0 > {crowd}/cgroup.procs; exec "$@"', "sh"]

    done = subprocess.run(
        [*enter, *argv], cwd=REPO, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=TIMEOUT,
    )  # fmt: skip

    if done.returncode == 0:
        assert done.stdout == "1\n"
        return
    assert done.returncode == DRYBOX_FAILED, done
    assert "drybox: " in done.stderr
    assert "hint: " in done.stderr
    for word in ("Traceback", "internal error", "does not let drybox"):
        assert word not in done.stderr, done.stderr
    assert host.eventually(lambda: not _instances(crowd), GONE_WITHIN)


def _instances(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if name.startswith("drybox-")]


@contextlib.contextmanager
def _tiny_disk(folder: Path) -> Iterator[None]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", folder], check=True)
    try:
        with contextlib.suppress(OSError), open(folder / "full", "wb", 0) as file:
            while file.write(bytes(4096)):
                pass
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("language", known_languages())
def test_a_full_disk_under_the_cache_is_said_or_done_without(tmp_path: Path, language: str) -> None:
    code = known_languages()[language].samples.numbered(1)
    tmp_path.chmod(0o755)
    with _tiny_disk(tmp_path):
        done = subprocess.run(
            [*DRYBOX, "run", "--isolation", "local", "-l", language, "-c", code],
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
            cwd=REPO, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        left = {path.name for path in tmp_path.rglob("*") if path.name.startswith("making-")}
    assert not left
    if done.returncode == 0:
        assert done.stdout == "hello 1\n"
        return
    assert done.returncode == DRYBOX_FAILED, done
    assert str(tmp_path) in done.stderr
    assert "No space left" in done.stderr
    assert "hint: " in done.stderr
    assert "output cannot" not in done.stderr


HOSTILE = {
    "crowd()\nwhile True: pass": {"timeout"},
    "kept = []\nwhile True: kept.append(bytearray(1 << 20))": {"memory_limit"},
    "while True: sys.stdout.write('x' * 65536)": {"output_limit"},
    "os.kill(0, 9)": {"signaled"},
    "child(signal.pause)\nos._exit(3)": {"failed"},
    "answer(1)": {"success"},
}


@pytest.mark.nightly
def test_300_hostile_programs_at_once(runner: Runner) -> None:
    limits = ResourceLimits(memory=48 << 20, pids=16)
    requests = [
        attack(code, limits=limits, timeout=0.5 if "crowd" in code else 30.0)
        for _ in range(50)
        for code in HOSTILE
    ]

    results = runner.execute_many(requests)

    wrong = [
        (code, result.status, result.error)
        for code, result in zip([*HOSTILE] * 50, results, strict=True)
        if result.status not in HOSTILE[code]
    ]
    assert not wrong, wrong[:5]
