"""What a daemon is given of a folder of packages, and what of it is not."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from drybox import Unsupported
from drybox.backends.docker.images import package_image
from drybox.backends.docker.images.package_image import archive, fingerprint, label, staleness

pytestmark = pytest.mark.promise("RES-3")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "python"
    (place / "deep").mkdir(parents=True)
    (place / "a-1.0.whl").write_bytes(b"a" * 1000)
    (place / "deep" / "b-1.0.whl").write_bytes(b"")
    for path in (place, *place.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return place


def unpacked(folder: Path, key: str = "") -> dict[str, tarfile.TarInfo]:
    data = b"".join(archive(str(folder), "/packages", key))
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {member.name: member for member in tar}


def test_a_folder_is_sent_whole(folder: Path) -> None:
    data = b"".join(archive(str(folder), "/packages", fingerprint(str(folder))))
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        names = ["packages", "packages/a-1.0.whl", "packages/deep", "packages/deep/b-1.0.whl"]
        assert tar.getnames() == names
        file = tar.extractfile("packages/a-1.0.whl")
        assert file is not None
        assert file.read() == b"a" * 1000
        assert {member.uid for member in tar} == {0}
        assert tar.getmember("packages/a-1.0.whl").mode == 0o644


def test_names_may_be_long_and_of_any_bytes(folder: Path) -> None:
    name = "n" * 180
    Path(folder, "deep", name).touch(0o644)
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff")).touch(0o644)
    assert {f"packages/deep/{name}", "packages/\udcff"} <= {*unpacked(folder)}


def test_a_single_file_has_the_folders_above_it(folder: Path) -> None:
    data = b"".join(archive(str(folder / "a-1.0.whl"), "/opt/tool/a"))
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert [(member.name, member.mode) for member in tar] == [
            *(("opt", 0o755), ("opt/tool", 0o755), ("opt/tool/a", 0o644))
        ]


def test_the_folder_itself_may_be_a_link(folder: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(folder)
    assert unpacked(link).keys() == unpacked(folder).keys()
    assert fingerprint(str(link)) == fingerprint(str(folder))


def test_links_lead_nowhere_but_into_the_folder(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (folder / "inner").symlink_to("deep/b-1.0.whl")
    (folder / "outer").symlink_to("../secret")
    (folder / "absolute").symlink_to(tmp_path / "secret")
    (folder / "deep" / "climber").symlink_to("../../../../../../etc")
    (folder / "outside").symlink_to(tmp_path, target_is_directory=True)
    found = unpacked(folder)
    links = {name: item.linkname for name, item in found.items() if item.issym()}
    assert links == {"packages/inner": "deep/b-1.0.whl"}
    assert not [name for name in found if "out" in name or "secret" in name]


def test_what_is_no_file_is_left_out(folder: Path) -> None:
    os.mkfifo(folder / "pipe", 0o666)
    assert "packages/pipe" not in unpacked(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda at: (at / "c-1.0.whl").touch(0o644),
        lambda at: (at / "a-1.0.whl").unlink(),
        lambda at: (at / "a-1.0.whl").rename(at / "a-1.1.whl"),
        lambda at: (at / "a-1.0.whl").write_bytes(b"b" * 999),
        lambda at: (at / "a-1.0.whl").chmod(0o755),
        lambda at: (at / "link").symlink_to("deep"),
        lambda at: (at / "empty").mkdir(0o755),
    ],
    ids=["added", "removed", "renamed", "rewritten", "mode", "link", "folder"],
)
def test_a_fingerprint_tells_of_every_change(folder: Path, change: Callable[[Path], None]) -> None:
    before = fingerprint(str(folder))
    assert fingerprint(str(folder)) == before
    change(folder)
    assert fingerprint(str(folder)) != before
    with pytest.raises(Unsupported, match="changed"):
        unpacked(folder, before)


def test_the_time_of_a_file_alone_hides_no_change(folder: Path) -> None:
    file = folder / "a-1.0.whl"
    before, state = fingerprint(str(folder)), file.stat()
    file.write_bytes(b"b" * 1000)
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert fingerprint(str(folder)) != before


def test_a_file_that_changes_as_it_is_read_is_not_used(folder: Path) -> None:
    (folder / "a-1.0.whl").write_bytes(bytes(3 * package_image.PIECE))
    pieces = archive(str(folder), "/packages")
    while len(next(pieces)) != package_image.PIECE:
        pass
    os.truncate(folder / "a-1.0.whl", 1)
    with pytest.raises(Unsupported, match=r"'a-1\.0\.whl' changed"):
        next(pieces)


@pytest.mark.parametrize("path", [".", "deep", "a-1.0.whl"])
def test_what_only_its_owner_may_read_is_no_package(folder: Path, path: str) -> None:
    (folder / path).chmod(0o700 if os.geteuid() == 0 else 0o000)
    try:
        with pytest.raises(Unsupported, match="packages cannot be installed from") as caught:
            fingerprint(str(folder))
        assert f"chmod -R a+rX '{folder}'" in caught.value.hint
    finally:
        (folder / path).chmod(0o755)


def test_a_folder_that_is_gone_is_no_folder(folder: Path) -> None:
    shutil.rmtree(folder)
    with pytest.raises(Unsupported, match="No such file"):
        fingerprint(str(folder))


@pytest.mark.parametrize("bound", ["MAX_ENTRIES", "MAX_BYTES"])
def test_a_folder_may_be_too_large(
    folder: Path, bound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package_image, bound, 3)
    with pytest.raises(Unsupported, match="holds more than") as caught:
        fingerprint(str(folder))
    assert "isolation='local'" in caught.value.hint


def test_an_image_is_stale_once_its_folder_holds_something_else(folder: Path) -> None:
    word, key = label(str(folder)), fingerprint(str(folder))
    assert staleness(word, key) == ""
    (folder / "c-1.0.whl").touch(0o644)
    assert staleness(word, key) == "its folder of packages has changed"
    shutil.rmtree(folder)
    assert staleness(word, key) == "its folder of packages is gone"
    assert staleness(f"elsewhere:{folder}", key) == ""  # nobody here can tell
