"""The resolvers, by the names that languages call them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from drybox.environments.resolvers.base import Resolver
from drybox.environments.resolvers.cargo import CargoResolver
from drybox.environments.resolvers.go import GoResolver
from drybox.environments.resolvers.maven import MavenResolver
from drybox.environments.resolvers.npm import NpmResolver
from drybox.environments.resolvers.pip import PipResolver
from drybox.errors import Unsupported

RESOLVERS: Mapping[str, Callable[[], Resolver]] = {
    "cargo": CargoResolver,
    "go": GoResolver,
    "maven": MavenResolver,
    "npm": NpmResolver,
    "pip": PipResolver,
}


def make_resolver(name: str) -> Resolver:
    """The resolver of a name.

    Raises:
        Unsupported: There is none.
    """
    if name not in RESOLVERS:
        raise Unsupported(
            f"environments are resolved by {name!r}, which this drybox does not know.",
            hint="Install the package that brings the language again, for this version of drybox.",
        )
    return RESOLVERS[name]()
