"""Builds the images of sandboxes: from a language's own image, and then with packages."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.to_thread

from drybox.backends.docker import labels as docker_labels
from drybox.backends.docker.container import INIT, Container
from drybox.backends.docker.daemon import Daemon
from drybox.backends.docker.images import package_image
from drybox.backends.docker.images.image import SandboxImage, etc_volume, path_of, read_version
from drybox.backends.docker.stream import AttachedStream
from drybox.environments.tools import tool_choices
from drybox.errors import DryboxError, Unavailable, Unsupported
from drybox.guest.connection import Guest
from drybox.guest.frames import GuestExecError, GuestFileError, GuestGone
from drybox.job import PACKAGES_DIR, WORK_DIR, Command
from drybox.languages.base import Language, Preparation, Tool
from drybox.model import GIB, ResourceLimits, Stream

TIMEOUT = 600.0
"""Seconds one preparation may take; compiling Go's standard library takes about 40 on 2 cores."""

LIMITS = ResourceLimits(memory=2 * GIB, cpus=64.0, pids=1024, open_files=4096)
"""Limits of what the toolchain does here, without any user's data."""

_log = logging.getLogger("drybox.docker")

SAID = 4000  # bytes kept of what a command says


async def build_image(
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
    etc = etc_volume(derived)
    await run(daemon.make_volume, etc, {docker_labels.IMAGE: source})
    async with _workplace(daemon, ryuk, source, etc) as container:
        await run(daemon.put_archive, container, archive)
        async with _started(daemon, container) as stream:
            version = await _prepare(daemon, source, language, Guest(stream), stream)
        await run(daemon.commit, container, derived, _config(language, source, version))


async def build_image_with_tool(
    daemon: Daemon, ryuk: bool, tool: Tool, base: SandboxImage, name: str
) -> None:
    """Make an image in which a tool runs, if need be this machine's.

    Args:
        daemon: Where.
        ryuk: Whether Testcontainers' Ryuk is to watch over the container.
        tool: The tool.
        base: The derived image.
        name: Name of the new one.

    Raises:
        Unsupported: There is none that runs in it.
        Unavailable: It could not be made.
    """
    async with _workplace(daemon, ryuk, base.name) as container:
        async with _started(daemon, container) as stream:
            await _provide(daemon, container, tool, base, stream)
        # What the base is labelled with, the daemon takes over.
        await anyio.to_thread.run_sync(daemon.commit, container, name, {})


async def build_image_with_packages(
    daemon: Daemon, ryuk: bool, base: str, name: str, folder: str, place: str = PACKAGES_DIR
) -> None:
    """Make an image with packages in it.

    Args:
        daemon: Where.
        ryuk: Whether Testcontainers' Ryuk is to watch over the container.
        base: Name of the image in which they can be installed.
        name: Name of the new one; it ends with the folder's fingerprint.
        folder: The folder of packages on this machine.
        place: Where a sandbox sees them.

    Raises:
        Unsupported: The folder cannot be read, or changes.
        Unavailable: It could not be made.
    """
    run = anyio.to_thread.run_sync
    files = package_image.archive(folder, place, name.rpartition("-")[2])
    async with _workplace(daemon, ryuk, base) as container:
        await run(daemon.put_archive, container, files)
        config = {"Labels": {docker_labels.PACKAGES: package_image.label(folder)}}
        await run(daemon.commit, container, name, config)


def forget_images(daemon: Daemon, label: str, key: str) -> None:
    """Remove images of what a folder held before, and those made of them. Blocks.

    Those that are in use stay.

    Args:
        daemon: Where.
        label: The folder's.
        key: What the names of those that stay end with; "" to remove all.
    """
    try:
        tags, old = [], []
        for item in daemon.images():
            is_of_it = (item.get("Labels") or {}).get(docker_labels.PACKAGES) == label
            for tag in item.get("RepoTags") or ():
                tags.append(tag)
                if is_of_it and not (key and tag.endswith(f"-{key}")):
                    old.append(tag)
        made_of_them = [tag for tag in tags if any(tag.startswith(f"{each}-") for each in old)]
        for tag in dict.fromkeys([*made_of_them, *old]):
            daemon.remove_image(tag)
    except DryboxError as error:
        _log.warning("images of older packages could not be removed: %s", error.message)


@asynccontextmanager
async def _workplace(daemon: Daemon, ryuk: bool, source: str, etc: str = "") -> AsyncIterator[str]:
    """The id of a container of an image, not started, that is removed in the end.

    A new volume, if it is given one, has the image's ``/etc`` in it by then.
    """
    run = anyio.to_thread.run_sync
    options = {
        "entrypoint": [INIT],
        "stdin_open": True,
        "user": "0:0",
        "network": "none",
        "network_disabled": True,  # else the daemon mounts its own files over those of /etc
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "pids_limit": LIMITS.pids,
        "mem_limit": LIMITS.memory,
        "log_config": {"type": "none"},
        "working_dir": "/",
        "volumes": {etc: {"bind": "/etc", "mode": "rw"}} if etc else {},
    }
    container = Container(daemon, source, ryuk, {}, options)
    with anyio.CancelScope(shield=True):
        try:
            await run(container.create)
            yield container.get_container_id()
        finally:
            await run(container.discard)


@asynccontextmanager
async def _started(daemon: Daemon, container: str) -> AsyncIterator[AttachedStream]:
    """The streams of a container that is started; it ends with them."""
    await anyio.to_thread.run_sync(daemon.start, container)
    attached = await anyio.to_thread.run_sync(daemon.attach, container)
    stream = await AttachedStream.of(attached)
    try:
        yield stream
    finally:
        await stream.aclose()


def _config(language: Language, source: str, version: str) -> Mapping[str, Any]:
    labels = {docker_labels.IMAGE: source, docker_labels.VERSION: version}
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
        for argv in toolchain.image_commands:
            code, said = await _run(guest, argv, env)
            if code:
                raise Unavailable(
                    f"image {source!r} could not be prepared: {said or f'{argv[0]} failed'}",
                    hint="See whether the Docker daemon's disk is full.",
                )
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
    version = read_version(said, toolchain)
    if code or not version:
        raise Unsupported(
            f"image {source!r} does not tell the version of its {language.name}: {said[:300]!r}.",
            hint=f"Configure an image whose '{toolchain.executable}' runs.",
        )
    return version


async def _provide(
    daemon: Daemon, container: str, tool: Tool, base: SandboxImage, stream: AttachedStream
) -> None:
    """See that there is the tool, if need be the one of this machine."""
    guest = Guest(stream)
    try:
        await guest.enter()
        if await _answers(guest, tool, base):
            return
        for parts in await anyio.to_thread.run_sync(list, tool_choices(tool)):
            for name, path in parts:
                files = package_image.archive(path, f"{tool.mount}/{name}")
                await anyio.to_thread.run_sync(daemon.put_archive, container, files)
            if await _answers(guest, tool, base):
                return
    except GuestGone as error:
        raise Unavailable(
            f"{tool.name} could not be taken to the image: {stream.words or error}",
            hint="Try again.",
        ) from error
    raise Unsupported(
        f"the image has no {tool.name}, which {tool.purpose}, and this machine none "
        "that runs in it.",
        hint=f"Configure an image that has {tool.name}. {tool.install_hint}",
    )


async def _answers(guest: Guest, tool: Tool, base: SandboxImage) -> bool:
    try:
        code, _ = await _run(guest, tool.probe, base.env)
    except GuestExecError:
        return False
    return code == 0


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

    end = await guest.exec(Command(argv, LIMITS, TIMEOUT), env, sink, None)
    code = -1 if end.code is None else end.code
    return code, said.decode("utf-8", "replace").strip()
