"""The images of sandboxes, for commands that pull, list and remove them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from drybox.serialization import Record


@dataclass(frozen=True, slots=True)
class ImageInfo(Record):
    """The image of a language at a daemon.

    Attributes:
        language: The language, with the version that it is configured for.
        source: The image's name.
        present: Whether the daemon has it.
        id: Its id there.
        digest: Its digest at the registry; None if it was never at one.
        version: Version of its toolchain; None until drybox has prepared it.
        derived: Name of the image that sandboxes come from; None until then.
    """

    language: str
    source: str
    present: bool
    id: str | None = None
    digest: str | None = None
    version: str | None = None
    derived: str | None = None


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far a pull is: a share from 0 to 1, and the daemon's last word."""

    share: float
    status: str


@dataclass(frozen=True, slots=True)
class PrunedImage:
    """A derived image that is of no use.

    Attributes:
        name: Its name, or its id where it has none.
        source: Name of the image that it was derived from.
        reason: Why it is of no use.
        removed: False if a container uses it, so that it stays.
    """

    name: str
    source: str
    reason: str
    removed: bool


class ImageStore(Protocol):
    """The images of a daemon. The methods block."""

    def describe(self) -> Sequence[ImageInfo]:
        """The image of each language, and of each version that is configured.

        Raises:
            Unavailable: The daemon does not answer.
        """

    def names(self, words: Sequence[str]) -> Sequence[str]:
        """Names of the images that languages come from, each once.

        Args:
            words: Languages, with or without a version; all of them if empty.

        Raises:
            InvalidRequest: There is no such language.
        """

    def pull(self, name: str) -> Iterator[PullProgress]:
        """Fetch an image.

        Raises:
            Unavailable: It could not be fetched.
        """

    def prune(self) -> Iterator[PrunedImage]:
        """Remove derived images that are of no use; yields each.

        Raises:
            Unavailable: The daemon does not answer.
        """

    def close(self) -> None:
        """Let the daemon go."""
