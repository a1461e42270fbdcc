"""Which packages a request may name, and where they come from."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from drybox.errors import InvalidRequest
from drybox.languages.base import Language

MAX_PACKAGES = 100
MAX_PACKAGE = 200  # characters


def check_package_dir(value: Any) -> Path | None:
    """The folder of packages, absolute, or None.

    Raises:
        InvalidRequest: It is not a folder.
    """
    if value is None:
        return None
    if not isinstance(value, (str, os.PathLike)) or not os.path.isdir(value):
        raise InvalidRequest(
            "package_dir",
            f"{_show(value)} is not a folder",
            hint="Pass a folder that has one folder of packages for each language.",
        )
    return Path(os.fsdecode(value)).absolute()


def check_packages(
    packages: Sequence[str], language: Language, package_dir: Path | None
) -> tuple[tuple[str, ...], str]:
    """Packages to install, and the folder of the host that they come from.

    Args:
        packages: What was asked for.
        language: Its language.
        package_dir: The operator's folder; None if there is none.

    Raises:
        InvalidRequest: One is written wrong, or there is no folder for this language.
    """
    words = check_words(packages, language)
    form = language.packages
    if not words or form is None:
        return (), ""
    name = form.folder or language.name
    if package_dir is None:
        raise InvalidRequest(
            "packages",
            "there is no folder to install them from; a sandbox has no network",
            hint=f"Put {form.archives} into DIR/{name}; name DIR as package_dir of the "
            "configuration or of the executor, or to 'drybox run' as --package-dir.",
        )
    folder = package_dir / name
    if not folder.is_dir():
        raise InvalidRequest(
            "packages",
            f"there is no folder {folder}",
            hint=f"Make it, and put {form.archives} into it.",
        )
    return words, str(folder)


def check_words(
    packages: Sequence[str], language: Language, field: str = "packages"
) -> tuple[str, ...]:
    """Packages, each written as its language writes them.

    Args:
        packages: What was asked for.
        language: Its language.
        field: What an error calls them.

    Raises:
        InvalidRequest: One is written wrong.
    """
    words = tuple(word.strip() for word in packages)
    form = language.packages
    if words and form is None:
        raise InvalidRequest(
            field,
            f"drybox installs none for {language.name}",
            hint="Put what the program needs into 'files'.",
        )
    if len(words) > MAX_PACKAGES:
        raise InvalidRequest(field, f"there are {len(words)}", hint=f"At most {MAX_PACKAGES}.")
    for index, word in enumerate(words):
        fits = len(word) <= MAX_PACKAGE and word.isascii()
        if form and not (fits and re.fullmatch(form.pattern, word)):
            raise InvalidRequest(
                f"{field}[{index}]",
                f"{_show(word)} is no {language.name} package",
                hint=f"Write it like {form.example!r}, at most {MAX_PACKAGE} characters.",
            )
    return words


def _show(value: Any) -> str:
    return ascii(value)[:80]
