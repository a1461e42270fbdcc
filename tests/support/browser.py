"""A real Chromium, and the playground page in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from tests.support.server import Server

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",  # which root would need for it; the pages are our own
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = Path(__file__).parents[2] / "playground/node_modules/axe-core/axe.min.js"
"""The accessibility checks, a script."""
TIMEOUT = 60_000
"""Milliseconds that something on the page may take beside other tests."""

expect.set_options(timeout=TIMEOUT)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Playground:
    """The page of a server, as a person uses it.

    Attributes:
        page: The browser's page.
        faults: What the browser complained of.
        asked: Every address that it asked for.
    """

    def __init__(self, page: Page, server: Server) -> None:
        self.page = page
        self.address = f"http://127.0.0.1:{server.port}/"
        self.faults: list[str] = []
        self.asked: list[str] = []
        page.set_default_timeout(TIMEOUT)
        page.on("console", lambda said: self._hear(said.type, said.text))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("websocket", lambda socket: self.asked.append(socket.url))

    def open(self, fragment: str = "") -> Playground:
        self.page.goto(self.address + fragment)
        expect(self.page.locator("#language option").first).to_contain_text(".")
        return self

    def at(self, selector: str) -> Locator:
        return self.page.locator(selector)

    def write(self, language: str, code: str) -> None:
        """Put a program into the editor, as pasting would."""
        self.page.select_option("#language", language)
        self.at(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.press("Delete")
        self.page.keyboard.insert_text(code)

    def choose(self, language: str, example: str) -> None:
        self.page.select_option("#language", language)
        self.page.select_option("#example", example)

    def run(self) -> None:
        self.at("#run").click()

    def ended(self, words: str) -> None:
        """Wait until the run has ended so."""
        expect(self.at("#outcome .title")).to_contain_text(words)
        expect(self.at("#state")).to_have_text("Ready")

    def stream(self, name: str) -> str:
        """All that the page shows of stdout, stderr or typed input."""
        self.settle()
        return "".join(self.at(f"#output .{name} .body").all_inner_texts())

    def settle(self) -> None:
        """Wait until what has come is painted, and what changes colour has its own."""
        self.page.wait_for_function("() => !document.querySelector('[aria-busy=true]')")
        self.page.evaluate(
            """async () => {
              const painted = (done) => requestAnimationFrame(() => requestAnimationFrame(done));
              await new Promise(painted);
              const all = document.getAnimations().filter((one) => one instanceof CSSTransition);
              await Promise.allSettled(all.map((one) => one.finished));
            }"""
        )

    def calm(self) -> None:
        """See to it that nothing went wrong unseen, and that nobody else was asked."""
        assert self.faults == []
        asked = {urlsplit(url).netloc for url in self.asked if not url.startswith("blob:")}
        assert asked == {urlsplit(self.address).netloc}

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.faults.append(text)


def check_accessibility(playground: Playground) -> None:
    """See to it that axe finds nothing; its script is on the page."""
    playground.settle()
    found = playground.page.evaluate("() => axe.run()")
    faults = [
        (fault["id"], [node["html"][:120] + node["failureSummary"] for node in fault["nodes"]])
        for fault in found["violations"]
    ]
    assert faults == []
    assert "color-contrast" in {passed["id"] for passed in found["passes"]}
