"""Archives of packages that their makers meant badly; each leaves a word where it gets to."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.support.packages import make_npm, make_wheel

MIB = 1 << 20
OUTSIDE = "/tmp"


def _wheel(folder: Path, add: Callable[[zipfile.ZipFile], None]) -> None:
    path = make_wheel(folder, "hostile", "1.0", {})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        add(archive)


def _npm(folder: Path, add: Callable[[tarfile.TarFile], None]) -> None:
    path = make_npm(folder, "hostile", "1.0.0", {})
    manifest = b'{"name": "hostile", "version": "1.0.0"}'
    with tarfile.open(path, "w:gz") as archive:
        _add(archive, "package/package.json", manifest)
        add(archive)


def _add(archive: tarfile.TarFile, name: str, content: bytes, **fields: object) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    for field, value in fields.items():
        setattr(member, field, value)
    archive.addfile(member, io.BytesIO(content))


def wheel_with_links(folder: Path, word: str) -> None:
    """A link that leads out, then a file by way of it."""

    def add(archive: zipfile.ZipFile) -> None:
        link = zipfile.ZipInfo("hostile/out")
        link.create_system = 3
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, OUTSIDE)
        archive.writestr(f"hostile/out/{word}", "escaped")

    _wheel(folder, add)


def wheel_with_much_metadata(folder: Path, word: str) -> None:
    """Metadata that are a few hundred kilobytes until they are unpacked."""
    info = "hostile-1.0.dist-info"
    path = folder / "hostile-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        text = "Metadata-Version: 2.1\nName: hostile\nVersion: 1.0\n\n"
        archive.writestr(f"{info}/METADATA", text + "x" * (400 * MIB))
        archive.writestr(f"{info}/RECORD", "")


def wheel_with_many_members(folder: Path, word: str) -> None:
    """More files than the disk has inodes."""

    def add(archive: zipfile.ZipFile) -> None:
        for number in range(30_000):
            archive.writestr(f"hostile/{number}", b"")

    _wheel(folder, add)


def wheel_with_odd_names(folder: Path, word: str) -> None:
    """Names that other systems read otherwise, and such as no file has."""

    def add(archive: zipfile.ZipFile) -> None:
        for name in (f"..\\..\\tmp\\{word}", f"C:/tmp/{word}", "x" * 4000, "a/" * 500, "\n\x1b[2J"):
            archive.writestr(name, "escaped")

    _wheel(folder, add)


def wheel_that_is_cut(folder: Path, word: str) -> None:
    """Its list is there, most of what it lists is not."""
    path = make_wheel(folder, "hostile", "1.0", {"hostile.py": "x = 1\n" * 10_000})
    content = path.read_bytes()
    path.write_bytes(content[:64] + content[len(content) // 2 :])


def npm_with_links(folder: Path, word: str) -> None:
    """Symbolic and hard links that lead out, then files by way of them."""

    def add(archive: tarfile.TarFile) -> None:
        _add(archive, "package/out", b"", type=tarfile.SYMTYPE, linkname=OUTSIDE)
        _add(archive, f"package/out/{word}", b"escaped")
        _add(archive, "package/hard", b"", type=tarfile.LNKTYPE, linkname="../../../etc/passwd")
        _add(archive, "package/hard", b"escaped")
        _add(archive, "package/disk", b"", type=tarfile.BLKTYPE, devmajor=254, devminor=0)
        _add(archive, "package/fifo", b"", type=tarfile.FIFOTYPE)

    _npm(folder, add)


def npm_with_absolute_names(folder: Path, word: str) -> None:
    """Names from the root on, and from a folder above."""

    def add(archive: tarfile.TarFile) -> None:
        for name in (f"/tmp/{word}", f"//tmp/{word}", f"package/../../../../../../tmp/{word}"):
            _add(archive, name, b"escaped", mode=0o4777)

    _npm(folder, add)


def npm_with_much_metadata(folder: Path, word: str) -> None:
    """A manifest that is small until it is unpacked."""
    blanks = b'{"name": "hostile", "version": "1.0.0"' + b" " * (300 * MIB) + b"}"
    path = make_npm(folder, "hostile", "1.0.0", {})
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        _add(archive, "package/package.json", blanks)


def npm_that_is_a_bomb(folder: Path, word: str) -> None:
    """Zeros without end, nearly."""
    _npm(folder, lambda archive: _add(archive, "package/bomb", bytes(400 * MIB)))


HOSTILE: dict[str, tuple[Callable[[Path, str], None], ...]] = {
    "python": (
        wheel_with_links,
        wheel_with_much_metadata,
        wheel_with_many_members,
        wheel_with_odd_names,
        wheel_that_is_cut,
    ),
    "node": (
        npm_with_links,
        npm_with_absolute_names,
        npm_with_much_metadata,
        npm_that_is_a_bomb,
    ),
}
