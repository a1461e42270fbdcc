"""Modules of Go made on the spot, in a folder that the go command takes for a proxy."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.packages import GREETING, make_go

LICENCE = "Permission is hereby granted, free of charge, to any person"


def make_proxy(folder: Path) -> Path:
    """``greet`` needs ``words``, ``wrong`` cannot compile, the others need a newer Go than some."""
    words = f"package words\n\nconst Words = {json.dumps(GREETING)}\n"
    files = {"words.go": words, "go.mod": _mod("words"), "LICENSE": LICENCE}
    make_go(folder, "example.com/words", "v1.8.0", files)
    make_go(folder, "example.com/words", "v1.9.0", files)
    greet = (
        'package greet\n\nimport "example.com/words"\n\nfunc Greet() string { return words.Words }'
    )
    mod = _mod("greet") + "\nrequire example.com/words v1.9.0\n"
    make_go(folder, "example.com/greet", "v1.2.0", {"greet.go": f"{greet}\n", "go.mod": mod})
    for name, needs in {"recent": "1.21", "newer": "1.99"}.items():
        mod = _mod(name).replace("1.18", needs)
        make_go(
            folder, f"example.com/{name}", "v1.0.0", {"a.go": f"package {name}\n", "go.mod": mod}
        )
    mod = _mod("part") + "\nrequire example.com/words v1.9.0\n"
    sub = 'package sub\n\nimport _ "example.com/words"\n'
    example = 'package example\n\nimport _ "example.com/nowhere"\n'
    part = {"part.go": "package part\n", "sub/sub.go": sub, "example/example.go": example}
    make_go(folder, "example.com/part", "v1.0.0", {**part, "go.mod": mod})
    wrong = {"wrong.go": "package wrong\n\nvar X int = 1.5\n", "fine/f.go": "package fine\n"}
    make_go(folder, "example.com/wrong", "v1.0.0", {**wrong, "go.mod": _mod("wrong")})
    hello = (
        'package main\n\nimport (\n\t"fmt"\n\n\t"example.com/words"\n)\n\n'
        "func main() { fmt.Println(words.Words) }\n"
    )
    mod = _mod("tools") + "\nrequire example.com/words v1.9.0\n"
    tools = {"tools.go": "package tools\n", "cmd/hello/main.go": hello, "go.mod": mod}
    make_go(folder, "example.com/tools", "v1.0.0", {**tools, "cmd/other/main.go": hello})
    return folder


def _mod(name: str) -> str:
    return f"module example.com/{name}\n\ngo 1.18\n"


def settings_of(proxy: Path, cache: Path) -> Mapping[str, str]:
    """What has the go command look in a folder alone; what it unpacks can be removed."""
    return {
        "GOENV": "off",
        "GOPROXY": f"file://{proxy}",
        "GOSUMDB": "off",
        "GOMODCACHE": str(cache),
    }


@contextmanager
def using(proxy: Path, cache: Path) -> Iterator[None]:
    """While the operator's settings are these."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings_of(proxy, cache).items():
            patch.setenv(name, value)
        yield
