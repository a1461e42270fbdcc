"""Templates: interpreters that have started, to be forked into sandboxes."""

from __future__ import annotations

import itertools
import logging
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import anyio
import anyio.lowlevel

from drybox.errors import DryboxError
from drybox.guest.init_binary import template_module_path
from drybox.job import File
from drybox.languages.prestart import PrestartedProcess

MOST_CHILDREN = 1000
"""Sandboxes that one template is forked into; they share its hash secret and address layout."""

MAX_AGE = 600.0
"""Seconds after which another template takes its place."""

MAX_IDLE = 300.0
"""Seconds after which one that was not forked goes, and its memory with it."""

MAX_TEMPLATES = 16
"""Templates at once, worn ones whose children still run among them."""

SWEEP_DELAY = 30.0
"""Seconds between looks at which templates are to go."""

MODULE = "_drybox_template.abi3.so"
"""The module that forks a template, as its interpreter finds it."""

RETRY_DELAY = 30.0
"""Seconds without templates of a kind after one that failed; sandboxes then start as usual."""

_log = logging.getLogger("drybox.local")


class TemplateSandbox(Protocol):
    """The sandbox that a template is in."""

    @property
    def number(self) -> int:
        """Its number with the supervisor."""

    def is_alive(self) -> bool:
        """Whether it waits for orders, as far as is known without asking."""

    async def close(self) -> None:
        """Destroy it, and whatever was forked from it."""


def new_key() -> int:
    """What a template joins namespaces with: 64 bits that nobody guesses, never 0."""
    return secrets.randbits(64) | 1


@dataclass(slots=True, eq=False)
class Template:
    """One template.

    Attributes:
        sandbox: The sandbox that it is in.
        has_users: Whether each child has a user of its own.
        born: When it was there.
        used: When it was forked last.
        children: Sandboxes with a child of it that have not been closed.
        served: Children that it has had.
        has_failed: Whether a child of it did not come.
    """

    sandbox: TemplateSandbox
    has_users: bool
    born: float = field(default_factory=time.monotonic)
    used: float = field(default_factory=time.monotonic)
    children: int = 0
    served: int = 0
    has_failed: bool = False

    def enter(self) -> str:
        """Count one more child; returns the user that it is to be, as ``spawner.c`` spells it."""
        self.children += 1
        self.served += 1
        self.used = time.monotonic()
        return f"+{self.served if self.has_users else 0}"

    def leave(self) -> None:
        """A child's sandbox is closed."""
        self.children -= 1

    def fail(self) -> None:
        """A child did not come: whatever is wrong with it, sandboxes start without for a while."""
        self.has_failed = True

    def is_usable(self) -> bool:
        """Whether it may be forked once more."""
        is_fresh = self.served < MOST_CHILDREN and time.monotonic() - self.born < MAX_AGE
        return not self.has_failed and is_fresh and self.sandbox.is_alive()


class Templates:
    """The templates of a backend, one for each kind of sandbox.

    One that is worn is closed once its last child is: they live in its namespaces.
    """

    def __init__(self) -> None:
        self._current: dict[Hashable, Template] = {}
        self._retired: list[Template] = []
        self._failed_at: dict[Hashable, float] = {}
        self._lock = anyio.Lock()

    async def find(
        self,
        kind: Hashable,
        prestart: PrestartedProcess,
        start: Callable[[PrestartedProcess], Awaitable[TemplateSandbox]],
    ) -> Template | None:
        """A template to be forked, started if need be; None where there is none to be had.

        Args:
            kind: What it is a template of.
            prestart: What is to wait in the sandboxes that it is forked into.
            start: Starts a sandbox with a process like that, which can be forked.
        """
        path = template_module_path()
        if path is None or not prestart.module_folder:
            return None
        current = self._current.get(kind)
        if current is not None and current.is_usable():
            return current  # without waiting for one of another kind
        async with self._lock:
            current = self._current.get(kind)
            if current is not None and current.is_usable():
                return current
            if current is not None:
                if current.has_failed:
                    self._failed_at[kind] = time.monotonic()
                self._retire(kind)
            failed_at = self._failed_at.get(kind)
            if failed_at is not None and time.monotonic() - failed_at < RETRY_DELAY:
                return None
            await self._sweep()
            if not await self._make_room():
                return None
            try:
                module = File(MODULE, Path(path).read_bytes())
                sandbox = await start(prestart.as_template(module))
            except (DryboxError, OSError) as error:
                # What fails because everything is ending is no failure to tell anybody of.
                await anyio.lowlevel.checkpoint_if_cancelled()
                self._failed_at[kind] = time.monotonic()
                _log.warning("no template could be started: %s", error)
                return None
            template = self._current[kind] = Template(sandbox, has_users=os.geteuid() == 0)
            return template

    def _retire(self, kind: Hashable) -> None:
        self._retired.append(self._current.pop(kind))

    async def expire_loop(self) -> None:
        """Have those go that nobody needs any more."""
        while True:
            await anyio.sleep(SWEEP_DELAY)
            await self.sweep()

    async def sweep(self) -> None:
        """Close those that are worn or idle and have no children any more."""
        async with self._lock:
            await self._sweep()

    async def _make_room(self) -> bool:
        """See to it that there may be one more, perhaps in the place of one that is hardly used."""
        if len(self._current) + len(self._retired) < MAX_TEMPLATES:
            return True
        free = [kind for kind, template in self._current.items() if not template.children]
        if not free:
            return False
        self._retire(min(free, key=lambda kind: self._current[kind].used))
        await self._sweep()
        return True

    async def _sweep(self) -> None:
        now = time.monotonic()
        for kind, template in list(self._current.items()):
            if not template.children and now - template.used > MAX_IDLE:
                self._retire(kind)
        for kind in [k for k, at in self._failed_at.items() if now - at > RETRY_DELAY]:
            del self._failed_at[kind]
        over = [template for template in self._retired if template.children <= 0]
        for template in over:
            self._retired.remove(template)
            await template.sandbox.close()

    async def close(self) -> None:
        """Close every template, and what was forked from it."""
        for template in itertools.chain(self._current.values(), self._retired):
            await template.sandbox.close()
        self._current.clear()
        self._retired.clear()
