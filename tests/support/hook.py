"""A hook that remembers what it heard."""

from __future__ import annotations

from typing import Any

from drybox import HookContext


class Note:
    """An async hook with every method; it notes what it hears, and raises where it is told to."""

    def __init__(self, name: str, heard: list[Any], **raises: BaseException) -> None:
        self.name, self.heard, self.raises = name, heard, raises

    async def _note(self, event: str, context: HookContext) -> None:
        self.heard.append((self.name, event))
        self.contexts = [*getattr(self, "contexts", []), context]
        if event in self.raises:
            raise self.raises[event]

    async def sandbox_created(self, context: HookContext) -> None:
        await self._note("sandbox_created", context)

    async def before_run(self, context: HookContext) -> None:
        await self._note("before_run", context)

    async def after_run(self, context: HookContext) -> None:
        await self._note("after_run", context)

    async def sandbox_destroyed(self, context: HookContext) -> None:
        await self._note("sandbox_destroyed", context)
