"""What programs leave behind: shown, without any of it getting a hold on the page."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, expect
from tests.support.browser import Playground
from tests.support.server import Server

PICTURE = """
import struct, zlib
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
def png(width, height, rows):
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", head)
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
"""


def leave(playground: Playground, code: str) -> None:
    """Run a program that leaves files, and bring all of them back."""
    playground.write("python", code)
    playground.at("#input").evaluate("details => details.open = true")
    playground.at("#artifacts").fill("out/*")
    playground.run()
    playground.ended("Finished")


def write(**files: str) -> str:
    """A program that writes these files; ``_`` stands for a dot."""
    named = {name.replace("_", "."): text for name, text in files.items()}
    return (
        "import os\nos.mkdir('out')\n"
        f"for name, text in {named!r}.items():\n    open('out/' + name, 'w').write(text)\n"
    )


def test_pictures_are_shown_and_can_be_saved(playground: Playground) -> None:
    rows = "b''.join(b'\\0' + b'\\xff\\0\\0' * 40 for _ in range(30))"
    leave(
        playground,
        f"{PICTURE}\nimport os; os.mkdir('out')\n"
        f"open('out/plot.png', 'wb').write(png(40, 30, {rows}))\n"
        "open('out/data.csv', 'w').write('a,b')\n",
    )
    image = playground.at("#files img")
    expect(image).to_have_attribute("alt", "out/plot.png")
    playground.page.wait_for_function(
        "() => document.querySelector('#files img').naturalWidth === 40"
    )
    assert (image.get_attribute("src") or "").startswith("blob:")
    links = playground.at("#files a")
    expect(links).to_have_count(2)
    with playground.page.expect_download() as download:
        links.filter(has_text="plot.png").click()
    assert download.value.suggested_filename == "plot.png"


def test_a_drawing_is_shown_and_none_of_its_scripts_run(playground: Playground) -> None:
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="50" height="20" onload="parent.taken=1">'
        "<script>parent.taken = 1</script><rect width='50' height='20' fill='red'/></svg>"
    )
    leave(playground, write(logo_svg=drawing))
    frame = playground.page.frame_locator("#files iframe")
    expect(frame.locator("img")).to_be_visible()
    assert (
        frame.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)")
        == 50
    )
    assert playground.page.evaluate("window.taken") is None


HOSTILE = """<!doctype html><title>Report</title>
<style>h1 { color: rgb(1, 2, 3) }</style>
<h1>All is well</h1>
<p id="sign" onclick="">untouched</p>
<script>document.getElementById("sign").textContent = "ran"</script>
<img src="x" onerror="document.getElementById('sign').textContent = 'ran'">
"""


def test_a_page_is_shown_by_itself_without_its_scripts(playground: Playground) -> None:
    leave(playground, write(report_html=HOSTILE))
    element = playground.at("#files iframe")
    assert element.get_attribute("sandbox") == "allow-scripts", "no same origin, no ways out"
    assert element.get_attribute("title") == "out/report.html, shown by itself"
    frame = playground.page.frame_locator("#files iframe")
    expect(frame.locator("h1")).to_have_text("All is well")
    color = frame.locator("h1").evaluate("h1 => getComputedStyle(h1).color")
    assert color == "rgb(1, 2, 3)", "its own styles"
    expect(frame.locator("#sign")).to_have_text("untouched")
    playground.at(
        "#files button",
    ).filter(has_text="Run scripts").click()
    expect(frame.locator("#sign")).to_have_text("ran")
    # The browser says what it has kept from running; that is how it should be.
    assert playground.faults
    assert all("Content Security Policy" in fault for fault in playground.faults)
    playground.faults.clear()


@contextmanager
def stranger() -> Iterator[tuple[str, list[str]]]:
    """A server elsewhere, and what it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    opened = server.get_request

    def get_request():  # type: ignore[no-untyped-def]
        asked.append("a connection")
        return opened()

    server.get_request = get_request  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


WAYS_OUT = """<!doctype html>
<meta http-equiv="refresh" content="0; url=URL/refresh">
<link rel="preconnect" href="URL"><link rel="dns-prefetch" href="URL">
<link rel="prefetch" href="URL/a">
<link rel="stylesheet" href="URL/style"><base href="URL/base/">
<style>@import "URL/import"; body { background: url(URL/background) }
@font-face { font-family: x; src: url(URL/font) } p { font-family: x }</style>
<p>text</p><img src="URL/image"><iframe src="URL/frame"></iframe><object data="URL/object"></object>
<video src="URL/video" autoplay></video><script src="URL/script"></script>
<form action="URL/form" method="post"><button>Send</button></form><a href="URL/link">Link</a>
<a href="#end">In it</a><svg><a xlink:href="URL/drawn"><text y="20">Drawn</text></a></svg>
<p id="end">end</p>
"""

