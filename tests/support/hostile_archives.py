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


def wheel_with_lies(folder: Path, word: str) -> None:
    """A RECORD of files elsewhere, scripts and entry points with paths and shell text, rights."""
    info, up = "hostile-1.0.dist-info", "../" * 12
    points = "".join(
        f"{name} = hostile:{function}\n"
        for name, function in (
            (f"{up}tmp/{word}", "main"),
            (f"/tmp/{word}", "main"),
            (f"a; touch /tmp/{word} #", "main"),
            ("b", f"main(); open('/tmp/{word}', 'w')"),
            ("pip", "main"),
        )
    )
    record = f"{up}etc/passwd,sha256=x,1\n/etc/passwd,,\n{info}/RECORD,,\n\x00,\n\n,,,,,,\n"
    path = folder / "hostile-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {
            "hostile.py": "def main(): pass\n",
            "HOSTILE.py": "def main(): pass\n",
            "hostile.pth": f"import os; os.path.exists('/sandbox') or open('/tmp/{word}', 'w')\n",
            f"hostile-1.0.data/scripts/run;touch {word}": "#!python\n",
            f"hostile-1.0.data/data/share/{word}": "escaped",
            f"hostile-1.0.data/data/{up}tmp/{word}": "escaped",
            f"{info}/METADATA": "Metadata-Version: 2.1\nName: hostile\nVersion: 1.0\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/entry_points.txt": f"[console_scripts]\n{points}",
            f"{info}/direct_url.json": '{"url": "file:///etc/passwd"}',
            f"{info}/RECORD": record,
        }.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = 0o106777 << 16
            archive.writestr(member, text)


def wheel_with_lies_that_are_installed(folder: Path, word: str) -> None:
    """The same without what pip refuses: what is left of it comes out of the sandbox."""
    info = "hostile-1.0.dist-info"
    path = make_wheel(
        folder,
        "hostile",
        "1.0",
        {
            "hostile.py": "def main(): pass\n",
            "hostile.pth": f"import os; os.path.exists('/sandbox') or open('/tmp/{word}', 'w')\n",
            "hostile-1.0.data/data/share/thing": "data",
            f"hostile-1.0.data/scripts/run;touch {word}": "#!python\n",
            f"{info}/entry_points.txt": f"[console_scripts]\na;touch-{word} = hostile:main\n",
        },
    )
    with zipfile.ZipFile(path, "a") as archive:
        member = zipfile.ZipInfo("hostile-1.0.data/scripts/root")
        member.external_attr = 0o106777 << 16
        archive.writestr(member, "#!python\n")


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


LYING = (wheel_with_lies, wheel_with_lies_that_are_installed)
"""Wheels whose lists and names are untrue."""

HOSTILE: dict[str, tuple[Callable[[Path, str], None], ...]] = {
    "python": (
        wheel_with_links,
        wheel_with_much_metadata,
        wheel_with_many_members,
        wheel_with_odd_names,
        wheel_that_is_cut,
        *LYING,
    ),
    "node": (
        npm_with_links,
        npm_with_absolute_names,
        npm_with_much_metadata,
        npm_that_is_a_bomb,
    ),
}
