"""The container of a compose file as ``docker run`` starts it; Debian's Docker has no compose."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

_FLAGS = {"read_only": "--read-only"}
_LISTS = {"cap_drop": "--cap-drop", "security_opt": "--security-opt", "tmpfs": "--tmpfs"}
_WORDS = {"user": "--user", "restart": "--restart"}
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*)|:\?(?P<missing>[^}]*))\}")


def service_of(path: Path, environ: Mapping[str, str]) -> dict[str, Any]:
    """The one service of a file, with its variables filled in."""

    def fill(match: re.Match[str]) -> str:
        value = environ.get(match["name"]) or match["default"]
        assert value is not None, match["missing"]
        return value

    # Comments may show how a variable is set.
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    document = yaml.safe_load(_VARIABLE.sub(fill, "\n".join(lines)))
    assert list(document) == ["services"]
    (service,) = document["services"].values()
    assert isinstance(service, dict)
    return service


def run_words(service: Mapping[str, Any], folder: Path) -> list[str]:
    """Options of ``docker run`` that mean what a service says, but for its image and its ports.

    Args:
        service: What :func:`service_of` gives.
        folder: Where its file is.
    """
    words = []
    for key, value in service.items():
        if key in _FLAGS:
            words += [_FLAGS[key]] * bool(value)
        elif key in _LISTS:
            words += [f"{_LISTS[key]}={item}" for item in value]
        elif key in _WORDS:
            words.append(f"{_WORDS[key]}={value}")
        elif key == "environment":
            words += [f"--env={name}={item}" for name, item in value.items()]
        elif key == "volumes":
            words += [f"--volume={_absolute(item, folder)}" for item in value]
        elif key == "stop_grace_period":
            words.append(f"--stop-timeout={value.removesuffix('s')}")
        else:
            assert key in ("build", "image", "ports"), f"what does {key!r} mean to 'docker run'?"
    return words


def _absolute(volume: str, folder: Path) -> str:
    """Compose takes paths from its file's folder, Docker takes whole ones."""
    return str(folder) + volume.removeprefix(".") if volume.startswith("./") else volume
