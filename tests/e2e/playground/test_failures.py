"""What goes wrong is said in words, where it went wrong."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect
from tests.support.browser import Playground
from tests.support.server import Server, serving

from drybox.service.api_keys import hash_key, new_key

pytestmark = pytest.mark.promise("PAGE-3")

NO_WEBSOCKET = (
    "window.WebSocket = class { constructor() { setTimeout(() => this.onclose()); } close() {} }"
)


def test_a_wrong_limit_is_explained_at_its_field(playground: Playground) -> None:
    playground.at("#limits summary").click()
    playground.at("#memory").fill("lots")
    playground.run()
    playground.ended("not right")
    expect(playground.at("#outcome")).to_contain_text("Write it like 256m")
    expect(playground.at("#memory")).to_be_focused()
    expect(playground.at("#memory")).to_have_attribute("aria-invalid", "true")
    playground.at("#memory").fill("64m")
    playground.run()
    playground.ended("Finished")
    assert playground.at("#memory").get_attribute("aria-invalid") is None


def test_an_open_quotation_mark_is_noticed_before_anything_is_sent(playground: Playground) -> None:
    playground.at("#input summary").click()
    playground.at("#args").fill('"one')
    playground.run()
    playground.ended("cannot be sent")
    expect(playground.at("#args")).to_be_focused()
    assert not [url for url in playground.asked if "execute" in url]


def test_a_server_that_goes_away_is_told(browser: Browser) -> None:
    with serving() as server, browser.new_page() as page:
        playground = Playground(page, server).open()
        playground.write("python", "input()")
        playground.run()
        expect(playground.at("#state")).to_contain_text("Running")
        server.process.kill()
        playground.ended("The connection was lost")
        playground.run()
        playground.ended("The server cannot be reached")


def test_without_a_websocket_output_still_comes_as_it_is_written(
    browser: Browser, server: Server
) -> None:
    with browser.new_page() as page:
        page.add_init_script(NO_WEBSOCKET)
        playground = Playground(page, server).open()
        playground.write("python", "print('early', flush=True)\nwhile True: pass")
        playground.run()
        expect(playground.at("#output")).to_contain_text("early")
        expect(playground.at("#typing")).to_be_hidden()
        expect(playground.at("#notice")).to_contain_text("No WebSocket could be opened")
        playground.at("#stop").click()
        playground.ended("Stopped by you")
        playground.write("python", "print(6 * 7)")
        playground.run()
        playground.ended("Finished with exit code 0")
        assert playground.stream("stdout") == "42\n"
        playground.calm()


BETWEEN: dict[str, dict[str, Any] | None] = {
    "an error of something in between": {"status": 502, "body": "<h1>Bad gateway</h1>"},
    "an empty answer": {"status": 200, "content_type": "text/event-stream", "body": ""},
    "no answer": None,
}


def stand_between(answer: dict[str, Any] | None, route: Route) -> None:
    if answer is None:
        route.abort()
    else:
        route.fulfill(**answer)


def test_without_any_stream_a_program_runs_all_the_same(browser: Browser, server: Server) -> None:
    with browser.new_page() as page:
        page.add_init_script(NO_WEBSOCKET)
        for answer in BETWEEN.values():
            page.unroute_all()
            page.route("**/v1/execute/stream", partial(stand_between, answer))
            playground = Playground(page, server).open()
            playground.write(
                "python", "import sys\nprint(input(), flush=True)\nprint('e', file=sys.stderr)"
            )
            playground.at("#input").evaluate("details => details.open = true")
            playground.at("#stdin").fill("given before\n")
            playground.run()
            playground.ended("Finished with exit code 0")
            assert playground.stream("stdout") == "given before\n"
            assert playground.stream("stderr") == "e\n"
            expect(playground.at("#notice")).to_contain_text("Nothing that is sent piece by piece")
            expect(playground.at("#notice")).to_contain_text("when the program has ended")
            expect(playground.at("#typing")).to_be_hidden()
            # The browser says what has failed; nothing else has.
            assert all("Failed to load resource" in fault for fault in playground.faults)
        # What is known is not tried again, and stopping ends the program as ever.
        playground.asked.clear()
        playground.write("python", "while True: pass")
        playground.run()
        expect(playground.at("#state")).to_contain_text("Running")
        playground.at("#stop").click()
        playground.ended("Stopped by you")
        assert [url for url in playground.asked if "execute" in url] == [
            f"{playground.address}v1/execute"
        ]


def test_what_a_program_waits_for_is_shown_and_stop_waits_for_nothing(
    browser: Browser, tmp_path: Path
) -> None:
    env = {"XDG_CACHE_HOME": str(tmp_path), "DRYBOX_ISOLATION": "local"}
    with serving(env=env) as server, browser.new_page() as page:
        playground = Playground(page, server).open()
        playground.choose("go", "hello")
        playground.run()
        expect(playground.at("#preparing-label")).to_contain_text("Compiling Go's standard library")
        expect(playground.at("#preparing-count")).to_have_text(re.compile(r"\d+ of \d+"))
        playground.at("#stop").click()
        playground.ended("Stopped by you")
        expect(playground.at("#preparing")).to_be_hidden()
        playground.write("python", "print(1)")
        playground.run()
        playground.ended("Finished")
        playground.calm()


def test_a_key_is_asked_for_used_everywhere_and_forgotten_with_the_tab(browser: Browser) -> None:
    key = new_key()
    with (
        serving(env={"DRYBOX_KEYS_WEB_HASH": hash_key(key)}) as server,
        browser.new_context() as context,
    ):
        playground = Playground(context.new_page(), server)
        playground.page.goto(playground.address)
        playground.ended("A key is needed")
        expect(playground.at("#key")).to_be_focused()
        playground.at("#key").fill(new_key())
        playground.at("#key").press("Enter")
        expect(playground.at("#key")).to_be_focused()
        playground.at("#key").fill(key)
        playground.at("#key").press("Enter")
        expect(playground.at("#key-form")).to_be_hidden()
        expect(playground.at("#language option").first).to_contain_text(".")

        playground.choose("python", "ask")
        playground.run()
        playground.at("#line").fill("Ada")
        playground.at("#line").press("Enter")
        playground.at("#line").fill("1")
        playground.at("#line").press("Enter")
        playground.ended("Finished with exit code 0")
        assert [url for url in playground.asked if url.startswith("ws:")]
        assert not [url for url in playground.asked if key in url]
        playground.open()
        assert key not in context.storage_state().__repr__(), "it outlives the tab"
        with context.new_page() as page:
            other = Playground(page, server)
            page.goto(other.address)
            other.ended("A key is needed")
