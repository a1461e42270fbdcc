"""The local backend: opens sandboxes of Linux namespaces."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from drybox.backends.base import SandboxSpec, Support
from drybox.backends.local.cgroups import cgroup
from drybox.backends.local.cgroups.cgroup import Cgroup, CgroupLocation
from drybox.backends.local.cgroups.reschedule_timer import RescheduleTimer
from drybox.backends.local.cgroups.socket_watch import SocketWatch
from drybox.backends.local.cgroups.startup_boost import StartupBoost
from drybox.backends.local.launchers import bubblewrap
from drybox.backends.local.rootfs import layout, package_mounts
from drybox.backends.local.rootfs.layout import Tree, is_open
from drybox.backends.local.rootfs.mount_namespace import DEVICES
from drybox.backends.local.rootfs.prepared_toolchains import PreparedToolchains
from drybox.backends.local.rootfs.toolchain import find_toolchain, found_versions
from drybox.backends.local.rootfs.toolchain_rootfs import ToolchainRootfs, command_lines
from drybox.backends.local.sandbox import LocalSandbox, apply_limits
from drybox.backends.local.supervisor.client import SupervisorClient
from drybox.backends.local.supervisor.sockets import SandboxSocket
from drybox.backends.local.templates import Template, Templates, TemplateSandbox, new_key
from drybox.backends.local.users import Users
from drybox.backends.preparations import Preparations
from drybox.errors import Unavailable, Unsupported
from drybox.guest.connection import Seal
from drybox.guest.frames import GuestFileError, GuestGone, Purpose
from drybox.guest.init_binary import init_path
from drybox.guest.seccomp import filter as seccomp
from drybox.guest.seccomp.filter import template_filter
from drybox.job import File
from drybox.languages.base import Language
from drybox.languages.prestart import PrestartedProcess
from drybox.model import ResourceLimits

OPEN_TIMEOUT = 20.0
"""Seconds until a sandbox must be sealed."""

INODE_BYTES = 4096
"""One file, folder or link may exist for so many bytes of disk, but 1024 always."""


class LocalBackend:
    """Sandboxes through bubblewrap, no daemon and no root needed.

    Args:
        allow_weaker: Guarantees that may be missing here: of
            ``drybox.backends.registry.WEAKENABLE``.
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
        self.preparations = Preparations(progress)
        self._toolchains = PreparedToolchains(self.preparations)
        self._start_lock = anyio.Lock(fast_acquire=True)
        self._tasks: TaskGroup
        self._supervisor: SupervisorClient | None = None
        self._location = CgroupLocation(0)
        self._rootfs: dict[tuple[str, ...], ToolchainRootfs] = {}
        self._no_shared_mounts = False
        self._may_share = False
        self._weakened: tuple[str, ...] = ()
        self._filter = b""
        self._filter_problem = ""
        self._filter_ready: anyio.Event
        self._reschedule_timer = RescheduleTimer()
        self._boost = StartupBoost(self._reschedule_timer)
        self._sockets = SocketWatch()
        self._templates = Templates()
        self._users = Users()

    async def check(self) -> Support:
        """Say what is guaranteed here and how to mend what is not. Never raises."""
        from drybox.backends.local import doctor  # a run has no need of it

        return await anyio.to_thread.run_sync(doctor.check)

    async def version(self, language: Language, version: str) -> str:
        """Full version of the toolchain that would run."""

        def find() -> str:
            found = find_toolchain(language.name, language.toolchain, version)
            for tool in language.toolchain.tools:
                package_mounts.tool_mounts(tool, found.home)
            return found.version

        return await anyio.to_thread.run_sync(find)

    async def versions(self, language: Language) -> list[str]:
        """Full versions of the toolchains that are here, the one that runs by default first."""
        return await anyio.to_thread.run_sync(found_versions, language.toolchain)

    async def toolchain(self, language: Language, version: str) -> str:
        """A word for the toolchain that would run; another one whenever that may be another."""
        words = (language.name, language.toolchain, version)
        return (await anyio.to_thread.run_sync(find_toolchain, *words)).key

    async def forget_packages(self, folder: str) -> None:
        """Nothing is kept of one."""

    async def serves(self, language: Language, version: str, *, installs: bool = False) -> bool:
        """Whether this host is one that it works on at all; what is missing, ``open`` says."""
        return True

    async def prepare(self, language: Language) -> None:
        """Make what programs of a language need, unless it is there; sessions of others have it.

        Raises:
            DryboxError: What :meth:`open` would raise for want of it.
        """
        await self._toolchains.prepare(language, "", self._tasks)
        self._toolchains.offer(language)

    async def open(self, spec: SandboxSpec) -> LocalSandbox:
        """Make a sealed, idle sandbox.

        Raises:
            Unsupported: A guarantee cannot be enforced here, or the toolchain is missing.
            Unavailable: No sandbox could be made this time.
        """
        async with self._start_lock:
            await self._require_supervisor()
        await self._toolchains.prepare(spec.language, spec.version, self._tasks)
        async with self._start_lock:
            await self._require_supervisor()
            rootfs = await self._rootfs_of(spec)
        if spec.prestart is not None:
            template = await self._template(spec, spec.prestart, rootfs)
            if template is not None:
                return await self._open(spec, rootfs, template)
        try:
            return await self._open(spec, rootfs)
        except Unsupported as error:
            if error.what != "inodes" or "inodes" not in self._allow_weaker:
                raise
        async with self._start_lock:
            if not self._may_share:
                self._give_up({"inodes": "sandboxes have none of their own"})
                self._may_share = True
                self._rootfs.clear()
            rootfs = await self._rootfs_of(spec)
        return await self._open(spec, rootfs)

    async def __aenter__(self) -> LocalBackend:
        """Get ready; the supervisor starts with the first sandbox."""
        self._tasks = await anyio.create_task_group().__aenter__()
        self._filter_ready = anyio.Event()
        self._tasks.start_soon(self._compile_filter)
        self._tasks.start_soon(self._boost.expire_loop)
        self._tasks.start_soon(self._sockets.watch)
        self._tasks.start_soon(self._templates.expire_loop)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Destroy every sandbox and the supervisor."""
        with anyio.CancelScope(shield=True):
            await self._templates.close()
            supervisor, self._supervisor = self._supervisor, None
            if supervisor is not None:
                await supervisor.close()
        self.preparations.stop()
        self._reschedule_timer.close()
        self._tasks.cancel_scope.cancel()
        await self._tasks.__aexit__(None, None, None)

    # --- once per backend ----------------------------------------------------------

    async def _require_supervisor(self) -> None:
        if self._supervisor is None or self._supervisor.ended:
            await self._start()

    async def _start(self) -> None:
        """Settle what is enforceable here, then start the supervisor.

        Raises:
            Unsupported: Something is not, and was not given up.
            Unavailable: The supervisor did not start.
        """
        bubblewrap.require()
        init_path()
        cgroup.step_aside()
        location = cgroup.find_location()
        await self._give_up_all(location.missing)
        # killed, and its mount namespace and its sandboxes with it
        if self._supervisor is not None:
            await self._templates.close()
            await self._supervisor.close()
            self._rootfs.clear()
        supervisor = await SupervisorClient.start(
            self._tasks, location.folders, own_scope=location.needs_scope
        )
        try:
            if location.needs_scope:
                location = cgroup.scope_location(supervisor.scope)
                await self._give_up_all(location.missing)
            await self._filter_ready.wait()
            if self._filter_problem:
                self._give_up({"seccomp": self._filter_problem})
        except BaseException:
            await supervisor.close()
            raise
        instance = dict(zip(location.folders, supervisor.instances, strict=True))
        self._location = replace(location, dirs={k: instance[f] for k, f in location.dirs.items()})
        self._supervisor = supervisor
        self._reschedule_timer.start()

    async def _compile_filter(self) -> None:
        """In a thread, for it takes as long as starting the supervisor does."""
        try:
            self._filter = await anyio.to_thread.run_sync(seccomp.filter_program)
        except seccomp.SeccompUnavailable as error:
            self._filter_problem = str(error)
        self._filter_ready.set()

    async def _give_up_all(self, missing: Mapping[str, str]) -> None:
        """Give up what is missing; where that is refused, all of it is told at once."""
        if not self._allow_weaker.issuperset(missing):
            await self._filter_ready.wait()
            if self._filter_problem:
                missing = {**missing, "seccomp": self._filter_problem}
        self._give_up(missing)

    def _give_up(self, missing: Mapping[str, str]) -> None:
        refused = sorted(what for what in missing if what not in self._allow_weaker)
        if refused:
            from drybox.backends.local import doctor

            raise Unsupported(
                f"{doctor.in_words(refused)} cannot be enforced here: "
                f"{'; '.join(dict.fromkeys(missing[what] for what in refused))}.",
                hint=doctor.fix_for(*refused),
                what=",".join(refused),
            )
        self._weakened = tuple(sorted({*self._weakened, *missing}))

    # --- once per toolchain --------------------------------------------------------

    async def _rootfs_of(self, spec: SandboxSpec) -> ToolchainRootfs:
        key: tuple[str, ...] = (spec.language.name, spec.version)
        if spec.package_dir:
            key += package_mounts.identity(spec.package_dir)
        if spec.environment is not None:
            key += (spec.environment.digest,)
        beside = await self._toolchains.beside(spec.beside)
        key += (spec.kernel_dir, *(item.found.key for item in beside.values()))
        if key not in self._rootfs:
            found, made = await anyio.to_thread.run_sync(self._toolchains.find, spec)
            for item in beside.values():
                made = made.beside(item.layout)
            tree = replace(layout.make_tree(made, init_path()), may_share=self._may_share)
            bwrap, root, devices, files = await self._mount(tree, bubblewrap.require())
            arguments = command_lines(bwrap, made.env["PATH"], root)
            others = {name: item.found for name, item in beside.items()}
            self._rootfs[key] = ToolchainRootfs(
                found, found.key, arguments, devices, files, made.env, others
            )
        return self._rootfs[key]

    async def _mount(self, tree: Tree, bwrap: str) -> tuple[str, list[str], str, tuple[File, ...]]:
        """Have a tree made.

        Returns:
            Where bubblewrap is, its arguments that mount the tree, the folder for device nodes of
            each sandbox's own, and the files left to write.

        Raises:
            Unsupported: The host's own files would be shared, which nobody agreed to.
            Unavailable: Without a mount namespace of the supervisor's the set-aside user of root's
                sandboxes would not reach the toolchain.
        """
        assert self._supervisor is not None
        is_root = os.geteuid() == 0
        hidden = is_root and not all(is_open(mount.source) for mount in tree.mounts)
        home = bubblewrap.home(bwrap)
        homes = [home] if is_root and not is_open(bwrap) else []
        if not self._no_shared_mounts:
            try:
                root, *exposed = await self._supervisor.mount(tree, homes)
            except Unavailable:
                # A host may let bubblewrap mount and nobody else.
                if hidden or homes or self._supervisor.ended:
                    raise
                self._give_up({"inodes": "this host lets nobody but bubblewrap mount"})
                self._no_shared_mounts = True
            else:
                reachable = [*exposed, home][0] + bwrap[len(home) :]
                devices = root + DEVICES if is_root else ""
                return reachable, ["--dev-bind", root, "/"], devices, ()
        return bwrap, tree.arguments(), "", tree.files

    # --- once per sandbox ----------------------------------------------------------

    async def _template(
        self, spec: SandboxSpec, prestart: PrestartedProcess, rootfs: ToolchainRootfs
    ) -> Template | None:
        """A template of such sandboxes, if there is one to be had."""
        if self._weakened or rootfs.files:  # a child's files could be its template's
            return None

        async def start(prestart: PrestartedProcess) -> TemplateSandbox:
            sandbox = await self._open(spec, rootfs, key=new_key())
            try:
                await sandbox.warm([prestart], spec.limits)
            except BaseException:
                await sandbox.close()
                raise
            return sandbox

        kind = (rootfs.toolchain, spec.environment, spec.owner)
        return await self._templates.find(kind, prestart, start)

    async def _open(
        self,
        spec: SandboxSpec,
        rootfs: ToolchainRootfs,
        template: Template | None = None,
        key: int = 0,
    ) -> LocalSandbox:
        """Make a sandbox: a usual one, one for a template's child, or a template's with a key."""
        assert self._supervisor is not None
        purpose = Purpose.TEMPLATE if key else Purpose.JOINED if template else Purpose.USUAL
        ours, theirs = socket.socketpair()
        read_errors, write_errors = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        with theirs:
            try:
                number, name = await self._supervisor.spawn(
                    rootfs.arguments[purpose],
                    template.enter() if template else self._users.next(purpose),
                    rootfs.devices,
                    (theirs.fileno(), write_errors),
                    key=key,
                    template=template.sandbox.number if template else 0,
                )
            except BaseException:
                if template is not None:
                    template.leave()
                ours.close()
                os.close(read_errors)
                raise
            finally:
                os.close(write_errors)
        stream = SandboxSocket(ours)
        box = Cgroup(self._location, name)
        self._boost.expect(box)
        sandbox = LocalSandbox(
            stream,
            self._supervisor,
            number,
            box,
            rootfs,
            self._weakened,
            self._boost,
            self._sockets,
            template,
        )
        try:
            apply_limits(box, spec.limits)
            seal = self._seal(spec.limits, purpose)
            if key:
                filter = await anyio.to_thread.run_sync(template_filter, key)
                seal = replace(seal, seccomp=filter, program=rootfs.found.program)
            with anyio.fail_after(OPEN_TIMEOUT):
                await sandbox.seal(seal, rootfs.files)
        except (GuestGone, GuestFileError, TimeoutError) as error:
            await sandbox.close()
            raise bubblewrap.explain(bubblewrap.last_words(read_errors), error) from error
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

    def _seal(self, limits: ResourceLimits, purpose: Purpose) -> Seal:
        inodes = max(1024, limits.disk // INODE_BYTES)
        return Seal(seccomp=self._filter, disk=limits.disk, inodes=inodes, purpose=purpose)
