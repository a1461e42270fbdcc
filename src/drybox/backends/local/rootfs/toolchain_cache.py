"""Caches that are made once for a toolchain and mounted read-only in every sandbox.

For instance Go's compiled standard library. It is made by the toolchain alone, without
user data, in the same layout as a sandbox's, so that paths recorded in it hold there.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import hashlib
import itertools
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from drybox.backends.local.rootfs import layout as sandbox_layout
from drybox.backends.local.rootfs.layout import Layout, Mount
from drybox.backends.local.rootfs.toolchain import FoundToolchain
from drybox.backends.preparations import UnderWay
from drybox.errors import Unavailable
from drybox.host.child_output import follow_output
from drybox.host.paths import cache_dir
from drybox.host.workplace import workplace
from drybox.job import WORK_DIR, File
from drybox.languages.base import Preparation

TIMEOUT = 600.0
"""Seconds one preparation may take; compiling Go's standard library takes about 40 on 2 cores."""

FAILURE_AGE = 3600.0
"""Seconds until what failed, for want of room perhaps, is tried again."""

LOOK_DELAY = 0.1
"""Seconds between looks whether another drybox has made it."""

Begin = Callable[[str], AbstractContextManager[UnderWay]]
"""What is called with what is made, in words; see :meth:`Preparations.begin`."""


def prepare(
    preparation: Preparation, found: FoundToolchain, bwrap: str, begin: Begin
) -> Mount | None:
    """Make it, unless it is there already.

    Args:
        preparation: What to make.
        found: The toolchain that makes it.
        bwrap: Path of bubblewrap.
        begin: Is around the work, and told how far it is where that is known.

    Returns:
        What to mount, or None if an optional one could not be made.

    Raises:
        Unavailable: It could not be made.
    """
    place = _place(preparation, found)
    seen = hashlib.sha256(repr(found.layout).encode()).hexdigest()[:8]
    failed = place.with_suffix(f".{seen}.failed")  # with other files it might do
    if not os.path.isdir(place) and not (preparation.optional and _is_young(failed)):
        label = f"{preparation.label} (once for {found.version})"
        with _only_one(place, partial(begin, f"{label}: another drybox is at it")):
            if not place.is_dir():
                with begin(label) as under_way:
                    try:
                        problem = _make(preparation, found, bwrap, place, under_way)
                    except OSError as error:
                        problem = (
                            f"the cache folder {place.parent} cannot be written: {error.strerror}"
                        )
                if under_way.is_stopped:
                    raise _ended(preparation.label)
                if problem and not preparation.optional:
                    raise Unavailable(
                        f"{preparation.label} failed: {problem}",
                        hint="Run 'drybox doctor' and see whether the disk is full.",
                    )
                with contextlib.suppress(OSError):  # then it is tried again sooner
                    if problem:
                        failed.write_text(problem, "utf-8")
    return Mount(str(place), preparation.mount) if os.path.isdir(place) else None


def made_already(
    preparation: Preparation, found: FoundToolchain, known: frozenset[str] | None = None
) -> Mount | None:
    """What to mount of a preparation that is there; None if it would have to be made.

    Args:
        preparation: It.
        found: The toolchain that it is for.
        known: Names that :func:`names_made` gave, of which it has to be one; None for any.
    """
    place = _place(preparation, found)
    if known is not None and place.name not in known:
        return None
    return Mount(str(place), preparation.mount) if place.is_dir() else None


def names_made() -> frozenset[str]:
    """What is there of everything that is made for toolchains."""
    try:
        return frozenset(os.listdir(cache_dir() / "prepared"))
    except OSError:
        return frozenset()


def _place(preparation: Preparation, found: FoundToolchain) -> Path:
    facts = repr(preparation) + _state_of(preparation.made_from)
    recipe = hashlib.sha256(facts.encode()).hexdigest()[:8]
    return cache_dir() / "prepared" / f"{preparation.name}-{found.key}-{recipe}"


def _state_of(patterns: tuple[str, ...]) -> str:
    """What is another whenever one of these files is; "" of none."""
    found = ""
    for path in sorted(path for pattern in patterns for path in glob.glob(pattern)):
        with contextlib.suppress(OSError):
            state = os.stat(path)
            found += f"|{path}|{state.st_mtime_ns}|{state.st_size}"
    return found


