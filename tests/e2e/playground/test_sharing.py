"""Links that carry a program."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect
from tests.support.browser import Playground
from tests.support.server import Server

pytestmark = pytest.mark.promise("PAGE-4")


def test_a_shared_link_brings_the_program_back_and_tells_the_server_nothing(
    playground: Playground, browser: Browser, server: Server
) -> None:
    code = 'import sys\nprint("é 🦀", sys.argv[1:], sys.stdin.read())'
    playground.write("python", code)
    playground.at("#input summary").click()
    playground.at("#stdin").fill("some\ninput")
    playground.at("#args").fill("one 'two words'")
    playground.at("#interactive").uncheck()
    playground.at("#share").click()
    expect(playground.at("#said")).to_have_text("Link copied")
    link = playground.page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(playground.address + "#1.")

    with browser.new_page() as page:
        other = Playground(page, server).open(link.removeprefix(playground.address))
        expect(other.at(".cm-content")).to_contain_text("é 🦀")
        assert not [url for url in other.asked if "execute" in url], "it ran unasked"
        other.run()
        other.ended("Finished")
        assert other.stream("stdout") == "é 🦀 ['one', 'two words'] some\ninput\n"
        assert not [url for url in other.asked if "#" in url or len(url) > 200]
        other.calm()


@pytest.mark.parametrize("fragment", ["#1.", "#1.AAAA", "#1.%%%"])
def test_a_damaged_link_says_so(browser: Browser, server: Server, fragment: str) -> None:
    with browser.new_page() as page:
        playground = Playground(page, server).open(fragment)
        playground.ended("This link is damaged")
        playground.calm()


def test_a_reload_loses_nothing_and_a_link_is_newer(playground: Playground) -> None:
    playground.at("#share").click()
    expect(playground.at("#said")).to_have_text("Link copied")
    link = playground.page.evaluate("navigator.clipboard.readText()")
    playground.write("go", "package main // mine")
    playground.at("#input summary").click()
    playground.at("#args").fill("one")
    playground.page.reload()
    expect(playground.at(".cm-content")).to_have_text("package main // mine")
    expect(playground.at("#language")).to_have_value("go")
    expect(playground.at("#args")).to_have_value("one")
    playground.page.goto("about:blank")
    playground.page.goto(playground.address)
    expect(playground.at(".cm-content")).to_contain_text("Hello from a sealed sandbox!")
    playground.page.goto(link)
    expect(playground.at("#language")).to_have_value("python")
