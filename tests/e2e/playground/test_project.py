"""Programs of several files, with packages and variables: what the page sends of them."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect
from tests.support.browser import Playground
from tests.support.server import Server, serving


def add(playground: Playground, name: str, text: str) -> None:
    """Add a file as a person does."""
    playground.at("#add-file").click()
    playground.at("#file-name").fill(name)
    playground.page.keyboard.press("Enter")
    expect(playground.at("#name-dialog")).to_be_hidden()
    playground.page.keyboard.insert_text(text)


def names(playground: Playground) -> list[str]:
    return playground.at("#tabs button").all_inner_texts()


def test_several_files_are_one_program(playground: Playground) -> None:
    playground.write("python", "import lib.half\nprint(lib.half.of(10), open('data/n.txt').read())")
    add(playground, "lib/half.py", "def of(n):\n    return n / 2\n")
    add(playground, "data/n.txt", "seven")
    assert names(playground) == ["main.py", "lib/half.py", "data/n.txt"]
    playground.run()
    playground.ended("Finished")
    assert playground.stream("stdout") == "5.0 seven\n"

    playground.at("#tabs").get_by_text("main.py").click()
    expect(playground.at(".cm-content")).to_contain_text("import lib.half")
    playground.page.keyboard.press("Control+z")
    playground.at("#tabs").get_by_text("lib/half.py").click()
    expect(playground.at(".cm-content")).to_contain_text("return n / 2")


def test_another_file_can_be_the_one_that_is_run(playground: Playground) -> None:
    playground.write("python", "print('main', __file__)")
    add(playground, "other.py", "print('other', __file__)")
    expect(playground.at("#tabs svg")).to_have_attribute("aria-label", "is run")
    playground.at("#make-entry").click()
    expect(playground.at("#make-entry")).to_be_hidden()
    playground.run()
    playground.ended("Finished")
    assert playground.stream("stdout") == "other /sandbox/other.py\n"
    playground.at("#close-file").click()
    assert names(playground) == ["main.py"]
    expect(playground.at("#close-file")).to_be_hidden()
    playground.run()
    playground.ended("Finished")
    assert playground.stream("stdout") == "main /sandbox/main.py\n"


def test_a_file_alone_under_a_name_of_its_own_is_run_under_it(playground: Playground) -> None:
    playground.write("python", "print(__file__)")
    playground.at("#tabs button").dblclick()
    playground.at("#file-name").fill("tool.py")
    playground.at("#name-done").click()
    playground.run()
    playground.ended("Finished")
    assert playground.stream("stdout") == "/sandbox/tool.py\n"


def test_names_that_no_file_can_have_are_refused(playground: Playground) -> None:
    playground.at("#add-file").click()
    for name, why in (("", "name"), ("../x", "“..”"), ("/x", "relative"), ("main.py", "already")):
        playground.at("#file-name").fill(name)
        playground.page.keyboard.press("Enter")
        expect(playground.at("#name-problem")).to_contain_text(why)
        expect(playground.at("#file-name")).to_have_attribute("aria-invalid", "true")
    playground.page.keyboard.press("Escape")
    assert names(playground) == ["main.py"]


def test_files_by_keyboard(playground: Playground) -> None:
    keyboard = playground.page.keyboard
    playground.write("python", "print('one')")
    add(playground, "b.py", "two")
    add(playground, "c.py", "three")
    seen = playground.at("#tabs [aria-selected=true]")
    keyboard.press("Alt+PageUp")
    expect(seen).to_have_text("b.py")
    expect(playground.at(".cm-content")).to_be_focused()
    keyboard.press("Alt+PageDown")
    keyboard.press("Alt+PageDown")
    expect(seen).to_have_text("main.py")
    seen.focus()
    for key, name in (("ArrowRight", "b.py"), ("End", "c.py"), ("ArrowRight", "main.py")):
        keyboard.press(key)
        expect(seen).to_have_text(name)
        expect(seen).to_be_focused()
    keyboard.press("End")
    keyboard.press("F2")
    expect(playground.at("#file-name")).to_be_focused()
    keyboard.insert_text("d")
    keyboard.press("Enter")
    expect(seen).to_have_text("d.py")
    expect(seen).to_be_focused()
    keyboard.press("Delete")
    assert names(playground) == ["main.py", "b.py"]
    expect(seen).to_be_focused()
    expect(seen).to_have_text("b.py")


def test_the_usual_name_follows_the_language(playground: Playground) -> None:
    playground.page.select_option("#language", "java")
    assert names(playground) == ["Main.java"]
    add(playground, "Tool.java", "class Tool {}")
    playground.page.select_option("#language", "node")
    assert names(playground) == ["main.js", "Tool.java"]


def test_an_example_in_place_of_several_files_can_be_taken_back(playground: Playground) -> None:
    playground.write("python", "import tool")
    add(playground, "tool.py", "print('mine')")
    playground.choose("python", "hello")
    assert names(playground) == ["main.py"]
    expect(playground.at("#notice")).to_contain_text("your 2 files")
    playground.at("#notice button").click()
    assert names(playground) == ["main.py", "tool.py"]
    playground.run()
    playground.ended("Finished")
    assert playground.stream("stdout") == "mine\n"


def test_a_link_and_a_reload_keep_every_file_and_field(
    playground: Playground, browser: Browser, server: Server
) -> None:
    playground.write("python", "import os, tool\nprint(tool.WORD, os.environ['A'])")
    add(playground, "tool.py", "WORD = 'tool'")
    playground.at("#make-entry").click()
    playground.at("#tabs button").first.click()
    playground.at("#make-entry").click()
    playground.at("#input summary").click()
    playground.at("#env").fill("A=first value\nB=2")
    playground.at("#share").click()
    expect(playground.at("#said")).to_have_text("Link copied")
    link = playground.page.evaluate("navigator.clipboard.readText()")
    with browser.new_page() as page:
        other = Playground(page, server).open(link.removeprefix(playground.address))
        assert names(other) == ["main.py", "tool.py"]
        other.run()
        other.ended("Finished")
        assert other.stream("stdout") == "tool first value\n"
        page.reload()
        expect(other.at("#tabs button")).to_have_count(2)
        expect(other.at("#env")).to_have_value("A=first value\nB=2")
        other.calm()


def test_a_variable_that_is_none_is_noticed(playground: Playground) -> None:
    playground.at("#input summary").click()
    playground.at("#env").fill("A=1\nno variable")
    playground.run()
    playground.ended("cannot be sent")
    expect(playground.at("#outcome")).to_contain_text("NAME=value")
    expect(playground.at("#env")).to_be_focused()


def test_packages_are_asked_for_where_there_are_some(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "python").mkdir()
    env = {
        "DRYBOX_PACKAGE_DIR": str(tmp_path),
        "DRYBOX_TIMEOUT": "7s",
        "DRYBOX_LIMITS_MEMORY": "96m",
    }
    with serving(env=env) as server, browser.new_page() as page:
        playground = Playground(page, server).open()
        for part in ("input", "limits"):
            playground.at(f"#{part} summary").click()
        expect(playground.at("#packages")).to_have_attribute("placeholder", "requests==2.32.3")
        expect(playground.at("#packages-about")).to_be_hidden()
        expect(playground.at("#timeout")).to_have_attribute("placeholder", "7 s")
        expect(playground.at("#memory")).to_have_attribute("placeholder", "96 MiB")
        playground.page.select_option("#language", "node")
        expect(playground.at("#packages")).to_have_attribute("placeholder", "lodash@4.17.21")
        playground.write("python", "print(1)")
        playground.at("#packages").fill("no-such-thing, other==1")
        playground.run()
        playground.ended("A package could not be installed")
        assert "no-such-thing" in playground.stream("stderr")
        playground.at("#packages").fill("--index-url=x")
        playground.run()
        playground.ended("not right")
        expect(playground.at("#packages")).to_be_focused()
        playground.calm()


def test_what_holds_where_a_field_is_empty_is_seen(playground: Playground) -> None:
    playground.at("#limits summary").click()
    told = playground.page.evaluate("fetch('v1/defaults').then((answer) => answer.json())")
    expect(playground.at("#memory")).to_have_attribute("placeholder", "256 MiB")
    expect(playground.at("#pids")).to_have_attribute("placeholder", str(told["limits"]["pids"]))
    expect(playground.at("#memory-most")).to_have_text("up to 4 GiB")
    words = playground.at("#isolation option").all_inner_texts()
    assert words[0] == f"{told['isolation']} (default)"
    assert {told["isolation"], *words[1:]} == set(told["isolations"])
    playground.at("#input summary").click()
    expect(playground.at("#packages-about")).to_contain_text("This server offers none")
