"""The daemon's images of sandboxes: pulled, listed, and removed when stale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from drybox.backends.docker import labels as docker_labels
from drybox.backends.docker.daemon import Daemon
from drybox.backends.docker.images import image, package_image
from drybox.backends.docker.images.pull_progress import Pulling
from drybox.backends.images import ImageInfo, PrunedImage, PullProgress
from drybox.languages.registry import find_language, known_languages
from drybox.settings import DockerSettings


class DockerImageStore:
    """Images at one daemon. Everything here blocks.

    Args:
        settings: Which daemon, and the images' names.

    Raises:
        Unavailable: The daemon does not answer.
    """

    def __init__(self, settings: DockerSettings) -> None:
        self._settings = settings
        self._daemon = Daemon(settings.host)
        is_remapped = self._daemon.is_remapped
        self._uid_base = image.REMAPPED_UID_BASE if is_remapped else image.UID_BASE

    def close(self) -> None:
        """Let the daemon go."""
        self._daemon.close()

    def describe(self) -> list[ImageInfo]:
        """The image of each language, and of each version that is configured.

        Raises:
            Unavailable: The daemon does not answer.
        """
        return [self._info(word) for word in self._words()]

    def names(self, words: Sequence[str]) -> list[str]:
        """Names of the images that languages come from, each once.

        Args:
            words: Languages, with or without a version; all of them if empty.

        Raises:
            InvalidRequest: There is no such language.
        """
        return list(dict.fromkeys(self._source(word) for word in words or self._words()))

    def pull(self, name: str) -> Iterator[PullProgress]:
        """Fetch an image.

        Raises:
            Unavailable: The registry does not have it, or does not answer.
        """
        pulling = Pulling()
        for word in self._daemon.pull(name):
            yield pulling.after(word)

    def prune(self) -> Iterator[PrunedImage]:
        """Remove derived images that no sandbox of this drybox will come from.

        Their source image is gone or another one by now, or another version of drybox made
        them. One that a container uses stays.

        Raises:
            Unavailable: The daemon does not answer.
        """
        for item in self._daemon.images():
            tags = [tag for tag in item.get("RepoTags") or () if not tag.startswith("<none>")]
            labels = item.get("Labels") or {}
            source = labels.get(docker_labels.IMAGE, "")
            if tags and not all(image.OWN_TAG.fullmatch(tag) for tag in tags):
                continue  # somebody has named it, or made their own of it
            for name in tags or [item["Id"]]:
                reason = self._stale(name, source, labels.get(docker_labels.PACKAGES, ""))
                if reason:
                    is_removed = self._daemon.remove_image(name)
                    yield PrunedImage(name, source, reason, is_removed)
        kept = {image.etc_volume(tag) for each in self._daemon.images() for tag in each["RepoTags"]}
        for volume in self._daemon.volumes():
            if volume not in kept:
                self._daemon.remove_volume(volume)

    def _words(self) -> list[str]:
        languages = known_languages()
        return [*languages, *(word for word in self._settings.images if word not in languages)]

    def _source(self, word: str) -> str:
        return image.source_names(*find_language(word), self._settings.images)[-1]

    def _info(self, word: str) -> ImageInfo:
        language, _ = find_language(word)
        name = self._source(word)
        found = self._daemon.image(name)
        if found is None:
            return ImageInfo(word, name, False)
        derived = self._built_image_name(found, language.name)
        known = image.known_image(self._daemon, derived)
        return ImageInfo(
            word,
            name,
            True,
            id=found["Id"],
            digest=next(iter(found.get("RepoDigests") or ()), "").partition("@")[2] or None,
            version=known.version if known else None,
            derived=derived if known else None,
        )

    def _built_image_name(self, source: Mapping[str, Any], language: str) -> str:
        init = image.read_init(source.get("Architecture"))
        return image.built_image_name(source, known_languages()[language], init, self._uid_base)

    def _stale(self, name: str, source: str, folder: str) -> str:
        """Why a derived image is of no use; "" if it is, or may be to somebody."""
        found = self._daemon.image(source) if source else None
        if found is None:
            return "its source image is gone"
        match = image.OWN_TAG.fullmatch(name)
        if match is None:
            return "another one has taken its place"
        if match["language"] not in known_languages():
            return ""
        if match["derived"] == self._built_image_name(found, match["language"]):
            return package_image.staleness(folder, match["packages"]) if match["packages"] else ""
        return "its source image has changed, or another version of drybox made it"
