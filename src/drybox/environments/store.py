"""Built environments on this host: folders named by their content, and records of what they are.

A folder is whole or not there: it is filled below ``unfinished`` and moved to its place at the end,
and only then is its record written. Whoever uses one holds a shared lock on it, so that it is not
removed meanwhile; whoever builds holds a lock on what it builds. The kernel lets go of both when a
process ends, however that happens.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from drybox.environments.definition import FORMAT, wanted_of
from drybox.environments.environment import BuiltEnvironment, Environment
from drybox.errors import InvalidRequest, Unavailable
from drybox.host.paths import cache_dir, data_dir
from drybox.host.workplace import clear, workplace

DIGEST = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Package:
    """One package of an environment.

    Attributes:
        name: Its name.
        version: Its version.
        licence: What it says of its licence; "" if nothing.
        size: Bytes of its files once installed.
        archive: Name of the archive that it came in.
        sha256: Digest of that archive.
    """

    name: str
    version: str
    licence: str = ""
    size: int = 0
    archive: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class BuildRecord:
    """What was built for a definition and a toolchain.

    Attributes:
        key: Of the definition and the toolchain; see :func:`key_of`.
        name: Name of the environment when it was built.
        language: Its language.
        version: Full version of the toolchain that it was built for.
        digest: Of its content.
        preload: Modules that were imported once, to see that they can be.
        packages: All packages in it.
        size: Bytes of its files.
        files: How many there are.
        lock: Identity of the lock that it was built from.
        target: What its packages fit, for people.
        built_at: When, as ISO 8601 has it.
        wanted: What it was built to hold; see :func:`wanted_of`. "" if an older drybox built it.
    """

    key: str
    name: str
    language: str
    version: str
    digest: str
    preload: tuple[str, ...]
    packages: tuple[Package, ...]
    size: int
    files: int
    lock: str
    target: str
    built_at: str
    wanted: str = ""

    def to_json(self) -> str:
        """It as a document."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, sort_keys=True)

    @classmethod
    def of_json(cls, text: str) -> BuildRecord:
        """What a document says.

        Raises:
            ValueError: It is none of a record, or of another format.
        """
        document = json.loads(text)
        try:
            if document.pop("format") != FORMAT or not DIGEST.fullmatch(document["digest"]):
                raise ValueError("another format")
            packages = tuple(Package(**item) for item in document.pop("packages"))
            preload = tuple(document.pop("preload"))
            return cls(**document, packages=packages, preload=preload)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(str(error)) from error


