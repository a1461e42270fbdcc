"""Programs run from the page in a real browser, against a really started server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from tests.support.browser import Playground

from drybox.languages.registry import known_languages

pytestmark = pytest.mark.promise("PAGE-1")

LANGUAGES = list(known_languages())


def turns_of(number: int) -> list[Any]:
    """Every language, two of three in the night alone: each time it runs in one of three tests."""
    return [
        pytest.param(language, marks=[pytest.mark.nightly] * (at % 3 != number))
        for at, language in enumerate(LANGUAGES)
    ]


@pytest.mark.parametrize("language", turns_of(0))
def test_the_examples_of_each_language_do_what_they_say(
    playground: Playground, language: str
) -> None:
    playground.choose(language, "hello")
    playground.run()
    playground.ended("Finished with exit code 0")
    assert playground.stream("stdout").startswith("Hello from a sealed sandbox!\n")
    expect(playground.at("#facts")).to_contain_text("Peak memory")
    expect(playground.at("#facts")).to_contain_text("local")

    playground.choose(language, "fail")
    playground.run()
    playground.ended("Ended with exit code 3")
    assert "goes to stdout" in playground.stream("stdout")
    assert playground.stream("stderr") == "Warning: this goes to stderr.\n"

    playground.choose(language, "greedy")
    playground.run()
    playground.ended("Ended at its memory limit")
    expect(playground.at("#outcome")).to_contain_text("Make it use less")

    playground.choose(language, "endless")
    playground.at("#timeout").evaluate("field => field.value = '10s'")
    playground.run()
    playground.ended("Ended at its time limit")
    assert "tick 1\n" in playground.stream("stdout")


@pytest.mark.parametrize("language", turns_of(1))
def test_arguments_go_in_and_files_come_back(
    playground: Playground, language: str, tmp_path: Path
) -> None:
    playground.choose(language, "report")
    playground.run()
    playground.ended("Finished with exit code 0")
    assert playground.stream("stdout") == "3 kinds of fruit, 19 pieces; see report.csv\n"
    with playground.page.expect_download() as download:
        playground.at("#files a").click()
    download.value.save_as(tmp_path / "report.csv")
    assert (tmp_path / "report.csv").read_text().splitlines()[-1] == "dried plums,12"


@pytest.mark.parametrize("language", turns_of(2))
def test_a_program_is_talked_to_while_it_runs(playground: Playground, language: str) -> None:
    playground.choose(language, "ask")
    playground.run()
    output = playground.at("#output")
    expect(output).to_contain_text("What is your name?")
    playground.at("#line").fill("Ada")
    playground.at("#line").press("Enter")
    expect(output).to_contain_text("How often shall I greet you, Ada?")
    playground.at("#line").fill("2")
    playground.at("#typing button[type=submit]").click()
    playground.ended("Finished with exit code 0")
    assert "1. Hello, Ada!\n2. Hello, Ada!\n" in playground.stream("stdout")
    assert playground.stream("stdin") == "Ada\n2\n"
    expect(playground.at("#typing")).to_be_hidden()


def test_the_end_of_input_is_a_key_away(playground: Playground) -> None:
    playground.write("python", "import sys\nprint(sorted(sys.stdin.read().split()))")
    playground.run()
    playground.at("#line").fill("b")
    playground.at("#line").press("Enter")
    playground.at("#line").fill("a")
    playground.at("#line").press("Control+d")
    playground.ended("Finished")
    assert playground.stream("stdout") == "['a', 'b']\n"


def test_input_that_is_given_ends_where_it_is_not_kept_open(playground: Playground) -> None:
    playground.write("python", "import sys\nprint(len(sys.stdin.read()))")
    playground.at("#input summary").click()
    playground.at("#stdin").fill("one\ntwo")
    playground.at("#interactive").uncheck()
    playground.run()
    playground.ended("Finished")
    assert playground.stream("stdout") == "7\n"


@pytest.mark.parametrize("how", ["button", "Escape"])
def test_stop_ends_what_would_never_end(playground: Playground, how: str) -> None:
    playground.write("python", "while True: pass")
    playground.run()
    expect(playground.at("#state")).to_contain_text("Running")
    if how == "button":
        playground.at("#stop").click()
    else:
        playground.page.keyboard.press("Escape")
    playground.ended("Stopped by you")
    expect(playground.at("#facts")).to_contain_text("CPU time")


def test_output_comes_while_the_program_runs(playground: Playground) -> None:
    playground.write("python", "print('early', flush=True)\ninput()\nprint('late')")
    playground.run()
    expect(playground.at("#output")).to_contain_text("early")
    expect(playground.at("#state")).to_contain_text("Running")
    playground.at("#end-input").click()
    playground.ended("Ended with exit code 1")
    assert "EOFError" in playground.stream("stderr")


def test_a_compiler_has_its_say(playground: Playground) -> None:
    playground.write("go", "package main\n\nfunc main() {\n\tx := 1\n}\n")
    playground.run()
    playground.ended("Did not compile")
    assert "declared and not used" in playground.stream("stderr")
    expect(playground.at("#facts")).to_contain_text("compile")
