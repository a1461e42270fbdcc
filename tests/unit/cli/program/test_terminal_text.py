"""A terminal is told of a program's output what it shows, and nothing that it does."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drybox.cli.program.terminal_text import TerminalText

pytestmark = pytest.mark.promise("ISO-28")

PASSED_ON = {
    "text in any script": "plain, ünïcode, 漢字 and 🎉",
    "marks of lines": "one\ntwo\r\nthree\tfour\b\x0b\x0c\a",
    "colours": "\x1b[m\x1b[1;31mred\x1b[0m \x1b[38;5;200mx\x1b[38;2;1;2;3mx\x1b[4:3mx\x1b[0m",
    "moves": "\x1b[2A\x1b[10C\x1b[3;4H\x1b[G\x1b[5d\x1b[s\x1b[u\x1b7\x1b8",
    "what is erased of the screen": "\x1b[K\x1b[2K\x1b[J\x1b[2J\x1b[1P\x1b[3X\x1b[2@\x1b[L\x1b[M",
    "the cursor": "\x1b[?25l\x1b[?25h",
}

LEFT_OUT = {
    "the clipboard": "\x1b]52;c;Y3VybCBldmlsIHwgc2g=\a",
    "the clipboard, asked for": "\x1b]52;c;?\x1b\\",
    "a title": "\x1b]0;title\a\x1b]2;title\x1b\\\x1bktitle\x1b\\",
    "colours of the terminal, asked for": "\x1b]11;?\a\x1b]4;1;?\x1b\\",
    "a link": "\x1b]8;;https://a.example\x1b\\\x1b]8;;\x1b\\",
    "a file": "\x1b]1337;File=name=eA==:AAAA\a",
    "a folder": "\x1b]7;file:///etc\a",
    "notices": "\x1b]9;text\a\x1b]777;notify;a;b\a\x1b]99;;x\x1b\\",
    "questions": "\x1b[6n\x1b[5n\x1b[?6n\x1b[c\x1b[>c\x1b[=c\x1b[0c\x1b[>q\x1bZ\x1b[?u\x1b[x",
    "questions about modes": "\x1b[?2004$p\x1bP$qm\x1b\\\x1bP+q544e\x1b\\",
    "the window": "\x1b[21t\x1b[20t\x1b[8;1;1t\x1b[3;0;0t\x1b[14t\x1b[22;0t",
    "an answer back": "\x05",
    "what keys send": "\x1b[?1h\x1b=\x1b>\x1b[>4;2m\x1b[=1;1u\x1b[>1u\x1b[?2004h\x1b[?2004l",
    "what the mouse sends": "\x1b[?1000h\x1b[?1002h\x1b[?1003h\x1b[?1006h\x1b[?9h\x1b[?1004h",
    "another screen": "\x1b[?1049h\x1b[?47h",
    "regions, and what has scrolled away": "\x1b[5;6r\x1b[3J\x1b[?69h\x1b[1;2s",
    "repeating without end": "\x1b[99999999b",
    "a reset, and other marks for letters": "\x1bc\x1b[!p\x1b(0\x1b(B\x1b%G\x0e\x0f\x1bn",
    "pictures and printers": "\x1bPq#0;2;0;0;0~~\x1b\\\x1b_Gf=24;AAAA\x1b\\\x1b[5i\x1b[4i",
    "strings for nobody": "\x1bXx\x1b\\\x1b^x\x1b\\",
    "eight bits": "\x9b\x9d\x90\x85\x9c",
    "other marks": "\x00\x01\x02\x03\x04\x06\x10\x11\x13\x18\x1a\x1c\x7f",
}


@pytest.mark.parametrize("text", PASSED_ON.values(), ids=list(PASSED_ON))
def test_what_a_terminal_shows_is_passed_on(text: str) -> None:
    assert TerminalText().shown(text.encode()).decode() == text


@pytest.mark.parametrize("text", LEFT_OUT.values(), ids=list(LEFT_OUT))
def test_what_a_terminal_does_is_left_out(text: str) -> None:
    assert TerminalText().shown(f"before{text}after".encode()) == b"beforeafter"


@pytest.mark.parametrize("text", [*LEFT_OUT.values(), *PASSED_ON.values()])
def test_pieces_may_end_anywhere(text: str) -> None:
    whole = f"a{text}b\n".encode()
    one = TerminalText()
    assert b"".join(one.shown(bytes([byte])) for byte in whole) == TerminalText().shown(whole)


COMMAND = re.compile(
    "\x1b(?!\\[[0-9;:]*[A-HJKfdLMPX@msu]|\\[\\?25[hl]|[78])|\x1b\\[3J|[\x00-\x06\x0e-\x1a\x7f-\x9f]"
)
"""What must never reach a terminal, told in another way."""


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=6),
            st.text(alphabet="\x1b[]P?>=0123456789;:$ nctmhlJ\\\a\n\x18\x9b", max_size=12).map(
                str.encode
            ),
            st.sampled_from([text.encode() for text in LEFT_OUT.values()]),
        ),
        max_size=8,
    )
)
def test_no_pieces_make_a_command(pieces: list[bytes]) -> None:
    one = TerminalText()
    shown = b"".join(map(one.shown, pieces)).decode()
    assert not COMMAND.search(shown)


def test_what_has_no_end_keeps_neither_the_next_line_nor_memory() -> None:
    one = TerminalText()
    assert one.shown(b"\x1b]52;c;" + b"A" * 100_000) == b""
    assert one.shown(b"A" * 100_000 + b"\nseen\n") == b"\nseen\n"
    assert one.shown(b"\x1b[" + b"1" * 100_000) == b""
    assert one.shown(b"1" * 100_000 + b"nseen\n") == b"seen\n"
    assert one.shown(b"\xff\xfe\xc3") == "\ufffd\ufffd".encode()
    assert one.shown(b"\xbc") == "ü".encode()
