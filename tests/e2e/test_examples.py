"""Every program in examples/ runs as its README says."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from drybox.languages.registry import known_languages

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
DRYBOX = str(Path(sysconfig.get_path("scripts"), "drybox"))

CASES: dict[tuple[str, ...], tuple[int, str]] = {
    ("python/hello.py",): (0, "Hello from a sealed sandbox!\n"),
    ("node/hello.js", "--", "a", "b"): (0, "Hello from Node.js, a and b!\n"),
    ("node/inventory",): (0, "vices    1\nsaws     3\n"),
    ("go/hello.go",): (0, "Hello from Go!\n"),
    ("go/primes", "--", "50"): (0, "[2 3 5 7 11 13 17 19 23 29 31 37 41 43 47]\n"),
    ("go/primes", "--", "x"): (2, ""),
    ("java/Hello.java",): (0, "Hello from Java!\n"),
    ("java/bank", "--entrypoint", "com/example/bank/Main.java"): (
        3,
        "Account[owner=Ada, balance=64.50]\nAccount[owner=Ada, balance=29.00]\n",
    ),
}


def run(*words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [DRYBOX, "run", str(EXAMPLES / words[0]), *words[1:]]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=120)


@pytest.mark.parametrize("words", CASES, ids=" ".join)
def test_example_prints_what_it_should(words: tuple[str, ...]) -> None:
    done = run(*words)
    assert (done.returncode, done.stdout.decode()) == CASES[words], done.stderr.decode()


def test_word_count_reads_standard_input() -> None:
    done = run("python/word_count.py", stdin=b"the cat and the dog and the bird")
    assert done.stdout.decode().splitlines()[:3] == ["8 words, 5 different", "   3 the", "   2 and"]


def test_report_brings_its_chart_back(tmp_path: Path) -> None:
    done = run("python/report", "--artifact", "*.svg", "--artifact-dir", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr.decode()
    assert "Mar  ############################## 97" in done.stdout.decode()
    assert (tmp_path / "out/sales.svg").read_text().startswith("<svg")


def test_api_example_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / "api.py")], capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    assert "timeout - The program was ended after 0.5 s." in done.stdout.decode()


def test_hooks_example_refuses_and_keeps_an_audit() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / "hooks.py")],
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    out, refusal, *lines = done.stdout.decode().splitlines()
    assert (out, refusal) == ("42", "This program has 5,001 bytes. Send at most 4,096.")
    audit = [json.loads(line) for line in lines]
    assert [(line["who"], line["status"]) for line in audit] == [
        ("ada", "success"),
        ("bob", "rejected"),
    ]


def test_readme_of_the_examples_names_every_one() -> None:
    readme = (EXAMPLES / "README.md").read_text()
    for folder in known_languages():
        for path in (EXAMPLES / folder).glob("*"):
            assert f"examples/{folder}/{path.name}" in readme


def session_example(name: str, *arguments: str) -> str:
    """What an example of a session prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / "sessions" / name), *arguments],
        capture_output=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stderr == b""
    return done.stdout.decode()


def test_agent_example_mends_its_mistake() -> None:
    lines = session_example("agent.py").splitlines()
    assert "TypeError: unsupported operand type(s) for +: 'int' and 'str'" in lines
    assert lines[-1] == "'Feb of 69'"


def test_tutor_example_goes_on_after_every_attempt() -> None:
    first, second, third, fourth = session_example("tutor.py").splitlines()
    assert first == "Attempt 1: It is wrong for -2."
    assert (
        second == "Attempt 2: It did not come to an end. Is there a number that it never reaches?"
    )
    assert third.startswith("Attempt 3: This is no Python yet: ")  # each version has its own words
    assert fourth == "Attempt 4: Right!"


def test_notebook_example_writes_its_page(tmp_path: Path) -> None:
    printed = session_example("notebook.py", str(tmp_path / "page.html"))
    assert printed.splitlines() == ["[1] success", "[2] success", "[3] success", "[4] failed"]
    page = (tmp_path / "page.html").read_text()
    assert "12.566370614359172" in page
    assert '<iframe sandbox srcdoc="&lt;table&gt;' in page
    assert "ZeroDivisionError" in page


def test_web_server_example_is_asked_from_inside() -> None:
    assert session_example("web_server.py").splitlines() == [
        "ready",
        "'Hello, Ada!'",
        "asked for /Ada",
        "ended by SIGTERM",
    ]
