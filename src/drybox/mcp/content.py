"""What an assistant is told of a run: short, with pictures, and with what to do next."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping

from mcp_types import ContentBlock, ImageContent, TextContent

from drybox.model import MIB, ExecutionResult
from drybox.sessions.results import CommandResult, RunResult

MAX_TEXT = 20_000
"""Characters of each stream: an answer takes up an assistant's context."""

MAX_IMAGE, MAX_IMAGES = MIB, 4
"""Bytes of a picture, and pictures of an answer."""

MAX_NOTES = 8
"""Files of which an answer says why they are not shown."""

IMAGE_GLOBS = tuple(f"**/*.{suffix}" for suffix in ("png", "jpg", "jpeg", "gif", "webp"))
"""Files that are shown."""

_SIGNATURES = (
    ("image/png", 0, b"\x89PNG\r\n\x1a\n"),
    ("image/jpeg", 0, b"\xff\xd8\xff"),
    ("image/gif", 0, b"GIF8"),
    ("image/webp", 8, b"WEBP"),
)
"""MIME types, and what is where in files of each."""

_ENDED = {
    "timeout": "it took too long and was ended. Do less, or ask for a longer timeout.",
    "memory_limit": "it needed more memory than the session has. Work on less data at a time.",
    "output_limit": "it printed too much and was ended. Print a summary in place of all of it.",
}
"""What to do about what drybox has ended in a session."""

_IN_SESSION = {
    **_ENDED,
    "failed": "correct the code, and run it.",
    "compile_error": "correct what the compiler names, and run it.",
    "interrupted": "it was interrupted; run it again, if it is still wanted.",
}


def run_content(
    result: ExecutionResult, timeout: float, max_timeout: float, known: Iterable[bytes] = ()
) -> list[ContentBlock]:
    """What a run came to.

    Args:
        result: What became of it.
        timeout: Seconds that it had.
        max_timeout: Seconds that it could have had.
        known: Contents of the files that the assistant has sent itself.
    """
    images, notes = _images(result.artifacts, known)
    lines = [_stream(name, text) for name, text in _streams(result) if text]
    seconds = f"{result.execution_time:.2f} s"
    end = f"exit code {result.exit_code}" if result.exit_code is not None else result.signal
    lines.append(f"[{result.status}{f', {end}' if end else ''}, {seconds}]")
    lines += notes
    following = _next(result, timeout, max_timeout)
    if following:
        lines.append(f"Next: {following}")
    return [TextContent(text="\n".join(lines)), *images]


def _streams(result: ExecutionResult) -> list[tuple[str, str]]:
    """Its output; a compiler's messages are no part of the program's."""
    compiled = [phase for phase in result.phases if phase.name == "compile"]
    told = compiled[0].stderr if compiled and result.status == "compile_error" else ""
    return [
        ("compiler", told),
        ("stdout", result.stdout),
        ("stderr", "" if told else result.stderr),
    ]


def session_content(result: RunResult) -> list[ContentBlock]:
    """What code in a session came to: what it printed, showed and raised."""
    lines = [_stream(name, text) for name, text in _printed(result) if text]
    images: list[ContentBlock] = []
    texts: list[str] = []
    not_shown = 0
    for display in result.results:
        forms = [form for form in display.data.values() if isinstance(form, bytes)]
        shown = [image for form in forms if (image := image_content(form))]
        if shown and len(images) < MAX_IMAGES:
            images.append(shown[0])
        elif shown or any(_mime(form) for form in forms):
            not_shown += 1
        elif text := display.data.get("text/plain"):
            texts.append(_stream("result" if display.is_main else "shown", str(text)))
    if texts:
        lines.append(cut("\n".join(texts)))
    if not_shown:
        what = "A picture is" if not_shown == 1 else f"{not_shown:,} pictures are"
        lines.append(f"{what} not shown: too large, or there are too many.")
    if result.error is not None:
        lines.append(_stream("error", result.error.traceback or result.error.value))
    lines.append(f"[{result.status}, {result.execution_time:.2f} s]")
    if result.restarted:
        lines.append("The language's state is lost; files are still there.")
    if result.status != "success":
        problem = result.problem
        said = f"{problem.message} {problem.hint}" if problem else ""
        lines.append(f"Next: {said or _IN_SESSION.get(result.status, _IN_SESSION['failed'])}")
    return [TextContent(text="\n".join(lines)), *images]


