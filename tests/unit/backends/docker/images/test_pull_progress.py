"""How far a pull is, from words that daemons say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drybox.backends.docker.images.pull_progress import Pulling

STATUSES = (
    *("Pulling from library/python", "Pulling fs layer", "Waiting", "Downloading"),
    *("Verifying Checksum", "Download complete", "Extracting", "Pull complete"),
    *("Already exists", "Retrying in 3 seconds", "Digest: sha256:aa", ""),
)
SIZES = st.integers(0, 10**12)
WORDS = st.fixed_dictionaries(
    {"status": st.sampled_from(STATUSES)},
    optional={
        "id": st.sampled_from(["a", "b", "3.11"]),
        "progressDetail": st.one_of(
            st.none(), st.fixed_dictionaries({}, optional={"current": SIZES, "total": SIZES})
        ),
    },
)


def word(status: str, layer: str = "a", current: int = 0, total: int = 0) -> dict[str, Any]:
    detail = {"current": current, "total": total} if total else {}
    return {"status": status, "id": layer, "progressDetail": detail}


def test_a_layer_is_fetched_and_unpacked() -> None:
    pulling = Pulling()
    shares = [
        pulling.after(each).share
        for each in (
            word("Pulling from x", "3.11"),
            word("Pulling fs layer"),
            word("Downloading", current=50, total=100),
            word("Download complete"),
            word("Extracting", current=50, total=100),
            word("Pull complete"),
        )
    ]
    assert shares == pytest.approx([0, 0, 0.25, 0.5, 0.75, 1.0])


def test_layers_count_by_their_size() -> None:
    pulling = Pulling()
    pulling.after(word("Downloading", "big", 0, 900))
    pulling.after(word("Downloading", "small", 0, 100))
    assert pulling.after(word("Pull complete", "small")).share == pytest.approx(0.1)
    assert pulling.after(word("Pull complete", "big")).share == 1.0


def test_an_image_that_is_there_already_is_whole() -> None:
    said = {"status": "Status: Image is up to date for python:3.11"}
    assert Pulling().after(said).share == 1.0


@given(st.lists(WORDS, max_size=40))
def test_the_share_never_falls_and_stays_a_share(words: list[dict[str, Any]]) -> None:
    pulling = Pulling()
    shares = [0.0, *(pulling.after(each).share for each in words)]
    assert shares == sorted(shares)
    assert shares[-1] <= 1.0
    assert pulling.after({"status": "Status: Downloaded newer image"}).share == 1.0
