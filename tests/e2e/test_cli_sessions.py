"""``drybox session`` against a server that was started."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.cli import DRYBOX, TIMEOUT, Done, drybox
from tests.support.server import serving

from drybox.service.api_keys import hash_key, new_key

pytestmark = pytest.mark.promise("SESCLI-2")

KEY, OTHER = new_key(), new_key()


@pytest.fixture(scope="module")
def env() -> Iterator[dict[str, str]]:
    keys = {"DRYBOX_KEYS_MINE_HASH": hash_key(KEY), "DRYBOX_KEYS_OTHER_HASH": hash_key(OTHER)}
    with serving(env=keys) as server:
        yield {"DRYBOX_SERVER": f"http://127.0.0.1:{server.port}", "DRYBOX_KEY": KEY}


@pytest.fixture
def id(env: dict[str, str]) -> Iterator[str]:
    done = drybox("session", "start", "-l", "bash", "--metadata", "for=tests", env=env)
    assert done.returncode == 0, done.stderr
    opened = done.stdout.decode().strip()
    yield opened
    done = drybox("session", "stop", opened, env=env)
    assert done.returncode == 0, done.stderr
    assert opened not in listed(env)


def listed(env: dict[str, str]) -> list[str]:
    done = drybox("session", "list", "--json", env=env)
    assert done.returncode == 0, done.stderr
    return [item["id"] for item in json.loads(done.stdout)]


def ended(done: Done, code: int, stdout: str = "") -> str:
    """What it said on stderr, when it ended as it should."""
    assert (done.returncode, done.stdout.decode()) == (code, stdout), done.stderr
    return done.stderr.decode()


def test_code_and_commands_run_with_what_earlier_ones_left(
    id: str, env: dict[str, str], tmp_path: Path
) -> None:
    assert id in listed(env)
    lines = drybox("session", "list", env=env).stdout.decode().splitlines()
    assert any(id in line and "bash" in line and "for=tests" in line for line in lines)
    ended(drybox("session", "run", id, "-c", "name=World", env=env), 0)
    ended(drybox("session", "run", id, stdin=b"echo Hello, $name", env=env), 0, "Hello, World\n")
    (tmp_path / "code.sh").write_text("echo out; echo err >&2; (exit 3)")
    done = drybox("session", "run", id, str(tmp_path / "code.sh"), env=env)
    assert ended(done, 3, "out\n") == "err\n"
    done = drybox("session", "run", id, "-c", "sleep 100", "-t", "200ms", env=env)
    assert "timeout" in ended(done, 124)
    done = drybox("session", "run", id, "--json", "-c", "echo $name", env=env)
    assert json.loads(done.stdout)["stdout"] == "World\n"
    ended(drybox("session", "exec", id, "echo a | tr a A; exit 4", env=env), 4, "A\n")
    done = drybox("session", "exec", "--env", "A=1", id, "--", "printenv", "A", env=env)
    ended(done, 0, "1\n")
    (tmp_path / "input").write_text("3\n1\n")
    done = drybox("session", "exec", "--stdin", str(tmp_path / "input"), id, "sort", env=env)
    ended(done, 0, "1\n3\n")
    done = drybox("session", "exec", "--json", "--cwd", "/tmp", id, "pwd", env=env)
    assert json.loads(done.stdout)["stdout"] == "/tmp\n"


def test_files_and_folders_go_in_and_come_back(
    id: str, env: dict[str, str], tmp_path: Path
) -> None:
    content = bytes(range(256)) * 2000
    folder = tmp_path / "folder"
    (folder / "below").mkdir(parents=True)
    (folder / "data").write_bytes(content)
    (folder / "below" / "größe 1").write_text("1")
    (folder / "data").chmod(0o755)
    (folder / "link").symlink_to("/etc/passwd")
    copied = ended(drybox("session", "cp", str(folder), f"{id}:in", env=env), 0)
    left = f"drybox: left out of {folder} (a link that leads out of the folder): link.\n"
    assert copied == f"{left}drybox: 2 files copied.\n"
    found = drybox("session", "exec", id, "cd in && find . -type f | sort", env=env)
    ended(found, 0, "./below/größe 1\n./data\n")
    ended(drybox("session", "exec", id, "ln -s /etc/passwd in/link", env=env), 0)
    ended(drybox("session", "exec", id, "mkdir in/empty", env=env), 0)
    back = ended(drybox("session", "cp", f"{id}:in", str(tmp_path / "back"), env=env), 0)
    assert "left out of in (a symbolic link): link." in back
    assert (tmp_path / "back/empty").is_dir()
    assert (tmp_path / "back/data").read_bytes() == content
    assert (tmp_path / "back/below/größe 1").read_text() == "1"
    assert not (tmp_path / "back/link").is_symlink()
    for name, mode in (("data", 0o755), ("below/größe 1", 0o644)):
        assert (tmp_path / "back" / name).stat().st_mode & 0o777 == mode
    ended(drybox("session", "cp", f"{id}:in/data", f"{tmp_path}/one", env=env), 0)
    assert (tmp_path / "one").read_bytes() == content
    ended(drybox("session", "cp", str(tmp_path / "one"), f"{id}:in/below/", env=env), 0)
    ended(drybox("session", "exec", id, "cmp in/data in/below/one", env=env), 0)
    for to in ("one", "one/below"):  # a file
        done = drybox("session", "cp", f"{id}:in", str(tmp_path / to), env=env)
        assert "cannot be a folder" in ended(done, 2)
    missing = drybox("session", "cp", f"{id}:nothing", str(tmp_path / "never"), env=env)
    assert "nothing" in ended(missing, 2)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["back", "folder", "one"]


def test_what_is_wrong_is_said(id: str, env: dict[str, str], tmp_path: Path) -> None:
    assert "DRYBOX_SERVER" in ended(drybox("session", "list"), 2)
    other = {**env, "DRYBOX_KEY": OTHER}
    assert id not in listed(other)
    assert "no open session" in ended(drybox("session", "run", id, "-c", "1", env=other), 2)
    assert "no open session" in ended(drybox("session", "stop", id, env=other), 2)
    nobody = {**env, "DRYBOX_KEY": ""}
    assert "hint:" in ended(drybox("session", "list", env=nobody), 2)
    gone = drybox("session", "list", "--server", "http://127.0.0.1:9", env=env)
    assert "drybox serve" in ended(gone, 125)
    assert "address" in ended(drybox("session", "list", "--server", "what", env=env), 2)
    assert "one of" in ended(drybox("session", "cp", "a", "b", env=env), 2)
    assert "language" in ended(drybox("session", "start", "-l", "cobol", env=env), 2)
    assert "nothing" in ended(
        drybox("session", "cp", "nothing", f"{id}:x", env=env, cwd=tmp_path), 2
    )


def test_pictures_are_saved_and_named(env: dict[str, str], tmp_path: Path) -> None:
    started = drybox("session", "start", "--server", env["DRYBOX_SERVER"], env=env)
    id = started.stdout.decode().strip()
    try:
        code = "class P: _repr_png_ = lambda self: b'\\x89PNG' + bytes(20)\nP()"
        done = drybox("session", "run", id, "-c", code, env=env, cwd=tmp_path)
        assert "pictures/picture-1.png" in done.stderr.decode()
        assert (tmp_path / "pictures/picture-1.png").read_bytes() == b"\x89PNG" + bytes(20)
        done = drybox("session", "run", id, "-c", "6 * 7", env=env, cwd=tmp_path)
        ended(done, 0, "42\n")
        words = [DRYBOX, "session", "run", id, "-c", "1 / 0"]
        done = subprocess.run(
            words, capture_output=True, timeout=TIMEOUT, env={**os.environ, **env}
        )
        assert "ZeroDivisionError: division by zero" in ended(done, 1)
    finally:
        ended(drybox("session", "stop", id, env=env), 0)


def test_what_is_wrong_is_told_in_options(id: str, env: dict[str, str]) -> None:
    for words, told in (
        (("start", "-l", "cobol"), "--language: 'cobol' is not known"),
        (("start", "--memory", "1"), "--memory: 1 is out of bounds"),
        (("start", "--timeout", "100h"), "--timeout: "),
        (("run", id, "-c", "", "-l", "cobol"), "--language: 'cobol' is not known"),
    ):
        done = drybox("session", *words, env=env)
        assert (done.returncode, done.stdout) == (2, b"")
        assert told in done.stderr.decode()
    for key in ("", "wrong"):
        done = drybox("session", "list", env={**env, "DRYBOX_KEY": key})
        assert (done.returncode, done.stdout) == (2, b"")
        assert "into DRYBOX_KEY" in done.stderr.decode()
