"""Light and dark, phones, keyboards, and who cannot see the page."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Browser, ViewportSize, expect
from tests.support.browser import AXE, Playground, check_accessibility
from tests.support.server import Server

pytestmark = pytest.mark.promise("PAGE-5")

MOST_BYTES = 250_000


def is_dark(playground: Playground) -> bool:
    ground = "() => getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).map(Number)"
    red, green, blue = playground.page.evaluate(ground)[:3]
    return bool(red + green + blue < 300)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_light_or_dark_as_the_system_and_as_chosen(
    browser: Browser, server: Server, scheme: str
) -> None:
    dark = scheme == "dark"
    with browser.new_context(color_scheme="dark" if dark else "light") as context:
        playground = Playground(context.new_page(), server).open()
        assert is_dark(playground) == dark
        expect(playground.at("#theme")).to_have_attribute("aria-pressed", json.dumps(dark))
        playground.at("#theme").click()
        assert is_dark(playground) != dark
        playground.open()
        assert is_dark(playground) != dark, "the choice is forgotten"
        expect(playground.at("#theme")).to_have_attribute("aria-pressed", json.dumps(not dark))
        playground.calm()


def test_a_phone_scrolls_downwards_only(browser: Browser, server: Server) -> None:
    phone = ViewportSize(width=390, height=844)
    with browser.new_context(viewport=phone, is_mobile=True, has_touch=True) as context:
        playground = Playground(context.new_page(), server).open()
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not playground.page.evaluate(wide)
        for part in ("input", "limits"):
            playground.at(f"#{part} summary").tap()
        assert not playground.page.evaluate(wide)
        for name in ("a_rather_long_name.py", "folder/another_long_name.py"):
            playground.at("#add-file").tap()
            playground.at("#file-name").fill(name)
            playground.at("#name-done").tap()
        expect(playground.at("#tabs [aria-selected=true]")).to_be_in_viewport()
        assert not playground.page.evaluate(wide)
        playground.at("#tabs button").first.tap()
        playground.write(
            "python", "print('x' * 5000)\nimport sys; print('y' * 5000, file=sys.stderr); input()"
        )
        playground.at("#run").tap()
        expect(playground.at("#output")).to_contain_text("xxx")
        expect(playground.at("#line")).to_be_in_viewport()
        assert not playground.page.evaluate(wide)
        playground.at("#stop").tap()
        playground.ended("Stopped by you")
        assert not playground.page.evaluate(wide)
        expect(playground.at("#outcome")).to_be_in_viewport()
        playground.calm()


@pytest.mark.parametrize("wanted", [True, False])
def test_who_wants_no_motion_gets_none(browser: Browser, server: Server, wanted: bool) -> None:
    with browser.new_context(reduced_motion="no-preference" if wanted else "reduce") as context:
        playground = Playground(context.new_page(), server).open()
        playground.write("python", "input()")
        playground.run()
        expect(playground.at("#state")).to_contain_text("Running")
        assert bool(playground.page.evaluate("document.getAnimations().length")) == wanted
        playground.at("#stop").click()
        playground.ended("Stopped")
        playground.calm()


def test_a_first_visit_is_small(browser: Browser, server: Server) -> None:
    with browser.new_page() as page:
        sizes: dict[str, int] = {}
        page.on(
            "response",
            lambda answer: sizes.update({answer.url: int(answer.headers["content-length"])}),
        )
        Playground(page, server).open()
        page.wait_for_load_state("networkidle")
        assert sum(sizes.values()) < MOST_BYTES, sizes


def focused(playground: Playground) -> str:
    """What the keyboard talks to: its id, or its class or kind where it has none."""
    found: str = playground.page.evaluate(
        "() => { const { id, className, localName } = document.activeElement;"
        " return id || className || localName; }"
    )
    return found


def test_everything_is_reached_and_left_by_keyboard(playground: Playground) -> None:
    keyboard = playground.page.keyboard
    order = []
    for _ in range(11):
        keyboard.press("Tab")
        order.append(focused(playground))
    page = ["share", "help", "theme", "language", "example", "run", "stop"]
    tab = playground.at("#tabs button").get_attribute("id")
    assert order == [*page, tab, "add-file", "rename-file", "cm-content"]
    assert playground.at(".leave").is_visible()
    keyboard.press("Tab")
    assert focused(playground) == "cm-content", "Tab indents in the editor"
    keyboard.press("Control+z")
    keyboard.press("Escape")
    keyboard.press("Tab")
    assert focused(playground) != "cm-content", "Escape, then Tab leaves it"
    keyboard.press("Shift+Tab")
    assert focused(playground) == "cm-content"

    keyboard.press("Control+a")
    keyboard.type("print('by key')")
    keyboard.press("Control+Enter")
    playground.ended("Finished with exit code 0")
    assert playground.stream("stdout") == "by key\n"
    assert focused(playground) == "cm-content", "a run takes the keyboard from nobody"


def test_what_has_the_keyboard_is_seen(playground: Playground) -> None:
    keyboard = playground.page.keyboard
    seen = (
        "() => { const e = document.activeElement, s = getComputedStyle(e);"
        " const label = e.nextElementSibling && getComputedStyle(e.nextElementSibling);"
        " const around = getComputedStyle(e.closest('section') ?? e);"
        " return s.outlineStyle !== 'none' || label?.outlineStyle === 'solid'"
        " || around.boxShadow !== 'none'; }"
    )
    visited = []
    for _ in range(30):
        keyboard.press("Escape")
        keyboard.press("Tab")
        if focused(playground) == "body":
            break
        visited.append(focused(playground))
        assert playground.page.evaluate(seen), visited
    assert {"run", "stop", "cm-content", "output"} <= set(visited)


def test_the_list_of_shortcuts_is_a_key_away(playground: Playground) -> None:
    keyboard = playground.page.keyboard
    dialog = playground.at("#help-dialog")
    playground.at("#run").focus()
    keyboard.press("?")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("Leave the editor")
    assert dialog.get_attribute("aria-labelledby") == "help-title"
    keyboard.press("Control+Enter")
    expect(playground.at("#state")).to_have_text("Ready")
    keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert focused(playground) == "run", "the keyboard is back where it was"
    playground.at("#help").click()
    playground.at("#help-close").click()
    expect(dialog).to_be_hidden()

    playground.write("python", "")
    keyboard.type("# who?")
    expect(playground.at(".cm-content")).to_have_text("# who?")
    playground.at("#input summary").click()
    playground.at("#args").press_sequentially("?")
    expect(playground.at("#args")).to_have_value("?")
    expect(dialog).to_be_hidden()


def test_escape_in_a_dialog_stops_no_program(playground: Playground) -> None:
    playground.write("python", "input()")
    playground.run()
    expect(playground.at("#state")).to_contain_text("Running")
    playground.at("#help").click()
    playground.page.keyboard.press("Escape")
    expect(playground.at("#help-dialog")).to_be_hidden()
    expect(playground.at("#state")).to_contain_text("Running")
    playground.page.keyboard.press("Escape")
    playground.ended("Stopped")


def test_the_outcome_is_spoken(playground: Playground) -> None:
    playground.run()
    playground.ended("Finished")
    assert playground.at("#outcome").get_attribute("role") == "status"
    assert playground.at("#output").get_attribute("aria-live") is None, "a flood would be read out"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, server: Server, scheme: str) -> None:
    with browser.new_context(color_scheme="dark" if scheme == "dark" else "light") as context:
        playground = Playground(context.new_page(), server).open()
        for part in ("input", "limits"):
            playground.at(f"#{part} summary").click()
        playground.page.evaluate(AXE.read_text())
        playground.choose("python", "report")
        playground.run()
        playground.ended("Finished")
        check_accessibility(playground)
        playground.write("python", COLOURS)
        playground.run()
        expect(playground.at("#output")).to_contain_text("waiting")
        playground.at("#line").fill("typed")
        playground.at("#line").press("Enter")
        expect(playground.at("#output .stdin")).to_be_visible()
        check_accessibility(playground)
        playground.at("#stop").click()
        playground.ended("Stopped")
        check_accessibility(playground)
        playground.at("#add-file").click()
        playground.at("#name-done").click()
        check_accessibility(playground)
        playground.at("#file-name").fill("a.html")
        playground.at("#name-done").click()
        playground.at("#tabs button").first.click()
        playground.write("python", "open('b.html', 'w').write('<p>')\nopen('c', 'w')\n1 / 0")
        playground.at("#artifacts").fill("*")
        playground.run()
        playground.ended("Ended with")
        check_accessibility(playground)
        playground.at("#help").click()
        check_accessibility(playground)
        playground.calm()


COLOURS = r"""import sys
for stream in sys.stdout, sys.stderr:
    for colour in *range(30, 38), *range(90, 98):
        print(f"\x1b[{colour}mcolour\x1b[0m plain \x1b[2J", file=stream, flush=True)
    for colour in "38;5;17", "38;5;226", "38;2;128;128;128", "41", "97;43", "48;2;120;120;120", "7":
        print(f"\x1b[{colour}mcolour\x1b[0m plain", file=stream, flush=True)
print("waiting", flush=True)
while True: sys.stdin.readline()
"""
