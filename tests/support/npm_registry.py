"""A registry of npm's, of packages made on the spot, on loopback."""

from __future__ import annotations

import base64
import hashlib
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote

import pytest
from tests.support.packages import GREETING, make_npm


class _Registry(BaseHTTPRequestHandler):
    """Answers with the packages of a folder."""

    def __init__(self, folder: Path, *args: object) -> None:
        self._folder = folder
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """What a package consists of, or its archive."""
        name = unquote(self.path).lstrip("/")
        archive = self._folder / name.removeprefix("-/")
        if name.startswith("-/") and archive.is_file():
            self._answer(200, archive.read_bytes())
            return
        versions = dict[str, object]()
        for path in sorted(self._folder.glob("*.tgz")):
            with tarfile.open(path) as opened:
                file = opened.extractfile("package/package.json")
                assert file is not None
                manifest = json.load(file)
            if manifest["name"] == name:
                digest = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
                tarball = f"http://{self.headers['Host']}/-/{path.name}"
                dist = {"tarball": tarball, "integrity": f"sha512-{digest}"}
                versions[manifest["version"]] = {**manifest, "dist": dist}
        tags = {"latest": next(iter(reversed(versions)), "")}
        document = {"name": name, "versions": versions, "dist-tags": tags}
        self._answer(200 if versions else 404, json.dumps(document).encode())

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def using(folder: Path) -> Iterator[None]:
    """While npm's registry has ``greet``, which needs ``@drybox/words``, and no other is asked."""
    words = {"index.js": f"module.exports = {GREETING!r};"}
    make_npm(folder, "@drybox/words", "2.0.0", words, license="MIT")
    greet = {"index.js": "exports.greet = () => require('@drybox/words');"}
    make_npm(folder, "greet", "1.2.0", greet, dependencies={"@drybox/words": "^2.0.0"})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Registry, folder))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("NPM_CONFIG_REGISTRY", f"http://127.0.0.1:{server.server_port}/")
            patch.setenv("NPM_CONFIG_CACHE", str(folder / "cache"))
            yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
