"""A registry of images on loopback: what daemons need of its HTTP interface to pull."""

from __future__ import annotations

import gzip
import hashlib
import json
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support.images import Image

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


class Registry:
    """What it serves, and under which names.

    Attributes:
        address: Host and port, the first part of its images' names.
        requests: Paths that were asked for.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.requests: list[str] = []
        self.blobs: dict[str, bytes] = {}
        self.tags: dict[tuple[str, str], str] = {}

    def add(self, repository: str, tag: str, image: Image, mark: str = "") -> str:
        """Serve an image; returns its digest, which is another one for another mark."""
        content = image.tarball.read_bytes()
        packed = gzip.compress(content, compresslevel=1, mtime=0)
        config = {
            "architecture": MACHINES[platform.machine()],
            "os": "linux",
            "config": {
                "Env": [f"{name}={value}" for name, value in image.env.items()],
                "Labels": {"mark": mark},
            },
            "rootfs": {"type": "layers", "diff_ids": [digest_of(content)]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._blob(json.dumps(config).encode(), CONFIG),
            "layers": [self._blob(packed, LAYER)],
        }
        found = self._blob(json.dumps(manifest).encode(), MANIFEST)
        self.tags[repository, tag] = str(found["digest"])
        return self.tags[repository, tag]

    def name(self, repository: str, tag: str) -> str:
        """An image's whole name; a tag that is a digest pins it."""
        return f"{self.address}/{repository}{'@' if ':' in tag else ':'}{tag}"

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, type and body for a path."""
        self.requests.append(path)
        if path == "/v2/":
            return 200, "application/json", b"{}"
        repository, kind, reference = path.removeprefix("/v2/").rsplit("/", 2)
        digest = self.tags.get((repository, reference), reference)
        if digest not in self.blobs:
            code = "MANIFEST_UNKNOWN" if kind == "manifests" else "BLOB_UNKNOWN"
            errors = {"errors": [{"code": code, "message": "there is no such thing"}]}
            return 404, "application/json", json.dumps(errors).encode()
        mime = MANIFEST if kind == "manifests" else "application/octet-stream"
        return 200, mime, self.blobs[digest]

    def _blob(self, content: bytes, mime: str) -> dict[str, object]:
        self.blobs[digest_of(content)] = content
        return {"mediaType": mime, "size": len(content), "digest": digest_of(content)}


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@contextmanager
def running_registry() -> Iterator[Registry]:
    """An empty registry on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, mime, body = registry.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", mime)
            self.send_header("Content-Length", str(len(body)))
            if status == 200 and self.path != "/v2/":
                self.send_header("Docker-Content-Digest", digest_of(body))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, format: str, *words: object) -> None:
            """The test says what it needs to."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        registry = Registry(f"127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield registry
        finally:
            server.shutdown()
            thread.join()
