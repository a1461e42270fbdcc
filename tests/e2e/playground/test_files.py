"""The page's files as the server gives them out, without a browser."""

from __future__ import annotations

import gzip
import re

import pytest
from tests.support.server import Server

SAFE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def assets(server: Server) -> list[str]:
    page = server.get("/").body.decode()
    return sorted(set(re.findall(r'(?:href|src)="(assets/[^"]+)"', page)))


@pytest.mark.promise("PAGE-6", "PAGE-7")
def test_the_page_may_run_and_reach_nothing_but_its_own(server: Server) -> None:
    answer = server.get("/")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert SAFE.items() <= answer.headers.items()
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == policy["font-src"] == "'self'"
    assert policy["frame-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    nonce = re.fullmatch(r"'self' 'nonce-([\w-]{16,})'", policy["style-src"])
    assert nonce
    assert f'content="{nonce[1]}"' in answer.body.decode()
    assert "<script>" not in answer.body.decode()
    assert "style=" not in answer.body.decode()
    assert (
        server.get("/").headers["content-security-policy"]
        != answer.headers["content-security-policy"]
    ), "the number used once is used twice"


@pytest.mark.promise("PAGE-7")
def test_the_frame_for_artifacts_may_load_nothing_and_be_framed_by_the_page_alone(
    server: Server,
) -> None:
    for query, scripts in (("", "'sha256-"), ("?scripts", "'unsafe-inline'")):
        answer = server.get(f"/artifact-frame{query}")
        assert answer.status == 200
        policy = dict(
            part.strip().split(" ", 1)
            for part in answer.headers["content-security-policy"].split(";")
        )
        assert policy["sandbox"] == "allow-scripts", "the origin is its own, even when it is opened"
        assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
        assert policy["frame-ancestors"] == "'self'"
        assert policy["script-src"].startswith(scripts)
        assert ("unsafe-inline" in policy["script-src"]) == bool(query)
        hosts = {
            word
            for name, value in policy.items()
            if name.endswith("-src")
            for word in value.split()
        }
        assert hosts <= {"'none'", "'unsafe-inline'", "'unsafe-eval'", "data:", "blob:"} | {
            word for word in hosts if word.startswith("'sha256-")
        }


def test_every_file_of_the_page_is_there_and_kept_for_ever(server: Server) -> None:
    kinds = {
        "css": "text/css; charset=utf-8",
        "js": "text/javascript; charset=utf-8",
        "svg": "image/svg+xml",
        "txt": "text/plain; charset=utf-8",
        "woff2": "font/woff2",
    }
    found = assets(server)
    assert {name.rpartition(".")[2] for name in found} == set(kinds)
    for name in found:
        answer = server.get(f"/{name}")
        assert answer.status == 200, name
        assert answer.headers["content-type"] == kinds[name.rpartition(".")[2]]
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert SAFE.items() <= answer.headers.items()
        assert re.search(r"-[0-9A-Z]{8}\.\w+$", name), "a name without a hash of the content"
        assert server.ask("HEAD", f"/{name}").headers["content-length"] == str(len(answer.body))


def test_packed_files_are_the_same_files(server: Server) -> None:
    main = next(name for name in assets(server) if re.search(r"/main-\w+\.js$", name))
    plain = server.get(f"/{main}")
    packed = server.ask("GET", f"/{main}", headers={"Accept-Encoding": "br, gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(packed.body) == plain.body


@pytest.mark.promise("PAGE-7")
def test_the_licences_of_what_it_is_made_from_come_along(server: Server) -> None:
    name = next(name for name in assets(server) if name.endswith(".txt"))
    text = server.get(f"/{name}").body.decode()
    for package in (
        "@codemirror/view",
        "@lezer/common",
        "@fontsource-variable/inter",
        "@xterm/headless",
    ):
        assert package in text
    assert "Permission is hereby granted" in text


@pytest.mark.parametrize(
    "path", ["assets/none.js", "assets/..%2Findex.html", "assets/%2e%2e/app.py", "assets/"]
)
def test_nothing_else_is_given_out(server: Server, path: str) -> None:
    assert server.get(f"/{path}").problem["status"] == 404
