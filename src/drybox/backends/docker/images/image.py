"""Images of sandboxes: a language's own image with init and caches added.

They are derived once for each source image and stay at the daemon, like the source's own
layers. Those with packages hold what is in the operator's folder; nothing of a request is ever
in any.
"""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drybox.backends.docker import labels as docker_labels
from drybox.backends.docker.container import INIT
from drybox.backends.docker.daemon import Daemon
from drybox.errors import DryboxError, Unavailable, Unsupported
from drybox.guest.init_binary import init_path
from drybox.job import BUILD_DIR, WORK_DIR, File
from drybox.languages.base import Language, Tool, Toolchain

REPOSITORY = "drybox-sandbox"
"""Derived images are tags of this repository."""

RECIPE = "3"
"""Part of a tag: another one where the same source gives another image."""

UIDS = 512
"""Users that a derived image names. Sandboxes that run at once are different users."""

UID_BASE, REMAPPED_UID_BASE = 1_879_048_192, 20_000
"""The first of them: above every range that systemd's table of user ids (UIDS-GIDS.md) gives
to people and services; or, where a daemon maps its containers' users, among the 65,536 that it
maps."""

OWN_TAG = re.compile(
    rf"(?P<derived>{REPOSITORY}:(?P<language>.+?)-[0-9a-f]{{24}})(?:-[0-9a-f]{{24}})*?"
    r"(?:-(?P<packages>[0-9a-f]{24}))?"
)
TAG_VERSION = re.compile(r":\d+(\.\d+)*")


@dataclass(frozen=True, slots=True)
class SandboxImage:
    """An image that sandboxes are made of.

    Attributes:
        name: Its name at the daemon.
        version: Full version of its toolchain.
        path: The PATH on which its programs are found.
        etc: The volume that its sandboxes have as ``/etc``.
    """

    name: str
    version: str
    path: str
    etc: str

    @property
    def env(self) -> dict[str, str]:
        """The environment that every program starts from."""
        return {"PATH": self.path, "HOME": WORK_DIR, "LANG": "C.UTF-8"}


def source_names(
    language: Language, version: str, configured: Mapping[str, str]
) -> tuple[str, ...]:
    """Images that may have a language's version, the likeliest first.

    Args:
        language: The language.
        version: Version asked for; "" for any.
        configured: Images by language, or by language and version (``python@3.13``).
    """
    if version and (own := configured.get(f"{language.name}@{version}")):
        return (own,)
    usual = configured.get(language.name, language.image)
    if not version or language.name in configured:
        return (usual,)
    other = TAG_VERSION.sub(f":{version}", language.image, count=1)
    return (usual, other) if other != usual else (usual,)


def configured_versions(language: Language, configured: Mapping[str, str]) -> list[str]:
    """The versions of a language that have an image of their own."""
    words = (word.partition("@") for word in configured)
    return [version for name, _, version in words if name == language.name and version]


def read_init(architecture: str | None) -> bytes:
    """The init binary for a daemon's word for an architecture; this machine's if it has none."""
    names: Mapping[str | None, str] = {"amd64": "x86_64", "arm64": "aarch64"}
    with open(init_path(names.get(architecture)), "rb") as file:
        return file.read()


def built_image_name(
    source: Mapping[str, Any], language: Language, init: bytes, uid_base: int
) -> str:
    """Name of the image derived from a source image; another one whenever anything differs."""
    toolchain = language.toolchain
    made = (toolchain.preparations, toolchain.image_commands)
    facts = (RECIPE, source["Id"], language.name, made, uid_base)
    digest = hashlib.sha256(repr(facts).encode() + init).hexdigest()
    return f"{REPOSITORY}:{language.name}-{digest[:24]}"


def package_image_name(derived: str, key: str) -> str:
    """Name of a derived image with packages in it.

    Args:
        derived: Name of the one without.
        key: A word for the packages, of 24 hexadecimal digits.
    """
    return f"{derived}-{key}"


def tool_image_name(derived: str, tool: Tool) -> str:
    """Name of a derived image in which a tool runs."""
    return package_image_name(derived, hashlib.sha256(repr(tool).encode()).hexdigest()[:24])


