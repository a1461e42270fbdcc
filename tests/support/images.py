"""Stand-ins for the images that drybox runs by default, made without an image registry.

The base comes from Debian's packages, and with it the toolchains that ``FROM_DEBIAN`` names; the
others are copied from this machine, at the paths they have on it, so that a program behaves in a
container as it does outside. What is built
is kept as tarballs, named after their recipe, below ``~/.cache/drybox-tests/images``.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from drybox.backends.local.rootfs.toolchain import FoundToolchain, find_toolchain
from drybox.environments.tools import tool_choices
from drybox.languages.node import Node
from drybox.languages.python import Python
from drybox.languages.registry import known_languages

CACHE = Path.home() / ".cache" / "drybox-tests" / "images"
KEEP_UNUSED = 14 * 86400.0  # seconds
FROM_DEBIAN = {
    "python": ("python3",),
    "bash": ("bash", "grep", "mawk", "sed"),
    "c": ("gcc", "libc6-dev"),
    "cpp": ("g++",),
}
"""Packages that are a language's toolchain. One of the same release as this machine behaves like
the machine's own."""

PACKAGES = (
    *("coreutils", "dash", "findutils", "gzip", "libc-bin", "libstdc++6", "procps", "tar"),
    *("tzdata", "util-linux", "zlib1g"),
    *(package for packages in FROM_DEBIAN.values() for package in packages),
)
NEEDED = {"mmdebstrap": "mmdebstrap", "/bin/busybox": "busybox-static"}
NOT_COPIED = (
    *("jmods", "man", "legal", "docs", "test", "api", "misc", "doc", "src/cmd", "share"),
    *("bin/cargo-clippy", "bin/cargo-fmt", "bin/clippy-driver", "bin/rustdoc", "bin/rustfmt"),
)
"""What no program needs of a JDK, of Go or of Rust, below its home."""

PIP, NPM = "usr/lib/python3/dist-packages/pip", "usr/local/lib/node_modules/npm"
NOT_COMPILED = shutil.ignore_patterns("__pycache__")

UNUSED = ("usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/perl5")
LOADER = "/lib64/ld-linux-x86-64.so.2"
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ACCOUNTS = {
    "passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "group": "root:x:0:\nnogroup:x:65534:\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "hosts": "127.0.0.1 localhost\n",
}


@dataclass(frozen=True)
class Image:
    """A root filesystem to import.

    Attributes:
        tarball: Where it is kept.
        tags: The names it gets.
        env: Its environment, as official images set it.
    """

    tarball: Path
    tags: tuple[str, ...]
    env: dict[str, str]

    @property
    def recipe(self) -> str:
        """Changes whenever its content may."""
        return self.tarball.parent.name


def standard() -> Image:
    """Every toolchain on Debian, by the default name of each language."""
    folders = (os.path.dirname(each.executable) for each in _toolchains())
    path = ":".join(dict.fromkeys([*folders, *SEARCH_PATH.split(":")]))
    tags = tuple(dict.fromkeys(language.image for language in known_languages().values()))
    return Image(_folder() / "standard.tar", tags, {"PATH": path, "LANG": "C.UTF-8"})


def busybox_python() -> Image:
    """Python with its libraries, and for everything else nothing but BusyBox."""
    env = {"PATH": SEARCH_PATH, "LANG": "C.UTF-8"}
    return Image(_folder() / "busybox-python.tar", ("drybox-test/busybox-python",), env)


def _toolchains() -> list[FoundToolchain]:
    """The toolchains of this machine that are copied, each once however many languages use it."""
    found = [
        find_toolchain(name, language.toolchain, "")
        for name, language in known_languages().items()
        if name not in FROM_DEBIAN
    ]
    return list({each.executable: each for each in found}.values())


def _folder() -> Path:
    """The folder of the tarballs that today's recipe makes; they are in it on return."""
    recipe = [
        _suite(),
        *PACKAGES,
        *(each.key for each in _toolchains()),
        Path(__file__).read_text(),
    ]
    made = CACHE / hashlib.sha256("|".join(recipe).encode()).hexdigest()[:16]
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            for old in CACHE.glob("build-*"):  # of a build that was killed
                shutil.rmtree(old)
            for old in CACHE.glob("[0-9a-f]" * 16):
                if old.stat().st_mtime < time.time() - KEEP_UNUSED:
                    shutil.rmtree(old)
            with tempfile.TemporaryDirectory(prefix="build-", dir=CACHE) as build:
                _build(Path(build))
                (Path(build) / "made").rename(made)
        os.utime(made)  # It is in use; see KEEP_UNUSED.
    return made


def _suite() -> str:
    return platform.freedesktop_os_release().get("VERSION_CODENAME", "unknown")


def _build(place: Path) -> None:
    missing = [package for tool, package in NEEDED.items() if not shutil.which(tool)]
    assert not missing, f"to build images, first run: apt-get install {' '.join(missing)}"
    root, small, made = place / "root", place / "small", place / "made"
    made.mkdir()
    _bootstrap(place, root)
    _copy_python(root, small)
    _add_busybox(small)
    for toolchain in _toolchains():
        _copy_toolchain(toolchain, root)
    _copy_installers(root)
    for folder, name in ((root, "standard.tar"), (small, "busybox-python.tar")):
        for file, text in ACCOUNTS.items():
            (folder / "etc").mkdir(exist_ok=True)
            (folder / "etc" / file).write_text(text)
        for at in ("root", "proc", "sys", "dev", "tmp"):
            (folder / at).mkdir(exist_ok=True)
        (folder / "tmp").chmod(0o1777)
        _do("tar", "--numeric-owner", "-C", str(folder), "-cf", str(made / name), ".")


