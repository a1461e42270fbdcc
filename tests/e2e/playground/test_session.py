"""The mode in which a sandbox is kept: what it shows, what it keeps, and what it may not reach."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, ViewportSize, expect
from tests.support.browser import AXE, Playground, check_accessibility
from tests.support.host import eventually
from tests.support.server import TIMEOUT, Server

pytestmark = pytest.mark.promise("PAGE-9")


@pytest.fixture
def session(playground: Playground) -> Playground:
    """The page in that mode."""
    playground.at("#modes").get_by_text("Session").click()
    return playground


def close_all(server: Server) -> None:
    """Close the sessions of pages before this one: a browser that ends may not have got to it."""
    for session in server.get("/v1/sessions").json:
        server.ask("DELETE", f"/v1/sessions/{session['id']}")


def run(playground: Playground, code: str, number: int | None) -> None:
    """Run code from the editor until it has ended as the cell of this number."""
    playground.write("python", code)
    playground.run()
    ended(playground, number)


def enter(playground: Playground, line: str, number: int | None) -> None:
    """Run a line below the cells."""
    playground.at("#console-line").fill(line)
    playground.at("#console-line").press("Enter")
    ended(playground, number)


def ended(playground: Playground, number: int | None) -> None:
    if number is not None:
        expect(playground.at(".cell .label").last).to_have_text(f"[{number}]")
    expect(playground.at("#state")).to_have_text("Ready")
    playground.settle()


PICTURE = """
import base64
class Picture:
    def _repr_png_(self):
        return base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
                                "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
"""
HOSTILE = r"""
class Table:
    def _repr_html_(self):
        return '''<table><tr><th>fruit<td id="sign">plum</table><img src=x onerror="taken()">
            <script>document.getElementById("sign").textContent = "ran"; parent.taken = 1</script>
            <a href="https://example.org/" target=_top>away</a><base target=_top>'''
