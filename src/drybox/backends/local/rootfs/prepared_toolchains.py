"""Toolchains with all that is made once for them, as sandboxes see them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from drybox.backends.base import SandboxSpec
from drybox.backends.local.launchers import bubblewrap
from drybox.backends.local.rootfs import package_mounts
from drybox.backends.local.rootfs.layout import Layout, Mount
from drybox.backends.local.rootfs.toolchain import FoundToolchain, find_toolchain
from drybox.backends.local.rootfs.toolchain_cache import made_already, names_made, prepare, show
from drybox.backends.preparations import Preparations
from drybox.errors import DryboxError
from drybox.job import KERNEL_DIR
from drybox.languages.base import EnvironmentLanguage, Language


class _Making:
    """One of them while it is made; who waits for it may leave."""

    def __init__(self) -> None:
        self.done = anyio.Event()
        self.problem: Exception | None = None


@dataclass(frozen=True, slots=True)
class ReadyToolchain:
    """A toolchain, and what a sandbox sees of it with all that was made for it."""

    found: FoundToolchain
    layout: Layout


class PreparedToolchains:
    """Finds toolchains, and makes what they lack.

    What sandboxes see of other languages is what was made when this began, and what the operator
    has had made since (:meth:`offer`). What is made because somebody's program needs it is in that
    language's own sandboxes alone: nobody sees by it what others use.

    Args:
        preparations: Told what is being made.
    """

    def __init__(self, preparations: Preparations) -> None:
        self._preparations = preparations
        self._making: dict[tuple[str, str], _Making] = {}
        self._prepared: set[tuple[str, str]] = set()
        self._ready: dict[str, ReadyToolchain] = {}
        self._made_before = names_made()
        self._offered: set[str] = set()

    async def prepare(self, language: Language, version: str, tasks: TaskGroup) -> None:
        """Make what programs of a language need, unless it is there; others need not wait for it.

        Args:
            language: The language.
            version: The version asked for, or "".
            tasks: Where it goes on if nobody waits for it any more: somebody will want it.

        Raises:
            Unsupported: There is no such toolchain.
            Unavailable: It could not be made.
        """
        key = (language.name, version)
        if key in self._prepared or not language.toolchain.preparations:
            return
        making = self._making.get(key)
        if making is None:
            making = self._making[key] = _Making()
            tasks.start_soon(self._make, language, version, making)
        await making.done.wait()
        if making.problem is not None:
            raise making.problem

    def offer(self, language: Language) -> None:
        """Have sandboxes of other languages see this one's toolchain, with all that it has now."""
        if language.name not in self._offered:
            self._offered.add(language.name)
            self._ready.pop(language.name, None)

    async def _make(self, language: Language, version: str, making: _Making) -> None:
        key = (language.name, version)
        try:
            await anyio.to_thread.run_sync(self._found, language, version)
            self._prepared.add(key)
        except Exception as error:  # whoever waits raises it
            making.problem = error
        finally:
            del self._making[key]  # of versions that clients make up none stays
            making.done.set()

    async def beside(self, languages: tuple[Language, ...]) -> Mapping[str, ReadyToolchain]:
        """Those toolchains of other languages that sandboxes see."""
        if any(language.name not in self._ready for language in languages):
            await anyio.to_thread.run_sync(self._find_ready, languages)
        names = (language.name for language in languages)
        return {name: self._ready[name] for name in names if name in self._ready}

    def _find_ready(self, languages: tuple[Language, ...]) -> None:
        for language in languages:
            if language.name not in self._ready:
                with suppress(DryboxError, OSError):  # it is not there, or not usable
                    ready = self._as_offered(language)
                    if ready is not None:
                        self._ready[language.name] = ready

    def _as_offered(self, language: Language) -> ReadyToolchain | None:
        """A language's toolchain if others may have it, and it can be used now."""
        toolchain = language.toolchain
        found = find_toolchain(language.name, toolchain, "")
        known = None if language.name in self._offered else self._made_before
        mounts = [made_already(recipe, found, known) for recipe in toolchain.preparations]
        for recipe, mount in zip(toolchain.preparations, mounts, strict=True):
            if mount is None and not recipe.optional:
                return None
        for tool in toolchain.tools:
            mounts += package_mounts.tool_mounts(tool, found.home)
        layout = found.layout.adding(tuple(mount for mount in mounts if mount is not None))
        return ReadyToolchain(found, show(toolchain.shown, layout))

    def find(self, spec: SandboxSpec) -> tuple[FoundToolchain, Layout]:
        """A sandbox's toolchain, and what the sandbox sees of this host. Blocks.

        Raises:
            Unsupported: There is no such toolchain.
            Unavailable: What it needs could not be made.
        """
        language = spec.language
        found, mounts = self._found(language, spec.version)
        for tool in language.toolchain.tools:
            mounts += package_mounts.tool_mounts(tool, found.home)
        if spec.package_dir:
            mounts += package_mounts.mounts(spec.package_dir, language.toolchain, found.home)
        if spec.kernel_dir:
            mounts.append(Mount(spec.kernel_dir, KERNEL_DIR))
        more = tuple(mount for mount in mounts if mount is not None)
        made, shown = found.layout.adding(more), language.toolchain.shown
        if spec.environment is not None:
            assert isinstance(language, EnvironmentLanguage), "none is built of others"
            made = made.showing(language.environments, spec.environment.folder)
            shown += language.environments.shown
        return found, show(shown, made)

    def _found(self, language: Language, version: str) -> tuple[FoundToolchain, list[Mount | None]]:
        found = find_toolchain(language.name, language.toolchain, version)
        begin, bwrap = partial(self._preparations.begin, language.name), bubblewrap.require()
        recipes = language.toolchain.preparations
        return found, [prepare(recipe, found, bwrap, begin) for recipe in recipes]
