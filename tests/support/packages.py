"""Packages made on the spot, in a folder as ``package_dir`` wants it."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

GREETING = "hello from a package"
"""What the package of every language gives."""


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    files: Mapping[str, str],
    *,
    needs: str = "",
) -> Path:
    """A wheel of pure Python with these files."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    if needs:
        metadata += f"Requires-Dist: {needs}\n"
    tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    members = {**files, f"{info}/METADATA": metadata, f"{info}/WHEEL": tags}
    record = ""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in members.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
            record += f"{member},sha256={digest.rstrip(b'=').decode()},{len(text.encode())}\n"
            archive.writestr(member, text)
        archive.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return path


def make_sdist(folder: Path, name: str, version: str, build: str) -> Path:
    """A source distribution that needs no other to be built, and whose build runs this."""
    path = folder / f"{name}-{version}.tar.gz"
    top = f"{name}-{version}"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    project = '[build-system]\nrequires = []\nbuild-backend = "builder"\nbackend-path = ["."]\n'
    members = {"PKG-INFO": metadata, "pyproject.toml": project, "builder.py": build}
    _write_tar(path, {f"{top}/{member}": text for member, text in members.items()})
    return path


def make_npm(
    folder: Path,
    name: str,
    version: str,
    files: Mapping[str, str],
    **manifest: object,
) -> Path:
    """What ``npm pack`` makes."""
    path = folder / f"{name.replace('@', '').replace('/', '-')}-{version}.tgz"
    package = json.dumps({"name": name, "version": version, **manifest})
    members = {f"package/{member}": text for member, text in files.items()}
    _write_tar(path, {"package/package.json": package, **members})
    return path


def make_go(folder: Path, module: str, version: str, files: Mapping[str, str]) -> Path:
    """A module as a file system proxy has it."""
    place = folder / module / "@v"
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{version}.info").write_text(json.dumps({"Version": version}))
    (place / f"{version}.mod").write_text(files["go.mod"])
    with (place / "list").open("a") as versions:
        versions.write(f"{version}\n")
    path = place / f"{version}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for member, text in files.items():
            archive.writestr(f"{module}@{version}/{member}", text)
    return path


def make_jar(
    folder: Path, coordinates: str, sources: Mapping[str, str], class_path: str = ""
) -> Path:
    """A jar of these sources, compiled, where a Maven repository has it."""
    group, artifact, version = coordinates.split(":")
    place = folder / group.replace(".", "/") / artifact / version
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{artifact}-{version}.jar"
    with tempfile.TemporaryDirectory() as work:
        for name, text in sources.items():
            source = Path(work, "src", name)
            source.parent.mkdir(parents=True, exist_ok=True)
            source.write_text(text)
        classes = Path(work, "classes")
        words = [str(Path(work, "src", name)) for name in sources]
        more = ["-cp", class_path] if class_path else []
        if words:
            subprocess.run(["javac", "-d", str(classes), *more, *words], check=True)
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(classes.rglob("*.class")):
                archive.write(file, file.relative_to(classes).as_posix())
    return path


def make_crate(
    folder: Path, name: str, version: str, files: Mapping[str, str], needs: str = "", more: str = ""
) -> Path:
    """A crate as ``cargo vendor`` writes it."""
    place = folder / name
    head = f'[package]\nname = "{name}"\nversion = "{version}"\nedition = "2021"\n'
    members = {"Cargo.toml": f"{head}\n[dependencies]\n{needs}{more}", **files}
    for member, text in members.items():
        (place / member).parent.mkdir(parents=True, exist_ok=True)
        (place / member).write_text(text)
    sums = {member: hashlib.sha256(text.encode()).hexdigest() for member, text in members.items()}
    (place / ".cargo-checksum.json").write_text(json.dumps({"files": sums, "package": None}))
    return place


def make_packages(folder: Path) -> Path:
    """In every language a package ``greet`` 1.2.0 that needs ``words`` 2.0.0, and a broken one."""
    places = [folder / name for name in ("python", "node", "go", "java", "rust")]
    python, node, go, java, rust = places
    for place in (folder, *places):
        place.mkdir(exist_ok=True)
        place.chmod(0o755)
    make_wheel(python, "words", "2.0.0", {"words.py": f"WORDS = {GREETING!r}\n"})
    greet = "import words\n\ndef greet():\n    return words.WORDS\n"
    make_wheel(python, "greet", "1.2.0", {"greet.py": greet}, needs="words>=2")
    (python / "broken-1.0.0-py3-none-any.whl").write_bytes(b"PK no archive")

    make_npm(node, "@drybox/words", "2.0.0", {"index.js": f"module.exports = {GREETING!r};"})
    greet = "exports.greet = () => require('@drybox/words');"
    needs = {"@drybox/words": "^2.0.0"}
    make_npm(node, "greet", "1.2.0", {"index.js": greet}, dependencies=needs)
    (node / "broken-1.0.0.tgz").write_bytes(b"\x1f\x8b no archive")

    words = f"package words\n\nconst Words = {json.dumps(GREETING)}\n"
    mod = "module example.com/words\n\ngo 1.21\n"
    make_go(go, "example.com/words", "v2.0.0+incompatible", {"words.go": words, "go.mod": mod})
    make_go(go, "example.com/words", "v1.9.0", {"words.go": words, "go.mod": mod})
    greet = (
        'package greet\n\nimport "example.com/words"\n\n'
        "func Greet() string { return words.Words }\n"
    )
    mod = "module example.com/greet\n\ngo 1.21\n\nrequire example.com/words v1.9.0\n"
    make_go(go, "example.com/greet", "v1.2.0", {"greet.go": greet, "go.mod": mod})
    mod = "module example.com/broken\n\ngo 1.21\n"
    make_go(go, "example.com/broken", "v1.0.0", {"go.mod": mod}).write_bytes(b"PK no archive")

    words = f"public static String TEXT = {json.dumps(GREETING)};"
    words = f"package words;\npublic class Words {{ {words} }}\n"
    jar = make_jar(java, "com.example:words:2.0.0", {"words/Words.java": words})
    greet = "public static String greet() { return words.Words.TEXT; }"
    greet = f"package greet;\npublic class Greet {{ {greet} }}\n"
    make_jar(java, "com.example:greet:1.2.0", {"greet/Greet.java": greet}, str(jar))
    broken = make_jar(java, "com.example:broken:1.0.0", {})
    broken.write_bytes(b"PK no archive")

    words = f"pub const WORDS: &str = {json.dumps(GREETING)};\n"
    make_crate(rust, "words", "2.0.0", {"src/lib.rs": words})
    greet = "pub fn greet() -> &'static str {\n    words::WORDS\n}\n"
    make_crate(rust, "greet", "1.2.0", {"src/lib.rs": greet}, 'words = "2"\n')
    (rust / "broken").mkdir()
    return folder


def _write_tar(path: Path, members: Mapping[str, str]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for member, text in members.items():
            entry = tarfile.TarInfo(member)
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
