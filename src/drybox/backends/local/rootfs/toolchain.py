"""Finds a language's toolchain on this host and says what of it a sandbox mounts."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import importlib.util
import json
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drybox.backends.local.rootfs.layout import Layout, Mount
from drybox.errors import Unsupported
from drybox.host.paths import cache_dir
from drybox.languages.base import Toolchain

VERSION_TIMEOUT = 20.0  # seconds for a toolchain to say its version


@dataclass(frozen=True, slots=True)
class FoundToolchain:
    """A toolchain of this host.

    Attributes:
        name: The program's plain name, as plans have it.
        executable: Its program on the host, links resolved.
        home: Its home on the host.
        version: Its full version.
        program: Where a sandbox finds the program.
        layout: What a sandbox mounts of it, preparations not included.
    """

    name: str
    executable: str
    home: str
    version: str
    program: str
    layout: Layout

    @property
    def key(self) -> str:
        """Changes whenever the toolchain does; names its caches."""
        stat = os.stat(self.executable)
        facts = f"{self.executable}|{self.version}|{stat.st_mtime_ns}|{stat.st_size}"
        return hashlib.sha256(facts.encode()).hexdigest()[:16]


def find_toolchain(name: str, toolchain: Toolchain, version: str) -> FoundToolchain:
    """The first toolchain that has the version asked for.

    Args:
        name: The language, for messages.
        toolchain: How to look.
        version: Version asked for, such as ``3.11``; "" for any.

    Raises:
        Unsupported: There is none.
    """
    seen: list[str] = []
    for executable in _candidates(toolchain, version):
        home = executable
        for _ in range(toolchain.levels):
            home = os.path.dirname(home)
        found = _version(executable, home, toolchain)
        if found and (not version or f"{found}.".startswith(f"{version}.")):
            return _describe(executable, home, found, toolchain)
        seen.append(found)
    if not version or not seen:
        raise Unsupported(
            f"no {name} toolchain was found on this machine.", hint=toolchain.install_hint
        )
    there = ", ".join(dict.fromkeys(filter(None, seen))) or "an unusable one"
    raise Unsupported(
        f"{name} {version} was not found on this machine; it has {there}.",
        hint=f"Ask for one of these, or install {name} {version}.",
    )


def found_versions(toolchain: Toolchain) -> list[str]:
    """The full version of every toolchain that is here, the one that runs by default first."""
    found = []
    for executable in _candidates(toolchain, ""):
        home = Path(executable).parents[toolchain.levels - 1]
        found.append(_version(executable, str(home), toolchain))
    return list(dict.fromkeys(filter(None, found)))


def _candidates(toolchain: Toolchain, version: str) -> Iterator[str]:
    """Executables worth asking, links resolved, each once."""
    seen = set()
    for path in _places(toolchain, version):
        real = os.path.realpath(path) if path else ""
        if real and real not in seen and _is_program(real):
            seen.add(real)
            yield real


def _is_program(path: str) -> bool:
    """A binary: the scripts that version managers put on PATH lead out of any sandbox."""
    try:
        with open(path, "rb") as file:
            return os.access(path, os.X_OK) and file.read(4) == b"\x7fELF"
    except OSError:
        return False


def _places(toolchain: Toolchain, version: str) -> Iterator[str | None]:
    if version:
        for pattern in toolchain.versioned:
            yield shutil.which(pattern.format(version=version))
    yield from toolchain.candidates
    if toolchain.home_env and (home := os.environ.get(toolchain.home_env)):
        yield os.path.join(home, "bin", toolchain.executable)
    yield shutil.which(toolchain.executable)
    if toolchain.wheel:
        module, inside = toolchain.wheel
        spec = importlib.util.find_spec(module)
        for folder in (spec and spec.submodule_search_locations) or ():
            yield os.path.join(folder, inside, "bin", toolchain.executable)
    for pattern in toolchain.search:
        yield from sorted(glob.glob(os.path.expanduser(pattern)), reverse=True)
    for pattern in toolchain.versioned:
        for folder in map(glob.escape, os.get_exec_path()):
            yield from glob.glob(os.path.join(folder, pattern.format(version="[0-9]*")))


def _version(executable: str, home: str, toolchain: Toolchain) -> str:
    if toolchain.version_file:
        name, pattern = toolchain.version_file
        try:
            text = Path(home, name).read_text("utf-8", "replace")
        except OSError:
            text = ""
        if match := re.search(pattern, text):
            return match[1]
    return _remembered_version(executable, toolchain)


def _remembered_version(executable: str, toolchain: Toolchain) -> str:
    """Asks the executable, once for each state of its file."""
    stat = os.stat(executable)
    asked = "|".join((*toolchain.version_argv, toolchain.version_pattern))
    key = f"{executable}|{stat.st_mtime_ns}|{stat.st_size}|{asked}"
    memory = cache_dir() / "versions.json"
    try:
        known = json.loads(memory.read_text("utf-8"))
        if isinstance(known, dict) and isinstance(known.get(key), str):
            return str(known[key])
    except (OSError, ValueError):
        known = {}
    version = _ask_version(executable, toolchain)
    if version and isinstance(known, dict):
        write_whole(memory, json.dumps({**known, key: version}).encode())
    return version


def _ask_version(executable: str, toolchain: Toolchain) -> str:
    try:
        answer = subprocess.run(
            [executable, *toolchain.version_argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=VERSION_TIMEOUT,
            env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "GOTOOLCHAIN": "local"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.search(toolchain.version_pattern, answer.stdout.decode("utf-8", "replace"))
    return match[1] if match and not answer.returncode else ""


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file in one step; a cache that cannot be written is no error."""
    partial = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        partial.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink()


def _describe(executable: str, home: str, version: str, toolchain: Toolchain) -> FoundToolchain:
    name = os.path.basename(executable)
    if home in ("/usr", "/"):  # the system's own folders are there already, at their own places
        masks = tuple(path for item in toolchain.hidden for path in glob.glob(f"/usr/{item}"))
        layout = Layout(mounts=_host_mounts(toolchain), masks=masks)
        return FoundToolchain(toolchain.executable, executable, home, version, executable, layout)
    mount = toolchain.mount
    mounts = [
        Mount(path, mount + path[len(home) :])
        for part in toolchain.parts
        for path in sorted(glob.glob(f"{glob.escape(home)}/{part.format(program=name)}"))
    ] or [Mount(home, mount)]
    masks = tuple(
        mount + path[len(home) :]
        for item in toolchain.hidden
        for path in glob.glob(f"{glob.escape(home)}/{item}")
    )
    program = mount + executable[len(home) :]
    folders, links = [os.path.dirname(program)], {}
    if name != toolchain.executable and toolchain.parts:
        links[f"{folders[0]}/{toolchain.executable}"] = name
    elif name != toolchain.executable:
        # A home that is mounted whole has no room for the plain name, which commands use, and by
        # which clang++ knows what it is: on disk it is a link to clang.
        folders.append(f"{mount}-names")
        program, target = f"{folders[1]}/{toolchain.executable}", program
        links[program] = target
    # Linked with an absolute path to its own home, it would not find its library here.
    shared = any(".so" in os.path.basename(item.target) for item in mounts)
    layout = Layout(
        (*mounts, *_host_mounts(toolchain)),
        masks,
        links,
        tuple(folders),
        f"{mount}/lib" if shared else "",
    )
    return FoundToolchain(toolchain.executable, executable, home, version, program, layout)


def _host_mounts(toolchain: Toolchain) -> tuple[Mount, ...]:
    return tuple(
        Mount(path, path) for item in toolchain.host_paths for path in sorted(glob.glob(item))
    )
