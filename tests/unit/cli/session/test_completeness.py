"""Whether what was typed is whole."""

from __future__ import annotations

import pytest

from drybox.cli.session.completeness import is_whole

WHOLE = {
    "python": [
        *(
            "",
            "  ",
            "x = 1",
            "x = 1; y",
            "await f()",
            "print('a\\nb')",
            "1 +* 2",
            "!ls -l",
            "%time 1",
        ),
        *("x?", "if x:\n    1\n", "f(\n  1\n)", "x = '''\n'''", ")", "\0"),
    ],
    "shell": [
        *("ls", "for n in 1; do echo; done", "if true; then\n echo\nfi", "echo 'a' \"b\" # '"),
        *("echo done", "case a in\n a) echo;;\nesac", "f() {\n echo\n}", "echo \\\\", "echo for"),
    ],
    "javascript": [
        *("1", "f({\n})", "'('", "`a\nb`", "// (", "/* ( */", "[1)", "x => {\n"),
    ],
    "java": ["int x = 1;", "class A {\n}", '"{"'],
    "rust": ["fn f<'a>(x: &'a str) {}", "let c = '(';"],
    "unknown": ["f()"],
}

OPEN = {
    "python": [
        "if x:",
        "f(",
        "x = '''",
        "if x:\n    1",
        "%%time\nx",
        "!ls \\",
        "[1,",
        "@d",
        "x = \\",
    ],
    "shell": [
        *("for n in 1; do", "if true; then\n echo", "echo 'a", 'echo "a', "ls &&", "ls |", "ls \\"),
        *("f() {", "while true; do if a; then b; fi", "case a in"),
    ],
    "javascript": ["f(", "{", "`a", "/* a", "[{", "if (x) {\n  y"],
    "go": ["func main() {"],
    "rust": ["fn f<'a>(x: &'a str) -> char {", "let c = '('; f("],
}


@pytest.mark.parametrize(
    ("grammar", "text"), [(grammar, text) for grammar in WHOLE for text in WHOLE[grammar]]
)
def test_enter_runs_it(grammar: str, text: str) -> None:
    assert is_whole(grammar, text)


@pytest.mark.parametrize(
    ("grammar", "text"), [(grammar, text) for grammar in OPEN for text in OPEN[grammar]]
)
def test_enter_begins_another_line(grammar: str, text: str) -> None:
    assert not is_whole(grammar, text)
    assert is_whole(grammar, f"{text}\n")  # nobody is caught


def test_a_program_goes_on_until_it_has_its_main() -> None:
    for text in ("#include <stdio.h>", "int f() { return 1; }", 'char *s = "main()";', "// main()"):
        assert not is_whole("c", text, is_program=True)
        assert is_whole("c", f"{text}\n", is_program=True)  # nobody is caught
        assert not is_whole("c", f"{text}\nint main() {{", is_program=True)
        assert is_whole("c", f"{text}\nint main() {{\n}}", is_program=True)
