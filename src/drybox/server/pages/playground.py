"""The playground page at ``/``: serves the files that the build made from ``playground/``.

The page shows what hostile programs write, so the browser is told to run nothing, load
nothing and talk to nobody but this server's own files and routes.
"""

from __future__ import annotations

import gzip
import html
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from drybox.job import WORK_DIR
from drybox.languages.registry import known_languages
from drybox.server.pages.artifact_frame import artifact_frame_route
from drybox.service.refusals import Problem, Refused

STATIC = Path(__file__).parent / "static"

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'nonce-{nonce}'",  # the editor makes its own style sheet
        "style-src-attr 'unsafe-inline'",  # browsers set some themselves while text is edited
        "font-src 'self'",
        "img-src 'self' blob:",  # pictures that a program has made
        "frame-src 'self'",  # the frame for pages that a program has made
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""Content-Security-Policy of the page."""

HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
"""Content type of each kind of file that the page consists of."""

FOR_EVER = "public, max-age=31536000, immutable"
"""The names of files carry a hash of their content: what has one name never changes."""

LEFT_OUT = "This drybox was built without its playground page. The service's /docs has the API.\n"


@dataclass(frozen=True, slots=True)
class _Asset:
    content: bytes
    packed: bytes | None
    """The same with gzip, where that makes it smaller."""
    type: str

    def response(self, request: Request) -> Response:
        headers = {**HEADERS, "Cache-Control": FOR_EVER}
        if self.packed is None:
            return Response(self.content, headers=headers, media_type=self.type)
        headers["Vary"] = "Accept-Encoding"
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(self.content, headers=headers, media_type=self.type)
        headers["Content-Encoding"] = "gzip"
        return Response(self.packed, headers=headers, media_type=self.type)


def playground_routes(folder: Path = STATIC) -> list[Route]:
    """The page's routes; ``/`` says so where the build left the page out.

    Args:
        folder: What the build made. It is read once, here.
    """
    if not (folder / "index.html").is_file():
        return [Route("/", _left_out)]
    page = (folder / "index.html").read_text("utf-8")
    page = page.replace("page:languages", html.escape(languages_document()))
    page = page.replace("page:directory", html.escape(WORK_DIR))
    assets = {path.name: _asset(path) for path in folder.glob("assets/*") if path.suffix in TYPES}

    async def index(request: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        headers = {**HEADERS, "Cache-Control": "no-cache"}
        headers["Content-Security-Policy"] = POLICY.format(nonce=nonce)
        content = page.replace("csp:nonce", nonce).encode()
        headers["Vary"] = "Accept-Encoding"
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            content = gzip.compress(content, compresslevel=6)
        return Response(content, headers=headers, media_type="text/html; charset=utf-8")

    async def asset(request: Request) -> Response:
        found = assets.get(request.path_params["name"])
        if found is None:
            raise Refused(
                Problem("not-found", "The page has no such file.", "Reload the page at /.")
            )
        return found.response(request)

    return [Route("/", index), Route("/assets/{name}", asset), artifact_frame_route()]


def languages_document() -> str:
    """What the page shows of each language before it asks which can run here, as JSON."""
    languages = known_languages().values()
    return json.dumps(
        [
            {
                "name": language.name,
                "aliases": language.aliases,
                "title": language.title,
                "suffixes": language.suffixes,
                "grammar": language.editor.grammar,
                "indent": language.editor.indent,
                "position": language.editor.position,
                "entry": language.entry(""),
                "sample": language.samples.numbered(1),
                "package": language.packages.example if language.packages else None,
            }
            for language in languages
        ]
    )


def _asset(path: Path) -> _Asset:
    packed = path.with_name(f"{path.name}.gz")
    return _Asset(
        path.read_bytes(), packed.read_bytes() if packed.is_file() else None, TYPES[path.suffix]
    )


async def _left_out(request: Request) -> Response:
    return PlainTextResponse(LEFT_OUT, 404)