class EnvironmentStore:
    """The folder of environments. Its methods block, though not for long.

    Args:
        folder: The folder; None for the user's usual one.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        self.folder = Path(folder) if folder else data_dir() / "environments"
        self._held: dict[str, int] = {}

    def find(self, key: str) -> BuildRecord | None:
        """What was built for a key, if all of it is there."""
        try:
            record = BuildRecord.of_json(self._record(key).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return record if self.tree(record.digest).is_dir() else None

    def records(self) -> list[BuildRecord]:
        """Everything that was built and is whole, the newest last."""
        names = [path.stem for path in self.folder.glob("records/*.json")]
        found = [record for name in names if (record := self.find(name)) is not None]
        return sorted(found, key=lambda record: (record.built_at, record.key))

    def of(self, environment: Environment) -> list[BuildRecord]:
        """What is built of an environment as it is defined now, under whatever name it was built.

        For all toolchains of the version that it asks for.
        """
        try:
            wanted = wanted_of(environment)
        except InvalidRequest:  # its file cannot be read today
            wanted = ""
        version = environment.version

        def is_it(record: BuildRecord) -> bool:
            if version and not f"{record.version}.".startswith(f"{version}."):
                return False
            if wanted and record.wanted:
                return record.wanted == wanted
            return record.name == environment.name

        return list(filter(is_it, self.records()))

    def tree(self, digest: str) -> Path:
        """Where the content of a digest is."""
        return self.folder / "trees" / digest

    def use(self, record: BuildRecord) -> BuiltEnvironment:
        """Have it stay until :meth:`release`, or until this process ends.

        Raises:
            Unavailable: It is gone, or is being removed.
        """
        tree = self.tree(record.digest)
        if record.digest not in self._held:
            lock = self._open_lock(f"tree-{record.digest}")
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                os.close(lock)
                raise _gone(record) from None
            if not tree.is_dir():
                os.close(lock)
                raise _gone(record)
            self._held[record.digest] = lock
        return BuiltEnvironment(record.digest, str(tree), record.preload)

    def release(self) -> None:
        """Let go of everything in use."""
        while self._held:
            os.close(self._held.popitem()[1])

    def begin(self, word: str) -> int | None:
        """Become the only one who builds this, until the descriptor that it gives is closed.

        Returns:
            The descriptor; None while somebody else builds it.
        """
        lock = self._open_lock(f"build-{word}")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        return lock

    def hold_archives(self) -> int:
        """Have archives stay that no record names yet. Waits while they are pruned.

        Returns:
            The descriptor that holds them until it is closed.
        """
        lock = self._open_lock("archives")
        fcntl.flock(lock, fcntl.LOCK_SH)
        return lock

    def archives(self, language: str) -> Path:
        """The folder of a language's archives, made if need be."""
        return self._make(f"archives/{language}")

    def note_path(self, kind: str, name: str) -> Path:
        """Where something small is kept, in a folder that is there."""
        return self._make(kind) / f"{name}.json"

    @contextmanager
    def workplace(self) -> Iterator[Path]:
        """A folder to fill, which is gone at the end, also if this process is killed."""
        with workplace(self._make("unfinished"), swept=True) as folder:
            yield folder

    def keep(self, content: Path, digest: str) -> None:
        """Put content at its place, where it stays until :meth:`release`.

        Nobody takes it away before its record is written.

        Args:
            content: A folder below :meth:`workplace`; moved unless the same is there already.
            digest: Its digest, which names the place.
        """
        self._make("trees")
        tree = self.tree(digest)
        if digest not in self._held:
            self._held[digest] = self._open_lock(f"tree-{digest}")
            fcntl.flock(self._held[digest], fcntl.LOCK_SH)
        if not tree.is_dir():
            _sync(content)
            with contextlib.suppress(FileExistsError):  # somebody else had the same
                content.rename(tree)

    def note(self, record: BuildRecord) -> None:
        """Write a record down, the last step of a build."""
        write_whole(self._make("records") / f"{record.key}.json", record.to_json())

    def forget(self, record: BuildRecord) -> bool:
        """Remove a record, and its content unless somebody uses it or another record names it.

        Returns:
            Whether the content is gone.
        """
        with contextlib.suppress(FileNotFoundError):
            self._record(record.key).unlink()
        if any(other.digest == record.digest for other in self.records()):
            return False
        return self._remove_tree(record.digest)

    def prune(self, known: Iterable[Environment] | None = None) -> tuple[list[str], int]:
        """Remove what no record names and nobody uses: content, archives, what killed builds left.

        While something is built, archives stay.

        Args:
            known: The environments whose records stay; None for all records.

        Returns:
            Names of what is gone, and its bytes.
        """
        left = clear(self._make("unfinished"))
        for folder in cache_dir().glob("*/"):  # of toolchains and kernels
            left |= clear(folder)
        if known is not None:
            needed = {record.key for item in known for record in self.of(item)}
            for record in self.records():
                if record.key not in needed:
                    self._record(record.key).unlink(missing_ok=True)
        digests = {record.digest for record in self.records()}
        gone, freed = list(left), sum(left.values())
        for tree in self.folder.glob("trees/*"):
            size = _size(tree)
            if tree.name not in digests and self._remove_tree(tree.name):
                gone, freed = [*gone, tree.name], freed + size
        lock = self._open_lock("archives")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Looked at now that nobody builds: what was built meanwhile needs its archives.
            archives = {item.archive for record in self.records() for item in record.packages}
            for archive in self.folder.glob("archives/*/*"):
                if archive.name not in archives:
                    size = _size(archive)
                    _remove(archive)
                    gone, freed = [*gone, archive.name], freed + size
        except BlockingIOError:  # who builds needs some that no record names
            pass
        finally:
            os.close(lock)
        return gone, freed

    def _remove_tree(self, digest: str) -> bool:
        lock = self._open_lock(f"tree-{digest}")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        else:
            with (
                workplace(self._make("unfinished")) as away,
                contextlib.suppress(FileNotFoundError),
            ):
                self.tree(digest).rename(away / digest)
            return True
        finally:
            os.close(lock)

    def _record(self, key: str) -> Path:
        return self.folder / "records" / f"{key}.json"

    def _make(self, name: str) -> Path:
        path = self.folder / name
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(
                f"the folder of environments {self.folder} cannot be written: {error.strerror}.",
                hint="Set environment_dir in the configuration to a folder that can.",
            ) from error
        return path

    def _open_lock(self, name: str) -> int:
        path = self._make("locks") / name
        try:
            return os.open(path, os.O_CREAT | os.O_RDONLY | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise Unavailable(
                f"the folder of environments {self.folder} cannot be written: {error.strerror}.",
                hint="Set environment_dir in the configuration to a folder that can.",
            ) from error


def write_whole(path: Path, text: str) -> None:
    """Replace a file in one step.

    Raises:
        OSError: It cannot be written; what was there is there.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with open(partial, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


def described(record: BuildRecord) -> Mapping[str, Any]:
    """A record as JSON's own types."""
    return {item.name: getattr(record, item.name) for item in fields(record)}


def _size(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    if not path.is_dir():
        return path.lstat().st_size
    return sum(
        os.lstat(os.path.join(at, name)).st_size for at, _, names in os.walk(path) for name in names
    )


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Have the file system write what it holds, so that no power cut leaves a named half."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _gone(record: BuildRecord) -> Unavailable:
    return Unavailable(
        f"environment {record.name!r} is being removed.", hint="Build it: drybox env build."
    )
