"""Globs against a plain, slow reading of what they mean."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drybox.guest.glob import Globs


async def no_pause() -> None:
    """Nobody else is there to run."""


def all_of(globs: Sequence[str], paths: Sequence[str]) -> list[bool]:
    """Which of these paths match one of the globs."""

    async def match() -> list[bool]:
        matching = Globs(globs, no_pause)
        return [await matching.match(path) for path in paths]

    try:
        match().send(None)
    except StopIteration as end:
        found: list[bool] = end.value
        return found
    raise AssertionError("it waits for something")


def matches(glob: str, path: str) -> bool:
    """Whether a path matches a glob."""
    return all_of([glob], [path])[0]


PART = st.text("ab.*?", min_size=1, max_size=4)
GLOBS = st.lists(st.one_of(PART, st.just("**")), min_size=1, max_size=4).map("/".join)
NAMES = st.text("ab.", min_size=1, max_size=4)
FILES = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


def reference(glob: list[str], path: list[str]) -> bool:
    """By the definition: tries everything."""
    if not glob:
        return not path
    if glob[0] == "**":
        return any(reference(glob[1:], path[n:]) for n in range(len(path) + 1))
    return bool(path) and name_fits(glob[0], path[0]) and reference(glob[1:], path[1:])


def name_fits(part: str, name: str) -> bool:
    if not part:
        return not name
    if part[0] == "*":
        return any(name_fits(part[1:], name[n:]) for n in range(len(name) + 1))
    return bool(name) and part[0] in ("?", name[0]) and name_fits(part[1:], name[1:])


@given(GLOBS, FILES)
@example("**/a", "a")
@example("a/**/b", "a/b")
@example("*", "a/b")
@settings(max_examples=300)
def test_globs_mean_what_the_definition_says(glob: str, path: str) -> None:
    assert matches(glob, path) == reference(glob.split("/"), path.split("/"))


@given(st.lists(GLOBS, min_size=1, max_size=5), st.lists(FILES, min_size=1, max_size=5))
def test_globs_together_match_what_one_of_them_does(globs: list[str], paths: list[str]) -> None:
    wanted = [any(reference(glob.split("/"), path.split("/")) for glob in globs) for path in paths]
    assert all_of(globs, paths) == wanted


@given(FILES, st.data())
def test_a_glob_made_from_a_path_matches_it(path: str, data: st.DataObject) -> None:
    parts = path.split("/")
    glob = []
    for part in parts:
        at = data.draw(st.integers(0, len(part)))
        glob.append(
            data.draw(st.sampled_from([part, "*", f"{part[:at]}*{part[at:]}", "?" * len(part)]))
        )
    at = data.draw(st.integers(0, len(parts)))
    end = data.draw(st.integers(at, len(parts)))
    glob[at:end] = ["**"]
    assert matches("/".join(glob), path)


@pytest.mark.parametrize(
    ("glob", "path", "fits"),
    [
        ("*.txt", "a.txt", True),
        ("*.txt", "out/a.txt", False),
        ("**/*.txt", "a.txt", True),
        ("**/*.txt", "x/y/a.txt", True),
        ("out/**", "out/a/b", True),
        ("out/**", "outer/a", False),
        ("out/*", "out/a/b", False),
        ("**", "a/b/c", True),
        ("data/[ab]?.csv", "data/b1.csv", True),
        ("data/[ab]?.csv", "data/c1.csv", False),
        ("[!a]", "b", True),
        ("[!a]", "a", False),
        ("*", ".hidden", True),
        ("A", "a", False),
        ("a.c", "abc", False),
        ("[", "[", True),
        ("[[:alpha:]]", "[:]", False),
        ("a", "a\n", False),
        ("*", "new\nline", True),
        ("é?", "éé", True),
    ],
)
def test_each_sign_means_what_shells_and_git_mean(glob: str, path: str, fits: bool) -> None:
    assert matches(glob, path) is fits


@given(st.text("ab[]!^-&~|\\*?/.(){}+$", max_size=12), st.text("ab[]!^-/\n", max_size=8))
def test_any_glob_is_a_glob(glob: str, path: str) -> None:
    assert matches(glob, path) in (True, False)


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("/".join(["**"] * 500), "/".join("a" * 500) + "/b"),
        ("/".join(["**", "*"] * 250 + ["b"]), "/".join("a" * 500)),
        ("*a" * 400 + "b", "a" * 1000),
        ("**/" + "*a*" * 200, "/".join(["a" * 100] * 10)),
        ("[" * 1000, "a" * 1000),
    ],
)
def test_no_glob_takes_long(glob: str, path: str) -> None:
    started = time.thread_time()
    matches(glob, path)
    assert time.thread_time() - started < 2.0  # trying every way would not end
