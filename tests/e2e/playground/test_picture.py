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

text = input("Which text shall I count? ")
letters = Counter(text.lower().replace(" ", ""))

print(len(letters), "different letters", file=sys.stderr)
for letter, count in letters.most_common(6):
    print(f"{letter}  \\x1b[32m{'█' * count}\\x1b[0m {count}")
"""


def test_the_picture_shows_a_run(
    browser: Browser, server: Server, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    window = ViewportSize(width=1200, height=680)
    with browser.new_context(viewport=window, device_scale_factor=1.5) as context:
        playground = Playground(context.new_page(), server).open()
        playground.write("python", PROGRAM)
        playground.run()
        expect(playground.at("#output")).to_contain_text("Which text")
        playground.at("#line").fill("a sandbox for code nobody trusts")
        playground.at("#line").press("Enter")
        playground.ended("Finished with exit code 0")
        assert playground.stream("stderr") == "14 different letters\n"
        playground.page.evaluate("() => document.activeElement.blur()")
        playground.page.mouse.move(0, 0)
        playground.settle()
        target = Path(request.config.getoption("--picture", None) or tmp_path / "playground.png")
        target.parent.mkdir(parents=True, exist_ok=True)
        playground.page.screenshot(path=target, caret="initial", animations="disabled")
        assert 10_000 < target.stat().st_size < MOST_BYTES
        playground.calm()
