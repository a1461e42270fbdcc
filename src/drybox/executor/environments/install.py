"""What an environment's build does in sandboxes: asks the toolchain, installs, tries imports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import anyio.to_thread

from drybox.backends.base import Sandbox, SandboxSpec
from drybox.environments.environment import BuiltEnvironment, Environment
from drybox.environments.resolvers.base import Target
from drybox.environments.resolvers.failures import BuildFailed
from drybox.environments.tree import BadTree, TreeFacts, TreeWriter
from drybox.job import BUILD_DIR, NEW_ENVIRONMENT_DIR, Command, Exit
from drybox.languages.base import EnvironmentForm, EnvironmentLanguage
from drybox.model import GIB, MIB, ResourceLimits, Stream
from drybox.pool.pool import Pool

INSTALL_TIMEOUT = 1800.0
"""Wall seconds that installing may take, and that taking the result out may."""

PRELOAD_TIMEOUT = 120.0
"""Wall seconds that the modules to preload may take."""

SAID = 64 * 1024
"""Bytes of the end of what a command says that are kept."""

PRELOAD_FORKS = "forks"
"""What the command that imports ahead prints where nothing keeps sandboxes from being forked."""

SAID_OF_PRELOAD = 200
"""Characters of what keeps sandboxes from being forked."""

PIECE = 1 * MIB
"""Bytes of an archive that are written at once, by another thread."""


def form_of(environment: Environment) -> EnvironmentForm:
    """How the environment's language makes environments."""
    language = environment.of
    assert isinstance(language, EnvironmentLanguage), "Environment has seen to that"
    return language.environments


async def ask_target(
    environment: Environment, pool: Pool, limits: ResourceLimits, folder: Path
) -> Target:
    """What packages must fit, as the toolchain says in a sandbox.

    Args:
        environment: What is to be built.
        pool: Opens the sandbox.
        limits: The operator's limits of programs.
        folder: An empty folder that everybody may read.

    Raises:
        BuildFailed: It does not say.
    """
    form = form_of(environment)
    sandbox = await pool.open(_spec(environment, limits, str(folder)))
    try:
        end, out, err = await _said(sandbox, form.probe, limits, PRELOAD_TIMEOUT)
    finally:
        await sandbox.close()
        await pool.for_environments().forget_packages(str(folder))
    try:
        facts = json.loads(out)
        if end.code or not isinstance(facts, dict):
            raise ValueError(f"it ended with {end.code}")
    except ValueError as error:
        raise BuildFailed(
            f"the {environment.of.name} toolchain does not say what it is: {error}.",
            hint="See what it says below; 'drybox doctor' tells whether sandboxes work.",
            output=err,
        ) from error
    return Target(facts)


async def install(
    environment: Environment,
    pool: Pool,
    installers: ResourceLimits,
    stage: Path,
    content: Path,
    size: int,
) -> TreeFacts:
    """Install what is staged, and bring it out.

    Args:
        environment: What is to be built.
        pool: Opens the sandbox.
        installers: The operator's limits; memory and disk are what the environment needs.
        stage: Folder of the archives.
        content: An empty folder that gets what was installed.
        size: Bytes of what the archives hold.

    Raises:
        BuildFailed: It cannot be installed.
        OSError: It cannot be written here.
    """
    form = form_of(environment)
    disk = form.growth * size + 256 * MIB
    limits = replace(installers, disk=disk, memory=disk + GIB)
    sandbox = await pool.open(_spec(environment, limits, str(stage)))
    try:
        end, _, err = await _said(sandbox, form.install, limits, INSTALL_TIMEOUT)
        if end.code != 0:
            raise _not_installed(environment, end, err)
        return await _bring_out(sandbox, limits, content, disk, environment)
    finally:
        await sandbox.close()
        await pool.for_environments().forget_packages(str(stage))


