"""Rules of this repository that a reader should be able to rely on."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.isolations import SHARES
from tests.support.source_tree import MODULES, ROOT, SOURCE, each_module

import drybox
from drybox.languages.registry import known_languages

MOST_LINES = 400

LISTS_LANGUAGES = {
    "bench.goals": "each promised figure is one language's",
    "server.v1.openapi": "examples of requests",
}

VALUES = ("errors", "model", "job", "settings", "units", "serialization")
"""Modules of values: everything may import them, and they import one another alone."""

ARROWS = {
    # Who imports whom. What is below a folder's own arrows it may import as well.
    "cli": ("server", "bench", "testing", "config", "fleet"),
    "server": ("mcp",),
    "mcp": ("service",),
    "bench": ("executor",),
    "testing": ("executor",),
    "config": ("service",),
    "service": ("executor",),
    "fleet": ("service",),
    "executor": ("sessions",),
    "sessions": ("execution", "pool"),
    "execution": ("hooks", "monitoring"),
    "pool": ("backends",),
    "hooks": ("backends",),
    "monitoring": (),
    "backends": ("environments", "guest", "host"),
    "environments": ("languages", "host"),
    "guest": ("languages",),
    "languages": (),
    "host": (),
}
FACADE = ("cli", "server", "mcp", "fleet")
"""Who may import ``drybox`` itself."""

DOORS = ("v1", "piston", "sandbox_fusion", "mcp", "pages", "observability")

INSIDE = {
    # Of these folders the parts know nothing of one another, but for those that are named.
    "backends": {
        "local": ("base", "preparations"),
        "docker": ("base", "images", "isolation", "preparations", "openings"),
    },
    "server": {"transport": (), **dict.fromkeys(DOORS, ("transport",))},
}

MOST_MODULES = 16
"""Modules in a folder."""

MOST_AT_THE_TOP = 8

REGISTRIES = [
    ".".join(words)
    for words in (
        *(("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com")),
        *(("proxy", "golang", "org"), ("sum", "golang", "org"), ("crates", "io")),
        *(("maven", "org"), ("maven", "apache", "org"), ("docker", "com"), ("ghcr", "io")),
        *(("quay", "io"), ("gcr", "io"), ("index", "docker", "io"), ("deb", "debian", "org")),
    )
]
OWN_PATHS = re.compile(r"(?<![\w.}*])/(?:work|root)/")


def _tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no checkout: git knows of no files here")
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def _imported(name: str) -> Iterator[str]:
    """Full names of what a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: relative imports hide where they lead"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _imports(name: str) -> Iterator[str]:
    """The modules of drybox that one imports; "" is the package itself."""
    for full in _imported(name):
        if full.split(".")[0] == "drybox":
            inner = full.partition(".")[2]
            yield inner if inner in MODULES else inner.rpartition(".")[0]


def _below(folder: str) -> set[str]:
    """Everything that a folder may import."""
    found = set(ARROWS[folder])
    for other in ARROWS[folder]:
        found |= _below(other)
    return found


# --- imports --------------------------------------------------------------------------------


@each_module
def test_imports_point_downwards(name: str) -> None:
    folder = name.split(".")[0]
    for other in set(_imports(name)):
        target = other.split(".")[0]
        if name in ("", "__main__") or target == folder:
            continue
        if target == "":
            assert folder in FACADE, f"{name} imports the package from below"
        elif folder in VALUES:
            assert target in VALUES, f"{name}, a value, imports {other}"
        else:
            assert folder in ARROWS, f"{name} is in a folder without arrows: say what it may import"
            allowed = {*VALUES, *_below(folder)}
            assert target in allowed, f"{name} imports {other}, which is not below it"


@each_module
def test_parts_of_a_folder_know_nothing_of_one_another(name: str) -> None:
    folder, _, rest = name.partition(".")
    part = rest.split(".")[0]
    if part not in INSIDE.get(folder, {}):
        return
    for other in set(_imports(name)):
        if other.startswith(f"{folder}."):
            known = (part, *INSIDE[folder][part])
            assert other.split(".")[1] in known, f"{name} imports {other}, which is beside it"


def test_every_arrow_leads_from_a_folder_to_a_folder() -> None:
    for folder in {*ARROWS, *(other for others in ARROWS.values() for other in others)}:
        assert (SOURCE / "drybox" / folder).is_dir(), folder
        assert folder in ARROWS, folder
        assert folder not in _below(folder), f"{folder} is below itself"


def test_nothing_imports_in_circles() -> None:
    graph = {name: set(_imports(name)) - {""} for name in MODULES if name}
    while leaves := [name for name, wanted in graph.items() if not wanted & set(graph)]:
        for name in leaves:
            del graph[name]
    assert not graph, f"these import one another: {sorted(graph)}"


