"""The filter, and what makes it."""

from __future__ import annotations

import pytest

from drybox.guest.seccomp import filter as seccomp
from drybox.guest.seccomp.filter import SeccompUnavailable, filter_program


@pytest.fixture(scope="session")
def library() -> seccomp._Library:
    """libseccomp."""
    try:
        return seccomp._Library()
    except SeccompUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def program() -> bytes:
    """The filter as the kernel takes it."""
    try:
        return filter_program()
    except SeccompUnavailable as error:
        pytest.skip(str(error))
