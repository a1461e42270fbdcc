"""The local backend: opens sandboxes of Linux namespaces."""

from __future__ import annotations

import itertools
import os
import secrets
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from drybox.backends.local import bubblewrap, cgroup, doctor, layout, packages
from drybox.backends.local.cgroup import Cgroup, Place
from drybox.backends.local.cgroup_tree import CONTROLLERS
from drybox.backends.local.channel import Line
from drybox.backends.local.layout import Layout, Tree, is_open
from drybox.backends.local.newcomers import Newcomers
from drybox.backends.local.preparation import prepare
from drybox.backends.local.sandbox import LocalSandbox, apply_limits
from drybox.backends.local.ticker import Ticker
from drybox.backends.local.toolchain import FoundToolchain, find_toolchain
from drybox.backends.local.warden_client import WardenClient
from drybox.errors import Unavailable, Unsupported
from drybox.guest import seccomp
from drybox.guest.binary import init_path
from drybox.guest.protocol import GuestFileError, GuestGone, Seal
from drybox.model import File, ResourceLimits
from drybox.protocols import Language, SandboxSpec, Support

UID_BASE, UID_COUNT = 1_879_048_192, 200_000_000
"""Users that root's sandboxes run as, one each: above every range that systemd's table of
user ids (UIDS-GIDS.md) gives to people, services, containers or dynamic users."""

OPEN_PATIENCE = 20.0
"""Seconds until a sandbox must be sealed."""

INODE_BYTES = 4096
"""One file, folder or link may exist for so many bytes of disk, but 1024 always."""


@dataclass(frozen=True, slots=True)
class Kit:
    """All that sandboxes of one toolchain have in common."""

    found: FoundToolchain
    toolchain: str
    arguments: list[str]
    files: tuple[File, ...]
    env: Mapping[str, str]


