"""Writes system_calls.md beside this file from the policy itself: run './dev docs'."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from drybox.guest.seccomp import policy
from drybox.guest.seccomp.verdicts import Group, Switch, Verdict

PAGE = Path(__file__).with_suffix(".md")

HEAD = """\
# System calls

<!-- Written by './dev docs' from src/drybox/guest/seccomp/. -->

The system calls that a program in a sandbox may make, with every isolation. For each call, and each
argument that decides what it does, the question was: does it affect an object that the host or
another sandbox also uses, a resource of the whole host, or another process?

- What is not on this page fails with `ENOSYS`, as on a kernel that is too old to have it.
- Calls of another architecture (32-bit ones, x32) end the process with `SIGSYS`.
- "succeeds" means that the call returns success without any effect.
"""

ARGUMENTS = ("first", "second", "third", "fourth", "fifth", "sixth")


def page() -> str:
    """The whole page."""
    x86, arm = (policy.guards(machine) for machine in ("x86_64", "aarch64"))
    assert [guard.calls for guard in x86] == [guard.calls for guard in arm]
    parts = [
        HEAD,
        "## Allowed by their arguments\n",
        *_table(
            ("call", "arguments", "why"),
            (
                (_code(guard.calls.split()), _sentence(guard.verdict), _line(guard.reason))
                for guard in sorted(x86, key=lambda guard: guard.calls)
            ),
        ),
    ]
    for title, groups, head in (
        ("Allowed", policy.ALLOWED, "what for"),
        ("Answered with success, and not done", policy.PRETENDED, "what for"),
        ("Refused with `EPERM`", policy.REFUSED, "what"),
        ("Absent: `ENOSYS`, as all that this page does not name", policy.ABSENT, "what"),
    ):
        parts += [f"\n## {title}\n", *_table((head, "calls", "why"), _rows(groups))]
    return "\n".join(parts) + "\n"


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _rows(groups: Sequence[Group]) -> Iterator[Sequence[str]]:
    for group in groups:
        yield group.purpose, _code(group.calls.split()), _line(group.reason)


def _code(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _line(text: str) -> str:
    return " ".join(text.split())


def _sentence(switch: Switch) -> str:
    text = f"The {ARGUMENTS[switch.arg]}: {_choice(switch)}"
    return text.replace("|", "\\|") + "."


def _choice(switch: Switch) -> str:
    if switch.flags:
        word = "without" if switch.flags == "without" else "no flag but"
        names = _code(list(switch.names))
        return f"{word} {names}; otherwise {_answer(switch.otherwise)}"
    parts = []
    for verdict, names in _by_verdict(switch):
        said = _answer(verdict)
        parts.append(names if said == "allowed" else f"{names}: {said}")
    return "; ".join([*parts, f"otherwise {_answer(switch.otherwise)}"])


def _by_verdict(switch: Switch) -> Iterator[tuple[Verdict, str]]:
    names: Mapping[int, str] = {value: name for name, value in switch.names.items()}
    seen: list[Verdict] = []
    for verdict in switch.cases.values():
        if verdict not in seen:
            seen.append(verdict)
            same = [names[value] for value, each in switch.cases.items() if each == verdict]
            yield verdict, _code(same)


def _answer(verdict: Verdict) -> str:
    if isinstance(verdict, Switch):
        if verdict.high:
            return "allowed"
        return f"the {ARGUMENTS[verdict.arg]} ({_choice(verdict)})"
    if verdict == policy.ALLOW:
        return "allowed"
    names = {policy.PRETEND: "succeeds", errno.EOPNOTSUPP: "`EOPNOTSUPP`"}
    return names.get(verdict, f"`{errno.errorcode.get(verdict)}`")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
