"""The folder of kernels that sandboxes of sessions see: their programs, and IPython."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import py_compile
import shutil
import sys
import threading
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from drybox.errors import Unavailable, Unsupported
from drybox.host.paths import cache_dir
from drybox.host.workplace import workplace
from drybox.sessions.kernels.base import KERNEL_DIR

PROGRAMS = Path(__file__).with_name("programs")

PACKAGES = "packages"
"""Where IPython and what it needs are in the folder."""

NEEDED = ("IPython", "traitlets", "pygments", "stack_data", "executing", "asttokens", "pure_eval")
"""Modules without which there is no IPython."""

OPTIONAL = (
    *("ipython_pygments_lexers", "matplotlib_inline", "decorator", "typing_extensions"),
    *("exceptiongroup", "prompt_toolkit", "wcwidth", "pexpect", "ptyprocess"),
)
"""Modules that some versions of it need, or some of its parts."""

LEFT_OUT = ("tests", "__pycache__")

INSTALL_HINT = "Install it beside drybox: pip install 'drybox[sessions]'"

_lock = threading.Lock()


def program(name: str) -> str:
    """Where a sandbox sees a kernel's program."""
    return f"{KERNEL_DIR}/{name}"


def kernel_folder() -> str:
    """The folder on this host. Made once for each content; blocks.

    Raises:
        Unavailable: It could not be made.
    """
    with _lock:
        return _folder()


def require_ipython() -> None:
    """Make sure that IPython is in it.

    Raises:
        Unsupported: It is not installed beside drybox.
    """
    missing = next((name for name in NEEDED if not _place(name)), None)
    if missing:
        raise Unsupported(
            f"sessions of Python need IPython, and {missing} was not found beside drybox.",
            hint=INSTALL_HINT,
        )


def _folder() -> str:
    modules = _modules()
    place = _cache_dir() / _key(modules)
    if place.is_dir():
        return str(place)
    try:
        with workplace(place.parent) as work:
            made = work / "kernels"
            _make(made, modules)
            try:
                made.rename(place)
            except OSError:
                if not place.is_dir():  # another drybox may have been faster
                    raise
    except OSError as error:
        raise Unavailable(
            f"the cache folder {place.parent} cannot be written: {error.strerror}.",
            hint="Set XDG_CACHE_HOME to a folder that can.",
        ) from error
    return str(place)


@lru_cache
def _cache_dir() -> Path:
    return cache_dir() / "kernels"


@lru_cache
def _modules() -> dict[str, str]:
    """IPython's modules, each with its file or folder; none where one that it needs is missing."""
    if not all(map(_place, NEEDED)):
        return {}
    found = {name: _place(name) for name in (*NEEDED, *OPTIONAL)}
    return {name: path for name, path in found.items() if path}


def _place(name: str) -> str:
    """Folder of a package or file of a module; "" if it is not installed."""
    spec = importlib.util.find_spec(name)
    if spec is None:
        return ""
    folders = list(spec.submodule_search_locations or ())
    return folders[0] if folders else spec.origin or ""


def _key(modules: dict[str, str]) -> str:
    """What names the folder: its content, as far as that can be told without reading it all."""
    facts = hashlib.sha256(repr((sys.version_info[:3], sys.implementation.cache_tag)).encode())
    for path in sorted(PROGRAMS.iterdir()):
        if path.is_file():
            facts.update(f"{path.name}\0".encode() + path.read_bytes())
    facts.update(b"described\0")
    for name, place in modules.items():
        first = Path(place, "__init__.py") if os.path.isdir(place) else Path(place)
        state = first.stat()
        facts.update(f"{name}\0{place}\0{state.st_mtime_ns}\0{state.st_size}\0".encode())
    return facts.hexdigest()[:32]


def _make(made: Path, modules: dict[str, str]) -> None:
    made.mkdir()
    for path in PROGRAMS.iterdir():
        if path.is_file() and path.name != "__init__.py":
            shutil.copyfile(path, made / path.name)
    packages = made / PACKAGES
    packages.mkdir()
    for place in modules.values():
        target = packages / os.path.basename(place)
        if os.path.isdir(place):
            shutil.copytree(place, target, ignore=shutil.ignore_patterns(*LEFT_OUT, "*.so"))
        else:
            shutil.copyfile(place, target)
    for name in modules:
        _describe(name, packages)
    for source in _sources(made):
        _compile(source, made)
    for path in (made, *made.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _describe(name: str, packages: Path) -> None:
    """Write what a package is called, and what it offers to others, where these look for it.

    Matplotlib draws by no other way of matplotlib_inline than the one that it offers.
    """
    from importlib import metadata  # once is enough to have it

    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return
    folder = packages / f"{name}-{found.version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {found.version}\n", "utf-8"
    )
    if offers := found.read_text("entry_points.txt"):
        (folder / "entry_points.txt").write_text(offers, "utf-8")


def _sources(made: Path) -> Iterator[Path]:
    """What is compiled: lexers of other languages than Python are many, and rarely imported."""
    for path in made.rglob("*.py"):
        parts = path.relative_to(made).parts
        if parts[1:3] != ("pygments", "lexers") or path.stem in ("__init__", "python", "_mapping"):
            yield path


def _compile(source: Path, made: Path) -> None:
    """Compile a module for Pythons of this one's series, which never look at its source again.

    A copy of the folder may have other times than the folder itself.
    """
    try:
        py_compile.compile(
            str(source),
            dfile=f"{KERNEL_DIR}/{source.relative_to(made)}",
            doraise=True,
            quiet=2,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    except py_compile.PyCompileError:  # of another Python: then it is for others to compile
        return
