"""Wheels for Python, by uv where it is there, and pip."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from drybox.environments.archives import BadArchive, opened_zip
from drybox.environments.environment import Environment
from drybox.environments.host_tool import ToolEnd, run_tool
from drybox.environments.lock import Lock
from drybox.environments.resolvers.base import (
    Progress,
    Resolver,
    Target,
    licence_word,
    lock_of,
)
from drybox.environments.resolvers.failures import BuildFailed, explain, tool_failed
from drybox.environments.store import Package
from drybox.errors import InvalidRequest, Unsupported

PROGRAM = Path(__file__).with_name("pip_program.py")

MAX_REPORT = 256 << 20
"""Bytes of pip's report that are read."""

MEMORY = 3 << 30
"""Bytes that pip or uv may take: they read the metadata of a package whole, whatever their size."""

_ALLOWED_OPTIONS = ("-i", "--index-url", "--extra-index-url", "--pre", "--find-links", "-f")
_SPECIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^\]]*\])?\s*(?:[(<>=!~;].*)?")
_HASH = re.compile(r"\s+--hash[= ]\S+")
_NO_VERSION = re.compile(r"No matching distribution found for ([A-Za-z0-9][\w.-]*)")
_WRONG_TAGS = re.compile(
    r"Skipping link: none of the wheel's tags \(([^)]*)\) are compatible .*?([\w.-]+\.whl)"
)
_SOURCE_ONLY = re.compile(r"No sources permitted for ([\w.-]+)")
_ASKED = re.compile(r"satisfies the requirement [\w.-]+(?:\[[^\]]*\])?==([\w.!+-]+) ")
_WRONG_PYTHON = re.compile(r"Link requires a different Python \([^)]*not in: '([^']+)'\)")
_FILE_NAME = re.compile(r"[A-Za-z0-9][\w.+!-]{0,250}\.whl")
OTHERWISE = tool_failed("pip", "index")


class PipResolver(Resolver):
    """Resolves by uv if it is on PATH, else by pip; downloads by pip, wheels only."""

    names = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
    source = "index"

    def resolve(
        self, environment: Environment, target: Target, folder: Path, progress: Progress
    ) -> Lock:
        """Find out which wheels an environment consists of."""
        progress("Resolving packages", 0, 0)
        wanted = folder / "wanted.txt"
        wanted.write_text(_wanted(environment), "utf-8")
        requirements, more = wanted, tuple[str, ...]()
        if uv := shutil.which("uv"):
            requirements = _compile(uv, wanted, target, folder)
        if requirements != wanted:
            more = ("--no-deps",)  # all that they need is listed
        report, log = folder / "report.json", folder / "pip.log"
        end = _pip(
            folder,
            target,
            "install",
            *("--dry-run", "--ignore-installed", "--report", str(report), "--log", str(log)),
            *(*more, *_for(target), "-r", str(requirements)),
        )
        if end.code:
            raise _explain(environment, target, end, _text(log))
        return lock_of(environment, target, _packages(report, environment))

    def download(
        self,
        lock: Lock,
        wanted: Sequence[Package],
        target: Target,
        folder: Path,
        progress: Progress,
    ) -> str:
        """Download wheels with ``pip download``."""
        done = 0

        def count(line: str) -> None:
            nonlocal done
            if line.startswith(("Saved ", "File was already downloaded ")):
                done += 1
                progress("Downloading packages", min(done, len(wanted)), len(wanted))

        lines = [f"{item.name}=={item.version} --hash=sha256:{item.sha256}\n" for item in wanted]
        listed = folder / "wanted.txt"
        listed.write_text("".join(lines), "utf-8")
        end = _pip(
            folder,
            target,
            "download",
            *("--no-deps", "--require-hashes", "--dest", str(folder)),
            *(*_for(target), "-r", str(listed)),
            on_line=count,
        )
        return end.output

    def stage(self, lock: Lock, archives: Path, folder: Path) -> tuple[Package, ...]:
        """Put the wheels where a sandbox installs them from."""
        self.link_archives(lock, archives, folder)
        return tuple(replace(item, size=size_of(folder / item.archive)) for item in lock.packages)


def size_of(wheel: Path) -> int:
    """Bytes of what is in a wheel, as it says; more is not taken out of it.

    Raises:
        BuildFailed: It is none.
    """
    try:
        with opened_zip(wheel) as opened:
            return sum(item.file_size for item in opened.infolist())
    except (OSError, BadArchive) as error:
        raise BuildFailed(
            f"{wheel.name} is no wheel: {error}.", hint="Ask for another version of it."
        ) from error


def _pip(
    folder: Path, target: Target, command: str, *arguments: str, on_line: Any = lambda line: None
) -> ToolEnd:
    spec = importlib.util.find_spec("pip")
    if spec is None or not spec.submodule_search_locations:
        raise Unsupported(
            "pip, which finds packages, is not installed.",
            hint="Install it beside drybox: pip install 'drybox[python]'",
        )
    home = str(Path(spec.submodule_search_locations[0]).parent)
    full = str(target.facts["full_version"])
    versions = {"python_full_version": full, "implementation_version": full}
    markers = json.dumps({**target.facts["markers"], **versions})
    return run_tool(
        [
            *(sys.executable, "-I", str(PROGRAM), home, markers, command),
            *("--only-binary", ":all:", "--no-input", "--disable-pip-version-check"),
            *("--progress-bar", "off", *arguments),
        ],
        cwd=folder,
        on_line=on_line,
        env={"PIP_REQUIRE_VIRTUALENV": "", "PIP_NO_BINARY": "", "PIP_TARGET": "", "PIP_USER": ""},
        memory=MEMORY,
    )


def _for(target: Target) -> tuple[str, ...]:
    """Pip's words for the Python that packages are for."""
    facts = target.facts
    return (
        *("--python-version", str(facts["full_version"])),
        *("--implementation", str(facts["implementation"])),
        *(word for abi in facts["abis"] for word in ("--abi", str(abi))),
        *(word for name in facts["platforms"] for word in ("--platform", str(name))),
    )


def _compile(uv: str, wanted: Path, target: Target, folder: Path) -> Path:
    """Have uv choose every version, which it does in a tenth of pip's time."""
    compiled = folder / "compiled.txt"
    end = run_tool(
        [
            *(uv, "pip", "compile", "--quiet", "--no-build", "--no-header", "--no-annotate"),
            *("--emit-index-url", "--no-python-downloads", "--generate-hashes"),
            *("--python-version", str(target.facts["version"])),
            *("--python-platform", str(target.facts["triple"])),
            *("--output-file", str(compiled), str(wanted)),
        ],
        cwd=folder,
        memory=MEMORY,
    )
    # Whatever it could not do pip tries as well: its words on what is missing are the ones known.
    return wanted if end.code or not compiled.exists() else compiled


def _wanted(environment: Environment) -> str:
    """The requirements as a file for pip, without anything that would run code.

    Raises:
        InvalidRequest: There is something.
    """
    if environment.requirements is None:
        return "".join(f"{word}\n" for word in environment.packages)
    path = Path(environment.requirements)
    field = f"environments.{environment.name}.requirements"
    text = path.read_text("utf-8", "replace").replace("\\\n", " ")
    kept = []
    for number, line in enumerate(text.splitlines(), 1):
        word = re.sub(r"(^|\s)#.*", "", line).strip()
        plain = _HASH.sub("", word)
        option = re.split(r"[\s=]", plain, maxsplit=1)[0]
        if word and option not in _ALLOWED_OPTIONS and not _SPECIFIER.fullmatch(plain):
            raise InvalidRequest(
                field,
                f"line {number} of {path} is {ascii(word)[:80]}, which is not taken",
                hint="Write names with versions, such as numpy>=2: folders, addresses and other "
                "files are not read, since building what is there would run its code.",
            )
        kept.append(f"{word}\n" if word else "")
    return "".join(kept)


def _packages(report: Path, environment: Environment) -> list[Package]:
    with open(report, "rb") as file:
        data = file.read(MAX_REPORT + 1)
    if len(data) > MAX_REPORT:
        raise _too_much_metadata(environment)
    document = json.loads(data)
    found = []
    for item in document["install"]:
        about, source = item["metadata"], item["download_info"]
        archive = str(source["url"]).rpartition("/")[2].partition("#")[0]
        digest = (source.get("archive_info") or {}).get("hashes", {}).get("sha256", "")
        if not _FILE_NAME.fullmatch(archive) or not digest:
            raise BuildFailed(
                f"environment {environment.name!r} needs {about['name']} from {archive[:80]!r}, "
                "which is no wheel of an index.",
                hint="Only wheels are installed: building a package would run its code.",
            )
        found.append(
            Package(str(about["name"]), str(about["version"]), _licence(about), 0, archive, digest)
        )
    return found


def _too_much_metadata(environment: Environment) -> BuildFailed:
    return BuildFailed(
        f"environment {environment.name!r} cannot be built: what one of its packages says of "
        "itself is larger than any package's should be.",
        hint="Ask for fewer packages, to find out which it is, and leave that out.",
    )


def _licence(about: Mapping[str, Any]) -> str:
    classified = (
        word.rpartition(" :: ")[2]
        for word in about.get("classifier") or ()
        if word.startswith("License ::")
    )
    text = str(about.get("license") or "")
    # Some have the whole text there; its first line then is no name of one.
    short = text if "\n" not in text.strip() else ""
    first_line = next((line for line in text.splitlines() if line.strip()), "")
    return licence_word(about.get("license_expression"), short, *classified, first_line)


def _text(log: Path) -> str:
    try:
        return log.read_text("utf-8", "replace")
    except OSError:
        return ""


def _explain(environment: Environment, target: Target, end: ToolEnd, log: str) -> BuildFailed:
    """What to tell when pip found nothing that fits."""
    which = f"environment {environment.name!r} cannot be built"
    output = _relevant(end.output)
    match = _NO_VERSION.search(end.output)
    if match is None:
        if "MemoryError" in end.output:
            return _too_much_metadata(environment)
        if "ResolutionImpossible" in end.output or "conflict" in end.output:
            return BuildFailed(
                f"{which}: its packages ask for versions that exclude one another.",
                hint="Loosen a version; below is which ones do.",
                output=output,
            )
        if "no program may be started" in end.output:
            return BuildFailed(
                f"{which}: a package would have to be built, which would run its code.",
                hint="Use a version that has wheels.",
                output=output,
            )
        return explain(environment.name, output, (), OTHERWISE)
    name = match[1]
    about = [line for line in log.splitlines() if _is_about(line, name)]
    has_versions = "from versions: none" not in end.output
    if has_versions and (asked := _ASKED.search(end.output)):
        # Others fit; what is to be told is why the one that was asked for does not.
        word = re.compile(rf"-{re.escape(asked[1])}(?:-|\.tar|\.zip)")
        about = [line for line in about if word.search(line)]
        has_versions = not about
    tags = [match for line in about if (match := _WRONG_TAGS.search(line))]
    pythons = [match[1] for line in about if (match := _WRONG_PYTHON.search(line))]
    if tags and not has_versions:
        there = sorted({tag for item in tags for tag in item[1].split(", ")})
        return BuildFailed(
            f"{which}: {name} has no wheel for {target.label}; it has some for "
            f"{_shortened(there)}.",
            hint=_fix_of(there, target),
            output=output,
        )
    if pythons and not has_versions:
        return BuildFailed(
            f"{which}: {name} has no version for {target.label}; it asks for Python "
            f"{', '.join(dict.fromkeys(pythons))}.",
            hint='Ask for another Python, such as language = "python@3.12", or an older version.',
            output=output,
        )
    if any(_SOURCE_ONLY.search(line) for line in about) and not has_versions:
        return BuildFailed(
            f"{which}: {name} is there as source only; building it would run its code.",
            hint=f"Ask for another package, or make a wheel of it yourself (pip wheel {name}) and "
            "put it on your index.",
            output=output,
        )
    if has_versions:
        return BuildFailed(
            f"{which}: {name} has no such version for {target.label}.",
            hint="Below is which versions there are.",
            output=output,
        )
    return BuildFailed(
        f"{which}: there is no package {name} at the index.",
        hint="See how it is spelt, and which index pip is configured to use.",
        output=output,
    )


def _is_about(line: str, name: str) -> bool:
    """Whether a line of pip's log is about a package, however that is spelt."""
    plain = re.sub(r"[-_.]+", "-", line).lower()
    return re.sub(r"[-_.]+", "-", name).lower() in plain


def _shortened(tags: Sequence[str]) -> str:
    shown = ", ".join(tags[:6])
    return f"{shown} and {len(tags) - 6} others" if len(tags) > 6 else shown


def _fix_of(tags: Iterable[str], target: Target) -> str:
    """What to do where a package has wheels, and none of them fits."""
    platforms = [str(name) for name in target.facts["platforms"]]
    wheels = [tag.split("-", 2) for tag in tags]
    here = [python for python, _, platform in wheels if platform == "any" or platform in platforms]
    others = sorted({f"{word[2]}.{word[3:]}" for word in here if re.fullmatch(r"cp3\d+", word)})
    if others:
        return f'Ask for a Python that it has wheels for: language = "python@{others[-1]}".'
    is_musl = any(name.startswith("musllinux") for name in platforms)
    has_other_libc = any(
        platform.startswith("manylinux" if is_musl else "musllinux") for _, _, platform in wheels
    )
    if has_other_libc:
        own, other = ("musl", "glibc") if is_musl else ("glibc", "musl")
        return (
            f"Its wheels are for the C library {other}, and this toolchain has {own}: use "
            f"{'an image of Debian, such as python:3.11-slim' if is_musl else 'an Alpine image'}."
        )
    return "Ask for another version of it, or for another package."


def _relevant(output: str) -> str:
    """The end of what pip said, where it says what is wrong."""
    lines = [line for line in output.splitlines() if line.strip()]
    return "\n".join(lines[-20:])[-4000:]
