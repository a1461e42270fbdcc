"""What programs write: told apart, never more than text, never more than the page can hold."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.support.browser import Playground

pytestmark = pytest.mark.promise("PAGE-2")

BOTH = """import sys
for n in range(3):
    print("out", n, flush=True); input()
    print("err", n, file=sys.stderr, flush=True); input()
"""


def write_both(playground: Playground) -> None:
    """Have each line written once the one before it is there: nobody knows the order otherwise."""
    playground.write("python", BOTH)
    playground.run()
    for n in range(3):
        for word in ("out", "err"):
            expect(playground.at("#output")).to_contain_text(f"{word} {n}")
            playground.at("#line").press("Enter")
    playground.ended("Finished")


def test_stdout_and_stderr_are_told_apart_without_colour_too(playground: Playground) -> None:
    write_both(playground)
    playground.settle()
    kinds = playground.at("#output .segment").evaluate_all("all => all.map(e => e.className)")
    typed = "segment stdin tagged"
    assert kinds == ["segment stdout", typed, "segment stderr tagged", typed] * 3
    assert playground.at("#output .stderr .tag").all_inner_texts() == ["stderr"] * 3
    assert playground.at("#output .stdout .tag").count() == 0
    width = "e => getComputedStyle(e).borderLeftColor"
    colours = {
        playground.at(f"#output .{name}").first.evaluate(width) for name in ("stdout", "stderr")
    }
    assert len(colours) == 2


def test_each_of_them_can_be_seen_alone(playground: Playground) -> None:
    write_both(playground)
    playground.at("#views").get_by_text("stderr").click()
    expect(playground.at("#output")).to_have_text("err 0\nerr 1\nerr 2\n")
    playground.at("#views").get_by_text("stdout").click()
    expect(playground.at("#output")).to_have_text("out 0\nout 1\nout 2\n")
    playground.at("#views").get_by_text("Together").click()
    expect(playground.at("#output .segment")).to_have_count(12)


AT_THE_END = """() => {
    const { scrollTop, scrollHeight, clientHeight } = document.querySelector("#output");
    return scrollHeight > clientHeight && scrollHeight - scrollTop - clientHeight < 4;
}"""


def test_the_end_stays_in_view_until_somebody_scrolls_up(playground: Playground) -> None:
    playground.write("python", "for n in range(300): print(n, flush=True)\ninput()\nprint('last')")
    playground.run()
    expect(playground.at("#output")).to_contain_text("299")
    playground.page.wait_for_function(AT_THE_END)
    playground.at("#output").hover()
    playground.page.mouse.wheel(0, -1000)
    playground.page.wait_for_function(f"() => !({AT_THE_END})()")
    playground.at("#line").press("Enter")
    playground.ended("Finished")
    expect(playground.at("#output")).to_contain_text("last")
    assert not playground.page.evaluate(AT_THE_END), "it jumps away from what is read"
    playground.run()
    expect(playground.at("#output")).to_contain_text("299")
    playground.at("#line").press("Enter")
    playground.ended("Finished")
    expect(playground.at("#output")).to_contain_text("last")
    playground.page.wait_for_function(AT_THE_END)


def test_output_only_ever_becomes_text(playground: Playground) -> None:
    hostile = (
        "<script>window.taken = 1</script>",
        "<img src=x onerror='window.taken = 1'>",
        "</div></body><style>*{display:none}</style>",
        "<a href='javascript:window.taken=1'>click</a>",
        "&lt;b&gt; \x1b]8;;javascript:window.taken=1\x07link\x1b]8;;\x07",
        "\x1b[2J\x1b[H\x1b]0;title\x07\x1b[?1049h\x1b[8mhidden\x1b[0m",
        "gpj.\u202etxt \x00\x07\x9b31m",
    )
    code = f"import sys\nfor text in {hostile!r}:\n    print(text); print(text, file=sys.stderr)"
    title = playground.page.title()
    playground.write("python", code)
    playground.run()
    playground.ended("Finished")
    shown = playground.stream("stdout")
    for text in hostile[:4]:
        assert text in shown
    assert "␛[2J␛[H␛]0;title␇␛[?1049hhidden\n" in shown
    assert "gpj.<U+202E>txt ␀␇<U+009B>31m" in shown
    assert playground.stream("stderr") == shown
    tags = playground.at("#output *").evaluate_all("all => all.map(e => e.localName)")
    assert set(tags) <= {"div", "span"}
    assert playground.page.evaluate("window.taken") is None
    assert playground.page.title() == title


TERMINAL = r"""import sys
for percent in 1, 50, 100:
    print(f"\r{percent} %", end="", flush=True)
print("\n\x1b[38;5;202mpalette\x1b[0m \x1b[38;2;255;255;255mwhite\x1b[0m "
      "\x1b[48;2;0;0;90mground\x1b[0m \x1b[7mturned\x1b[0m \x1b[9mout\x1b[0m")
print("waiting", end="", flush=True)
input()
print("\rdone\x1b[K")
"""


def test_a_line_is_written_anew_and_has_any_colour(playground: Playground) -> None:
    playground.write("python", TERMINAL)
    playground.run()
    expect(playground.at("#output")).to_contain_text("waiting")
    shown = "100 %\npalette white ground turned out\n"
    assert playground.stream("stdout") == f"{shown}waiting"
    styled = playground.at("#output span").evaluate_all(
        "all => all.map(e => [e.textContent, getComputedStyle(e).color,"
        " getComputedStyle(e).backgroundColor])"
    )
    ink = {text: colour for text, colour, _ in styled}
    ground = {text: colour for text, _, colour in styled}
    assert ink.keys() == {"palette", "white", "ground", "turned", "out"}
    assert ink["white"] != "rgb(255, 255, 255)", "it cannot be read on a white ground"
    assert ground["ground"] == "rgb(0, 0, 90)"
    assert len({ink["palette"], ink["white"], ink["ground"]}) == 3
    playground.at("#line").press("Enter")
    playground.ended("Finished")
    # What was typed stands between; the line of before is complete.
    assert playground.stream("stdout") == f"{shown}waitingdone\n"


def test_a_flood_leaves_the_page_usable(playground: Playground) -> None:
    playground.write("python", "import sys\nwhile True: print('y' * 79)")
    playground.run()
    playground.ended("Ended at its output limit")
    expect(playground.at("#outcome")).to_contain_text("cut stdout")
    expect(playground.at("#output")).to_contain_text("y" * 79)
    playground.page.wait_for_function(
        "() => document.querySelector('#output').textContent.length === 1024 * 1024"
    )
    assert playground.at("#output *").count() < 1000


def test_streams_that_change_all_the_time_do_not_flood_the_page(playground: Playground) -> None:
    playground.write(
        "python",
        "import os, time\n"
        "for n in range(6000):\n"
        "    os.write(1 + n % 2, b'\\x1b[3%dm%d\\n' % (n % 8, n)); time.sleep(0.0002)",
    )
    playground.run()
    playground.ended("Finished")
    playground.settle()
    assert playground.at("#output *").count() < 20_000
    playground.at("#views").get_by_text("stdout").click()
    expected = "".join(f"{n}\n" for n in range(0, 6000, 2))
    expect(playground.at("#output")).to_have_text(expected)