def show(files: tuple[File, ...], layout: Layout) -> Layout:
    """A layout whose masked folders have these files.

    Args:
        files: Their names and contents.
        layout: The layout.

    Raises:
        Unavailable: The cache folder cannot be written.
    """
    if not files or not layout.masks:
        return layout
    recipe = hashlib.sha256(repr(files).encode()).hexdigest()[:16]
    place = cache_dir() / "shown" / recipe
    if not place.is_dir():
        with _only_one(place):
            try:
                _write(files, place)
            except OSError as error:
                raise _unwritable(place, error) from error
    mounts = tuple(Mount(str(place), mask) for mask in layout.masks)
    return replace(layout.adding(mounts), masks=())


def _write(files: tuple[File, ...], place: Path) -> None:
    with workplace(place.parent) as folder:
        out = folder / "out"
        out.mkdir(mode=0o755)
        for file in files:
            (out / file.path).write_bytes(file.content)
            (out / file.path).chmod(0o644)
        out.chmod(0o755)
        if not place.is_dir():
            out.rename(place)


def _is_young(path: Path) -> bool:
    try:
        # The clock may have been set back meanwhile.
        return abs(time.time() - path.stat().st_mtime) < FAILURE_AGE
    except OSError:
        return False


@contextmanager
def _only_one(
    place: Path, wait: Callable[[], AbstractContextManager[UnderWay]] | None = None
) -> Iterator[None]:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(place.with_suffix(".lock"), os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unwritable(place, error) from error
    try:
        if wait is None:
            fcntl.flock(lock, fcntl.LOCK_EX)
        elif not _try_lock(lock):
            with wait() as waiting:
                while not _try_lock(lock):
                    if waiting.is_stopped:
                        raise _ended("Waiting for another drybox")
                    time.sleep(LOOK_DELAY)
        yield
    finally:
        os.close(lock)


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _ended(what: str) -> Unavailable:
    return Unavailable(f"{what} was ended, as drybox ends.", hint="Start it again.")


def _unwritable(place: Path, error: OSError) -> Unavailable:
    return Unavailable(
        f"the cache folder {place.parent} cannot be written: {error.strerror}.",
        hint="Set XDG_CACHE_HOME to a folder that can.",
    )


def _make(
    preparation: Preparation, found: FoundToolchain, bwrap: str, place: Path, under_way: UnderWay
) -> str:
    """The reason it failed, or "". Only a finished result gets the final name."""
    with workplace(place.parent, swept=True) as folder:
        out, work = folder / "out", folder / "work"
        out.mkdir()
        work.mkdir()
        for file in preparation.files:
            target = work / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.content)
        call = partial(_run, preparation, found, bwrap, out, work, under_way)
        listed: list[bytes] = []
        if preparation.parts and call(preparation.parts, on_line=listed.append):
            listed.clear()  # it can be made without knowing how far it is
        env = preparation.parts_env if listed else {}
        on_line = _counter(len(listed), under_way)
        for argv in preparation.commands:
            problem = call(argv, env, on_line)
            if problem:
                return problem
            env, on_line = {}, _counter(0, under_way)
        for path in (out, *out.rglob("*")):
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        out.rename(place)
    return ""


def _counter(total: int, under_way: UnderWay) -> Callable[[bytes], None]:
    """What counts the lines that a command writes, one for each part that is done."""
    done = itertools.count(1)

    def count(line: bytes) -> None:
        if total:
            under_way.advance(next(done), total)

    return count


def _run(
    preparation: Preparation,
    found: FoundToolchain,
    bwrap: str,
    out: Path,
    work: Path,
    under_way: UnderWay,
    argv: tuple[str, ...],
    more_env: Mapping[str, str] | None = None,
    on_line: Callable[[bytes], None] = lambda line: None,
) -> str:
    layout: Layout = found.layout
    program = {found.name: found.program}
    words = [word.replace("{out}", preparation.mount) for word in argv]
    env = {**layout.env, **preparation.env, **(more_env or {})}
    variables = [
        word
        for name, value in env.items()
        for word in ("--setenv", name, value.replace("{out}", preparation.mount))
    ]
    command = [
        *(bwrap, *sandbox_layout.namespace_arguments(), "--clearenv", *variables),
        *sandbox_layout.make_tree(layout, None).arguments(),
        *("--bind", str(work), WORK_DIR, "--bind", str(out), preparation.mount),
        *("--tmpfs", "/tmp", "--proc", "/proc", "--chdir", WORK_DIR, "--"),
        *(program.get(words[0], words[0]), *words[1:]),
    ]
    try:
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            under_way.works_by(process)
            said = follow_output(process, "it", TIMEOUT, 1000, on_line)
    except (OSError, TimeoutError) as error:
        return str(error)
    if not process.returncode:
        return ""
    text = said.decode("utf-8", "replace")
    return text or f"{argv[0]} ended with {process.returncode} and said nothing"
