"""Which file of a Go project begins the program."""

from __future__ import annotations

import pytest

from drybox.languages.go import Go

MAIN = b"package main\n\nfunc main() {}\n"
PART = b"package main\n\nconst part = 1\n\n// func main() is elsewhere\n"
OTHER = b"package other\n\nfunc main() {}\n"
SCRIPT = b"//go:build ignore\n\n" + MAIN


@pytest.mark.parametrize(
    ("files", "entry"),
    [
        ({"main.go": PART, "a.go": MAIN}, "main.go"),
        ({"a.go": PART}, "a.go"),
        ({"a.go": PART, "b.go": MAIN}, "b.go"),
        ({"a.go": MAIN, "a_test.go": MAIN}, "a.go"),
        ({"a.go": MAIN, "generate.go": SCRIPT}, "a.go"),
        ({"a.go": MAIN, "b.go": MAIN}, None),
        ({"a.go": OTHER, "cmd/app/app.go": MAIN, "go.mod": b""}, "cmd/app/app.go"),
        ({"a.go": OTHER, "b.go": OTHER, "cmd/app/main.go": MAIN}, "cmd/app/main.go"),
        ({"cmd/a/main.go": MAIN, "cmd/b/main.go": MAIN}, None),
        ({"cmd/a/main.go": MAIN, "vendor/x/main.go": MAIN}, "cmd/a/main.go"),
        ({"a.go": MAIN, "cmd/b/main.go": MAIN}, "a.go"),
        ({"a.go": PART, "b.go": PART}, None),
    ],
)
def test_the_entry_is_the_file_that_has_main(files: dict[str, bytes], entry: str | None) -> None:
    assert Go().find_entry(files) == entry