def _bootstrap(place: Path, root: Path) -> None:
    """Unpack Debian's packages; none of their scripts runs."""
    # The archives, proxies and checks of dates that this machine's own apt is set up with.
    targets = ("$(ORIGIN)|deb $(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages")
    lines = _do("apt-get", "indextargets", "--format", *targets).splitlines()
    sources = [line.removeprefix("Debian|") for line in lines if line.startswith("Debian|")]
    assert sources, "apt has no Debian archive here: the images need a Debian host"
    (place / "sources.list").write_text("\n".join(sources) + "\n")
    settings = re.findall(
        r"^Acquire::(?:Check-|Retries|https?::).*$", _do("apt-config", "dump"), re.M
    )
    (place / "apt.conf").write_text("\n".join(settings) + "\n")
    options = ("--quiet", "--variant=extract", f"--aptopt={place}/apt.conf", "--format=directory")
    own_rust = any(each.name == "rustc" and each.home == "/usr" for each in _toolchains())
    packages = f"--include={','.join((*PACKAGES, *(('rustc', 'cargo') if own_rust else ())))}"
    _do("mmdebstrap", *options, packages, _suite(), str(root), str(place / "sources.list"))
    shutil.rmtree(root / "etc/apt")
    for name in ("etc/resolv.conf", "etc/hostname"):
        (root / name).unlink(missing_ok=True)
    for name in UNUSED:
        shutil.rmtree(root / name, ignore_errors=True)
    root.chmod(0o755)
    (root / "usr/bin/python").symlink_to("python3")
    (root / "usr/bin/cc").symlink_to("gcc")


def _copy_python(root: Path, small: Path) -> None:
    """Copy Python and every library it loads, and nothing else, from one root to another."""
    program = (root / "usr/bin/python3").resolve()
    library = root / "usr/lib" / program.name
    shutil.copytree(library, small / "usr/lib" / program.name, symlinks=True)
    modules = [f"/{path.relative_to(root)}" for path in library.rglob("*.so")]
    for path in _libraries([f"/{program.relative_to(root)}", *modules], root):
        _copy_file(root / path.lstrip("/"), small / path.lstrip("/"))
    _copy_file(program, small / program.relative_to(root))
    for name in ("python", "python3"):
        (small / "usr/bin" / name).symlink_to(program.name)
    shutil.copytree(root / "usr/share/zoneinfo", small / "usr/share/zoneinfo", symlinks=True)


def _add_busybox(small: Path) -> None:
    busybox = small / "bin/busybox"
    _copy_file(Path("/bin/busybox"), busybox)
    for applet in _do("/bin/busybox", "--list").split():
        if applet != "busybox":
            (small / "bin" / applet).symlink_to("busybox")


def _copy_toolchain(toolchain: FoundToolchain, root: Path) -> None:
    """Copy a toolchain to where it is on this machine, with the libraries that are not there."""
    executable, home = Path(toolchain.executable), Path(toolchain.home)
    if home == Path("/usr"):
        _copy_file(executable, root / executable.relative_to("/"))
    else:
        target = root / home.relative_to("/")
        unused = {str(home / name) for name in NOT_COPIED}

        def ignored(at: str, names: list[str]) -> list[str]:
            return [name for name in names if f"{at}/{name}" in unused]

        # Configuration of a Debian JDK is links out of its home: they become files.
        shutil.copytree(home, target, ignore=ignored, ignore_dangling_symlinks=True)
        for folder in target.relative_to(root).parents:  # it may be root's own, who is nobody there
            (root / folder).chmod(0o755)
    for mount in toolchain.layout.mounts:  # what a distribution keeps beside it
        inside = root / mount.target.lstrip("/")
        if mount.source == mount.target and os.path.isdir(mount.source) and not inside.exists():
            shutil.copytree(mount.source, inside, ignore_dangling_symlinks=True)
    programs = [str(executable), *map(str, home.glob("lib/*.so"))] if home != Path("/usr") else []
    for path in _libraries(programs or [str(executable)], Path("/")):
        inside = root / path.lstrip("/")
        if not inside.exists() and not Path(path).is_relative_to(home):
            _copy_file(Path(path), inside)


def _copy_installers(root: Path) -> None:
    """Give it pip and npm, which the official images of Python and Node have."""
    for language, folder in ((Python(), PIP), (Node(), NPM)):
        home = find_toolchain(language.name, language.toolchain, "").home
        installer = language.toolchain.installer
        assert installer is not None
        _, found = next(tool_choices(installer, home))[0]
        shutil.copytree(found, root / folder, ignore=NOT_COMPILED, symlinks=True)


def _libraries(programs: Iterable[str], root: Path) -> Iterator[str]:
    """The shared libraries, and the loader, that programs of a root filesystem load."""
    seen = {LOADER}
    yield LOADER
    for program in programs:
        command = ["chroot", str(root), LOADER, "--list", program]
        listed = subprocess.run(command, capture_output=True, text=True, check=False)
        for path in re.findall(r"=> (/\S+)", listed.stdout):
            if path not in seen:
                seen.add(path)
                yield path


def _copy_file(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        shutil.copy2(os.path.realpath(source), target)


def _do(*command: str) -> str:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert not done.returncode, f"{command} exited {done.returncode}:\n{done.stderr[-4000:]}"
    return done.stdout
