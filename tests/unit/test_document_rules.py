"""What the documents name is there."""

from __future__ import annotations

import importlib
import re

from tests.support.source_tree import MODULES, ROOT

from drybox.languages.registry import known_languages

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def test_paths_that_documents_and_dev_name_are_there() -> None:
    path_of = re.compile(r"(?<![\w./-])(?:tests|src/drybox|docs|benchmarks)/[\w./*-]*\w")
    for document in (*DOCUMENTS, ROOT / "dev"):
        for path in path_of.findall(document.read_text()):
            if "NAME" not in path:
                assert list(ROOT.glob(path)) or list(ROOT.glob(f"{path}*")), f"{document}: {path}"


def test_the_glossary_names_what_is_in_the_code() -> None:
    text = (ROOT / "docs/reference/glossary.md").read_text()
    named = re.findall(r"`(drybox(?:\.\w+)+)`", text)
    assert len(named) > 20
    for name in named:
        if name.removeprefix("drybox.") not in MODULES:
            module, _, attribute = name.rpartition(".")
            assert hasattr(importlib.import_module(module), attribute), name


def test_readme_names_the_languages_of_the_registry() -> None:
    listed = re.search(
        r"HTTP service,\s+for ([^.]+(?:\.js[^.]+)?)\.", (ROOT / "README.md").read_text()
    )
    assert listed is not None
    named = re.split(r",\s+|\s+and\s+", listed[1])
    assert sorted(named) == sorted(language.title for language in known_languages().values())


def test_readme_is_one_page() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


def test_the_architecture_names_what_is_there() -> None:
    files = [f"/{path.relative_to(ROOT)}" for path in (ROOT / "src").rglob("*.*")]
    text = (ROOT / "ARCHITECTURE.md").read_text()
    named = re.findall(r"[\w/]+\.(?:py|c)\b", text)
    assert named
    for name in named:
        here = (ROOT / name).exists()
        assert here or any(file.endswith(f"/{name}") for file in files), name
    folders = {f"{path.name}/" for path in (ROOT / "src").rglob("*") if path.is_dir()}
    tree = re.search(r"^src/drybox/\n([\s\S]*?)^```", text, re.M)
    assert tree is not None
    for name in re.findall(r"\b\w+/(?= |$)", tree[1], re.M):
        assert name in folders or (ROOT / name).is_dir(), name