@each_module
def test_only_the_registry_knows_the_inside_of_a_backend(name: str) -> None:
    for backend in ("local", "docker"):
        folder = f"backends.{backend}"
        inside = {other for other in _imports(name) if other.startswith(folder)}
        if not name.startswith(folder):
            known = {"local.backend", "local.rootfs.toolchain", "docker.backend", "docker.probe"}
            known |= {"docker.images.image_store"}
            allowed = {
                "backends.registry": {f"backends.{each}" for each in known},
                "backends.ahead": {"backends.local.supervisor.process"},
            }
            assert inside <= allowed.get(name, set())


@each_module
def test_only_the_command_line_knows_click(name: str) -> None:
    foreign = {full.split(".")[0] for full in _imported(name)} - sys.stdlib_module_names
    assert name.startswith("cli") or "click" not in foreign
    known = {"drybox", "anyio", "click", "exceptiongroup", "typing_extensions"}
    known |= {"tomli", "tomllib", "_drybox_template", "_drybox_preload"}  # a template has the last
    if name.startswith("backends.docker"):
        known |= {"docker", "requests", "testcontainers"}
    if name.startswith("server"):
        known |= {"fastapi", "httptools", "pydantic", "starlette", "uvicorn", "websockets"}
    if name.startswith(("server", "monitoring", "fleet.metrics")):
        known |= {"prometheus_client", "opentelemetry"}
    known |= {"ray", "msgpack"} if name.startswith("fleet") else set()
    if name.startswith(("mcp", "server.mcp")):
        known |= {"mcp", "mcp_types", "pydantic"}
    known |= {"pytest"} if name.startswith("testing") else set()
    known |= {"prompt_toolkit"} if name == "cli.session.prompt" else set()
    if name == "serialization":  # which Pydantic asks how a value is written
        known |= {"pydantic"}
    if name.startswith("sessions.kernels.programs"):  # these run in sandboxes, beside one another
        known |= {"IPython", "traitlets", "kernel_channel", "kernel_display", "kernel_shell"}
    assert foreign <= known


def test_importing_drybox_loads_nothing_but_the_standard_library() -> None:
    code = "import sys; before = set(sys.modules); import drybox; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert loaded - sys.stdlib_module_names == {"drybox"}
    assert not {"anyio", "asyncio", "dataclasses"} & loaded


@each_module
def test_the_service_knows_no_transport(name: str) -> None:
    if name.startswith("service"):
        foreign = {full.split(".")[0] for full in _imported(name)}
        assert not foreign & {"http", "starlette", "fastapi", "uvicorn"}


@each_module
def test_a_server_takes_any_executor(name: str) -> None:
    if name.startswith(("service", "server")):
        known = {other for other in _imports(name) if other.startswith("executor")}
        assert known <= {"executor.base"}


def test_the_registries_folders_load_nothing() -> None:
    for name in ("backends", "languages"):
        (docstring,) = ast.parse(MODULES[name].read_text()).body
        assert isinstance(docstring, ast.Expr)


def test_folders_stay_small() -> None:
    top = [
        name for name in MODULES if "." not in name and MODULES[name].stem == (name or "__init__")
    ]
    assert len(top) <= MOST_AT_THE_TOP, sorted(top)
    counts: dict[Path, int] = {}
    for path in (*MODULES.values(), *SOURCE.rglob("*.c")):
        counts[path.parent] = counts.get(path.parent, 0) + 1
    assert {str(folder): count for folder, count in counts.items() if count > MOST_MODULES} == {}


# --- C --------------------------------------------------------------------------------------


def _includes() -> dict[str, set[str]]:
    """The parts in C, without suffix, and those whose headers each includes."""
    found: dict[str, set[str]] = {}
    for path in sorted([*SOURCE.rglob("*.c"), *SOURCE.rglob("*.h")]):
        own = path.with_suffix("").relative_to(SOURCE).as_posix()
        for name in re.findall(r'^#include "([^"]+)"', path.read_text(), re.MULTILINE):
            header = (path.parent / name).resolve()
            assert header.is_file(), f"{path}: {name}"
            other = header.with_suffix("").relative_to(SOURCE).as_posix()
            found.setdefault(own, set()).update({other} - {own})
            found.setdefault(other, set())
    return found


def test_parts_in_c_depend_on_one_another_in_no_circle() -> None:
    graph = _includes()
    graph.pop("drybox/guest/init/init", None)  # main, which includes all; its header has constants
    assert len(graph) > 5
    while leaves := [name for name, wanted in graph.items() if not wanted & set(graph)]:
        for name in leaves:
            del graph[name]
    assert not graph, f"these include one another: {sorted(graph)}"


