"""What is known about the current request, for the log, the audit and problems."""

from __future__ import annotations

import re
import uuid
from contextvars import ContextVar
from dataclasses import dataclass, field

from drybox.model import ExecutionResult

_SANE = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def new_id() -> str:
    """A name that no other request has."""
    return uuid.uuid4().hex


def request_id_of(given: str) -> str:
    """The client's own name for a request if it is a plain word, else a new one."""
    return given if _SANE.fullmatch(given) else new_id()


@dataclass(slots=True)
class RequestRecord:
    """One request. Nothing of its body, and no key, ever is in it.

    Attributes:
        id: Its name.
        key: Name of the key it came with; "" before that is known, and where none is needed.
        result: What the execution came to, once it has.
        failure: Type of what broke the service in it; "" if nothing did.
    """

    id: str = field(default_factory=new_id)
    key: str = ""
    result: ExecutionResult | None = None
    failure: str = ""


_CURRENT: ContextVar[RequestRecord | None] = ContextVar("drybox_request", default=None)


def begin_record(record: RequestRecord) -> None:
    """From here on, this task and what it starts serve this request."""
    _CURRENT.set(record)


def current_record() -> RequestRecord:
    """The request that is being served; one without a history outside of any."""
    return _CURRENT.get() or RequestRecord(id="")
