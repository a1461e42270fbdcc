"""Package URLs of a bill of materials, as each kind of package writes them."""

from __future__ import annotations

import pytest

from drybox.environments.info import EnvironmentInfo, PackageInfo
from drybox.environments.materials import bill_of_materials


@pytest.mark.parametrize(
    ("language", "name", "version", "expected"),
    [
        ("python", "Typing_Extensions", "4.0", "pkg:pypi/typing-extensions@4.0"),
        ("node", "@scope/name", "1.0.0", "pkg:npm/%40scope/name@1.0.0"),
        ("java", "com.example:greet", "1.2", "pkg:maven/com.example/greet@1.2"),
        ("java", "com.a:b:linux", "1", "pkg:maven/com.a/b@1?classifier=linux"),
        ("rust", "serde_json", "1.0.1+a", "pkg:cargo/serde_json@1.0.1%2Ba"),
        (
            "go",
            "github.com/Masterminds/semver",
            "v1.5.0+incompatible",
            "pkg:golang/github.com/masterminds/semver@v1.5.0%2Bincompatible",
        ),
    ],
)
def test_package_urls(language: str, name: str, version: str, expected: str) -> None:
    info = EnvironmentInfo("a", language, "1", (PackageInfo(name, version),), (), True)
    (component,) = bill_of_materials(info)["components"]
    assert component["purl"] == expected
