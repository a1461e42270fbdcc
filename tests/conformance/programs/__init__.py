"""The programs that the suite runs: the same set in every language, one file a language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DIGITS = b"0123456789"
"""What ``flood`` repeats."""


@dataclass(frozen=True)
class Programs:
    """What one language's programs do.

    Attributes:
        language: Canonical name.
        names: Every name of the language .
        compiles: Whether there is a compile phase.
        start: Seconds within which its runtime starts on a machine that is busy.
        hello: Writes ``Hello, World!`` to stdout and ``a word`` to stderr, a line each.
        exit: Prints ``before`` and exits with the code in its first argument.
        signals: By the signal's name, a program that prints ``before`` and dies of it.
        broken: A program that its compiler or parser refuses.
        complaint: What is then on stderr.
        complain: Copies the file ``words.txt`` to stderr and exits with 1.
        hang: Writes ``ready`` and ``waiting`` to stdout and stderr, then sleeps for ever.
        hog: Prints ``ready``, then takes memory until it is stopped.
        touch: Fills as many MiB as its argument says, holds them and prints ``done``.
        flood: Writes digits to the stream and up to the count that its arguments say.
        busy: Computes until it has used one second of CPU time, then prints ``done``.
        cat: Copies stdin to stdout.
        words: Writes its arguments to stdout, a NUL after each.
        variable: Writes the environment variable that its argument names.
        split: Writes the first byte of ``é``; after a line on stdin the second one.
        talk: Prints ``ready``, then ``got LINE`` for each line on stdin as it comes.
        clock: Prints the time of day in seconds, sleeps as its argument says, prints it again.
        write: Writes ``top.txt``, ``out/text.txt``, ``out/deep/bytes.bin`` and a link
            ``out/link.txt`` to /etc/passwd, and exits with 3.
        project: Several files whose default entry prints ``whole project``.
        other_entry: Another file of ``project`` to begin with; it prints ``other entry``.
        refusal: The exit code of an interpreter that refuses ``broken``.
    """

    language: str
    names: tuple[str, ...]
    compiles: bool
    start: float
    hello: str
    exit: str
    signals: Mapping[str, str]
    broken: str
    complaint: str
    complain: str
    hang: str
    hog: str
    touch: str
    flood: str
    busy: str
    cat: str
    words: str
    variable: str
    split: str
    talk: str
    clock: str
    write: str
    project: Mapping[str, bytes | str]
    other_entry: str
    refusal: int = 1
