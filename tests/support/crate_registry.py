"""A registry of crates, of packages made on the spot, on loopback."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread

import pytest
from tests.support.packages import GREETING

RAN = "ran outside"
"""Name of a file beside the registry that a build script makes, if it can."""


CHOOSES_BY_RUST = (1, 84)
"""The first cargo that takes, of what fits, what the sandbox's Rust can compile."""

_SPARSE = (1, 68)
"""The first cargo that asks a registry for single crates: older ones clone its index by git."""


@cache
def cargo_version() -> tuple[int, ...]:
    """The version of this host's cargo."""
    said = subprocess.run(["cargo", "--version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"cargo (\d+)\.(\d+)", said)
    assert found, said
    return tuple(map(int, found.groups()))


class _Registry(SimpleHTTPRequestHandler):
    """Answers with the files of a folder."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def add_crate(
    registry: Path, name: str, version: str, files: Mapping[str, str], needs: str = "", **more: str
) -> Path:
    """A crate as a registry has it: its archive, and a line of the index.

    Args:
        registry: Folder of the registry.
        name: The crate's name.
        version: Its version.
        files: Its files, beside the manifest.
        needs: The one that it needs, for other systems if it begins with ``windows:``.
        more: Further lines of the manifest's package.
    """
    head = f'[package]\nname = "{name}"\nversion = "{version}"\nedition = "2021"\n'
    head += "".join(
        f"{key.replace('_', '-')} = {json.dumps(value)}\n" for key, value in more.items()
    )
    system, _, needed = needs.rpartition(":")
    if needed:
        place = "dependencies" if not system else f"target.'cfg({system})'.dependencies"
        head += f'\n[{place}]\n{needed} = "*"\n'
    if "proc_macro" in "".join(files.values()):
        head += "\n[lib]\nproc-macro = true\n"
    archive = registry / "crates" / name / version / "download"
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w:gz") as opened:
        for member, text in {"Cargo.toml": head, **files}.items():
            entry = tarfile.TarInfo(f"{name}-{version}/{member}")
            entry.size = len(text.encode())
            opened.addfile(entry, BytesIO(text.encode()))
    line = {
        "name": name,
        "vers": version,
        "cksum": hashlib.sha256(archive.read_bytes()).hexdigest(),
        "deps": [
            {
                "name": needed,
                "req": "*",
                "features": [],
                "optional": False,
                "default_features": True,
                "kind": "normal",
                "registry": None,
                "target": f"cfg({system})" if system else None,
            }
        ][: bool(needed)],
        "features": {},
        "yanked": False,
        "rust_version": more.get("rust_version"),
    }
    index = registry / name[:2] / name[2:4] / name
    index.parent.mkdir(parents=True, exist_ok=True)
    with index.open("a") as file:
        file.write(f"{json.dumps(line)}\n")
    return archive


def make_registry(folder: Path) -> Path:
    """``greet`` needs ``words``, whose build script writes its source; ``derive`` is a macro."""
    registry = folder / "registry"
    words = json.dumps(f"pub const WORDS: &str = {json.dumps(GREETING)};")
    script = (
        f'fn main() {{\n    let _ = std::fs::write("{folder / RAN}", "");\n'
        '    let out = std::env::var("OUT_DIR").unwrap() + "/words.rs";\n'
        f"    std::fs::write(out, {words}).unwrap();\n"
        '    println!("cargo:rerun-if-changed=build.rs");\n}\n'
    )
    source = 'include!(concat!(env!("OUT_DIR"), "/words.rs"));\n'
    files = {"src/lib.rs": source, "build.rs": script}
    add_crate(registry, "words", "1.9.0", files, license="MIT")
    if cargo_version() >= CHOOSES_BY_RUST:
        add_crate(registry, "words", "2.0.0", files, rust_version="1.999")
    greet = {"src/lib.rs": "pub fn greet() -> &'static str { words::WORDS }\n"}
    add_crate(registry, "greet", "1.2.0", greet, "words", license="MIT OR Apache-2.0")
    macro = (
        "extern crate proc_macro;\nuse proc_macro::TokenStream;\n\n#[proc_macro]\n"
        'pub fn seven(_: TokenStream) -> TokenStream { "7".parse().unwrap() }\n'
    )
    add_crate(registry, "sevens", "0.1.0", {"src/lib.rs": macro}, "windows:foreign")
    add_crate(registry, "foreign", "0.3.0", {"src/lib.rs": 'compile_error!("foreign");\n'})
    add_crate(registry, "wrong", "1.0.0", {"src/lib.rs": "pub const X: u8 = 1.5;\n"})
    add_crate(registry, "newer", "1.0.0", {"src/lib.rs": ""}, rust_version="1.999")
    return registry


@contextmanager
def using(folder: Path) -> Iterator[Path]:
    """While cargo has this folder's registry in the place of its own, and a home of the test's."""
    registry, home = folder / "registry", folder / "home"
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Registry, directory=str(registry)))
    address = f"http://127.0.0.1:{server.server_port}"
    (registry / "config.json").write_text(
        json.dumps({"dl": f"{address}/crates/{{crate}}/{{version}}/download"})
    )
    home.mkdir(exist_ok=True)
    index = f"sparse+{address}/" if cargo_version() >= _SPARSE else _clone_of(registry)
    (home / "config.toml").write_text(
        f'[source.crates-io]\nreplace-with = "made"\n\n[source.made]\nregistry = "{index}"\n'
    )
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CARGO_HOME", str(home))
            patch.setenv("CARGO_NET_RETRY", "0")
            yield registry
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _clone_of(registry: Path) -> str:
    """The address of the index as git has it."""
    git = [
        "git",
        "-C",
        str(registry),
        "-c",
        "user.name=drybox",
        "-c",
        "user.email=drybox@localhost",
    ]
    for command in (
        ["init", "-q"],
        ["add", "-A"],
        ["commit", "-q", "--allow-empty", "-m", "index"],
    ):
        subprocess.run([*git, *command], check=True, capture_output=True)
    return f"file://{registry}"
