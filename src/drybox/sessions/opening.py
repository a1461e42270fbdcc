"""Turns the request of a session into what is opened, or tells which field is wrong."""

from __future__ import annotations

from drybox.execution.validation import Defaults, check_timeout, make_job
from drybox.job import Job
from drybox.languages.base import Language
from drybox.model import ExecutionRequest
from drybox.sessions.life import Terms, check_metadata
from drybox.sessions.request import (
    SessionFields,
    SessionRequest,
    session_request,
    snapshot_id,
)


def make_session(
    given: SessionRequest | str, fields: SessionFields, defaults: Defaults
) -> tuple[Language, Job, Terms, str]:
    """Check every field of a request.

    Args:
        given: The request, or the language of one.
        fields: Its other fields, where a language came.
        defaults: What those that are left out have.

    Returns:
        Its language, what its sandbox is for, how long it lives, and the id of its snapshot.

    Raises:
        InvalidRequest: One is wrong; nothing of it was used.
    """
    request = session_request(given, **fields)
    language, job = make_job(
        ExecutionRequest(
            request.language,
            "",
            env=request.env,
            timeout=request.timeout,
            limits=request.limits,
            isolation=request.isolation,
            environment=request.environment,
        ),
        defaults,
    )
    terms = Terms(
        check_timeout(request.idle_timeout, "idle_timeout"),
        check_timeout(request.max_lifetime, "max_lifetime"),
        job.timeout,
        check_metadata(request.metadata),
    )
    snapshot = "" if request.snapshot is None else snapshot_id(request.snapshot)
    return language, job, terms, snapshot
