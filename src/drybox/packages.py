"""Which packages a request may name, and where they come from."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from drybox.errors import InvalidRequest
from drybox.protocols import Installer, Language

MAX_PACKAGES = 100
MAX_PACKAGE = 200  # characters


def check_package_dir(value: Any) -> Path | None:
    """The folder of packages, absolute, or None.

    Raises:
        InvalidRequest: It is no folder.
    """
    if value is None:
        return None
    if not isinstance(value, (str, os.PathLike)) or not os.path.isdir(value):
        raise InvalidRequest(
            "package_dir",
            f"{_show(value)} is no folder",
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
    words = tuple(word.strip() for word in packages)
    if not words:
        return (), ""
    form = language.packages
    if form is None:
        raise InvalidRequest(
            "packages",
            f"drybox installs none for {language.name}",
            hint="Put what the program needs into 'files'.",
        )
    if len(words) > MAX_PACKAGES:
        raise InvalidRequest("packages", f"there are {len(words)}", hint=f"At most {MAX_PACKAGES}.")
    for index, word in enumerate(words):
        fits = len(word) <= MAX_PACKAGE and word.isascii()
        if not fits or not re.fullmatch(form.pattern, word):
            raise InvalidRequest(
                f"packages[{index}]",
                f"{_show(word)} is no {language.name} package",
                hint=f"Write it like {form.example!r}, at most {MAX_PACKAGE} characters.",
            )
    if package_dir is None:
        raise InvalidRequest(
            "packages",
            "there is no folder to install them from; a sandbox has no network",
            hint=f"Put {form.archives} into DIR/{language.name} and pass package_dir='DIR' to the "
            "executor, or --package-dir DIR to 'drybox run'.",
        )
    folder = package_dir / language.name
    if not folder.is_dir():
        raise InvalidRequest(
            "packages",
            f"there is no folder {folder}",
            hint=f"Make it, and put {form.archives} into it.",
        )
    return words, str(folder)


def installer_choices(installer: Installer, home: str = "") -> Iterator[list[tuple[str, str]]]:
    """The ways to have an installer that are whole on this machine, best first.

    Args:
        installer: What is looked for.
        home: The toolchain's home here; "" if the toolchain is not this machine's.

    Yields:
        Names below the installer's ``mount``, each with what belongs there.
    """
    for choice in installer.choices:
        found = [(name, _resolve(path, home)) for name, path in choice]
        if all(os.path.exists(path) for _, path in found):
            yield found


def _resolve(path: str, home: str) -> str:
    """The path on this machine; "" if it has none."""
    root, _, rest = path.partition("/")
    name = root.strip("{}")
    if name == "home":
        return home and os.path.join(home, rest)
    spec = importlib.util.find_spec(name)
    for folder in (spec and spec.submodule_search_locations) or ():
        return os.path.join(folder, rest).rstrip("/")
    return ""


def _show(value: Any) -> str:
    return ascii(value)[:80]
