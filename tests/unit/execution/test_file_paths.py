"""Paths as requests give them: Linux's own names, in one spelling, below their folder."""

from __future__ import annotations

import posixpath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drybox.errors import InvalidRequest
from drybox.execution.file_paths import file_and_folder, normal_glob, normal_path

NAMES = st.text(
    st.characters(
        exclude_categories=("Cs", "Cc"), exclude_characters="/", include_characters=" .-é\\"
    ),
    min_size=1,
    max_size=20,
).filter(lambda name: name not in (".", ".."))
PATHS = st.lists(NAMES, min_size=1, max_size=6).map("/".join)


@given(PATHS)
def test_a_relative_path_of_ordinary_names_is_kept(path: str) -> None:
    assert normal_path(path, "files") == path


@given(PATHS, NAMES)
def test_one_file_has_one_spelling(path: str, name: str) -> None:
    for spelling in (f"./{path}", f"{name}/../{path}", path.replace("/", "//"), f"././{path}"):
        assert normal_path(spelling, "files") == path


@given(PATHS, st.sampled_from(["a\nb", "a\0", "\x7f", "\ud800", "x" * 256]))
def test_one_bad_part_spoils_a_path_wherever_it_stands(path: str, bad: str) -> None:
    for spoilt in (f"{bad}/{path}", f"{path}/{bad}", f"{path}/{bad}/{path}"):
        with pytest.raises(InvalidRequest) as caught:
            normal_path(spoilt, "files")
        assert caught.value.field == "files"


@given(st.lists(st.sampled_from(["a", "b", "..", ".", ""]), max_size=12).map("/".join))
def test_an_accepted_path_stays_below_its_folder_and_means_what_it_says(path: str) -> None:
    try:
        checked = normal_path(path, "files")
    except InvalidRequest:
        return
    assert not {"", ".", ".."} & set(checked.split("/"))
    assert checked == posixpath.normpath(path)


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("", "empty"),
        ("/etc/passwd", "absolute"),
        ("../x", "leaves"),
        ("a/../../a/x", "leaves"),
        ("a/../..", "leaves"),
        ("a/", "names a folder"),
        ("a/..", "names a folder"),
        ("a/b/.", "names a folder"),
        (".", "names a folder"),
        ("a\rb", "control"),
        ("é" * 128, "too long"),
        ("/".join(["a" * 200] * 6), "too long"),
        ("/".join("a" * 129), "too deep"),
        ("a/../" * 1000 + "x", "too long"),
        ("a" + "/" * 200 + "x", "too long"),
        ("\ud800", "surrogate"),
        (b"x", "not a str"),
        (None, "not a str"),
    ],
)
def test_a_bad_path_is_named_with_its_fault(path: Any, word: str) -> None:
    with pytest.raises(InvalidRequest, match=word) as caught:
        normal_path(path, "files")
    assert caught.value.hint
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "path",
    [
        *("é" * 127 + "a", "/".join("a" * 128), "aux.py", "con/x", "nul.txt", "COM1", "a\\b"),
        *("-", "-x.py", "--help", "...", "a b", ".hidden", "C:\\x", "CON/PRN"),
    ],
)
def test_names_that_linux_takes_are_fine(path: str) -> None:
    assert normal_path(path, "files") == path


@pytest.mark.parametrize(
    ("glob", "spelling"), [("out/", "out/**"), ("./*.txt", "*.txt"), ("a/../**", "**")]
)
def test_a_glob_has_one_spelling_too(glob: str, spelling: str) -> None:
    assert normal_glob(glob, "artifacts") == spelling


@pytest.mark.parametrize("glob", ["", "/", "//", "../*", 3])
def test_what_is_no_glob_is_refused(glob: Any) -> None:
    with pytest.raises(InvalidRequest):
        normal_glob(glob, "artifacts")


@given(
    st.sets(
        st.lists(st.sampled_from(["a", "b", "a!", "a-", "c"]), min_size=1, max_size=4).map(
            "/".join
        ),
        max_size=12,
    )
)
def test_a_file_that_is_a_folder_too_is_found(paths: set[str]) -> None:
    both = {path for path in paths if any(other.startswith(f"{path}/") for other in paths)}
    found = file_and_folder(paths)
    assert found in both if both else found is None
