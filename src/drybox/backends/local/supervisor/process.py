"""The supervisor's process, which may start before it is known whether it is needed.

It imports little, so that the command line can start one ahead of its own imports.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_CODE = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from drybox.backends.local.supervisor.supervisor import main; main()"
)


class SupervisorProcess:
    """A supervisor that waits on its socket to be told whose it is.

    Args:
        prefix: Command that starts it, in place of this process.

    Attributes:
        connection: This end of its socket.

    Raises:
        OSError: It could not be started; the error names the program.
    """

    def __init__(self, prefix: Sequence[str] = ()) -> None:
        self.connection, theirs = socket.socketpair()
        source = str(Path(__file__).parents[4])
        argv = [*prefix, sys.executable, "-I", "-S", "-c", _CODE, source]
        try:
            with theirs:
                self.process = subprocess.Popen(
                    argv,
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    start_new_session=True,  # a Ctrl-C of the terminal's is not for it
                )
        except OSError as error:
            self.connection.close()
            raise OSError(error.errno, error.strerror, argv[0]) from None

    def dismiss(self) -> None:
        """End it without having told it anything."""
        self.connection.close()
        self.process.kill()
        self.process.wait()
        close_errors(self.process)


_ahead: SupervisorProcess | None = None


def start_ahead() -> None:
    """Start the one that :func:`supervisor_process` returns next; without one it is slower."""
    global _ahead
    if _ahead is None:
        try:
            _ahead = SupervisorProcess()
        except OSError:
            return


def dismiss_ahead() -> None:
    """End one that nobody took."""
    global _ahead
    process, _ahead = _ahead, None
    if process is not None:
        process.dismiss()


def supervisor_process(prefix: Sequence[str] = ()) -> SupervisorProcess:
    """A supervisor's process: one that was started ahead, or a new one.

    Args:
        prefix: See :class:`SupervisorProcess`.

    Raises:
        OSError: It could not be started.
    """
    global _ahead
    if prefix or _ahead is None:
        return SupervisorProcess(prefix)
    process, _ahead = _ahead, None
    return process


def close_errors(process: subprocess.Popen[bytes]) -> None:
    """Let go of what a process that has ended said."""
    if process.stderr is not None:
        process.stderr.close()
