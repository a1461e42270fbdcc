"""What a session is opened with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, TypedDict

from drybox.errors import InvalidRequest
from drybox.execution.texts import no_field, show
from drybox.model import ResourceLimits
from drybox.sessions.results import Snapshot

IDLE_TIMEOUT = 300.0
"""Seconds without anything to do after which a session is closed, where none are asked for."""

MAX_LIFETIME = 3600.0
"""Seconds after which a session is closed in any case, where none are asked for."""


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """A session to open.

    Attributes:
        language: Name or alias of the language that code is in unless a run names another one, with
            an optional version.
        environment: Name of an environment of that language; None for none.
        limits: Limits of the sandbox as a whole; the executor's default if None. ``output`` holds
            for each run and command.
        idle_timeout: Seconds after which it is closed if nothing runs in it and nobody asks
            anything of it.
        max_lifetime: Seconds after which it is closed in any case.
        env: Variables of everything that runs in it.
        isolation: Its name; the executor's default if None.
        timeout: Wall seconds of each run and command that names none; the executor's default if
            None.
        metadata: The owner's own words about it, kept and given back.
        snapshot: Files that it begins with: a snapshot, or its id.
    """

    language: str
    environment: str | None = field(default=None, kw_only=True)
    limits: ResourceLimits | None = field(default=None, kw_only=True)
    idle_timeout: float = field(default=IDLE_TIMEOUT, kw_only=True)
    max_lifetime: float = field(default=MAX_LIFETIME, kw_only=True)
    env: Mapping[str, str] | None = field(default=None, kw_only=True)
    isolation: str | None = field(default=None, kw_only=True)
    timeout: float | None = field(default=None, kw_only=True)
    metadata: Mapping[str, str] | None = field(default=None, kw_only=True)
    snapshot: Snapshot | str | None = field(default=None, kw_only=True)


class SessionFields(TypedDict, total=False):
    """What a session may be given beside its language; see :class:`SessionRequest`."""

    environment: str | None
    limits: ResourceLimits | None
    idle_timeout: float
    max_lifetime: float
    env: Mapping[str, str] | None
    isolation: str | None
    timeout: float | None
    metadata: Mapping[str, str] | None
    snapshot: Snapshot | str | None


if TYPE_CHECKING:
    from typing_extensions import Unpack


def session_request(
    request: SessionRequest | str, **given: Unpack[SessionFields]
) -> SessionRequest:
    """The request that a call means.

    Args:
        request: The request itself, or the language of one.
        **given: Its other fields, where a language came.

    Raises:
        InvalidRequest: It is neither, both, or has no field of that name.
    """
    if isinstance(request, SessionRequest):
        if given:
            raise InvalidRequest(
                "request",
                "there are fields beside a SessionRequest",
                hint="Put them into it, or pass a language in its place.",
            )
        return request
    if not isinstance(request, str):
        raise InvalidRequest(
            "request",
            f"{show(request)} is not a request",
            hint="Pass a language, for instance 'python', or a SessionRequest.",
        )
    known = [item.name for item in fields(SessionRequest)]
    for name in given:
        if name not in known:
            raise no_field(name, known, "a session")
    return SessionRequest(request, **given)


def snapshot_id(snapshot: Snapshot | str) -> str:
    """The id of a snapshot.

    Raises:
        InvalidRequest: It is none.
    """
    id = snapshot.id if isinstance(snapshot, Snapshot) else snapshot
    if not isinstance(id, str):
        raise InvalidRequest("snapshot", "it is none", hint="Pass a Snapshot, or its id.")
    return id
