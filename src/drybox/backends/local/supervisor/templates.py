"""The supervisor's sockets to templates: what it says to have one forked into a sandbox.

The supervisor loads this as it starts, so it imports next to nothing.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Iterator

from drybox.backends.local.cgroups import tree
from drybox.backends.local.supervisor.spawner import entries

_KEY = struct.Struct("=Q")


class _Template:
    """One template. No dataclass: to load that takes as long as half of what this process loads.

    Args:
        key: What its filter lets it join namespaces with.
        forks: The socket that its orders go over.

    Attributes:
        init: Its first process, once somebody has looked for it.
    """

    def __init__(self, key: int, forks: socket.socket) -> None:
        self.key = key
        self.forks = forks
        self.init = -1


class Templates:
    """The templates that there are, by their sandboxes' numbers."""

    def __init__(self) -> None:
        self._known: dict[int, _Template] = {}

    @contextlib.contextmanager
    def begin(self, number: int, key: int) -> Iterator[list[int]]:
        """Descriptors that a template's first process is started with."""
        ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        self._known[number] = _Template(key, ours)
        with theirs:
            yield [theirs.fileno()]

    @contextlib.contextmanager
    def fork(self, number: int, starter: int, cgroups: list[str]) -> Iterator[list[int]]:
        """Have a template forked into a sandbox once that is sealed.

        Args:
            number: The template's.
            starter: The bubblewrap of the template.
            cgroups: Folders of the sandbox's cgroup.

        Yields:
            Descriptors that the sandbox's first process is started with.

        Raises:
            OSError: The template is gone.
        """
        template = self._known.get(number)
        if template is None:
            raise ProcessLookupError(0, "there is no such template", str(number))
        if template.init < 0:
            template.init = _first_process(starter)
        ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        with contextlib.ExitStack() as stack:
            stack.enter_context(ours)
            stack.enter_context(theirs)
            files = []
            for path in entries(cgroups)[1:]:
                files.append(os.open(path, os.O_WRONLY | os.O_CLOEXEC))
                stack.callback(os.close, files[-1])
            socket.send_fds(template.forks, [_KEY.pack(template.key)], [ours.fileno(), *files])
            yield [theirs.fileno(), template.init]

    def end(self, number: int) -> None:
        """Forget a template, if it is one."""
        template = self._known.pop(number, None)
        if template is not None:
            template.forks.close()
            if template.init >= 0:
                os.close(template.init)


def _first_process(starter: int) -> int:
    """A descriptor of what a bubblewrap has started."""
    words = tree.read(f"/proc/{starter}/task/{starter}/children").split()
    if not starter or len(words) != 1:
        raise ProcessLookupError(0, "it has no first process", f"template {starter}")
    return os.pidfd_open(int(words[0]))
