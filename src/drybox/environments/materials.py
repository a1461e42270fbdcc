"""The bill of materials of an environment, as CycloneDX has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drybox.environments.info import EnvironmentInfo, PackageInfo
from drybox.languages.base import EnvironmentLanguage
from drybox.languages.registry import find_language


def bill_of_materials(info: EnvironmentInfo) -> Mapping[str, Any]:
    """What an environment consists of, as a document of CycloneDX 1.5.

    Args:
        info: The environment.
    """
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            **({"timestamp": info.built_at} if info.built_at else {}),
            "component": {
                "type": "application",
                "name": info.name,
                "version": info.digest or "not built",
            },
        },
        "components": [_component(item, info.language) for item in info.packages],
    }


def _component(item: PackageInfo, language: str) -> Mapping[str, Any]:
    version = item.version or ""
    found = find_language(language)[0]
    kind = found.environments.purl if isinstance(found, EnvironmentLanguage) else "generic"
    name, classifier = item.name, ""
    if kind == "maven" and name.count(":") > 1:
        name, _, classifier = name.rpartition(":")
    reference = (
        f"pkg:{kind}/{_purl_name(name, kind)}"
        + (f"@{version.replace('+', '%2B')}" if version else "")
        + (f"?classifier={classifier}" if classifier else "")
    )
    licences = [{"license": {"name": item.licence}}] if item.licence else []
    return {
        "type": "library",
        "bom-ref": reference,
        "name": item.name,
        "version": version,
        "purl": reference,
        **({"licenses": licences} if licences else {}),
    }


def _purl_name(name: str, kind: str) -> str:
    """A name as package URLs write it."""
    if kind == "pypi":
        return name.lower().replace("_", "-")
    if kind == "golang":
        return name.lower()
    return name.replace("@", "%40").replace(":", "/")
