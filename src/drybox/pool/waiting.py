"""Opens sandboxes that wait with an interpreter or a compiler started."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

import anyio.lowlevel

from drybox.backends.base import Backend, IdleSandbox, SandboxSpec, WarmSandbox
from drybox.errors import DryboxError
from drybox.job import OWNER
from drybox.languages.base import EnvironmentLanguage
from drybox.languages.prestart import PrestartedProcess
from drybox.model import ResourceLimits
from drybox.settings import PoolSettings

_log = logging.getLogger("drybox.pool")


def owned(spec: SandboxSpec, settings: PoolSettings) -> SandboxSpec:
    """What a sandbox is opened with, its owner included where templates are to be one key's alone.

    Args:
        spec: What it is opened with.
        settings: Say whether they are.
    """
    if settings.fork_server != "per-key":  # asked first: the other question takes 20 µs
        return spec
    language = spec.language
    if not isinstance(language, EnvironmentLanguage) or not language.environments.preload:
        return spec
    return replace(spec, owner=OWNER.get())


async def open_waiting(
    backend: Backend,
    spec: SandboxSpec,
    prestarts: Sequence[PrestartedProcess],
    limits: ResourceLimits,
    settings: PoolSettings,
) -> IdleSandbox:
    """A sandbox with all that it waits with.

    Args:
        backend: What makes it.
        spec: What it is opened with.
        prestarts: What waits in it, in the order of phases.
        limits: What it may use until the request comes.
        settings: Say whether its process may be forked from a template, as it is where something
            was imported ahead. Where it cannot be had from one, it is started as if there were
            none.

    Raises:
        Unavailable: It could not be had.
    """
    may_fork = settings.fork_server != "off" or any(each.preload for each in prestarts)
    if may_fork and len(prestarts) == 1:
        try:
            return await _open_with(
                backend, replace(spec, prestart=prestarts[0]), prestarts, limits
            )
        except (DryboxError, OSError) as error:
            # What fails because everything is ending is no failure to tell anybody of.
            await anyio.lowlevel.checkpoint_if_cancelled()
            _log.warning("no sandbox could be forked from a template: %s", error)
    return await _open_with(backend, spec, prestarts, limits)


async def _open_with(
    backend: Backend,
    spec: SandboxSpec,
    prestarts: Sequence[PrestartedProcess],
    limits: ResourceLimits,
) -> IdleSandbox:
    sandbox = await backend.open(spec)
    try:
        assert isinstance(sandbox, WarmSandbox), "the first of its kind was one"
        if prestarts:
            await sandbox.warm(prestarts, limits)
    except BaseException:
        await sandbox.close()
        raise
    return sandbox
