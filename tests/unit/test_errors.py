"""The error tree: its shape, its words, its way to other processes."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

import drybox
from drybox import (
    DryboxError,
    InvalidRequest,
    Rejected,
    SandboxLost,
    SessionClosed,
    SessionFileError,
    Unavailable,
    Unsupported,
)

LEAVES = (InvalidRequest, Unsupported, Unavailable, SandboxLost, SessionClosed, Rejected)


def test_the_tree_is_flat() -> None:
    assert {leaf.__bases__ for leaf in LEAVES} == {(DryboxError,)}
    # Other tests make some of their own.
    ours = {leaf for leaf in DryboxError.__subclasses__() if leaf.__module__.startswith("drybox.")}
    assert ours == set(LEAVES)
    assert DryboxError.__bases__ == (Exception,)
    assert all(getattr(drybox, leaf.__name__) is leaf for leaf in LEAVES)


def test_no_error_can_be_made_without_a_hint() -> None:
    for leaf in (DryboxError, Unsupported, Unavailable, SandboxLost, Rejected):
        with pytest.raises(TypeError):
            leaf("what is wrong")  # type: ignore[call-arg]


def test_the_text_says_what_is_wrong_and_what_to_do() -> None:
    assert str(Unavailable("No sandbox.", hint="Try again.")) == "No sandbox. Try again."
    assert str(Unavailable("Why not?", hint="Try again.")) == "Why not? Try again."
    assert str(Unavailable("No sandbox.", hint="")) == "No sandbox."
    assert (
        str(InvalidRequest("timeout", "it is -1", hint="Pass 1.")) == "timeout: it is -1. Pass 1."
    )


TEXTS = st.text(max_size=20)
ERRORS = st.one_of(
    st.builds(lambda m, h: Unavailable(m, hint=h), TEXTS, TEXTS),
    st.builds(lambda m, h: SandboxLost(m, hint=h), TEXTS, TEXTS),
    st.builds(lambda m, h: Rejected(m, hint=h), TEXTS, TEXTS),
    st.builds(lambda f, m, h: InvalidRequest(f, m, hint=h), TEXTS, TEXTS, TEXTS),
    st.builds(lambda r, m, h: SessionClosed(r, m, hint=h), TEXTS, TEXTS, TEXTS),
    st.builds(lambda r, m, h: SessionFileError(r, m, hint=h), TEXTS, TEXTS, TEXTS),
    st.builds(lambda m, h, w: Unsupported(m, hint=h, what=w), TEXTS, TEXTS, st.none() | TEXTS),
)


@given(ERRORS)
def test_errors_cross_processes_whole(error: DryboxError) -> None:
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert vars(twin) == vars(error)
        assert twin.args == error.args
        assert {"message", "hint"} <= set(vars(twin))


def test_an_error_of_somebody_elses_crosses_too() -> None:
    error = pickle.loads(pickle.dumps(_Strange(1, 2)))
    assert (type(error), error.sum, error.hint) == (_Strange, 3, "Add less.")


class _Strange(Rejected):
    """A subclass whose constructor is nothing like its parent's."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__("too much", hint="Add less.")
        self.sum = a + b
