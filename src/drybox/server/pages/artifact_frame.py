"""``/artifact-frame``: the document in which the playground shows a page that a program has made.

The program is hostile, and so is its page. The document has an origin of its own that nothing
shares, so that it reaches neither the playground nor the server with the visitor's rights, and a
policy under which nothing is loaded from anywhere. The page comes by ``postMessage`` from the
window around it; the server never sees it. What would tell others that it is looked at, or show
something else in its place, is taken out of it before it is shown. The window around it is told
how high the page is, once.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

# A policy does not keep 'preconnect' and the like from other hosts, nor browsers from connecting
# to where a link leads as soon as it is touched. What DOMParser makes is shown as it is: written
# out and read again it may be something else (what is in noscript, shadow trees). Its scripts
# never run, so where they are to, it is written out all the same: they can make anything anyway.
SCRIPT = """
addEventListener("message", ({ source, data }) => {
  if (source !== parent || source === window || typeof data !== "string") return;
  const page = new DOMParser().parseFromString(data, "text/html");
  const out = "link, meta[http-equiv], base, iframe, frame, frameset, object, embed";
  for (const element of page.querySelectorAll(out)) element.remove();
  for (const link of page.querySelectorAll("a, area")) {
    for (const { name, value } of [...link.attributes]) {
      if (!/(^|:)(href|ping)$/i.test(name) || value.startsWith("#")) continue;
      link.removeAttribute(name);
      link.setAttribute("title", value);
    }
  }
  for (const moving of page.querySelectorAll("animate, set")) {
    if (/(^|:)href$/i.test(moving.getAttribute("attributeName") ?? "")) moving.remove();
  }
  const tell = () => {
    parent.postMessage(document.documentElement.getBoundingClientRect().height, "*");
  };
  if (new URLSearchParams(location.search).has("scripts")) {
    document.open();
    document.write(`<!doctype html>${page.documentElement.outerHTML}`);
    document.close();
    if (document.readyState === "complete") tell();
    else addEventListener("load", tell);
    return;
  }
  document.documentElement.replaceWith(document.adoptNode(page.documentElement));
  const loading = [...document.images].filter(({ complete }) => !complete);
  const loaded = loading.map((image) => new Promise((done) => {
    image.addEventListener("load", done);
    image.addEventListener("error", done);
  }));
  const longest = new Promise((done) => setTimeout(done, 1000));
  Promise.race([Promise.all(loaded), longest]).then(tell);
}, { once: true });
"""

PAGE = f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Artifact</title><script>{SCRIPT}</script></head>
<body></body>
</html>
"""


def _policy(scripts: str) -> str:
    return "; ".join(
        (
            "sandbox allow-scripts",
            "default-src 'none'",
            f"script-src {scripts}",
            "style-src 'unsafe-inline'",
            "img-src data: blob:",
            "media-src data: blob:",
            "font-src data:",
            "form-action 'none'",
            "base-uri 'none'",
            "frame-ancestors 'self'",
        )
    )


_HASH = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
WITHOUT_SCRIPTS = _policy(f"'sha256-{_HASH}'")
"""Policy under which only the document's own script runs."""

WITH_SCRIPTS = _policy("'unsafe-inline' 'unsafe-eval' data: blob:")
"""Policy where the visitor lets the page's scripts run: still nothing is loaded."""

HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-DNS-Prefetch-Control": "off",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def artifact_frame_route() -> Route:
    """The document's route; with ``?scripts`` the scripts of what it shows run."""
    return Route("/artifact-frame", _frame)


async def _frame(request: Request) -> Response:
    policy = WITH_SCRIPTS if "scripts" in request.query_params else WITHOUT_SCRIPTS
    headers = {**HEADERS, "Content-Security-Policy": policy}
    return Response(PAGE, headers=headers, media_type="text/html; charset=utf-8")
