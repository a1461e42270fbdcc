"""Settings of optional components; importing this imports none of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from drybox.errors import InvalidRequest
from drybox.model import GIB, MIB, ResourceLimits


@dataclass(frozen=True, slots=True)
class DockerSettings:
    """Which daemon, images and runtimes the container isolations use.

    Attributes:
        host: Address of the daemon, such as ``ssh://user@host``; None for what ``DOCKER_HOST``,
            the current context or the system's default say.
        images: Images by language, or by language and version: ``python``, ``python@3.13``.
            They may be pinned by digest.
        runtimes: The daemon's names for the runtimes of ``gvisor``, ``kata``, ``firecracker``,
            or of ``docker`` itself.
        ryuk: Whether Testcontainers' Ryuk is to watch over the containers. It needs the daemon's
            socket in a container of its own; drybox does without it.
    """

    host: str | None = None
    images: Mapping[str, str] = field(default_factory=dict)
    runtimes: Mapping[str, str] = field(default_factory=dict)
    ryuk: bool = False


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """How many sandboxes wait for requests that have not come yet.

    Attributes:
        min_idle: Sandboxes that wait for each kind of request that came of late.
        max_total: Sandboxes that wait in all.
        max_age: Seconds that one waits at most, and that a kind of request is remembered.
        memory: Bytes that those waiting may take together, by each prestarted process's usual size.
        fork_server: Whether interpreters that wait are forked from a template, where the backend
            and the language have such: ``off``, ``on``, or ``per-key`` for a template, and waiting
            sandboxes, for each API key. Those of one template have its hash secret and address
            layout in common. Environments with ``preload`` have templates in any case.

    Raises:
        InvalidRequest: ``fork_server`` is another word, or a number is less than 0 or none.
    """

    min_idle: int = 2
    max_total: int = 8
    max_age: float = 300.0
    memory: int = 1 << 30
    fork_server: str = "off"

    def __post_init__(self) -> None:
        """Check each, so that whoever writes one wrong hears of it at once."""
        check_fork_server(self.fork_server, "fork_server")
        for name in ("min_idle", "max_total", "max_age", "memory"):
            value = getattr(self, name)
            known = (int, float) if name == "max_age" else int
            if isinstance(value, bool) or not isinstance(value, known) or not value >= 0:
                raise InvalidRequest(name, f"{ascii(value)[:80]} is wrong", hint="Pass 0 or more.")


FORK_SERVERS = ("off", "on", "per-key")
"""Words that ``fork_server`` takes."""


def check_fork_server(value: object, field: str) -> str:
    """A word of :data:`FORK_SERVERS`.

    Raises:
        InvalidRequest: It is none.
    """
    if value not in FORK_SERVERS:
        words = ", ".join(map(repr, FORK_SERVERS))
        raise InvalidRequest(field, f"{ascii(value)[:80]} is unknown", hint=f"Use one of {words}.")
    return str(value)


COMPILE_LIMITS = ResourceLimits(
    memory=1 * GIB, cpus=float(os.cpu_count() or 1), pids=256, open_files=1024
)
"""Default limits of compilers and of installers. Their ``disk`` has no say: a sandbox's disk is
the request's."""

COMPILE_CACHE = 64 * MIB
"""Default size of the cache of compiled programs; a small one in Go takes 1.6 MB."""

MAX_LIMITS = ResourceLimits(
    memory=4 * GIB,
    cpus=float(os.cpu_count() or 1),
    pids=1024,
    disk=1 * GIB,
    output=16 * MIB,
    open_files=4096,
)
"""The most that a request over HTTP may ask for, where the operator says nothing else."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How the HTTP service listens and what it takes.

    Attributes:
        host: Address to listen at; others than this machine's own need a key.
        port: Port to listen at; 0 for a free one.
        backlog: Connections that the kernel holds until they are taken.
        connections: Connections that there may be at once; one address may have half of them.
        memory_budget: Bytes that all that clients send, have waiting and get may take together;
            None for 512 MiB, and 8 MiB for each execution that may run at once.
        trusted_proxy: Addresses and networks of proxies in front of the server, whose word counts
            for who asks and by which name.
        root_path: Path below which a proxy has the service, such as ``/sandbox``.
        max_body: Bytes of a request's body, and of one WebSocket message.
        body_timeout: Seconds that a body may take to arrive.
        drain_timeout: Seconds that what runs has to end when the server goes down.
        stall_timeout: Seconds that the server waits for a client to read, in all of an answer;
            who reads 64 KiB a second has as long as that takes.
        keep_alive: Seconds of silence after which a stream of events says that it is still there.
        origins: Origins of other sites, such as ``https://app.example``, whose pages may use
            the service from a browser.
        max_timeout: Seconds that a request may ask for as its ``timeout``.
        max_limits: Limits that a request may ask for.
        queue: Executions that may wait for a slot; more are refused.
        queue_timeout: Seconds that one may wait.
        state_dir: Folder in which is kept what keys have used of their day; None forgets it when
            the server ends.
        public_metrics: Whether ``/metrics`` needs no key.
        access_log: Whether every request gets a line of JSON on standard output.
        audit: Whether every execution gets one, as of :class:`drybox.AuditHook`.
        traces: Whether requests are traced by OpenTelemetry; ``OTEL_*`` variables say where to.
        sandbox_fusion_environments: Names of the environments that programs of SandboxFusion's
            clients run in, at most one for each language: those cannot name one.
        max_sessions: Sessions that may be open at once.
        sessions_per_key: Sessions that each key may have open.
        session_memory: Bytes that the memory limits of open sessions may have together.
        max_session_lifetime: Seconds that a session may ask for as its lifetime.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    backlog: int = 1024
    connections: int = 1024
    memory_budget: int | None = None
    trusted_proxy: tuple[str, ...] = ()
    root_path: str = ""
    max_body: int = 16 << 20
    body_timeout: float = 30.0
    drain_timeout: float = 30.0
    stall_timeout: float = 30.0
    keep_alive: float = 15.0
    origins: tuple[str, ...] = ()
    max_timeout: float = 300.0
    max_limits: ResourceLimits = MAX_LIMITS
    queue: int = 256
    queue_timeout: float = 10.0
    state_dir: str | None = None
    public_metrics: bool = False
    access_log: bool = True
    audit: bool = False
    traces: bool = False
    sandbox_fusion_environments: tuple[str, ...] = ()
    max_sessions: int = 32
    sessions_per_key: int = 16
    session_memory: int = 8 << 30
    max_session_lifetime: float = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in so long, on average.

    Attributes:
        count: How many.
        seconds: In how many seconds.
    """

    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A client of the HTTP service: how it is known, and what it may.

    Attributes:
        name: What logs, metrics and the audit call it.
        hashes: Hashes of the keys that it may show, as ``drybox keys new`` prints them; more
            than one while it changes from an old key to a new one.
        concurrency: Executions of it that run at once; as many as the server runs if None.
        rate: Executions that it may begin; any number if None.
        burst: How many of them may come at once, after a pause; the rate's count if None.
        cpu_per_day: CPU seconds that its executions may take from midnight to midnight in UTC;
            any number if None.
        languages: Languages that it may use; all if None.
        isolations: Isolations that it may ask for, ``auto`` among them; all if None.
        metrics: Whether it may read ``/metrics``.
    """

    name: str
    hashes: tuple[str, ...] = ()
    concurrency: int | None = None
    rate: Rate | None = None
    burst: int | None = None
    cpu_per_day: float | None = None
    languages: tuple[str, ...] | None = None
    isolations: tuple[str, ...] | None = None
    metrics: bool = False