print("<img src=x onerror='window.taken = 1'> \x1b[2J")
Table()
"""


def test_state_tables_pictures_and_errors(session: Playground) -> None:
    run(session, "x = 6\nfor n in range(3): print(f'\\r{n} of 2', end='')", 1)
    assert session.at(".cell .output").inner_text() == "2 of 2"
    enter(session, "x * 7", 2)
    assert session.at(".cell .output").last.inner_text() == "42\n"
    session.at("#console-line").press("ArrowUp")
    expect(session.at("#console-line")).to_have_value("x * 7")

    enter(session, f"{PICTURE}\nPicture()", 3)
    image = session.at(".cell img")
    session.page.wait_for_function("() => document.querySelector('.cell img').naturalWidth === 1")
    assert (image.get_attribute("src") or "").startswith("blob:")

    enter(session, "1 / 0", 4)
    error = session.at(".cell").last.locator(".stderr")
    expect(error).to_contain_text("ZeroDivisionError: division by zero")
    assert error.locator(".block span").count() > 1, "it has no colours"

    run(session, HOSTILE, 5)
    element = session.at(".cell iframe")
    assert element.get_attribute("sandbox") == "allow-scripts", "no same origin, no ways out"
    frame = session.page.frame_locator(".cell iframe")
    expect(frame.locator("#sign")).to_have_text("plum")
    assert frame.get_by_text("away").get_attribute("href") is None
    shown = session.at(".cell").last.locator(".output").inner_text()
    assert shown == "<img src=x onerror='window.taken = 1'> ␛[2J\n"
    # The frame is as high as its page.
    session.page.wait_for_function(
        "() => document.querySelector('.cell iframe').style.height !== ''"
    )
    assert session.page.evaluate("window.taken") is None
    # The browser says what it has kept from running.
    assert all("Content Security Policy" in fault for fault in session.faults), session.faults
    session.faults.clear()


def test_code_that_asks_for_input_is_told_where_it_goes(session: Playground) -> None:
    run(session, "name = input('Who? ')\nprint('Hello,', name)", 1)
    expect(session.at(".cell").last).to_contain_text("StdinNotImplementedError")
    label = session.at("label[for=stdin]").text_content()
    expect(session.at(".cell .note").last).to_contain_text(f"“{label}”")
    session.at("#input summary").click()
    session.at("#stdin").fill("Ada")
    run(session, "name = input('Who? ')\nprint('Hello,', name)\ninput()", 2)
    expect(session.at(".cell").last).to_contain_text("Hello, Ada")
    expect(session.at(".cell .note").last).to_contain_text(f"“{label}”")


def test_files_come_and_go(session: Playground, tmp_path: Path) -> None:
    run(session, "import os; os.mkdir('sub'); open('sub/\\u202ea<b>.txt', 'w').write('made')", 1)
    session.at("#session-files summary").click()
    (tmp_path / "up load.csv").write_text("a,b\n")
    session.at("#session-files input").set_input_files(tmp_path / "up load.csv")
    expect(session.at("#session-files li")).to_have_count(2)
    enter(session, "open('up load.csv').read()", 2)
    expect(session.at(".cell").last).to_contain_text("a,b\\n")

    session.page.get_by_role("button", name="Open the folder sub").click()
    expect(session.at("#session-files")).to_contain_text("<U+202E>a<b>.txt")
    with session.page.expect_download() as download:
        session.page.get_by_role("button", name="Download <U+202E>a<b>.txt").click()
    download.value.save_as(tmp_path / "down")
    assert (tmp_path / "down").read_text() == "made"
    session.page.get_by_role("button", name="Remove <U+202E>a<b>.txt").click()
    expect(session.page.get_by_role("button", name="Download")).to_have_count(0)
    session.page.get_by_role("button", name="The folder above").click()
    expect(session.page.get_by_role("button", name="Download up load.csv")).to_be_visible()


def test_interrupt_restart_and_the_end(session: Playground, server: Server) -> None:
    close_all(server)
    run(session, "x = 1\nwith open('kept', 'w') as file: file.write('here')", 1)
    session.at("#console-line").fill("print('begun', flush=True)\nwhile True: pass")
    session.at("#console-line").press("Enter")
    expect(session.at(".cell .output").last).to_contain_text("begun")
    session.page.keyboard.press("Escape")
    ended(session, 2)
    expect(session.at(".cell .title")).to_have_text("Stopped by you")
    enter(session, "x", 3)

    session.page.get_by_role("button", name="Restart").click()
    expect(session.at("#cells .note")).to_contain_text("variables are gone")
    enter(session, "print(open('kept').read(), 'x' in globals())", 1)
    expect(session.at(".cell .output").last).to_contain_text("here False")

    (mine,) = server.get("/v1/sessions").json
    assert mine["metadata"] == {"from": "playground"}
    server.ask("DELETE", f"/v1/sessions/{mine['id']}")
    enter(session, "x", None)
    expect(session.at("#cells .note").last).to_contain_text("The next run opens another")
    enter(session, "'a new one'", 1)
    expect(session.at(".cell .output").last).to_contain_text("a new one")
    session.page.get_by_role("button", name="Close the session").click()
    expect(session.at(".cell")).to_have_count(0)
    assert eventually(lambda: server.get("/v1/sessions").json == [], TIMEOUT)
    # The browser says of each refused request that it has failed.
    assert all("404" in fault for fault in session.faults), session.faults
    session.faults.clear()


def test_what_the_page_keeps_is_bounded(session: Playground) -> None:
    tall = "class Tall:\n    def _repr_html_(self): return '<p>x' * 1000\ndisplay(Tall())"
    run(session, f"{PICTURE}\n{tall}\nfor n in range(60): display(Picture())\nprint('end')", 1)
    assert session.at(".cell img").count() == 11, "twelve things of a cell are shown"
    expect(session.at(".cell .note")).to_contain_text("More than 50 things to show")
    expect(session.at(".cell .output").last).to_contain_text("end")
    session.page.wait_for_function(
        "() => document.querySelector('.cell iframe').style.height === '600px'"
    )
    for number in range(2, 11):
        enter(session, "print('y' * 1_000_000)", number)
    # The oldest have gone, pictures and all.
    expect(session.at(".cell .label").first).to_have_text("[3]")
    assert session.at(".cell img").count() == 0
    assert session.at("#cells *").count() < 2000


def test_a_phone_a_keyboard_and_those_who_cannot_see(browser: Browser, server: Server) -> None:
    phone = ViewportSize(width=390, height=844)
    with browser.new_context(viewport=phone, is_mobile=True, has_touch=True) as context:
        playground = Playground(context.new_page(), server).open()
        playground.page.evaluate(AXE.read_text())
        playground.at("#modes").get_by_text("Session").tap()
        expect(playground.at("#console-line")).to_be_visible()
        playground.write("python", "print('x' * 3000)\nopen('a' * 200, 'w').close()\n1 / 0")
        playground.at("#run").tap()
        ended(playground, 1)
        playground.at("#session-files summary").tap()
        expect(playground.at("#session-files li")).to_have_count(1)
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not playground.page.evaluate(wide)
        check_accessibility(playground)
        playground.at("#mode-session").focus()
        visited = []
        for _ in range(14):
            playground.page.keyboard.press("Tab")
            visited.append(
                playground.page.evaluate(
                    "document.activeElement.id || document.activeElement.textContent"
                )
            )
        assert {"Restart", "Close", "cells", "Files", "Upload", "console-line"} <= set(visited)
        playground.calm()


def test_a_page_that_goes_closes_its_session(browser: Browser, server: Server) -> None:
    close_all(server)
    with browser.new_context() as context:
        playground = Playground(context.new_page(), server).open()
        playground.at("#modes").get_by_text("Session").click()
        run(playground, "1", 1)
        assert len(server.get("/v1/sessions").json) == 1
        playground.open()
        assert eventually(lambda: server.get("/v1/sessions").json == [], TIMEOUT)
        playground.calm()


def test_code_whose_answer_is_lost_is_not_run_again_by_itself(session: Playground) -> None:
    run(session, "runs = 0", 1)

    def lose(route: Route) -> None:
        """As a proxy does that takes what comes piece by piece for broken."""
        route.fetch()
        route.fulfill(status=502, body="<h1>Bad gateway</h1>")

    session.page.route("**/run/stream", lose)
    enter(session, "runs += 1", None)
    expect(session.at(".cell .title")).to_have_text("No live answer gets through")
    enter(session, "print('so often:', runs); runs", 3)
    assert session.at(".cell .output").last.inner_text() == "so often: 1\n1\n"
    assert all("502" in fault for fault in session.faults), session.faults
    session.faults.clear()
