"""Requests to the Docker daemon. Every call here blocks: make it in a thread."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from typing import Any, cast
from urllib.parse import urlsplit

import docker
import requests
from docker.constants import DEFAULT_DOCKER_API_VERSION
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from testcontainers.core.docker_client import get_docker_host

from drybox.backends.docker import labels as docker_labels
from drybox.backends.docker.tunnels.connections import direct
from drybox.backends.docker.tunnels.ssh_tunnel import Tunnel
from drybox.errors import SandboxLost, Unavailable

DEFAULT_HOST = "unix:///var/run/docker.sock"

TIMEOUT = 60
"""Seconds that the daemon may take for one request."""

REMOVE_ATTEMPTS = 5
REMOVE_DELAY = 0.2
"""How often, and after how many seconds again, a container is to be removed."""

COMMIT_TIMEOUT = 600
"""Seconds that it may take to make an image of a container, which copies what is new in it."""

PING_TIMEOUT = 2
"""Seconds after which a daemon that says nothing counts as gone."""

TUNNEL_PING_TIMEOUT = 10
"""The same for one that SSH has to reach first."""

GONE_FIX = (
    "Start it ('sudo systemctl start docker', or Docker Desktop), see that this user may speak to "
    "it ('docker ps'), or name another with DOCKER_HOST."
)


class Daemon:
    """One daemon.

    Args:
        host: Its address, such as ``unix:///run/docker.sock`` or ``ssh://user@host``; None for
            what ``DOCKER_HOST``, the current context or the system's default say.

    Raises:
        Unavailable: It does not answer.
    """

    def __init__(self, host: str | None = None) -> None:
        self.address = host or get_docker_host() or DEFAULT_HOST
        self._tunnel = Tunnel(self.address) if self.address.startswith("ssh://") else None
        self._host = self._tunnel.host if self._tunnel else self.address
        self.environment = {**os.environ, "DOCKER_HOST": self._host}
        self.api_version = DEFAULT_DOCKER_API_VERSION
        with ExitStack() as opened:
            if self._tunnel:
                opened.callback(self._tunnel.close)
            with self._spoken_to():
                # Asked once, so that no container's client has to, and asked directly.
                with closing(self._connect(TIMEOUT)) as asking:
                    self.api_version = asking.api.version(api_version=False)["ApiVersion"]
                self._client = opened.enter_context(closing(self._connect(TIMEOUT)))
                deadline = TUNNEL_PING_TIMEOUT if self._tunnel else PING_TIMEOUT
                self._pinger = opened.enter_context(closing(self._connect(deadline)))
                self.info: Mapping[str, Any] = self._client.info()
            self._opened = opened.pop_all()

    def _connect(self, timeout: int) -> Any:
        return direct(docker.from_env(**{**self.client_options, "timeout": timeout}))

    @property
    def client_options(self) -> dict[str, Any]:
        """What Testcontainers' own client takes, so that it speaks to this daemon."""
        return {
            "environment": self.environment,
            "version": self.api_version,
            "timeout": TIMEOUT,
        }

    @property
    def runtimes(self) -> frozenset[str]:
        """Names of the runtimes that it lists."""
        return frozenset(self.info.get("Runtimes") or ())

    @property
    def is_remapped(self) -> bool:
        """Whether its containers' users are others on its host: user namespaces, rootless."""
        options = self.info.get("SecurityOptions") or ()
        return any(word in item for item in options for word in ("name=userns", "name=rootless"))

    def require(self) -> None:
        """See that it answers.

        Raises:
            Unavailable: It does not.
        """
        with self._spoken_to():
            self._pinger.ping()

    def version(self) -> Mapping[str, Any]:
        """Versions of its parts."""
        with self._spoken_to():
            return cast("Mapping[str, Any]", self._client.version())

    def image(self, name: str) -> Mapping[str, Any] | None:
        """What it knows of an image, or None if it has no such image."""
        with self._spoken_to():
            try:
                return cast("Mapping[str, Any]", self._client.api.inspect_image(name))
            except ImageNotFound:
                return None

    def images(self) -> list[Mapping[str, Any]]:
        """Images that drybox derived."""
        with self._spoken_to():
            return list(self._client.api.images(filters={"label": docker_labels.IMAGE}))

    def pull(self, name: str) -> Iterator[Mapping[str, Any]]:
        """Fetch an image; yields the daemon's words on its progress.

        Raises:
            Unavailable: It cannot.
        """
        repository, _, tag = name.partition("@") if "@" in name else _split_tag(name)
        with self._spoken_to():
            try:
                api = self._client.api
                for word in api.pull(repository, tag or "latest", stream=True, decode=True):
                    if "error" in word:  # after it has begun, the answer is no longer a status
                        raise _not_pulled(name, word["error"])
                    yield word
            except NotFound as error:
                raise _not_pulled(name, error.explanation) from error

    def remove_image(self, name: str) -> bool:
        """Remove an image, or its name where it has others; False if it is in use and stays.

        Raises:
            Unavailable: It cannot.
        """
        with self._spoken_to():
            try:
                self._client.api.remove_image(name)
            except ImageNotFound:
                pass
            except APIError as error:
                if error.status_code != 409:
                    raise
                return False
            return True

    def make_volume(self, name: str, labels: Mapping[str, str]) -> None:
        """Make a volume, unless there is one that has at least these labels' names.

        Raises:
            Unavailable: It cannot; also if another volume of that name is in use.
        """
        with self._spoken_to():
            if not labels.keys() <= (self.volume(name) or labels).keys():
                self._client.api.remove_volume(name)
            self._client.api.create_volume(name, labels=dict(labels))

    def volume(self, name: str) -> Mapping[str, str] | None:
        """The labels of a volume, or None if it has no such volume."""
        with self._spoken_to():
            try:
                return self._client.api.inspect_volume(name).get("Labels") or {}
            except NotFound:
                return None

    def volumes(self) -> list[str]:
        """Names of the volumes of images that drybox derived."""
        with self._spoken_to():
            found = self._client.api.volumes(filters={"label": docker_labels.IMAGE})
            return [item["Name"] for item in found.get("Volumes") or ()]

    def remove_volume(self, name: str) -> None:
        """Remove a volume; one that is in use stays."""
        with self._spoken_to():
            try:
                self._client.api.remove_volume(name)
            except APIError as error:
                if error.status_code not in (404, 409):
                    raise

    def commit(self, container: str, tag: str, config: Mapping[str, Any]) -> None:
        """Make an image of a container's files."""
        repository, _, version = tag.partition(":")
        with (
            self._spoken_to(),
            closing(self._connect(COMMIT_TIMEOUT)) as client,
        ):
            client.api.commit(container, repository, version, conf=dict(config))

    def put_archive(self, container: str, archive: bytes | Iterable[bytes]) -> None:
        """Unpack a tar archive, given whole or in pieces, in a container's root."""
        with self._spoken_to():
            self._client.api.put_archive(container, "/", archive)

    def start(self, container: str) -> None:
        """Start a container that was created."""
        with self._spoken_to():
            self._client.api.start(container)

    def attach(self, container: str) -> Any:
        """The standard streams of a container, as docker gives them."""
        params = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        with self._spoken_to():
            return self._client.api.attach_socket(container, params=params)

    def update(self, container: str, **limits: int) -> None:
        """Change the limits of a container that runs; the names are the daemon's own."""
        api = self._client.api
        with self._spoken_to():
            # The library's own method does not know of CPUs and processes.
            url = api._url("/containers/{0}/update", container)
            api._raise_for_status(api._post_json(url, data=limits))

    def state(self, container: str) -> Mapping[str, Any]:
        """What it knows of a container's state; empty if there is none any more."""
        with self._spoken_to():
            try:
                found = self._client.api.inspect_container(container)
                return cast("Mapping[str, Any]", found["State"])
            except NotFound:
                return {}

    def cpu_seconds(self, container: str) -> float | None:
        """CPU time of everything that ran in a container so far; None if it does not run."""
        with self._spoken_to():
            try:
                found = self._client.api.stats(container, stream=False, one_shot=True)
            except APIError:
                return None
        usage = (found.get("cpu_stats") or {}).get("cpu_usage") or {}
        nanos = usage.get("total_usage")
        return nanos / 1e9 if isinstance(nanos, int) and nanos else None

    def pause(self, container: str) -> None:
        """Have everything in a container stand still; it does on return.

        Raises:
            SandboxLost: It has ended.
            Unavailable: The daemon cannot.
        """
        with self._spoken_to():
            try:
                self._client.api.pause(container)
            except APIError:
                if self.state(container).get("Running"):
                    raise
                raise SandboxLost(
                    "the sandbox's container ended from outside.", hint="Open another session."
                ) from None

    def unpause(self, container: str) -> None:
        """Let a container go on; one that does, or is gone, is no error."""
        with self._spoken_to():
            try:
                self._client.api.unpause(container)
            except APIError:
                if self.state(container).get("Paused"):
                    raise

    def sandboxes(self) -> list[Mapping[str, Any]]:
        """Containers of any drybox, running or not."""
        with self._spoken_to():
            return list(
                self._client.api.containers(all=True, filters={"label": docker_labels.SANDBOX})
            )

    def remove_orphans(self) -> list[str]:
        """Remove what a drybox of this machine left that is no more; why one stays is returned."""
        problems = []
        for item in self.sandboxes():
            if docker_labels.is_orphan(item.get("Labels") or {}):
                try:
                    self.remove(item["Id"])
                except Unavailable as error:  # somebody else may be removing it just now
                    problems.append(error.message)
        return problems

    def remove(self, container: str) -> None:
        """Kill and remove a container; one that is gone is no error."""
        with self._spoken_to():
            for attempt in range(1, REMOVE_ATTEMPTS + 1):
                try:
                    self._client.api.remove_container(container, force=True, v=True)
                except APIError as error:
                    # A daemon that sees it end while it kills it calls that a failure of its own.
                    if error.status_code == 500 and attempt < REMOVE_ATTEMPTS:
                        time.sleep(REMOVE_DELAY)
                        continue
                    if error.status_code not in (404, 409):  # 409: its removal is under way
                        raise
                return

    def close(self) -> None:
        """Let the connections go."""
        self._opened.close()

    @contextmanager
    def _spoken_to(self) -> Iterator[None]:
        try:
            with spoken_to(self.address):
                if self._tunnel is None:
                    _knock(self._host)
                yield
        except Unavailable as error:
            words = self._tunnel.words if self._tunnel else ""
            if not words:
                raise
            raise Unavailable(f"{error.message} (ssh: {words})", hint=error.hint) from error


