"""A server and a browser for each file of the page's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ViewportSize
from tests.support.browser import Playground, chromium
from tests.support.server import Server, serving

SIZE: ViewportSize = {"width": 1280, "height": 800}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--picture", metavar="FILE", help="where the picture for README goes")


# Not for the whole session: while Playwright is there, its event loop runs in this thread, and
# other tests could start none.


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def playground(browser: Browser, server: Server) -> Iterator[Playground]:
    """The page in a window of its own; nothing may go wrong in it unseen."""
    # Without a graphics card moving stripes take half a processor; test_look.py looks at them.
    with browser.new_context(viewport=SIZE, reduced_motion="reduce") as context:
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        playground = Playground(context.new_page(), server).open()
        yield playground
        playground.calm()
