"""Places in files that tools name lead to the editor."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.support.browser import Playground

LINE = """() => {
  const [range] = [getSelection().getRangeAt(0)];
  const { startContainer: at } = range;
  const element = at.nodeType === Node.ELEMENT_NODE ? at : at.parentElement;
  return [...document.querySelectorAll(".cm-line")].indexOf(element.closest(".cm-line")) + 1;
}"""

FAULTY = {
    "python": ("x = 1\n\nraise ValueError(x)\n", 3),
    "node": ("const x = 1;\n\nthrow new Error(x);\n", 3),
    "go": ("package main\n\nfunc main() {\n\tx := 1\n}\n", 4),
    "bash": ("x=1\n\nno-such-command\n", 3),
    "c": ("int main(void) {\n\n  return x;\n}\n", 3),
    "cpp": ("int main() {\n\n  return x;\n}\n", 3),
    "rust": ('fn main() {\n\n  let x: i32 = "a";\n}\n', 3),
    "typescript": ('const x: number = 1;\n\nthrow new Error("x");\n', 3),
    "java": ("public class World {\n\n  int x = true;\n}\n", 3),
}


@pytest.mark.parametrize("language", FAULTY)
def test_a_fault_leads_to_its_line(playground: Playground, language: str) -> None:
    code, line = FAULTY[language]
    playground.write(language, code)
    playground.run()
    expect(playground.at("#output .place").first).to_contain_text(str(line))
    playground.at("#output .place").first.click()
    expect(playground.at(".cm-content")).to_be_focused()
    assert playground.page.evaluate(LINE) == line


def test_it_leads_to_the_right_one_of_several_files(playground: Playground) -> None:
    playground.write("python", "import tool\n\ntool.fail()\n")
    playground.at("#add-file").click()
    playground.at("#file-name").fill("tool.py")
    playground.page.keyboard.press("Enter")
    playground.page.keyboard.insert_text("def fail():\n    return 1 / 0\n")
    playground.run()
    playground.ended("Ended with exit code 1")
    text = playground.stream("stderr")
    expect(playground.at("#output .place")).to_have_text(['main.py", line 3', 'tool.py", line 2'])
    playground.at("#output .place").first.click()
    expect(playground.at("#tabs [aria-selected=true]")).to_contain_text("main.py")
    assert playground.page.evaluate(LINE) == 3
    playground.at("#output .place").last.focus()
    playground.page.keyboard.press("Enter")
    expect(playground.at("#tabs [aria-selected=true]")).to_contain_text("tool.py")
    assert playground.page.evaluate(LINE) == 2
    playground.at("#views").get_by_text("stderr").click()
    expect(playground.at("#output .place")).to_have_count(2)
    assert playground.stream("stderr") == text, "the text is what it was"


def test_places_are_bounded_and_lead_nowhere_else(playground: Playground) -> None:
    playground.write(
        "python",
        "import sys\n"
        "print('main.py\", line 9999999 /etc/main.py\", line 1', 'x' * 5000, file=sys.stderr)\n"
        "print('/etc/main.py\", line 1')\n"
        "print('main.py\", line 9999999')\n"
        "for n in range(20_000): print('main.py\", line 2')\n",
    )
    playground.run()
    playground.ended("Finished")
    playground.settle()
    expect(playground.at("#output .place")).to_have_count(200)
    playground.write("python", "print('main.py\", line 9999999 /etc/main.py\", line 1')")
    playground.run()
    playground.ended("Finished")
    expect(playground.at("#output .place")).to_have_count(1)
    playground.at("#output .place").click()
    assert playground.page.evaluate(LINE) == 1, "as far as there is such a line"
