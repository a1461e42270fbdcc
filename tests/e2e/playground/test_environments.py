"""The picker of environments: which there are for a language, and what is in each."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.support.browser import Playground
from tests.support.environments import make_index, settings_of
from tests.support.packages import GREETING
from tests.support.server import Server, serving

pytestmark = pytest.mark.promise("PAGE-8")


def test_an_environment_is_chosen_described_used_and_shared(
    browser: Browser, tmp_path: Path
) -> None:
    variables = {
        **settings_of(make_index(tmp_path / "index")),
        "DRYBOX_ISOLATION": "local",
        "DRYBOX_ENVIRONMENT_DIR": str(tmp_path / "store"),
        "DRYBOX_ENVIRONMENTS_GREETING_LANGUAGE": "python",
        "DRYBOX_ENVIRONMENTS_GREETING_PACKAGES": "greet",
    }
    with serving(env=variables) as server, browser.new_context() as context:
        playground = Playground(context.new_page(), server).open()
        picker, about = playground.at("#environment"), playground.at("#environment-about")
        playground.at("#input summary").click()
        picker.select_option("greeting")
        expect(picker.locator("option").last).to_have_text("greeting (not built yet)")
        expect(about).to_contain_text("Asks for greet. It is built when")
        expect(playground.at("#input-count")).to_have_text("1 set")
        playground.write("python", "import greet; print(greet.greet())")
        playground.run()
        playground.ended("Finished with exit code 0")
        assert playground.stream("stdout") == f"{GREETING}\n"

        playground.at("#share").click()
        expect(playground.at("#said")).not_to_be_empty()
        link = playground.page.url
        with context.new_page() as page:
            other = Playground(page, server)
            page.goto(link)
            expect(other.at("#environment option").last).to_have_text("greeting")
            expect(other.at("#environment")).to_have_value("greeting")
            expect(other.at("#environment-about")).to_contain_text("greet 1.2.0, words 2.0.0")
            other.calm()
        playground.page.select_option("#language", "bash")
        expect(playground.at("#environment-field")).to_be_hidden()
        playground.write("bash", "echo bare")
        playground.run()
        playground.ended("Finished with exit code 0")
        playground.calm()


def test_a_server_without_any_offers_none(playground: Playground, server: Server) -> None:
    playground.at("#input summary").click()
    expect(playground.at("#packages")).to_be_visible()
    expect(playground.at("#environment-field")).to_be_hidden()
