"""What drybox raises.

The fate of a program is data (:class:`drybox.ExecutionResult`); an exception is
only ever a failure of drybox itself or a misuse of it::

    DryboxError
    ├── InvalidRequest   the request is wrong; correct it
    │   ├── SessionFileError   a file of a session cannot be had so
    │   └── SnapshotError      a snapshot is not there, or cannot be taken so
    ├── Unsupported      what was asked cannot be enforced here; nothing ran
    ├── Unavailable      nothing ran; trying again is safe
    ├── SandboxLost      died after dispatch; whether the program ran is unknown
    ├── SessionClosed    the session is closed, was idle too long, or past its lifetime
    └── Rejected         a hook said no; nothing ran
"""

from __future__ import annotations


class DryboxError(Exception):
    """Base of everything drybox raises.

    Args:
        message: What is wrong and where, in one sentence.
        hint: What to do about it.
    """

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        """Lets errors cross to other processes; pickle would call the class with too little."""
        return _rebuild, (type(self), self.args, self.__dict__)

    def __str__(self) -> str:
        end = "" if self.message.endswith((".", "!", "?")) else "."
        return f"{self.message}{end} {self.hint}" if self.hint else self.message


def _rebuild(
    kind: type[DryboxError], args: tuple[object, ...], state: dict[str, object]
) -> DryboxError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class InvalidRequest(DryboxError):
    """The request is wrong. ``field`` names the part of it that is.

    Args:
        field: Dotted name of the offending field, for instance ``limits.memory``.
        message: What is wrong with it.
        hint: What a right value looks like.
    """

    def __init__(self, field: str, message: str, *, hint: str) -> None:
        super().__init__(f"{field}: {message}", hint=hint)
        self.field = field


class Unsupported(DryboxError):
    """A guarantee that was asked for cannot be enforced on this host.

    Args:
        message: What cannot be enforced and why.
        hint: The command or change that makes it enforceable.
        what: The guarantee's word as ``allow_weaker`` takes it, several with commas; None when
            no switch gives it up.
    """

    def __init__(self, message: str, *, hint: str, what: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.what = what


class Unavailable(DryboxError):
    """No sandbox could be had. Nothing ran, so trying again is safe.

    Args:
        message: What is wrong and where, in one sentence.
        hint: What to do about it.
        is_full: All slots were taken for as long as the request may wait.
    """

    is_full = False

    def __init__(self, message: str, *, hint: str, is_full: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.is_full = is_full


class SandboxLost(DryboxError):
    """The sandbox died after the program was dispatched; its outcome is unknown."""


class Rejected(DryboxError):
    """A hook refused the request before anything ran."""


class SessionClosed(DryboxError):
    """The session has ended.

    Args:
        reason: ``closed`` by its owner or with its executor; ``idle`` for too long; past its
            ``lifetime``; ``lost`` with its node of a fleet.
        message: What is wrong, in one sentence.
        hint: What to do about it.
    """

    def __init__(self, reason: str, message: str, *, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class SessionFileError(InvalidRequest):
    """A file of a session cannot be read, written or moved as asked.

    Args:
        reason: Why, in one word: ``not_found``, ``is_directory``, ``not_directory``, ``exists``,
            ``not_empty``, ``no_space``, ``not_permitted``, ``not_a_file``, ``name_too_long``,
            ``too_large`` or ``failed``.
        message: The same in a sentence.
        hint: What to do about it.
    """

    def __init__(self, reason: str, message: str, *, hint: str) -> None:
        super().__init__("path", message, hint=hint)
        self.reason = reason


class SnapshotError(InvalidRequest):
    """A snapshot cannot be taken, or a session cannot begin with it.

    Args:
        reason: Why, in one word: ``not_found``, ``no_space`` or ``too_large``.
        message: The same in a sentence.
        hint: What to do about it.
    """

    def __init__(self, reason: str, message: str, *, hint: str) -> None:
        super().__init__("snapshot", message, hint=hint)
        self.reason = reason