def command_content(result: CommandResult) -> list[ContentBlock]:
    """What a command in a session came to."""
    lines = [_stream(name, text) for name, text in _printed(result) if text]
    end = f"exit code {result.exit_code}" if result.exit_code is not None else result.signal
    lines.append(f"[{result.status}{f', {end}' if end else ''}, {result.execution_time:.2f} s]")
    if result.status != "success":
        usual = "read what it printed, and correct the command."
        lines.append(f"Next: {_ENDED.get(result.status, usual)}")
    return [TextContent(text="\n".join(lines))]


def image_content(content: bytes) -> ImageContent | None:
    """A picture as an assistant is shown it; None if it is none, or too large."""
    mime = _mime(content)
    if mime is None or len(content) > MAX_IMAGE:
        return None
    return ImageContent(data=base64.b64encode(content).decode("ascii"), mime_type=mime)


def _printed(result: RunResult | CommandResult) -> list[tuple[str, str]]:
    return [("stdout", result.stdout), ("stderr", result.stderr)]


def cut(text: str) -> str:
    """Both ends of a long text."""
    left_out = len(text) - MAX_TEXT
    if left_out <= 0:
        return text
    half = MAX_TEXT // 2
    return f"{text[:half]}\n[… {left_out:,} characters left out …]\n{text[-half:]}"


def _stream(name: str, text: str) -> str:
    return f"{name}:\n{cut(text.rstrip(chr(10)))}"


def _images(
    files: Mapping[str, bytes], known: Iterable[bytes]
) -> tuple[list[ContentBlock], list[str]]:
    """The pictures among files, and what is to say of those that are not shown."""
    images: list[ContentBlock] = []
    notes: list[str] = []
    left_out: list[str] = []
    sent = set(known)
    for path, content in files.items():
        mime = _mime(content)
        if mime is None or content in sent:
            continue
        shown = ascii(path)[1:-1][:200]
        if len(content) > MAX_IMAGE:
            left_out.append(
                f"Picture {shown} has {len(content):,} bytes, which is too large to show: save it"
                " smaller, with fewer pixels."
            )
        elif len(images) == MAX_IMAGES:
            left_out.append(f"Picture {shown} is not shown: an answer has at most {MAX_IMAGES}.")
        else:
            data = base64.b64encode(content).decode("ascii")
            images.append(ImageContent(data=data, mime_type=mime))
            notes.append(f"Picture {shown} follows.")
    more = len(left_out) - MAX_NOTES
    notes += left_out[:MAX_NOTES]
    if more > 0:
        notes.append(f"{more:,} more {'picture is' if more == 1 else 'pictures are'} not shown.")
    return images, notes


def _mime(content: bytes) -> str | None:
    """What kind of picture a file is, whatever its name says; None if it is none."""
    return next((mime for mime, at, word in _SIGNATURES if content.startswith(word, at)), None)


def _next(result: ExecutionResult, timeout: float, max_timeout: float) -> str:
    """What to do about it; "" where there is nothing to do."""
    if result.status == "success":
        return ""
    longer = (
        f", or ask for a longer timeout, of at most {max_timeout:g} s"
        if timeout < max_timeout
        else ""
    )
    error = result.error
    return {
        "failed": "read stderr, correct the code, and run it again.",
        "signaled": "it crashed; look for what it did last, correct the code, and run it again.",
        "compile_error": "correct what the compiler names, and run it again.",
        "timeout": f"it was ended after {timeout:g} s. Do less work or read no input that is not"
        f" there{longer}.",
        "memory_limit": "it needed more memory than it may have. Work on less data at a time.",
        "output_limit": "it printed too much and was ended. Print a summary in place of all of it.",
    }.get(result.status, f"{error.message} {error.hint}" if error else "try again.")
