"""When ``drybox doctor`` calls a host usable."""

from __future__ import annotations

import pytest

from drybox.backends.base import Guarantee, Support
from drybox.cli.doctor import _isolation, is_usable

GOOD, BROKEN, ABSENT = "good", "broken", "absent"


def support(isolation: str, state: str) -> Support:
    guarantee = Guarantee("memory", state == GOOD, "detail", "fix")
    return Support(isolation, (guarantee,), present=state != ABSENT)


@pytest.mark.parametrize(
    ("isolation", "local", "docker", "gvisor", "expected"),
    [
        ("auto", GOOD, ABSENT, ABSENT, True),
        ("auto", GOOD, GOOD, ABSENT, True),
        ("auto", ABSENT, GOOD, ABSENT, True),  # no Linux
        ("auto", GOOD, BROKEN, GOOD, False),  # runs would go there
        ("auto", BROKEN, GOOD, GOOD, False),  # or there, for want of an image
        ("auto", BROKEN, ABSENT, GOOD, False),
        ("auto", ABSENT, ABSENT, GOOD, False),
        ("local", GOOD, BROKEN, BROKEN, True),
        ("local", BROKEN, GOOD, GOOD, False),
        ("docker", BROKEN, GOOD, ABSENT, True),
        ("docker", GOOD, ABSENT, ABSENT, False),
        ("gvisor", GOOD, GOOD, ABSENT, False),
        ("gvisor", ABSENT, BROKEN, GOOD, True),
    ],
)
def test_usable_is_about_the_isolation_that_runs_use(
    isolation: str, local: str, docker: str, gvisor: str, expected: bool
) -> None:
    states = {"local": local, "docker": docker, "gvisor": gvisor}
    checked = [support(isolation, state) for isolation, state in states.items()]
    assert is_usable(isolation, checked) is expected


def test_what_the_configuration_gives_up_is_no_obstacle() -> None:
    checked = [support("local", BROKEN), support("docker", ABSENT)]
    assert not is_usable("local", checked, {"pids"})
    for isolation in ("local", "auto"):
        assert is_usable(isolation, checked, {"memory", "pids"})


def test_one_reason_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    guarantees = [
        Guarantee("bubblewrap", True, "/bin/bwrap"),
        *(Guarantee(name, False, "no cgroup", "delegate") for name in ("memory", "cpus", "pids")),
        Guarantee("seccomp", False, "no library", "install it"),
    ]
    _isolation("local", guarantees, True, {"seccomp"})
    out = capsys.readouterr().out
    assert out.count("no cgroup") == out.count("fix: delegate") == 1
    assert "memory, cpus, pids" in out
    assert "given up" in out
    assert "install it" not in out
    assert out.startswith("local: not usable as it is\n")
    _isolation("local", guarantees, True, {"memory", "cpus", "pids", "seccomp"})
    assert capsys.readouterr().out.startswith("local: ready\n")
