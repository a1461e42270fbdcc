"""When ``drybox doctor`` calls a host usable."""

from __future__ import annotations

import pytest

from drybox.cli.doctor import is_usable
from drybox.protocols import Guarantee, Support

GOOD, BROKEN, ABSENT = "good", "broken", "absent"


def support(wall: str, state: str) -> Support:
    guarantee = Guarantee("memory", state == GOOD, "detail", "fix")
    return Support(wall, (guarantee,), present=state != ABSENT)


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
def test_usable_is_about_the_wall_that_runs_use(
    isolation: str, local: str, docker: str, gvisor: str, expected: bool
) -> None:
    states = {"local": local, "docker": docker, "gvisor": gvisor}
    checked = [support(wall, state) for wall, state in states.items()]
    assert is_usable(isolation, checked) is expected
