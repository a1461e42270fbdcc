"""How jars become an environment of Java."""

from __future__ import annotations

from drybox.job import ENVIRONMENT_DIR, NEW_ENVIRONMENT_DIR, PACKAGES_DIR
from drybox.languages.base import EnvironmentForm

JARS = f"{ENVIRONMENT_DIR}/lib/*"
"""All of its jars, as a class path has them."""

ENVIRONMENT = EnvironmentForm(
    requirements=(),
    resolver="maven",
    purl="maven",
    # A jar fits every machine; what class files ask of a JVM that says when it loads them.
    probe=("sh", "-c", """echo '{"label": "any JVM"}'"""),
    install=(
        *("sh", "-c", 'mkdir -p "$2/lib" && cp "$1"/*.jar "$2/lib"', "sh"),
        *(PACKAGES_DIR, NEW_ENVIRONMENT_DIR),
    ),
)
