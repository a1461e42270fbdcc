"""Which packages may be named: right ones in every language, and nothing else."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drybox import InvalidRequest
from drybox.environments.packages import (
    MAX_PACKAGE,
    MAX_PACKAGES,
    check_package_dir,
    check_packages,
)
from drybox.languages.java import Java
from drybox.languages.python import Python
from drybox.languages.registry import known_languages

RIGHT = {
    "python": [
        *("numpy", "a", "zope.interface", "ruamel_yaml", "x-1", "requests==2.32.3", "a>=1,<2"),
        *("a >= 1, != 1.5.*", "a~=1.4", "a===1.0+local", "a[b]", "a[b,c-d]==1.0rc1", "a==1!2.0"),
    ],
    "node": [
        *("lodash", "lodash@4.17.21", "@scope/name", "@scope/name@^1.0.0", "a@~1.2", "a@>=1"),
        *("a@latest", "a@1.0.0-beta.1+build", "lodash.get", "2048"),
    ],
    "go": [
        *("golang.org/x/text@v0.21.0", "example.com/a", "gopkg.in/yaml.v3@v3.0.1", "a@latest"),
        *("a.b/c@v2.0.0+incompatible", "a.b/c@v0.0.0-20240101000000-abcdefabcdef"),
    ],
    "java": ["org.slf4j:slf4j-api:2.0.16", "a:b:1", "a.b_c:d.e-f:1.0-SNAPSHOT"],
    "rust": ["serde", "serde@1", "serde_json@1.0.100", "a-b@0.1.0-beta.1+build"],
}
WRONG = {
    "python": [
        *("", "-x", "--pre", "a b", "a;b", "a @ b", "a@b", "a/b", "./a", ".", "..", "a==", "==1"),
        *("a.zip", "a.ZIP", "a==1.whl", "a.tar.gz", "a.tgz", "a.tar", "a.tar.bz2", "a\nb", "é"),
        *("a==1\n--pre", "a[", "a[b", "a[-b]", "a==-1", "http://a", "a\0", "a`b`", "a$b", "a#b"),
    ],
    "node": [
        *("", "-g", "--x", "a b", "a/b", "./a", ".", "..", "@", "@a", "@a/", "@/a", "a@", "A@-x"),
        *(
            "a.tgz",
            "a.TAR.GZ",
            "a@b.tar",
            "a@file:b",
            "a@npm:b",
            "a@a/b",
            "a@http://b",
            "a@..",
            "é",
        ),
    ],
    "go": [
        *("", "-x", "a b", "./a", "../a", "/a", "a//b", "a/", "a/..", "a/.b", "...", "a/...", "a@"),
        *("a@-x", "a@b@c", "a=b", "é", "a@<v2", "a@$x"),
    ],
    "java": [
        *("", "a", "a:b", "a:b:", ":b:1", "a:b:c:d", "a/b:c:1", "a:../b:1", "a:b:..", "-a:b:1"),
        *("a b:c:1", "a:b:1/../2", "*:*:*", "é:b:1", "a:b:1\n"[:-1] + "\nx"),
    ],
}


@pytest.mark.parametrize(
    ("language", "package"), [(name, word) for name, words in RIGHT.items() for word in words]
)
def test_right_ones_are_taken(language: str, package: str, tmp_path: Path) -> None:
    (tmp_path / language).mkdir()
    found = check_packages([f" {package} "], known_languages()[language], tmp_path)
    assert found == ((package,), str(tmp_path / language))


@pytest.mark.promise("ISO-22")
@pytest.mark.parametrize(
    ("language", "package"), [(name, word) for name, words in WRONG.items() for word in words]
)
def test_wrong_ones_are_refused_with_an_example(
    language: str, package: str, tmp_path: Path
) -> None:
    (tmp_path / language).mkdir()
    right = RIGHT[language][0]
    with pytest.raises(InvalidRequest) as caught:
        check_packages([right, package], known_languages()[language], tmp_path)
    assert caught.value.field == "packages[1]"
    form = known_languages()[language].packages
    assert form is not None
    assert form.example in caught.value.hint


@pytest.mark.parametrize("language", RIGHT)
def test_examples_are_right(language: str, tmp_path: Path) -> None:
    (tmp_path / language).mkdir()
    form = known_languages()[language].packages
    assert form is not None
    assert check_packages([form.example], known_languages()[language], tmp_path)


@pytest.mark.promise("ISO-22")
@given(st.data())
def test_nothing_that_is_taken_looks_like_an_option_or_a_path(data: st.DataObject) -> None:
    language = known_languages()[data.draw(st.sampled_from(sorted(RIGHT)))]
    form = language.packages
    assert form is not None
    word = data.draw(st.from_regex(f"^(?:{form.pattern})$", fullmatch=True).map(str.strip))
    try:
        check_packages([word], language, None)
    except InvalidRequest as error:
        if error.field == "packages":  # nothing but the folder was missing
            assert word[0] not in "-./\\"
            assert "://" not in word
            assert not set(word) & set("\n;$`&|\\'\"#%")


@pytest.mark.promise("RES-2")
def test_their_number_and_length_are_bounded(tmp_path: Path) -> None:
    (tmp_path / "python").mkdir()
    most = [f"a{number}" for number in range(MAX_PACKAGES)]
    assert check_packages(most, Python(), tmp_path)[0] == tuple(most)
    with pytest.raises(InvalidRequest, match="packages: there are 101"):
        check_packages([*most, "b"], Python(), tmp_path)
    assert check_packages(["a" * MAX_PACKAGE], Python(), tmp_path)
    with pytest.raises(InvalidRequest, match=r"packages\[0\]"):
        check_packages(["a" * (MAX_PACKAGE + 1)], Python(), tmp_path)


@pytest.mark.promise("ISO-22")
@pytest.mark.parametrize("language", RIGHT)
@pytest.mark.parametrize("word", ["a" * 198 + "!", "a-" * 99 + "!", "a." * 99, "a[" + "b," * 98])
def test_a_long_wrong_one_is_refused_at_once(language: str, word: str) -> None:
    started = time.monotonic()
    with pytest.raises(InvalidRequest):
        check_packages([word], known_languages()[language], None)
    assert time.monotonic() - started < 0.5


@pytest.mark.promise("RES-2")
def test_no_packages_need_no_folder() -> None:
    assert check_packages([], Python(), None) == ((), "")


def test_a_language_may_install_none(tmp_path: Path) -> None:
    class Plain(Java):
        packages = None  # type: ignore[assignment]

    with pytest.raises(InvalidRequest, match="drybox installs none for java"):
        check_packages(["a:b:1"], Plain(), tmp_path)


@pytest.mark.promise("RES-2")
def test_without_a_folder_the_hint_says_how_to_name_one() -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_packages(["numpy"], Python(), None)
    assert caught.value.field == "packages"
    for word in ("wheels", "package_dir", "--package-dir", "DIR/python"):
        assert word in caught.value.hint


@pytest.mark.promise("RES-2")
def test_a_folder_without_the_languages_own_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="there is no folder") as caught:
        check_packages(["numpy"], Python(), tmp_path)
    assert str(tmp_path / "python") in caught.value.message


@pytest.mark.promise("RES-2")
def test_the_folder_is_taken_as_text_or_path(tmp_path: Path) -> None:
    assert check_package_dir(None) is None
    assert check_package_dir(str(tmp_path)) == tmp_path
    assert check_package_dir(tmp_path) == tmp_path
    found = check_package_dir(".")
    assert found is not None
    assert found.is_absolute()


@pytest.mark.promise("RES-2")
@pytest.mark.parametrize("value", [3, "", "/no/such/folder", b"/tmp", __file__, "a\0b"])
def test_what_is_no_folder_is_refused(value: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_package_dir(value)
    assert caught.value.field == "package_dir"
