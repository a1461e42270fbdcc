"""``drybox repl`` in a real pseudo-terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.cli import drybox
from tests.support.terminal import END, INTERRUPT, UP, Terminal, terminal

pytestmark = [pytest.mark.promise("SESCLI-1")]

PICTURE = "class P: _repr_png_ = lambda self: b'\\x89PNG' + bytes(20)"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"XDG_DATA_HOME": str(tmp_path / "data"), "DRYBOX_ISOLATION": "local"}


@pytest.fixture
def python(tmp_path: Path, env: dict[str, str]) -> Iterator[Terminal]:
    with terminal("repl", cwd=tmp_path, env=env) as opened:
        opened.until("In [1]:")
        yield opened


def test_state_values_blocks_errors_and_pictures(python: Terminal, tmp_path: Path) -> None:
    python.type("x = 6\r")
    python.until("In [2]:")
    python.type("x * 7\r")
    python.until("Out[2]: 42")
    python.until("In [3]:")
    python.type("for n in range(2):\rprint('n is', n)\r\r")  # the second line is indented by itself
    python.until("n is 1")
    python.until("In [4]:")
    python.type("1 / 0\r")
    python.until("ZeroDivisionError: division by zero")
    python.until("In [5]:")
    python.type("print('no end of line', end='')\r")
    python.until("no end of line\n")
    python.until("In [6]:")
    python.type(f"{PICTURE}\r")
    python.type("\r")
    python.until("In [7]:")
    python.type("P()\r")
    python.until("drybox: picture: pictures/picture-1.png")
    python.until("In [8]:")
    assert (tmp_path / "pictures/picture-1.png").read_bytes() == b"\x89PNG" + bytes(20)
    python.type("await __import__('asyncio').sleep(0, 'waited')\r")
    python.until("'waited'")
    python.until("In [9]:")
    python.type("exit\r")
    assert python.end() == 0


def test_an_interrupt_ends_code_and_not_its_state(python: Terminal) -> None:
    python.type("kept = 41\r")
    python.until("In [2]:")
    python.type("print('be' + 'gun')\r")
    python.until("begun")
    python.until("In [3]:")
    python.type("while True: print('go' + 'ing', end='\\r')\r\r")
    python.until("going")
    python.type(INTERRUPT)
    python.until("KeyboardInterrupt")
    python.until("In [4]:")
    python.type("half a line")
    python.until("half a line")
    python.type(INTERRUPT)  # gives it up
    python.until("In [4]:")
    python.type("kept + 1\r")
    python.until("Out[4]: 42")
    python.until("In [5]:")
    python.type(END)
    assert python.end() == 0


def test_code_asks_for_a_line(python: Terminal) -> None:
    python.type("'Hello, ' + input('Who? ') + '!'\r")
    python.until("Who?")
    python.until("\nWho?")  # a space at a line's end may be drawn as a move
    python.type("Ann\r")
    python.until("'Hello, Ann!'")
    python.until("In [2]:")
    python.type(END)
    assert python.end() == 0


def test_tab_completes_what_the_kernel_knows(python: Terminal) -> None:
    python.type("quite_a_long_name = 5\r")
    python.until("In [2]:")
    python.type("quite_a_lo\t")
    python.until("ng_name")  # no more than that is drawn anew
    python.type(" * 5\r")
    python.until("Out[2]: 25")
    python.until("In [3]:")
    python.type(END)
    assert python.end() == 0


def test_lines_are_remembered_for_the_next_time(tmp_path: Path, env: dict[str, str]) -> None:
    for first in (True, False):
        with terminal("repl", "-l", "bash", cwd=tmp_path, env=env) as bash:
            bash.until("In [1]:")
            bash.type("echo remem''bered\r" if first else f"{UP}\r")
            bash.until("\nremembered")
            bash.until("In [2]:")
            bash.type("for n in 1 2; do\recho n$n\rdone\r")
            bash.until("\nn2")
            bash.until("In [3]:")
            bash.type("exit\r" if first else END)
            assert bash.end() == 0
        if not first:
            break
        history = tmp_path / "data/drybox/history/bash"
        assert history.stat().st_mode & 0o777 == 0o600
        history.write_text("\n# then\n+echo remem''bered\n")  # the last one


def test_a_second_interrupt_ends_what_will_not_hear(tmp_path: Path, env: dict[str, str]) -> None:
    with terminal("repl", "-l", "bash", cwd=tmp_path, env=env) as bash:
        bash.until("In [1]:")
        bash.type("trap '' INT; bash -c 'trap \"\" INT; echo de''af; while :; do :; done'\r")
        bash.until("\ndeaf")
        bash.press_until(INTERRUPT, "what the code had kept is lost")  # signals may fall together
        bash.until("In [")
        bash.type("echo ali''ve\r")
        bash.until("\nalive")
        bash.until("In [")
        bash.type(END)
        assert bash.end() == 0


def test_it_needs_a_terminal_and_a_language_that_is_there() -> None:
    done = drybox("repl", stdin=b"1\n")
    assert done.returncode == 2
    assert b"needs a terminal" in done.stderr
    with terminal("repl", "-l", "cobol") as wrong:
        wrong.until("cobol")
        assert wrong.end() == 2
