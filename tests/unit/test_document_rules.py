"""What the documents name is there."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
from tests.support.source_tree import MODULES, ROOT

from drybox.languages.registry import known_languages

LONGEST_LINE = 120
"""Characters. Tables, headings and pictures cannot be broken."""

GONE = [
    word[::-1]
    for word in (
        *("nedraw", "remocwen", "sremocwen", "pu_worg", "htuoy", "yp.dnik"),
        *("yp.sdnik", "flehs", "rekcit", "ecneitap", "etagriaf", "repleh_kcit"),
    )
]
"""Words for which the glossary has standard ones; backwards, as this file is looked at as well."""

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


@pytest.mark.parametrize("start", ["README.md", "docs/index.md"])
@pytest.mark.parametrize(
    ("page", "command"),
    [
        ("docs/quickstart.md", "drybox run"),  # to a first result
        ("docs/guides/server.md", "drybox serve"),  # run it as a service
        ("docs/guides/packages.md", "--package"),  # add packages
        ("docs/concepts/enforcement.md", "drybox doctor"),  # what is enforced on my machine
    ],
)
def test_what_a_new_user_looks_for_is_two_clicks_away(start: str, page: str, command: str) -> None:
    reached = {ROOT / start}
    for _ in range(2):
        reached |= {target for document in reached for target in _linked(document)}
    assert ROOT / page in reached
    assert command in (ROOT / page).read_text()


def _linked(document: Path) -> set[Path]:
    """Documents that one leads to."""
    found = re.findall(r"\]\(([^)#:\s]+\.md)(?:#[^)]*)?\)", document.read_text())
    return {target for name in found if (target := (document.parent / name).resolve()).is_file()}


def test_lines_of_prose_are_short_enough_to_read_in_a_terminal() -> None:
    long = []
    for document in DOCUMENTS:
        in_code = False
        for number, line in enumerate(document.read_text().splitlines(), 1):
            in_code ^= line.lstrip().startswith("```")
            cannot_be_broken = line.lstrip().startswith(("|", "#", "![", "<"))
            if len(line) > LONGEST_LINE and not in_code and not cannot_be_broken:
                long.append(f"{document.relative_to(ROOT)}:{number}")
    assert long == []


def test_words_that_only_drybox_used_are_gone() -> None:
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, GONE))})\b", re.I)
    code = [
        path
        for folder, name in (("src", "*.py"), ("tests", "*.py"), ("src", "*.[ch]"))
        for path in (ROOT / folder).rglob(name)
    ]
    for path in (*DOCUMENTS, *code, ROOT / "dev"):
        if path.name != "CHANGELOG.md":
            found = pattern.search(path.read_text())
            assert found is None, f"{path}: {found}"


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
