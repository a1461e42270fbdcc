"""Takes the documents of the repository's root into the site, and keeps links to them right."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]

DOCUMENTS = {
    f"{name}.md": f"project/{name.lower()}.md"
    for name in (
        *("ARCHITECTURE", "CHANGELOG", "CONTRIBUTING", "SECURITY", "SPECIFICATION"),
        "THREAT_MODEL",
    )
}
"""Documents of the root, and where the site shows them."""

LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)")
"""A link's text, its target in the repository and its anchor; pictures are left alone."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the documents of the root."""
    for name, place in DOCUMENTS.items():
        files.append(File.generated(config, place, abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links into what the site has; a link to a file that it lacks becomes its name.

    Args:
        markdown: The page's source.
        page: The page.
        config: The site's.
        files: All files of the site.
    """
    here = page.file.src_uri
    shown = {place: name for name, place in DOCUMENTS.items()}
    source = shown.get(here, f"docs/{here}")

    def rewrite(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), match[2]))
        place = DOCUMENTS.get(target) or target.removeprefix("docs/")
        if target == "README.md":
            place = "index.md"
        if target in DOCUMENTS or target == "README.md" or files.get_file_from_path(place):
            relative = posixpath.relpath(place, posixpath.dirname(here) or ".")
            return f"[{match[1]}]({relative}{match[3] or ''})"
        if (ROOT / target).exists():
            return match[1] if target in match[1] else f"{match[1]} (`{target}`)"
        return match[0]

    return LINK.sub(rewrite, markdown)
