"""The isolations that drybox brings: which backend provides each, and what it can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Isolation:
    """One isolation, whatever provides it.

    Attributes:
        name: What ``isolation`` takes.
        provider: The backend that provides it.
        own_kernel: Whether programs run on a kernel of the sandbox's own.
        adjustable: Whether limits of a sandbox can be changed while something runs in it.
        counts_inodes: Whether ``disk`` limits the number of files too; otherwise ``memory`` does.
    """

    name: str
    provider: Literal["local", "docker"]
    own_kernel: bool = False
    adjustable: bool = True
    counts_inodes: bool = True


ISOLATIONS: Mapping[str, Isolation] = {
    isolation.name: isolation
    for isolation in (
        Isolation("local", "local"),
        Isolation("docker", "docker"),
        Isolation("gvisor", "docker", own_kernel=True, adjustable=False, counts_inodes=False),
        Isolation("kata", "docker", own_kernel=True, adjustable=False),
        Isolation("firecracker", "docker", own_kernel=True, adjustable=False),
    )
}
"""All of them by name, in the order in which they are shown."""