@contextmanager
def spoken_to(address: str) -> Iterator[None]:
    """Turns whatever goes wrong between drybox and a daemon into one kind of error.

    Raises:
        Unavailable: Something went wrong; the message is the daemon's own where it has one.
    """
    try:
        yield
    except APIError as error:
        raise Unavailable(
            f"the Docker daemon at {address} refused: {str(error.explanation or error).strip()}",
            hint="Run 'drybox doctor' to see what is missing there.",
        ) from error
    except (DockerException, requests.RequestException, OSError) as error:
        raise Unavailable(
            f"the Docker daemon at {address} does not answer: {_innermost(error)}", hint=GONE_FIX
        ) from error


def _knock(host: str) -> None:
    """See that somebody listens, with less timeout than a request is given.

    Raises:
        OSError: Nobody does.
    """
    scheme, _, path = host.partition("://")
    if scheme in ("tcp", "http", "https"):
        at = urlsplit(host)
        with socket.create_connection((at.hostname, at.port or 2375), PING_TIMEOUT):
            return
    if scheme == "unix":
        with socket.socket(socket.AF_UNIX) as knocker:
            knocker.settimeout(PING_TIMEOUT)
            knocker.connect(path)


def _not_pulled(name: str, reason: object) -> Unavailable:
    return Unavailable(
        f"image {name!r} could not be pulled: {str(reason).strip()[:300]}",
        hint="See that its name is right ([images] in the configuration), that the daemon "
        "reaches its registry, and 'docker login' if it is private.",
    )


def _split_tag(name: str) -> tuple[str, str, str]:
    """An image's repository and tag; a colon before a slash belongs to a port."""
    head, colon, tag = name.rpartition(":")
    return (head, colon, tag) if colon and "/" not in tag else (name, "", "")


def _innermost(error: BaseException) -> str:
    """The reason at the bottom of what the HTTP libraries wrap around each other."""
    at: BaseException = error
    while inner := at.__cause__ or at.__context__:
        at = inner
    reason = getattr(at, "strerror", None) or str(at) or type(at).__name__
    return str(reason).splitlines()[0][:300]