def test_the_guest_in_c_includes_nothing_of_the_hosts_programs() -> None:
    for name, others in _includes().items():
        if name.startswith("drybox/guest/"):
            assert all(other.startswith("drybox/guest/") for other in others), name


def test_a_header_declares_what_its_own_file_defines() -> None:
    for header in sorted(SOURCE.rglob("*.h")):
        declared = re.findall(
            r"^(?!static|typedef)\w[\w *]*?\b(\w+)\([^;{]*\)[^;{]*;",
            header.read_text(),
            re.MULTILINE,
        )
        source = header.with_suffix(".c")
        text = source.read_text() if source.exists() else ""
        for name in declared:
            assert re.search(rf"^\w[\w *]*\b{name}\([^;{{]*\)\n\{{", text, re.MULTILINE), (
                header,
                name,
            )


# --- the files ------------------------------------------------------------------------------


def test_files_stay_short() -> None:
    lengths = {
        name: len((ROOT / name).read_bytes().splitlines())
        for name in _tracked()
        if name.startswith(("src/", "tests/")) and name.endswith((".py", ".c", ".h", ".sh"))
    }
    long = {name for name, lines in lengths.items() if lines > MOST_LINES}
    assert long == set()


def test_nothing_is_left_to_do_and_nothing_is_called_a_bag() -> None:
    to_do = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "X" * 3)))
    bags = re.compile(r"\w*(?:Manager|Helper|Util)s?|(?:\w+_)?(?:utils?|helpers?|common|misc)")
    for name, path in MODULES.items():
        text = path.read_text()
        assert not to_do.search(text), name
        assert not bags.fullmatch(path.stem), name
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                assert not bags.fullmatch(node.name), f"{name}: {node.name}"


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    for name in _tracked():
        content = (ROOT / name).read_bytes()
        if b"\0" in content:
            continue
        text = content.decode("utf-8", "replace")
        found = OWN_PATHS.search(text)
        assert found is None or name == "tests/unit/test_house_rules.py", (name, found)
        assert not [host for host in REGISTRIES if host in text], name


def test_the_rules_on_paths_and_hosts_find_what_they_are_for() -> None:
    for text in ("cd /" + "work/main", '"/' + 'root/.cache"', "open('/" + "root/x')"):
        assert OWN_PATHS.search(text)
    for text in ("/home/work/x", "network/root/", "{root}/work/x"):
        assert not OWN_PATHS.search(text)
    assert "py" + "pi.org" in REGISTRIES


def _snippets() -> list[tuple[str, int, str]]:
    """Python in the documents: file, line and code."""
    found = []
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]):
        text = path.read_text()
        for match in re.finditer(r"^```(?:python|py)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            found.append((path.name, text.count("\n", 0, match.start()) + 2, match[1]))
    return found


def test_python_in_the_documents_compiles_and_names_what_there_is() -> None:
    for name, line, code in _snippets():
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        compile(code, f"{name}:{line}", "exec", flags)
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("drybox"):
                module = importlib.import_module(node.module or "")
                for alias in node.names:
                    assert hasattr(module, alias.name), f"{name}:{line}: {alias.name}"


def test_links_of_the_documents_lead_somewhere() -> None:
    for name in _tracked():
        if not name.endswith(".md"):
            continue
        for target in re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", (ROOT / name).read_text()):
            if "://" not in target and not target.startswith("mailto:"):
                assert (ROOT / name).parent.joinpath(target).exists(), f"{name}: {target}"


def test_the_changelog_names_this_version() -> None:
    """The newest heading is this version's, or of what comes after this version."""
    headings = re.findall(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    released = [heading for heading in headings if heading != "Unreleased"]
    assert headings[:1] in (["Unreleased"], [drybox.__version__])
    assert released[:1] in ([], [drybox.__version__])
    assert f'version = "{drybox.__version__}"' in (ROOT / "pyproject.toml").read_text()


@each_module
def test_a_list_of_languages_is_the_registrys(name: str) -> None:
    """A new language is one file and one line, so nothing else may list those that there are."""
    if name.startswith("languages.") or name in LISTS_LANGUAGES:
        return
    texts = {
        node.value
        for node in ast.walk(ast.parse(MODULES[name].read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert len(texts & set(known_languages())) < 2


def test_every_suite_of_which_a_share_runs_is_there() -> None:
    for suites in SHARES.values():
        assert all((ROOT / "tests" / suite).is_dir() for suite in suites)


def test_the_licence_is_the_one_that_is_declared() -> None:
    licence = ROOT / "LICENSE"
    assert 'license = "MIT"' in (ROOT / "pyproject.toml").read_text()
    assert licence.read_text().startswith("MIT License\n")
