"""Takes one execution to a node, and to another one as long as nothing has begun."""

from __future__ import annotations

import time
from dataclasses import replace

import anyio

from drybox.errors import DryboxError, Unavailable, Unsupported
from drybox.execution.kill_switch import KillSwitch
from drybox.execution.phases import Emit
from drybox.fleet.member import Member
from drybox.fleet.members import Members
from drybox.fleet.messages import Reply, RunMessage
from drybox.fleet.remote_run import RemoteRun
from drybox.job import QUEUE_TIMEOUT, Job, Source
from drybox.monitoring.observers import AllObservations

MOST_NODES = 8
"""Nodes that are asked for one execution, where each says that it cannot run it."""


class Dispatch:
    """One execution's way to a node.

    A node that answers that nothing has begun leaves it to another one. A node that does not
    answer may have begun: that is the end of it.

    Args:
        members: The nodes.
        id: The execution's name.
        job: What it runs, checked.
        message: The same, for the node.
        queue_timeout: Seconds that it may wait for a slot; None for what is said
            of requests that a server has admitted, or any time.
    """

    def __init__(
        self,
        members: Members,
        id: str,
        job: Job,
        message: RunMessage,
        queue_timeout: float | None,
    ) -> None:
        self._members = members
        self._id = id
        self._job = job
        self._message = message
        self._queue_timeout = queue_timeout
        self._refused: dict[str, DryboxError] = {}

    async def run(
        self,
        observation: AllObservations,
        emit: Emit | None,
        stdin: Source | None,
        switch: KillSwitch,
    ) -> Reply:
        """Have it run.

        Args:
            observation: Is told of its stages.
            emit: Takes its events; None if nobody follows.
            stdin: Its input, if it comes piece by piece.
            switch: Ends the program.

        Returns:
            The last word of the node that ran it, or of the last one that could not.

        Raises:
            SandboxLost: The node was lost while it ran.
            Unavailable: No node could take it; nothing ran.
        """
        while True:
            member = await self._acquire(observation)
            observation.enter("run")
            message, sent_at = self._message, time.monotonic()
            if observation.follows_nodes:
                message = replace(message, traced=True)
            if switch.is_thrown:
                message = replace(message, killed=True)
            run = RemoteRun(member, self._id, message, _size(self._job))
            try:
                if emit is None:
                    reply = await run.execute()
                else:
                    with switch.over(run):
                        reply = await run.follow(emit, stdin)
            finally:
                self._members.release(member, self._message.owner)
            if reply.kind == "refused":
                self._members.refuse(member, reply.reason)
            elif run.has_told or not self._may_go_elsewhere(member, reply):
                observation.ran(member.info.name, reply.stages, time.monotonic() - sent_at)
                if reply.result is not None:
                    observation.choose(reply.result.isolation)
                return reply

    def _may_go_elsewhere(self, member: Member, reply: Reply) -> bool:
        """Whether a node says that nothing ran there, and another may do better."""
        if not isinstance(reply.error, (Unsupported, Unavailable)):
            return False
        self._refused[member.info.id] = reply.error
        others = {item.info.id for item in self._members.all()} - set(self._refused)
        return bool(others) and len(self._refused) < MOST_NODES

    async def _acquire(self, observation: AllObservations) -> Member:
        observation.enter("queue")
        timeout = self._queue_timeout
        if timeout is None:
            timeout = QUEUE_TIMEOUT.get()
        wait = self._members.acquire(self._job, self._refused, self._message.owner)
        try:
            if timeout is None:
                return await wait
            with anyio.fail_after(timeout):
                return await wait
        except TimeoutError:
            raise Unavailable(
                f"all slots of the fleet were taken for {timeout:g} s.",
                hint="Nothing ran. Try again later, or allow a longer queue_timeout.",
                is_full=True,
            ) from None
        except Unavailable:
            for error in self._refused.values():
                raise error from None
            raise


def _size(job: Job) -> int:
    """About how many bytes it is as a message."""
    return len(job.stdin) + sum(len(file.content) for file in job.files)
