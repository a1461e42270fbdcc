"""Messages name what there is on the command line, and nothing else of them is changed."""

from __future__ import annotations

import pytest

from drybox.cli.wording import in_options, printable


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Make it print less, or allow a larger limits.output.", "larger --output."),
        ("limits.pids: 2 is too few", "--pids: 2 is too few"),
        ("Make it faster, or allow a longer timeout.", "a longer --timeout."),
        ("entrypoint: it is not clear", "--entrypoint: it is not clear"),
        ("Set 'entrypoint' to one of: a.py.", "Set --entrypoint to one of: a.py."),
        ("artifacts: '../x' leaves the folder", "--artifact: '../x' leaves the folder"),
        ("packages[0]: 'x y' is no package", "--package[0]: 'x y' is no package"),
        (
            "Put wheels into DIR/python and pass package_dir='DIR' to the executor, or "
            "--package-dir DIR to 'drybox run'.",
            "Put wheels into DIR/python and pass --package-dir DIR.",
        ),
        (
            "To run without it: allow_weaker=('memory',) or '--allow-weaker memory'.",
            "To run without it: --allow-weaker memory.",
        ),
        ("Use isolation='local', which", "Use --isolation local, which"),
        ("allow a larger compile_limits.memory.", "compile_limits.memory in the configuration."),
        ("allow a longer compile_timeout.", "compile_timeout in the configuration."),
    ],
)
def test_fields_are_told_as_options(text: str, wanted: str) -> None:
    assert in_options(text).endswith(wanted)


@pytest.mark.parametrize(
    "text",
    ["The program was ended after 1 s.", "no file matches 'out.txt'", "a timeout of the network"],
)
def test_other_words_stay(text: str) -> None:
    assert in_options(text) == text


def test_nothing_that_a_terminal_obeys_is_printable() -> None:
    every = "".join(map(chr, (*range(0xA0), 0x2028, 0x202E, 0x2066, 0xFEFF)))
    assert printable(f"a{every}é") == f"a{''.join(map(chr, range(0x20, 0x7F)))}é"
    assert printable("a\n\tb\r", keep="\n\t") == "a\n\tb"
