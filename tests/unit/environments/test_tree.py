"""What comes out of the sandbox that an environment was installed in."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drybox.environments.tree import BadTree, TreeFacts, TreeWriter, digest_of

pytestmark = pytest.mark.promise("ENV-3")

MOST = 1 << 20


def entry(name: str, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def folder(name: str) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, type=tarfile.DIRTYPE)


def link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, type=tarfile.SYMTYPE, linkname=target)


def archive(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as opened:
        for info, content in (folder("."), *entries):
            opened.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def write(place: Path, data: bytes, step: int = 1000, most: int = MOST) -> TreeFacts:
    writer = TreeWriter(place, most)
    try:
        for at in range(0, len(data), step):
            writer.feed(data[at : at + step])
        return writer.finish()
    finally:
        writer.abandon()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "tree").mkdir()
    return tmp_path / "tree"


def test_files_folders_and_links_arrive_as_they_are(place: Path) -> None:
    long = "a" * 90 + "/" + "b" * 150
    facts = write(
        place,
        archive(
            folder("./lib"),
            entry("./lib/one.py", b"1" * 3000, mode=0o600),
            entry("./run", b"#!", mode=0o4755),
            link("./latest", "lib/one.py"),
            folder("./" + "a" * 90),
            entry(f"./{long}", b"long"),
            entry("./empty"),
        ),
    )
    assert (place / "lib/one.py").read_bytes() == b"1" * 3000
    assert (place / "lib/one.py").stat().st_mode & 0o7777 == 0o644
    assert (place / "run").stat().st_mode & 0o7777 == 0o755
    assert os.readlink(place / "latest") == "lib/one.py"
    assert (place / long).read_bytes() == b"long"
    assert (place / "empty").read_bytes() == b""
    assert facts == digest_of(place)
    assert (facts.size, facts.files) == (3006, 5)


@given(step=st.integers(1, 2000))
def test_pieces_may_be_cut_anywhere(tmp_path_factory: pytest.TempPathFactory, step: int) -> None:
    data = archive(folder("./lib"), entry("./lib/one.py", b"one" * 500), link("./two", "lib"))
    whole = write(tmp_path_factory.mktemp("whole"), data, len(data))
    assert write(tmp_path_factory.mktemp("parts"), data, step) == whole


CHANGES: list[Callable[[], bytes]] = [
    lambda: archive(entry("one", b"2")),
    lambda: archive(entry("two", b"1")),
    lambda: archive(entry("one", b"1", mode=0o755)),
    lambda: archive(link("one", "1")),
    lambda: archive(entry("one", b"1"), folder("more")),
]


@pytest.mark.parametrize("change", CHANGES)
def test_the_digest_is_another_one_for_other_content(
    tmp_path_factory: pytest.TempPathFactory, change: Callable[[], bytes]
) -> None:
    plain = write(tmp_path_factory.mktemp("plain"), archive(entry("one", b"1")))
    assert write(tmp_path_factory.mktemp("other"), change()).digest != plain.digest


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([entry("/etc/passwd", b"x")], "no path below"),
        ([entry("../out", b"x")], "no path below"),
        ([folder("a"), entry("a/../../out", b"x")], "no path below"),
        ([entry("a//b", b"x")], "no path below"),
        ([entry("missing/one", b"x")], "in no folder"),
        ([link("a", "/etc")], "leads out"),
        ([link("a", "../x")], "leads out"),
        ([folder("a"), link("a/b", "../../x")], "leads out"),
        ([folder("a"), link("a/b", "c/../../../x")], "leads out"),
        ([folder("a"), link("a/up", ".."), link("b", "a/up/../etc")], "leads out"),
        ([folder("a"), link("a/up", ".."), link("a/b", "../a/up/.././x")], "leads out"),
        ([link("a", "b"), entry("a/one", b"x")], "in no folder"),
        ([link("a", "b"), folder("a")], "twice"),
        ([entry("a", b"x"), entry("a", b"y")], "twice"),
        ([entry("a", b"x"), link("a", "b")], "twice"),
        ([link(".", "b")], "twice"),
        ([entry("./", b"x", type=tarfile.AREGTYPE)], "twice"),
        ([entry("a", type=tarfile.LNKTYPE, linkname="b")], "neither"),
        ([entry("a", type=tarfile.CHRTYPE)], "neither"),
        ([entry("a", type=tarfile.FIFOTYPE)], "neither"),
        ([entry("a", b"x" * (MOST + 1))], "more than"),
        ([entry("a" * 5000, b"x")], "too long"),
    ],
)
def test_what_no_environment_may_hold_is_refused(
    place: Path, entries: list[tuple[tarfile.TarInfo, bytes]], why: str
) -> None:
    with pytest.raises(BadTree, match=why):
        write(place, archive(*entries))
    assert sorted(path.name for path in place.parent.iterdir()) == ["tree"]


@pytest.mark.parametrize("target", ["../../b", "./b//c/", "..", "../../.", "b"])
def test_links_inside_are_kept(place: Path, target: str) -> None:
    write(place, archive(folder("a"), folder("a/b"), link("a/b/c", target)))
    assert os.readlink(place / "a/b/c") == target


@given(
    links=st.dictionaries(
        st.sampled_from(["a", "b", "d/a", "d/b", "d/d/a", "d/d/b"]),
        st.lists(st.sampled_from(["a", "b", "d", "..", "."]), min_size=1, max_size=6),
    )
)
def test_no_links_together_lead_out(
    tmp_path_factory: pytest.TempPathFactory, links: dict[str, list[str]]
) -> None:
    place = tmp_path_factory.mktemp("links")
    entries = [link(name, "/".join(parts)) for name, parts in links.items()]
    try:
        write(place, archive(folder("d"), folder("d/d"), *entries))
    except BadTree:
        return
    for name in links:
        try:
            found = (place / name).resolve(strict=True)
        except (OSError, RuntimeError):  # it leads nowhere
            continue
        assert found.is_relative_to(place.resolve()), links


@pytest.mark.parametrize("size", [b"-0000000007", b"+0000000007", b"0o000000007", b"0_000000007"])
def test_a_size_that_is_no_plain_number_is_refused(place: Path, size: bytes) -> None:
    data = bytearray(archive(entry("one", b"1234567")))
    header = slice(512, 1024)  # after that of the folder
    data[512 + 124 : 512 + 136] = size + b"\0"
    total = sum(data[header]) - sum(data[512 + 148 : 512 + 156]) + 8 * 32
    data[512 + 148 : 512 + 156] = b"%06o\0 " % total
    with pytest.raises(BadTree, match="no number"):
        write(place, bytes(data), len(data))


def test_a_name_ends_where_one_of_the_system_would(place: Path) -> None:
    data = archive(entry("a" * 120, b"x"), link("b", "c" * 120))
    for letter in (b"a", b"c"):
        data = data.replace(letter * 110, letter * 60 + b"\0" + letter * 49)
    write(place, data)
    assert sorted(item.name for item in place.iterdir()) == ["a" * 60, "b"]
    assert os.readlink(place / "b") == "c" * 60


def test_all_names_together_are_bounded(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drybox.environments.tree.MAX_NAMES", 10_000)
    with pytest.raises(BadTree, match="names are too long"):
        write(place, archive(*(link(f"{number}", "x" * 90) for number in range(120))))


def test_an_archive_that_breaks_off_is_no_tree(place: Path) -> None:
    data = archive(entry("one", b"1" * 3000))
    with pytest.raises(BadTree, match="broke off"):
        write(place, data[:2000])


@given(data=st.binary(max_size=3000))
def test_noise_is_refused_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    place = tmp_path_factory.mktemp("noise")
    try:
        write(place, data)
    except BadTree:
        return
    assert list(place.iterdir()) == []
