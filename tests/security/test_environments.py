"""Attacks by packages of an environment on the host, and by programs on environments."""

from __future__ import annotations

import os
import secrets
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support import host
from tests.support.environments import make_index, using
from tests.support.hostile_archives import HOSTILE, LYING
from tests.support.packages import make_wheel

from drybox import CodeExecutor, Environment, ExecutionRequest, Unavailable

pytestmark = pytest.mark.promise("ENV-3")

CENTRAL = b"PK\x01\x02"
"""How each entry of a zip archive's own list begins."""

HARMLESS = {"hostile.py": "X = 1\n"}


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return make_index(tmp_path / "index")


def make_hostile(index: Path, members: dict[str, bytes | int], links: dict[str, str]) -> None:
    """A wheel ``hostile`` with further members: contents, sizes of zeros, or links."""
    path = make_wheel(index, "hostile", "1.0", HARMLESS)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, bytes(content) if isinstance(content, int) else content)
        for name, target in links.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o120777 << 16
            archive.writestr(info, target)


def build(index: Path, store: Path, *, preload: tuple[str, ...] = ()) -> CodeExecutor:
    hostile = Environment("hostile", "python", packages=["hostile"], preload=preload)
    executor = CodeExecutor(
        environments=[hostile], environment_dir=store, isolation="local", pool=None
    )
    with using(index):
        executor.build_environment("hostile")
    return executor


def marks(root: Path) -> Iterator[Path]:
    yield from root.rglob("escaped*")


@pytest.mark.parametrize(
    "name", ["/tmp/escaped", "../../../../../../../../tmp/escaped", "hostile/../../../../escaped"]
)
def test_a_wheel_with_paths_that_lead_out_is_refused(
    index: Path, tmp_path: Path, name: str
) -> None:
    make_hostile(index, {name: b"escaped"}, {})
    with pytest.raises(Unavailable, match="could not be installed") as told:
        build(index, tmp_path / "store")
    assert "hostile" in getattr(told.value, "output", "")
    assert not Path("/tmp/escaped").exists()
    assert list(marks(tmp_path)) == []
    assert list((tmp_path / "store" / "records").glob("*")) == []


def test_links_in_a_wheel_become_plain_files_or_nothing(index: Path, tmp_path: Path) -> None:
    make_hostile(index, {}, {"passwd": "/etc/passwd", "up": "../../../../../.."})
    with build(index, tmp_path / "store") as executor:
        result = executor.execute("python", "print(1)", environment="hostile")
    assert result.stdout == "1\n"
    (tree,) = (tmp_path / "store" / "trees").iterdir()
    assert [path for path in tree.rglob("*") if path.is_symlink()] == []


def test_code_of_a_package_runs_in_the_sandboxes_that_ask_for_it_alone(
    index: Path, tmp_path: Path
) -> None:
    """A .pth file and a module that is preloaded try to write where drybox itself could."""
    mark = tmp_path / "mark"
    code = f"import os; open({str(mark)!r}, 'w').close()"
    line = f"import os; os.path.isdir({str(tmp_path)!r}) and exec({code!r})\n"
    make_hostile(index, {"hostile.pth": line.encode()}, {})
    with build(index, tmp_path / "store", preload=("hostile",)) as executor:
        result = executor.execute(
            "python", "import hostile; print(hostile.X)", environment="hostile"
        )
        other = executor.execute("python", "import sys; print('hostile' in sys.modules)")
    assert result.stdout == "1\n"
    assert other.stdout == "False\n"
    assert not mark.exists()


def test_a_wheel_that_says_it_is_huge_is_refused_before_it_is_unpacked(
    index: Path, tmp_path: Path
) -> None:
    path = make_wheel(index, "hostile", "1.0", HARMLESS)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for number in range(64):
            archive.writestr(f"zeros{number}", bytes(1000))
    data = bytearray(path.read_bytes())
    at = data.find(CENTRAL)
    while at >= 0:
        data[at + 24 : at + 28] = (0xFFFFFF00).to_bytes(4, "little")
        at = data.find(CENTRAL, at + 1)
    path.write_bytes(bytes(data))
    with pytest.raises(Unavailable, match="GiB, and at most"):
        build(index, tmp_path / "store")
    assert list((tmp_path / "store" / "unfinished").iterdir()) == []


def test_a_wheel_that_is_larger_than_it_says_is_no_larger_once_it_is_installed(
    index: Path, tmp_path: Path
) -> None:
    path = make_wheel(index, "hostile", "1.0", HARMLESS)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(600 << 20))
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = data.rfind(mark, 0, data.rfind(b"zeros") if offset == 24 else len(data) - 200)
        data[at + offset : at + offset + 4] = (1000).to_bytes(4, "little")
    path.write_bytes(bytes(data))
    with pytest.raises(Unavailable):
        build(index, tmp_path / "store")
    assert list((tmp_path / "store" / "unfinished").iterdir()) == []


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(
            make,
            id=make.__name__,
            # By day those alone that no other test builds.
            marks=[pytest.mark.nightly] * (make not in LYING),
        )
        for make in HOSTILE["python"]
    ],
)
def test_a_hostile_wheel_leaves_what_is_inside_or_nothing(
    index: Path, tmp_path: Path, make: Callable[[Path, str], None]
) -> None:
    word = f"escaped-{secrets.token_hex(8)}"
    make(index, word)
    before, store = host.resident(os.getpid()), tmp_path / "store"
    try:
        executor = build(index, store)
    except Unavailable:
        assert list((store / "records").glob("*")) == []
    else:
        with executor:
            result = executor.execute("python", "print(1)", environment="hostile")
        assert result.stdout == "1\n"
        (tree,) = (store / "trees").iterdir()
        for path in tree.rglob("*"):
            mode = path.lstat().st_mode
            assert stat.S_ISDIR(mode) or stat.S_ISREG(mode), path
            assert mode & 0o7022 == 0, path
    assert host.resident(os.getpid()) - before < 128 << 20
    assert list((store / "unfinished").iterdir()) == []
    assert [at for at in ("/tmp", "/sandbox", "/build", "/") if Path(at, word).exists()] == []


def test_nobody_but_its_owner_can_write_a_store(index: Path, tmp_path: Path) -> None:
    make_hostile(index, {"data": b"x"}, {})
    build(index, tmp_path / "store").close()
    for path in (tmp_path / "store").rglob("*"):
        assert path.lstat().st_mode & 0o022 == 0, path


def test_what_a_program_does_to_an_environment_no_other_sees(index: Path, tmp_path: Path) -> None:
    make_hostile(index, {}, {})
    code = (
        "import fcntl, hostile\n"
        "file = open(hostile.__file__)\n"
        "try:\n    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "except OSError as error:\n    print('locked', error)\n"
        "print('done')\nimport time; time.sleep(3)\n"
    )
    with build(index, tmp_path / "store") as executor:
        request = ExecutionRequest("python", code, environment="hostile")
        results = executor.execute_many([request, request])
    assert [result.stdout for result in results] == ["done\n", "done\n"]
