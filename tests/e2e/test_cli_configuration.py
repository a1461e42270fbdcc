"""``drybox`` with a configuration: what counts, and that a checkout's own file does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.cli import Done, drybox

SLEEP = ("-l", "python", "-c", "import time; time.sleep(60)")
MEMORY = ("run", "-l", "python", "-c", "x = bytearray(200_000_000); print(len(x))")


def written(folder: Path, text: str) -> str:
    path = folder / "some.toml"
    path.write_text(text)
    path.chmod(0o644)
    return str(path)


def refused(*words: str, **given: str) -> str:
    done: Done = drybox(*words, env=given)
    assert (done.returncode, done.stdout) == (2, b""), done.stderr
    assert b"hint: " in done.stderr
    return done.stderr.decode()


def test_a_file_gives_run_its_limits_and_arguments_count_for_more(tmp_path: Path) -> None:
    path = written(tmp_path, 'timeout = "1s"\nisolation = "local"\n[limits]\nmemory = "64m"\n')
    assert drybox("--config", path, "run", *SLEEP).returncode == 124
    longer = ("--timeout", "30s")
    assert drybox(*MEMORY, *longer, env={"DRYBOX_CONFIG": path}).returncode == 137
    done = drybox("--config", path, *MEMORY, "--memory", "512m", *longer)
    assert (done.returncode, done.stdout) == (0, b"200000000\n")


def test_a_variable_counts_for_more_than_a_file_and_less_than_an_argument(tmp_path: Path) -> None:
    path = written(tmp_path, "[limits]\nmemory = '64m'\n")
    more = {"DRYBOX_LIMITS_MEMORY": "512m"}
    assert drybox("--config", path, *MEMORY, env=more).returncode == 0
    assert drybox("--config", path, *MEMORY, "--memory", "64m", env=more).returncode == 137


def test_a_command_runs_one_program_whatever_the_pool_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, '[pool]\nfork_server = "on"\n')
    done = drybox("--config", path, "run", "--isolation", "local", "-l", "python", "-c", "print(1)")
    assert (done.returncode, done.stdout) == (0, b"1\n"), done.stderr
    assert "off" in refused("run", "-l", "python", "-c", "1", DRYBOX_POOL_FORK_SERVER="maybe")


def test_the_users_own_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "drybox").mkdir()
    path = tmp_path / "drybox/drybox.toml"
    path.write_text('isolation = "local"\n[limits]\nmemory = "64m"\n')
    path.chmod(0o644)
    env = {"XDG_CONFIG_HOME": str(tmp_path), "DRYBOX_CONFIG": ""}
    assert drybox(*MEMORY, env=env).returncode == 137


@pytest.mark.promise("ISO-24")
def test_a_file_in_the_checkout_that_is_run_has_no_say(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "main.py").write_text("print('ran')")
    weak = 'allow_weaker = ["memory"]\nisolation = "docker"\n[docker]\nhost = "tcp://evil"\n'
    for place in (
        "drybox.toml",
        ".drybox.toml",
        "drybox/drybox.toml",
        ".config/drybox/drybox.toml",
    ):
        (checkout / place).parent.mkdir(parents=True, exist_ok=True)
        (checkout / place).write_text(weak)
    env = {"XDG_CONFIG_HOME": "", "DRYBOX_CONFIG": "", "HOME": str(tmp_path)}
    for more in ({}, {"XDG_CONFIG_HOME": "."}, {"XDG_CONFIG_HOME": ".config", "HOME": "."}):
        done = drybox("run", ".", "--json", cwd=checkout, env={**env, **more})
        document = json.loads(done.stdout)
        assert (document["stdout"], document["isolation"]) == ("ran\n", "local")
        assert document["weakened"] == []


@pytest.mark.promise("ISO-24")
@pytest.mark.parametrize("command", ["run", "languages", "doctor"])
def test_mistakes_are_misuse_with_file_key_and_what_to_do(tmp_path: Path, command: str) -> None:
    words = (command, *SLEEP) if command == "run" else (command,)
    path = written(tmp_path, "[limits]\nmemroy = '64m'\n")
    said = refused("--config", path, *words)
    assert path in said
    assert "limits.memroy" in said
    assert "Did you mean 'limits.memory'?" in said
    assert "DRYBOX_TIMOUT" in refused(*words, DRYBOX_TIMOUT="1")
    assert "not TOML" in refused("--config", written(tmp_path, "timeout"), *words)
    assert "/none.toml" in refused("--config", "/none.toml", *words)


def test_help_and_version_work_whatever_is_configured() -> None:
    env = {"DRYBOX_CONFIG": "/none.toml", "DRYBOX_TIMOUT": "1"}
    assert b"--config FILE" in drybox("--help", env=env).stdout
    assert drybox("run", "--help", env=env).returncode == 0
    assert drybox("version", env=env).returncode == 0


def test_languages_and_doctor_take_it(tmp_path: Path) -> None:
    path = written(tmp_path, 'isolation = "docker"\n[docker]\nhost = "unix:///nowhere.sock"\n')
    found = json.loads(drybox("--config", path, "languages", "--json").stdout)
    assert all(item["version"] is None for item in found)
