"""What a language, a backend and a sandbox are: the protocols between the layers.

Whoever adds one reads this file. A language is pure data; a backend makes
sandboxes; a sandbox has one owner and serves one execution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from drybox.environments.environment import BuiltEnvironment
from drybox.job import Command, Exit, File, Sink, Source
from drybox.languages.base import Language
from drybox.languages.prestart import PrestartedProcess
from drybox.model import Artifacts, ResourceLimits

if TYPE_CHECKING:
    from typing_extensions import Self

    from drybox.guest.programs import Programs


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """What a sandbox is made for.

    Attributes:
        language: The language whose toolchain it holds.
        version: The version asked for, or "".
        limits: Limits that hold from the start; commands may bring their own.
        isolation: Its name.
        package_dir: Folder of the host that the sandbox sees as :data:`PACKAGES_DIR`, and
            its installer with it; "" for neither. A backend that cannot mount it gives the
            sandbox a copy.
        environment: What is installed in it beside the toolchain; None for nothing. A backend that
            cannot show it refuses.
        prestart: What it is going to wait with, where that may be forked from a template: a process
            that has started once, and is copied for each sandbox. Backends without templates pay
            it no heed.
        owner: Whose it is to be: those of two owners are never forked from one template. "" for
            anybody's.
        kernel_dir: Folder of the host that the sandbox sees as ``/kernel``; "" for none. A
            backend that cannot show it refuses.
        beside: Languages whose toolchains the sandbox has, too, as far as they are ready: none is
            made or refused for them. Where an image decides what is in it, they change nothing.
    """

    language: Language
    version: str
    limits: ResourceLimits
    isolation: str
    package_dir: str = ""
    environment: BuiltEnvironment | None = None
    prestart: PrestartedProcess | None = None
    owner: str = ""
    kernel_dir: str = ""
    beside: tuple[Language, ...] = ()


@dataclass(frozen=True, slots=True)
class Guarantee:
    """One promise of a backend on this host: whether it holds, and how to mend it."""

    name: str
    holds: bool
    detail: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Support:
    """What an isolation can promise here.

    Attributes:
        backend: The isolation's name.
        guarantees: Each promise, and whether it holds.
        present: False if the isolation is not there at all: nothing is broken, and nothing can run.
    """

    backend: str
    guarantees: tuple[Guarantee, ...]
    present: bool = True

    @property
    def usable(self) -> bool:
        """Whether every guarantee holds."""
        return all(item.holds for item in self.guarantees)


class Sandbox(Protocol):
    """One sealed place with one owner, for one execution."""

    @property
    def version(self) -> str:
        """Version of the toolchain inside."""

    @property
    def weakened(self) -> tuple[str, ...]:
        """Guarantees that do not hold, all of them on the caller's request."""

    @property
    def cpu_time(self) -> float | None:
        """CPU seconds of everything that ever ran in it, once it is closed; None if unknown."""

    async def put(self, files: Sequence[File]) -> None:
        """Place files in the working directory.

        Raises:
            SandboxLost: The sandbox is gone.
            InvalidRequest: The files do not fit on the sandbox's disk.
        """

    async def exec(self, command: Command, sink: Sink, stdin: Source | None = None) -> Exit:
        """Run one command to its end and leave no process of it.

        Returns for every fate of the program. Cancelling it kills the process tree.

        Raises:
            SandboxLost: The sandbox is gone and the outcome unknown.
        """

    async def get(self, globs: Sequence[str], max_bytes: int) -> Artifacts:
        """Bring back regular files, never through a link; the smallest where not all fit.

        Raises:
            SandboxLost: The sandbox is gone.
        """

    async def kill(self) -> None:
        """End every process of the sandbox now. Idempotent."""

    async def close(self) -> None:
        """Destroy the sandbox. Idempotent, and not undone by cancellation."""


