"""The picture of the page in README; './dev picture' writes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, ViewportSize, expect
from tests.support.browser import Playground
from tests.support.server import Server

MOST_BYTES = 200_000

PROGRAM = """\
import sys
from collections import Counter

import chart

text = input("Which text shall I count? ")
letters = Counter(text.lower().replace(" ", ""))

print(len(letters), "different letters", file=sys.stderr)
with open("letters.svg", "w") as file:
    file.write(chart.bars(letters.most_common(9)))
"""

CHART = """\
COLOURS = "#0f766e", "#4fc9b7"


def bars(counts):
    most = max(count for _, count in counts)
    shapes = []
    for at, (name, count) in enumerate(counts):
        x, height = 20 + 62 * at, 170 * count / most
        shapes.append(
            f'<rect x="{x}" y="{190 - height}" width="44" height="{height}"'
            f' rx="5" fill="{COLOURS[at % 2]}"/>'
            f'<text x="{x + 22}" y="216" text-anchor="middle">{name}</text>'
        )
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 580 230"'
    return f'{head} font-family="sans-serif" font-size="19">{"".join(shapes)}</svg>'
"""


def test_the_picture_shows_a_run(
    browser: Browser, server: Server, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    window = ViewportSize(width=1200, height=680)
    with browser.new_context(viewport=window, device_scale_factor=1.5) as context:
        page = context.new_page()
        playground = Playground(page, server).open()
        playground.write("python", PROGRAM)
        playground.at("#add-file").click()
        playground.at("#file-name").fill("chart.py")
        playground.at("#name-done").click()
        page.keyboard.insert_text(CHART)
        playground.at("#tabs button").first.click()
        playground.at("#artifacts").evaluate("field => field.value = '*.svg'")
        playground.run()
        expect(playground.at("#output")).to_contain_text("Which text")
        playground.at("#line").fill("a sandbox for code nobody trusts")
        playground.at("#line").press("Enter")
        playground.ended("Finished with exit code 0")
        assert playground.stream("stderr") == "14 different letters\n"
        frame = page.frame_locator("#files iframe")
        frame.locator("img").evaluate("image => image.decode()")
        playground.page.evaluate("() => document.activeElement.blur()")
        playground.page.mouse.move(0, 0)
        playground.settle()
        target = Path(request.config.getoption("--picture", None) or tmp_path / "playground.png")
        target.parent.mkdir(parents=True, exist_ok=True)
        playground.page.screenshot(path=target, caret="initial", animations="disabled")
        assert 10_000 < target.stat().st_size < MOST_BYTES
        playground.calm()
