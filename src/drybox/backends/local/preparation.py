"""What is made once for a toolchain and then mounted read-only in every sandbox.

For instance Go's compiled standard library. It is made by the toolchain alone, without
user data, in the same layout as a sandbox's, so that paths recorded in it hold there.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from drybox.backends.local import layout as sandbox_layout
from drybox.backends.local.layout import Layout, Mount
from drybox.backends.local.toolchain import FoundToolchain, cache_dir
from drybox.errors import Unavailable
from drybox.protocols import WORK_DIR, Preparation

PATIENCE = 600.0
"""Seconds one preparation may take; compiling Go's standard library takes about 40 on 2 cores."""

FAILURE_AGE = 3600.0
"""Seconds until what failed, for want of room perhaps, is tried again."""

Progress = Callable[[str], None]


def prepare(
    preparation: Preparation, found: FoundToolchain, bwrap: str, progress: Progress
) -> Mount | None:
    """Make it, unless it is there already.

    Args:
        preparation: What to make.
        found: The toolchain that makes it.
        bwrap: Path of bubblewrap.
        progress: Told before the work begins.

    Returns:
        What to mount, or None if an optional one could not be made.

    Raises:
        Unavailable: It could not be made.
    """
    recipe = hashlib.sha256(repr(preparation).encode()).hexdigest()[:8]
    place = cache_dir() / "prepared" / f"{preparation.name}-{found.key}-{recipe}"
    seen = hashlib.sha256(repr(found.layout).encode()).hexdigest()[:8]
    failed = place.with_suffix(f".{seen}.failed")  # with other files it might do
    if not os.path.isdir(place) and not (preparation.optional and _is_young(failed)):
        with _only_one(place):
            if not place.is_dir():
                progress(f"{preparation.label} (once for {found.version})")
                problem = _make(preparation, found, bwrap, place)
                if problem and not preparation.optional:
                    raise Unavailable(
                        f"{preparation.label} failed: {problem}",
                        hint="Run 'drybox doctor' and see whether the disk is full.",
                    )
                if problem:
                    failed.write_text(problem, "utf-8")
    return Mount(str(place), preparation.mount) if os.path.isdir(place) else None


def _is_young(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime < FAILURE_AGE
    except OSError:
        return False


@contextmanager
def _only_one(place: Path) -> Iterator[None]:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(place.with_suffix(".lock"), os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(
            f"the cache folder {place.parent} cannot be written: {error.strerror}.",
            hint="Set XDG_CACHE_HOME to a folder that can.",
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _make(preparation: Preparation, found: FoundToolchain, bwrap: str, place: Path) -> str:
    """The reason it failed, or "". Only a finished result gets the final name."""
    with tempfile.TemporaryDirectory(dir=place.parent, prefix="making-") as folder:
        out, work = Path(folder, "out"), Path(folder, "work")
        out.mkdir()
        work.mkdir()
        for file in preparation.files:
            target = work / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.content)
        for argv in preparation.commands:
            problem = _run(argv, preparation, found, bwrap, out, work)
            if problem:
                return problem
        for path in (out, *out.rglob("*")):
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        shutil.move(out, place)
    return ""


def _run(
    argv: tuple[str, ...],
    preparation: Preparation,
    found: FoundToolchain,
    bwrap: str,
    out: Path,
    work: Path,
) -> str:
    layout: Layout = found.layout
    program = {found.name: found.program}
    words = [word.replace("{out}", preparation.mount) for word in argv]
    env = {**layout.env, **preparation.env}
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
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if not done.returncode:
        return ""
    said = done.stdout.decode("utf-8", "replace")[-1000:]
    return said or f"{argv[0]} ended with {done.returncode} and said nothing"