class Backend(Protocol):
    """Makes sandboxes."""

    @property
    def name(self) -> str:
        """Its word: ``local``, ``docker``."""

    async def check(self) -> Support:
        """Say what is guaranteed here and how to mend what is not. Never raises."""

    async def version(self, language: Language, version: str) -> str:
        """Full version of the toolchain that would run.

        Raises:
            Unsupported: There is none; the hint says how to get it.
        """

    async def serves(self, language: Language, version: str, *, installs: bool = False) -> bool:
        """Whether it could open a sandbox for this now; asked for ``auto``. Never raises.

        Args:
            language: The language.
            version: The version asked for, or "".
            installs: Packages are to be installed in it.
        """

    async def open(self, spec: SandboxSpec) -> Sandbox:
        """Make a sealed, idle sandbox that no user data has entered.

        Raises:
            Unsupported: A guarantee cannot be enforced here.
            Unavailable: No sandbox could be made this time.
        """

    async def __aenter__(self) -> Self:
        """Get ready to open sandboxes; what is costly waits for the first one."""

    async def __aexit__(self, *_: object) -> None:
        """Destroy every sandbox and whatever else it holds."""


@runtime_checkable
class WarmSandbox(Protocol):
    """A sandbox that can be kept idle until a request comes."""

    @property
    def toolchain(self) -> str:
        """A word for the toolchain inside; another one whenever that may be another."""

    async def warm(self, prestarts: Sequence[PrestartedProcess], limits: ResourceLimits) -> None:
        """Start prestarted processes and wait until they wait. Before any user data comes in.

        A command that fits one is then served by it, which ends those before it; a command
        that fits none ends them all.

        Args:
            prestarts: In the order of the phases that they are for.
            limits: What the sandbox may use until the request comes.

        Raises:
            Unavailable: It does not start here.
        """

    def is_alive(self) -> bool:
        """Whether an idle sandbox can still be used, as far as it is known without asking it."""

    def fits(self, limits: ResourceLimits) -> bool:
        """Whether it can be given these limits as it is, with what waits in it."""

    async def claim(self, limits: ResourceLimits) -> None:
        """Give it the limits of the request that has come, before anything of that comes in.

        Args:
            limits: Those of :attr:`drybox.backends.base.SandboxSpec.limits`.

        Raises:
            Unavailable: It cannot have them after all.
        """


class IdleSandbox(Sandbox, WarmSandbox, Protocol):
    """A sandbox that waits."""


@dataclass(frozen=True, slots=True)
class SandboxUse:
    """What a sandbox has used so far; None for what is not measured.

    Attributes:
        cpu_time: CPU seconds of everything that ever ran in it.
        memory_peak: Most bytes of memory at once.
        oom_kills: How many processes the kernel has killed for the memory limit.
    """

    cpu_time: float | None
    memory_peak: int | None
    oom_kills: int


@runtime_checkable
class SessionSandbox(Protocol):
    """A sandbox that a session can be in: several programs at once, under limits for them all."""

    async def begin_session(self, limits: ResourceLimits) -> Programs:
        """End what waits in it; from here on only this protocol and what it returns may be used.

        Args:
            limits: Those of the whole sandbox.

        Raises:
            Unavailable: The sandbox is gone, or a limit could not be set.
        """

    def beside(self) -> Mapping[str, str] | None:
        """Versions of the other languages' toolchains in it, by the language's name.

        None where only trying tells: in a container it is the image that has them.
        """

    def in_sandbox(self, command: Command) -> tuple[Command, Mapping[str, str]]:
        """A command with the toolchain's program by its place, and all its variables."""

    async def used(self) -> SandboxUse:
        """What it has used so far."""

    async def pause(self) -> None:
        """Have everything in it stand still, and wait until it does.

        Raises:
            Unsupported: This host cannot.
            SandboxLost: The sandbox is gone.
        """

    async def resume(self) -> None:
        """Let it go on."""


@runtime_checkable
class EnvironmentBackend(Protocol):
    """A backend whose sandboxes can have an environment."""

    async def toolchain(self, language: Language, version: str) -> str:
        """A word for the toolchain that would run; another one whenever that may be another.

        Raises:
            Unsupported: There is none; the hint says how to get it.
            Unavailable: It cannot be told now.
        """

    async def forget_packages(self, folder: str) -> None:
        """Let go of what it keeps of a folder of packages that is gone."""


@runtime_checkable
class CompilingSandbox(Protocol):
    """A sandbox that lets out what compilers left in it, to be put into others."""

    @property
    def toolchain(self) -> str:
        """A word for what compilers come from; another one whenever that may be another."""

    async def get_build(self, globs: Sequence[str], max_bytes: int) -> Sequence[File]:
        """Bring back regular files of the compilers' folder, never through a link.

        Raises:
            SandboxLost: The sandbox is gone.
            ValueError: They are too large or too many, or one is no plain file.
        """