async def try_preload(
    environment: Environment, pool: Pool, limits: ResourceLimits, built: BuiltEnvironment
) -> str:
    """Import what is to be preloaded, to see that it can be.

    Returns:
        Why no sandbox can be forked once it is imported, in words; "" if they can.

    Raises:
        BuildFailed: It cannot; its output is the traceback.
    """
    form = form_of(environment)
    if not environment.preload or form.preload is None:
        return ""
    spec = replace(_spec(environment, limits, ""), environment=built)
    sandbox = await pool.open(spec)
    try:
        argv = (*form.preload, *environment.preload)
        end, out, err = await _said(sandbox, argv, limits, PRELOAD_TIMEOUT)
    finally:
        await sandbox.close()
    said = "".join(filter(str.isprintable, out.partition("\n")[0]))[:SAID_OF_PRELOAD]
    if end.code != 0 or not said:
        why = (
            f"take longer than {PRELOAD_TIMEOUT:g} s"
            if end.timed_out
            else "need more memory than limits.memory allows"
            if end.out_of_memory
            else "cannot be imported"
        )
        raise BuildFailed(
            f"the modules that environment {environment.name!r} preloads {why}.",
            hint="See below what they say; add the package that they need, or leave the module "
            "out of preload.",
            output=err,
        )
    return "" if said == PRELOAD_FORKS else said


def _spec(environment: Environment, limits: ResourceLimits, package_dir: str) -> SandboxSpec:
    return SandboxSpec(environment.of, environment.version, limits, "", package_dir)


async def _said(
    sandbox: Sandbox, argv: tuple[str, ...], limits: ResourceLimits, timeout: float
) -> tuple[Exit, str, str]:
    """Run a command; how it ended, and the end of what it wrote to stdout and stderr."""
    kept: Mapping[Stream, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}

    async def sink(stream: Stream, data: bytes) -> None:
        kept[stream].extend(data)
        del kept[stream][:-SAID]

    end = await sandbox.exec(Command(argv, limits, timeout, cwd=BUILD_DIR), sink)
    out, err = (kept[name].decode("utf-8", "replace") for name in ("stdout", "stderr"))
    return end, out, err


async def _bring_out(
    sandbox: Sandbox,
    limits: ResourceLimits,
    content: Path,
    max_bytes: int,
    environment: Environment,
) -> TreeFacts:
    """Take what was installed out of the sandbox into a folder.

    Raises:
        BuildFailed: It is no content of an environment.
        OSError: It cannot be written here.
    """
    writer = TreeWriter(content, max_bytes)
    waiting, said = bytearray(), bytearray()

    async def sink(stream: Stream, data: bytes) -> None:
        nonlocal waiting
        if stream == "stderr":
            said.extend(data[: SAID - len(said)])
            return
        waiting += data
        if len(waiting) >= PIECE:
            piece, waiting = bytes(waiting), bytearray()
            await anyio.to_thread.run_sync(writer.feed, piece)

    argv = ("tar", "-C", NEW_ENVIRONMENT_DIR, "-cf", "-", ".")
    try:
        end = await sandbox.exec(Command(argv, limits, INSTALL_TIMEOUT, cwd=BUILD_DIR), sink)
        if end.code == 0:
            await anyio.to_thread.run_sync(writer.feed, bytes(waiting))
            return await anyio.to_thread.run_sync(writer.finish)
    except BadTree as error:
        raise BuildFailed(
            f"a package of environment {environment.name!r} holds what none may: {error}.",
            hint="Leave the package out that says so, and tell whoever made it.",
        ) from error
    finally:
        writer.abandon()
    raise BuildFailed(
        f"what was installed for environment {environment.name!r} could not be taken out of its "
        "sandbox.",
        hint="See below what it says; an image needs a 'tar'.",
        output=said.decode("utf-8", "replace"),
    )


def _not_installed(environment: Environment, end: Exit, said: str) -> BuildFailed:
    which = f"environment {environment.name!r} could not be installed"
    if end.timed_out:
        return BuildFailed(
            f"{which} within {INSTALL_TIMEOUT:g} s.", hint="Leave packages out.", output=said
        )
    if end.out_of_memory or "No space left on device" in said:
        return BuildFailed(
            f"{which}: its packages are larger than they say, or than this machine's memory.",
            hint="Leave the largest out of it.",
            output=said,
        )
    return BuildFailed(
        f"{which}: the installer failed.", hint="See below what it says.", output=said[-4000:]
    )
