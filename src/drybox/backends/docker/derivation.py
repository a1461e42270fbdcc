"""Derives the image that sandboxes are made of from a language's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio
import anyio.to_thread

from drybox.backends.docker import owner
from drybox.backends.docker.container import INIT, Container
from drybox.backends.docker.daemon import Daemon
from drybox.backends.docker.image import path_of, read_version
from drybox.backends.docker.stream import AttachedStream
from drybox.errors import Unavailable, Unsupported
from drybox.guest.frames import GuestExecError
from drybox.guest.protocol import Guest, GuestFileError, GuestGone
from drybox.model import GIB, Command, ResourceLimits, Stream
from drybox.protocols import WORK_DIR, Language, Preparation

PATIENCE = 600.0
"""Seconds one preparation may take; compiling Go's standard library takes about 40 on 2 cores."""

LIMITS = ResourceLimits(memory=2 * GIB, cpus=64.0, pids=1024, open_files=4096)
"""Limits of what the toolchain does here, without any user's data."""

SAID = 4000  # bytes kept of what a command says


async def derive(
    daemon: Daemon, ryuk: bool, language: Language, source: str, derived: str, archive: bytes
) -> None:
    """Make the image.

    The toolchain's preparations run in a container of the source image, as its root without
    any capability and without a network; what they leave is part of the image.

    Args:
        daemon: Where.
        ryuk: Whether Testcontainers' Ryuk is to watch over the container.
        language: Whose image it is.
        source: Name of the source image.
        derived: Name of the new one.
        archive: Files to put in.

    Raises:
        Unsupported: The image does not have the language's toolchain.
        Unavailable: It could not be made.
    """
    run = anyio.to_thread.run_sync
    options = {
        "entrypoint": [INIT],
        "stdin_open": True,
        "user": "0:0",
        "network": "none",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "pids_limit": LIMITS.pids,
        "mem_limit": LIMITS.memory,
        "log_config": {"type": "none"},
        "working_dir": "/",
    }
    container = Container(daemon, source, ryuk, {}, options)
    with anyio.CancelScope(shield=True):
        try:
            await run(container.create)
            await run(daemon.put_archive, container.get_container_id(), archive)
            await run(container.start)
            attached = await run(daemon.attach, container.get_container_id())
            stream = await AttachedStream.of(attached)
            try:
                version = await _prepare(daemon, source, language, Guest(stream), stream)
            finally:
                await stream.aclose()
            config = _config(language, source, version)
            await run(daemon.commit, container.get_container_id(), derived, config)
        finally:
            await run(container.discard)


def _config(language: Language, source: str, version: str) -> Mapping[str, Any]:
    labels = {owner.IMAGE: source, owner.VERSION: version}
    return {"Labels": labels, "Entrypoint": [INIT], "Cmd": [], "WorkingDir": "/"}


async def _prepare(
    daemon: Daemon, source: str, language: Language, guest: Guest, stream: AttachedStream
) -> str:
    """Runs what is to run in it; the version that the toolchain says it has."""
    toolchain = language.toolchain
    found = await anyio.to_thread.run_sync(daemon.image, source)
    env = {"PATH": path_of(found or {}), "HOME": WORK_DIR, "LANG": "C.UTF-8"}
    try:
        await guest.enter()
        for item in toolchain.preparations:
            await _run_preparation(item, guest, env)
        code, said = await _run(guest, (toolchain.executable, *toolchain.version_argv), env)
    except GuestExecError as error:
        raise Unsupported(
            f"image {source!r} has no {language.name} toolchain: {error}.",
            hint=f"Configure an image for {language.name} that has "
            f"'{toolchain.executable}' on its PATH.",
        ) from error
    except (GuestGone, GuestFileError) as error:
        raise Unavailable(
            f"image {source!r} could not be prepared: {stream.words or error}",
            hint="See that it is an image for the daemon's own architecture.",
        ) from error
    version = read_version(said)
    if code or not version:
        raise Unsupported(
            f"image {source!r} does not tell the version of its {language.name}: {said[:300]!r}.",
            hint=f"Configure an image whose '{toolchain.executable}' runs.",
        )
    return version


async def _run_preparation(item: Preparation, guest: Guest, env: Mapping[str, str]) -> None:
    variables = {name: value.replace("{out}", item.mount) for name, value in item.env.items()}
    await guest.put(item.files)
    for argv in item.commands:
        words = tuple(word.replace("{out}", item.mount) for word in argv)
        code, said = await _run(guest, words, {**env, **variables})
        if code and not item.optional:
            raise Unavailable(
                f"{item.label} failed: {said or f'{argv[0]} ended with {code}'}",
                hint="See whether the Docker daemon's disk is full.",
            )
        if code:
            break
    names = [file.path for file in item.files]
    if names:
        await _run(guest, ("rm", "-f", *names), env)


async def _run(guest: Guest, argv: tuple[str, ...], env: Mapping[str, str]) -> tuple[int, str]:
    said = bytearray()

    async def sink(_: Stream, data: bytes) -> None:
        said.extend(data[: SAID - len(said)])

    end = await guest.exec(Command(argv, LIMITS, PATIENCE), env, sink, None)
    code = -1 if end.code is None else end.code
    return code, said.decode("utf-8", "replace").strip()