READ_TWICE = (
    '<div id="host"><template shadowrootmode="open"><link rel="preconnect" href="URL">'
    '<link rel="stylesheet" href="URL/shadow"><a href="URL/shadow">Shadow</a></template></div>',
    '<noscript><!--</noscript><link rel="preconnect" href="URL">'
    '<a href="URL">Hidden</a>--></noscript>',
    '<noscript><p title="</noscript><link rel=preconnect href=URL>'
    '<a href=URL>Quoted</a>"></noscript>',
    '<svg><style><!--</style><a href="URL">Drawn</a>'
    '<link rel="preconnect" href="URL">--></style></svg>',
    '<svg><a><animate attributeName="href" to="URL" dur="1s" fill="freeze"/>'
    '<text y="9">Moved</text></a></svg>',
    '<table><a href="URL">Fostered</a><link rel="preconnect" href="URL"></table>',
)
"""Pages that become something else later, or where they are written out and read again."""

SCRIPTS = """<!doctype html><p id="sign">waiting</p>
<script>
const tried = [];
const attempt = async (name, action) => {
  try { await action(); tried.push(name + " worked"); }
  catch (error) { tried.push(name + " failed"); }
};
(async () => {
  await attempt("fetch", () => fetch("URL/fetch", { mode: "no-cors" }));
  await attempt("server", () => fetch("SERVER/v1/languages"));
  navigator.sendBeacon("URL/beacon", "x");  // says nothing of what becomes of it
  await attempt("socket", () => new Promise((done, fail) => {
    const socket = new WebSocket("SOCKET/ws"); socket.onopen = done; socket.onerror = fail; }));
  await attempt("parent", () => parent.document.title);
  await attempt("top", () => { top.location = "URL/top"; });
  await attempt("storage", () => localStorage.setItem("a", "b"));
  await attempt("popup", () => { if (!window.open("URL/popup")) throw 0; });
  new Image().src = "URL/picture";
  document.getElementById("sign").textContent = tried.join("; ");
  document.getElementById("sign").onclick = () => { location = "URL/away"; };
})();
</script>
"""


@pytest.mark.parametrize("hidden", READ_TWICE, ids=map(str, range(len(READ_TWICE))))
def test_a_page_hides_no_way_out(browser: Browser, server: Server, hidden: str) -> None:
    with stranger() as (url, asked), browser.new_page() as page:
        playground = Playground(page, server).open()
        leave(playground, write(report_html=hidden.replace("URL", url) + "<p id='end'>end</p>"))
        frame = page.frame_locator("#files iframe")
        expect(frame.locator("#end")).to_be_visible()
        assert frame.locator("link, animate").count() == 0  # in shadow trees, too
        for link in frame.locator("a").all():
            assert link.get_attribute("href") is None
            link.hover(force=True)
        assert asked == []


def test_a_page_finds_no_way_out(browser: Browser, server: Server) -> None:
    with stranger() as (url, asked), browser.new_page() as page:
        playground = Playground(page, server).open()
        leave(playground, write(report_html=WAYS_OUT.replace("URL", url)))
        frame = page.frame_locator("#files iframe")
        expect(frame.locator("#end")).to_be_visible()
        frame.get_by_text("Send").click()
        for link in ("Link", "Drawn", "In it"):
            frame.get_by_text(link).click()
        expect(frame.get_by_text("Link")).to_have_attribute("title", f"{url}/link")
        scripts = SCRIPTS.replace("URL", url).replace("SERVER", playground.address.rstrip("/"))
        scripts = scripts.replace("SOCKET", url.replace("http", "ws"))
        leave(playground, write(scripts_html=scripts))
        page.get_by_role("button", name="run its scripts").click()
        sign = frame.locator("#sign")
        expect(sign).to_contain_text("popup")
        told = sign.inner_text()
        assert "worked" not in told, told
        assert asked == []
        sign.click()
        expect(sign).to_be_hidden()  # the browser says in its place that it has blocked the way
        # Before it looks at the policy it may have connected already.
        assert set(asked) <= {"a connection"}
        assert page.url == playground.address


def test_what_is_too_large_is_only_linked(playground: Playground) -> None:
    leave(
        playground,
        f"{PICTURE}\nimport os; os.mkdir('out')\n"
        "open('out/bomb.png', 'wb').write(png(30000, 30000, bytes(90_030_000 // 64)))\n"
        "open('out/long.html', 'w').write('<p>x' * 1_100_000)\n"
        "open('out/none.png', 'w').write('<script>no picture</script>')\n",
    )
    expect(playground.at("#files a")).to_have_count(3)
    assert playground.at("#files img, #files iframe").count() == 0


def test_only_so_many_are_shown(playground: Playground) -> None:
    pages = "".join(f"open('out/{n:02}.html', 'w').write('<p>{n}')\n" for n in range(20))
    leave(playground, f"import os; os.mkdir('out')\n{pages}")
    expect(playground.at("#files a")).to_have_count(20)
    expect(playground.at("#files iframe")).to_have_count(12)