class LocalBackend:
    """Sandboxes through bubblewrap, no daemon and no root needed.

    Args:
        allow_weaker: Guarantees that may be missing here: of ``drybox.backends.WEAKENABLE``.
        progress: Told what is being prepared when that takes seconds.
    """

    name = "local"

    def __init__(
        self,
        *,
        allow_weaker: Iterable[str] = (),
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._allow_weaker = frozenset(allow_weaker)
        self._progress = progress
        self._start_lock = anyio.Lock(fast_acquire=True)
        self._tasks: TaskGroup
        self._warden: WardenClient | None = None
        self._place = Place(0)
        self._kits: dict[tuple[str, ...], Kit] = {}
        self._unstaged = False
        self._weakened: tuple[str, ...] = ()
        self._filter = b""
        self._filter_problem = ""
        self._filter_ready: anyio.Event
        self._ticker = Ticker()
        self._newcomers = Newcomers(self._ticker)
        self._uids = itertools.count(secrets.randbelow(UID_COUNT))

    async def check(self) -> Support:
        """Say what is guaranteed here and how to mend what is not. Never raises."""
        return await anyio.to_thread.run_sync(doctor.check)

    async def version(self, language: Language, version: str) -> str:
        """Full version of the toolchain that would run.

        Raises:
            Unsupported: There is none; the hint says how to get it.
        """
        find = partial(find_toolchain, language.name, language.toolchain, version)
        return (await anyio.to_thread.run_sync(find)).version

    async def serves(self, language: Language, version: str, *, installs: bool = False) -> bool:
        """Whether this host is one that it works on at all; what is missing, ``open`` says."""
        return True

    async def open(self, spec: SandboxSpec) -> LocalSandbox:
        """Make a sealed, idle sandbox.

        Raises:
            Unsupported: A guarantee cannot be enforced here, or the toolchain is missing.
            Unavailable: No sandbox could be made this time.
        """
        async with self._start_lock:
            if self._warden is None or self._warden.ended:
                await self._start()
            kit = await self._kit(spec)
        return await self._open(spec, kit)

    async def __aenter__(self) -> LocalBackend:
        """Get ready; the warden starts with the first sandbox."""
        self._tasks = await anyio.create_task_group().__aenter__()
        self._filter_ready = anyio.Event()
        self._tasks.start_soon(self._compile_filter)
        self._tasks.start_soon(self._newcomers.grow_up)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Destroy every sandbox and the warden."""
        warden, self._warden = self._warden, None
        with anyio.CancelScope(shield=True):
            if warden is not None:
                await warden.close()
        self._ticker.close()
        self._tasks.cancel_scope.cancel()
        await self._tasks.__aexit__(None, None, None)

    # --- once per backend ----------------------------------------------------------

    async def _start(self) -> None:
        """Settle what is enforceable here, then start the warden.

        Raises:
            Unsupported: Something is not, and was not given up.
            Unavailable: The warden did not start.
        """
        bubblewrap.require()
        init_path()
        cgroup.step_aside()
        place = cgroup.find_place()
        self._give_up(place.missing)
        if self._warden is not None:  # killed, and its stage and its sandboxes with it
            await self._warden.close()
            self._kits.clear()
        warden = await WardenClient.start(self._tasks, place.folders, own_scope=place.needs_scope)
        try:
            if place.needs_scope:
                place = cgroup.scope_place(warden.scope)
                self._give_up(place.missing)
            await self._filter_ready.wait()
            if self._filter_problem:
                self._give_up({"seccomp": self._filter_problem})
        except BaseException:
            await warden.close()
            raise
        instance = dict(zip(place.folders, warden.instances, strict=True))
        self._place = replace(place, dirs={k: instance[f] for k, f in place.dirs.items()})
        self._warden = warden
        self._ticker.start()

    async def _compile_filter(self) -> None:
        """In a thread, for it takes as long as starting the warden does."""
        try:
            self._filter = await anyio.to_thread.run_sync(seccomp.filter_program)
        except seccomp.SeccompUnavailable as error:
            self._filter_problem = str(error)
        self._filter_ready.set()

    def _give_up(self, missing: Mapping[str, str]) -> None:
        for what, why in missing.items():
            if what not in self._allow_weaker:
                raise Unsupported(
                    f"the {what} limit cannot be enforced here: {why}."
                    if what in CONTROLLERS
                    else f"{what} cannot be enforced here: {why}.",
                    hint=doctor.fix_for(what),
                    what=what,
                )
        self._weakened = tuple(sorted({*self._weakened, *missing}))

    # --- once per toolchain --------------------------------------------------------

    async def _kit(self, spec: SandboxSpec) -> Kit:
        key: tuple[str, ...] = (spec.language.name, spec.version)
        if spec.package_dir:
            key += packages.identity(spec.package_dir)
        if key not in self._kits:
            found, made = await anyio.to_thread.run_sync(self._find, spec)
            tree = layout.make_tree(made, init_path())
            bwrap, root, files = await self._stage(tree, bubblewrap.require())
            # Root's spares wait in a network of their own, which takes the kernel long to make.
            arguments = layout.sandbox_arguments(
                bwrap, made.env["PATH"], root, has_network=os.geteuid() == 0
            )
            self._kits[key] = Kit(found, found.key, arguments, files, made.env)
        return self._kits[key]

    def _find(self, spec: SandboxSpec) -> tuple[FoundToolchain, Layout]:
        language = spec.language
        found = find_toolchain(language.name, language.toolchain, spec.version)
        mounts = [
            prepare(item, found, bubblewrap.require(), self._progress)
            for item in language.toolchain.preparations
        ]
        if spec.package_dir:
            mounts += packages.mounts(spec.package_dir, language.toolchain, found.home)
        more = tuple(mount for mount in mounts if mount is not None)
        return found, replace(found.layout, mounts=(*found.layout.mounts, *more))

    async def _stage(self, tree: Tree, bwrap: str) -> tuple[str, list[str], tuple[File, ...]]:
        """Where bubblewrap is, its arguments that make the tree, and the files left to write.

        Raises:
            Unavailable: Without a stage the set-aside user of root's sandboxes would not
                reach the toolchain.
        """
        assert self._warden is not None
        is_root = os.geteuid() == 0
        hidden = is_root and not all(is_open(mount.source) for mount in tree.mounts)
        home = bubblewrap.home(bwrap)
        homes = [home] if is_root and not is_open(bwrap) else []
        if not self._unstaged:
            try:
                root, *exposed = await self._warden.stage(tree, homes)
            except Unavailable:
                # A host may let bubblewrap mount and nobody else; it is only slower then.
                if hidden or homes or self._warden.ended:
                    raise
                self._unstaged = True
            else:
                reachable = [*exposed, home][0] + bwrap[len(home) :]
                return reachable, ["--dev-bind", root, "/"], ()
        return bwrap, tree.arguments(), tree.files

    # --- once per sandbox ----------------------------------------------------------

    async def _open(self, spec: SandboxSpec, kit: Kit) -> LocalSandbox:
        assert self._warden is not None
        ours, theirs = socket.socketpair()
        read_errors, write_errors = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        uid = self._new_uid()
        with theirs:
            try:
                number, name = await self._warden.spawn(
                    kit.arguments, uid, (theirs.fileno(), write_errors)
                )
            except BaseException:
                ours.close()
                os.close(read_errors)
                raise
            finally:
                os.close(write_errors)
        stream = Line(ours)
        box = Cgroup(self._place, name)
        sandbox = LocalSandbox(
            stream,
            self._warden,
            number,
            box,
            kit.found,
            kit.env,
            self._weakened,
            kit.toolchain,
            self._newcomers,
        )
        try:
            apply_limits(box, spec.limits)
            with anyio.fail_after(OPEN_PATIENCE):
                await sandbox.seal(self._seal(spec.limits), kit.files)
        except (GuestGone, GuestFileError, TimeoutError) as error:
            await sandbox.close()
            raise bubblewrap.explain(_drain(read_errors), error) from error
        except OSError as error:
            await sandbox.close()
            raise Unavailable(
                f"a limit could not be set: {error.strerror}: {error.filename}.",
                hint="Run 'drybox doctor' to see what this host is missing.",
            ) from error
        except BaseException:
            await sandbox.close()
            raise
        finally:
            os.close(read_errors)
        return sandbox

    def _seal(self, limits: ResourceLimits) -> Seal:
        return Seal(
            seccomp=self._filter,
            disk=limits.disk,
            inodes=max(1024, limits.disk // INODE_BYTES),
        )

    def _new_uid(self) -> int | None:
        """A user of the sandbox's own when drybox is root, who else would be it outside."""
        if os.geteuid():
            return None
        return UID_BASE + next(self._uids) % UID_COUNT


def _drain(fd: int) -> str:
    try:
        return os.read(fd, 4000).decode("utf-8", "replace").strip()
    except OSError:
        return ""
