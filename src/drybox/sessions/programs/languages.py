"""The languages of one session: its own, and others whose toolchains its sandbox has, too."""

from __future__ import annotations

import anyio.to_thread

from drybox.errors import Unsupported
from drybox.execution.phases import OperatorLimits
from drybox.languages.base import Language
from drybox.languages.registry import find_language
from drybox.sessions.kernels.registry import find_kernel
from drybox.sessions.programs.cells import Cells
from drybox.sessions.programs.commands import NOT_FOUND, NOT_STARTED, RunningCommand
from drybox.sessions.programs.inside import Inside
from drybox.sessions.programs.kernel_process import KernelProcess

EVERYWHERE = "bash"
"""A language whose toolchain every sandbox has."""

VERSION_TIMEOUT = 30.0
"""Seconds for a toolchain of an image to say its version."""

MOST_WORDS = 64 * 1024
"""Bytes of what it says."""


class SessionLanguages:
    """What keeps each language's state, started with the first code of it.

    Args:
        inside: Where.
        own: The session's own language.
        version: Version of its toolchain.
        operator: Limits of compilers.
        kernel: The kernel of its own language, started already; None for none.
    """

    def __init__(
        self,
        inside: Inside,
        own: Language,
        version: str,
        operator: OperatorLimits,
        kernel: KernelProcess | None,
    ) -> None:
        self._inside = inside
        self._own = own
        self._version = version
        self._operator = operator
        self._kernels: dict[str, KernelProcess] = {}
        if kernel is not None:
            self._kernels[own.name] = kernel
        self._cells: dict[str, Cells] = {}

    def find(self, name: str | None) -> Language:
        """The language of code: the session's own where none is named.

        Raises:
            InvalidRequest: There is none of this name.
            Unsupported: Its toolchain is not in the sandbox.
        """
        if name is None:
            return self._own
        found, version = find_language(name)
        if found.name == self._own.name:
            if _fits(version, self._version):
                return self._own
            raise Unsupported(
                f"a session of {found.name} {self._version} has no toolchain of {name[:80]!r}.",
                hint="Open another session for it, and copy the files from one to the other.",
            )
        beside = self._inside.sandbox.beside()
        if beside is None or (found.name == EVERYWHERE and not version):
            if not version:
                return found  # whether the image has it is seen when it starts
            hint = "Leave the version out: which one there is, the image decides."
        elif found.name in beside:
            if _fits(version, beside[found.name]):
                return found
            hint = f"It has {beside[found.name]}; or open another session for {name}."
        else:
            hint = _how_to_have(found)
        raise Unsupported(
            f"a session of {self._own.name} has no toolchain of {name[:80]!r}.", hint=hint
        )

    async def kernel(self, language: Language) -> KernelProcess | None:
        """What keeps a language's state; None where each piece of code is a program of its own.

        Raises:
            Unsupported: Something that it consists of is not installed beside drybox.
        """
        if language.name not in self._kernels:
            kernel = find_kernel(language.name)
            if kernel is None:
                return None
            version = self._version if language is self._own else ""
            await anyio.to_thread.run_sync(kernel.folder, version)
            process = KernelProcess(self._inside, kernel, version)
            self._kernels.setdefault(language.name, process)  # others may have been faster
        return self._kernels[language.name]

    def started(self, language: Language) -> KernelProcess | None:
        """The kernel of a language; None if no code has asked for one."""
        return self._kernels.get(language.name)

    async def cells(self, language: Language) -> Cells:
        """What compiles and runs a language's code.

        Raises:
            Unsupported: The sandbox's image has no toolchain of it.
        """
        if language.name not in self._cells:
            if language is not self._own and self._inside.sandbox.beside() is None:
                await self._require(language)
            cells = Cells(self._inside, language, self._operator)
            self._cells.setdefault(language.name, cells)
        return self._cells[language.name]

    async def _require(self, language: Language) -> None:
        """Make sure that an image has a toolchain."""
        toolchain = language.toolchain
        argv = (toolchain.executable, *toolchain.version_argv)
        asked = await RunningCommand(self._inside, MOST_WORDS).run(
            argv, cwd=None, env=None, stdin=b"", timeout=VERSION_TIMEOUT
        )
        if asked.exit_code in (NOT_FOUND, NOT_STARTED):
            raise Unsupported(
                f"there is no {toolchain.executable!r} in this session's sandbox.",
                hint="Name an image that has it, too: [images] in the configuration.",
            )

    def keepers(self, name: str | None) -> list[KernelProcess | Cells]:
        """What keeps state, or runs code, of one language or of all."""
        wanted = None if name is None else self.find(name).name
        known: list[tuple[str, KernelProcess | Cells]]
        known = [*self._kernels.items(), *self._cells.items()]
        return [keeper for own, keeper in known if wanted in (None, own)]


def _fits(wanted: str, there: str) -> bool:
    """Whether a version is the one asked for, as far as that says."""
    return not wanted or f"{there}.".startswith(f"{wanted}.")


def _how_to_have(language: Language) -> str:
    toolchain = language.toolchain
    if all(recipe.optional for recipe in toolchain.preparations):
        return f"{toolchain.install_hint} Then open another session."
    return (
        f"{toolchain.install_hint} If it is installed, run any program in {language.name} once, "
        "which makes what all of them need, and open another executor: it offers its sessions what "
        "was made before. A server makes it when it starts."
    )