def etc_volume(name: str) -> str:
    """Name of the volume that sandboxes of a derived image have as ``/etc``.

    A daemon that does not set up a container's network puts empty files over the image's
    ``/etc/hosts`` and its like, but none over a volume's.

    Args:
        name: The image's, with or without packages in it.
    """
    match = OWN_TAG.fullmatch(name)
    return (match["derived"] if match else name).replace(":", "-")


def known_image(daemon: Daemon, name: str) -> SandboxImage | None:
    """A derived image, if the daemon has it already, and its ``/etc``."""
    found = daemon.image(name)
    etc = etc_volume(name)
    # Without the label it is one that the daemon itself has made, of the image's own files.
    if found is None or docker_labels.IMAGE not in (daemon.volume(etc) or {}):
        return None
    config = found.get("Config") or {}
    version = (config.get("Labels") or {}).get(docker_labels.VERSION, "")
    return SandboxImage(name, version, path_of(found), etc)


def path_of(image: Mapping[str, Any]) -> str:
    """The PATH that an image sets."""
    for word in (image.get("Config") or {}).get("Env") or ():
        name, _, value = word.partition("=")
        if name == "PATH" and value:
            return str(value)
    return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def is_version(found: str, wanted: str) -> bool:
    """Whether a full version is one that was asked for."""
    return not wanted or f"{found}.".startswith(f"{wanted}.")


def not_found(
    language: Language, version: str, names: Sequence[str], seen: Sequence[str], address: str
) -> DryboxError:
    """What to tell when no image will do.

    Args:
        language: The language.
        version: Version asked for, or "".
        names: Images that were looked for.
        seen: What those of them have that the daemon has.
        address: The daemon's.
    """
    which = f"{language.name}@{version}" if version else language.name
    hint = f"Run 'drybox images pull {which}', or name an image for {which} in the configuration."
    if not version:
        words = f"the Docker daemon at {address} has no image {names[0]!r}."
        return Unavailable(words, hint=hint)
    there = f"it has {', '.join(seen)}" if seen else f"it has none of {', '.join(names)}"
    return Unsupported(
        f"no image of {language.name} {version} was found at the Docker daemon; {there}.", hint=hint
    )


def read_version(text: str, toolchain: Toolchain) -> str:
    """The version in what a toolchain says of itself."""
    match = re.search(toolchain.version_pattern, text)
    return match[1] if match else ""


def system_archive(init: bytes, uid_base: int, mounts: Iterable[str]) -> bytes:
    """What is put into every derived image, as a tar archive.

    Args:
        init: The init binary.
        uid_base: The first user that sandboxes are.
        mounts: Folders that preparations fill.
    """
    users = "".join(
        f"sandbox:x:{uid}:{uid}:sandbox:{WORK_DIR}:/bin/sh\n"
        for uid in range(uid_base, uid_base + UIDS)
    )
    groups = "".join(f"sandbox:x:{uid}:\n" for uid in range(uid_base, uid_base + UIDS))
    files = (
        File(INIT, init, 0o755),
        File(
            "/etc/passwd",
            f"root:x:0:0:root:/:/sbin/nologin\n{users}"
            "nobody:x:65534:65534:nobody:/:/sbin/nologin\n".encode(),
        ),
        File("/etc/group", f"root:x:0:\n{groups}nogroup:x:65534:\n".encode()),
        File("/etc/hosts", b"127.0.0.1\tlocalhost sandbox\n::1\tlocalhost sandbox\n"),
        File("/etc/hostname", b"sandbox\n"),
        File("/etc/resolv.conf", b""),
        # Else a login shell, which commands of sessions are, has another PATH than the image's.
        File("/etc/profile", b""),
    )
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for folder in (WORK_DIR, BUILD_DIR, *mounts):
            entry = tarfile.TarInfo(folder.lstrip("/"))
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for file in files:
            entry = tarfile.TarInfo(file.path.lstrip("/"))
            entry.size, entry.mode = len(file.content), file.mode
            archive.addfile(entry, io.BytesIO(file.content))
    return buffer.getvalue()
