"""The documentation site builds, and none of its links leads nowhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_site_builds_without_a_warning(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )
    assert built.returncode == 0, built.stderr
    page = (tmp_path / "site/reference/python.html").read_text()
    assert "CodeExecutor" in page
    assert "drybox run" in (tmp_path / "site/reference/cli.html").read_text()


def test_a_link_that_leads_nowhere_fails_the_build(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "index.md").write_text("[away](nowhere.md)\n")
    settings = (ROOT / "mkdocs.yml").read_text().partition("\nnav:")[0]
    hook = f"hooks: [{ROOT / 'docs/site_hooks.py'}]"
    (tmp_path / "mkdocs.yml").write_text(settings.replace("hooks: [docs/site_hooks.py]", hook))
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", tmp_path / "site"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert built.returncode != 0
    assert "nowhere.md" in built.stderr
