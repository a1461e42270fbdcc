"""A drybox that was built without its page."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import anyio
from starlette.applications import Starlette
from tests.support.source_tree import ROOT

from drybox.languages.registry import known_languages
from drybox.server.pages.playground import LEFT_OUT, playground_routes


def page(folder: Path) -> tuple[int, str]:
    """Status and text of ``/``."""
    app = Starlette(routes=playground_routes(folder))
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
    anyio.run(app, scope, receive, send)
    return sent[0]["status"], sent[1]["body"].decode()


def test_a_drybox_without_its_page_says_so(tmp_path: Path) -> None:
    assert page(tmp_path) == (404, LEFT_OUT)


def test_the_page_brings_every_language_along(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text('<meta name="languages" content="page:languages">')
    found = re.fullmatch('<meta name="languages" content="([^"]*)">', page(tmp_path)[1])
    assert found
    told = json.loads(html.unescape(found[1]))
    assert [each["name"] for each in told] == list(known_languages())
    assert {each["name"]: each["title"] for each in told}["node"] == "Node.js"


def test_every_language_has_examples() -> None:
    folders = {path.name for path in (ROOT / "playground/examples").iterdir() if path.is_dir()}
    assert folders == set(known_languages())


def test_every_language_has_a_grammar_of_the_page() -> None:
    grammars = (ROOT / "playground/src/grammars.ts").read_text()
    known = set(re.findall(r"^  (\w+): async", grammars, re.MULTILINE))
    assert {language.editor.grammar for language in known_languages().values()} <= known


def test_the_form_of_positions_has_a_line_and_no_unbounded_repetition() -> None:
    for language in known_languages().values():
        form = language.editor.position
        assert re.compile(form).groups >= 1, language.name
        assert not re.search(r"(?<!\\)[*+]|\{\d*,\}", form), (
            f"{language.name}: untrusted text meets it"
        )
