"""A local Unix socket that leads to a Docker daemon over SSH.

Every connection to it is one ``ssh`` process that runs ``docker system dial-stdio`` over there,
as Docker's own command line does it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

PREFIX = "drybox-ssh-"

OPTIONS = ("-T", "-oBatchMode=yes", "-oConnectTimeout=30", "-oServerAliveInterval=15")
"""No terminal and no questions, which nobody would answer; a link that is dead is given up."""

DIAL = "docker system dial-stdio"

MAX_WORDS = 300
"""Characters of ssh's complaint that are kept."""

FOLDER_TTL = 60.0
"""Seconds for which a folder may be without a listener, for it is just being made."""


class Tunnel:
    """The user's own ``ssh``, with the user's configuration, keys and known hosts.

    Args:
        address: The daemon's, such as ``ssh://user@host:22``.
    """

    def __init__(self, address: str) -> None:
        self._command = command(address)
        self.words = ""
        """What ssh last complained of."""
        _sweep()
        self._folder = Path(tempfile.mkdtemp(prefix=PREFIX))  # nobody else may enter it
        self._held = os.open(self._folder, os.O_RDONLY)
        fcntl.flock(self._held, fcntl.LOCK_EX)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._folder / "s"))
        self._listener.listen()
        self.host = f"unix://{self._folder}/s"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections; those that are open end with their other end."""
        # A thread that waits for one would not hear of a socket that is only closed.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._held)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._dial, args=(connection,), daemon=True).start()

    def _dial(self, connection: socket.socket) -> None:
        # Here it stays open until ssh's complaint is known: then whoever uses it sees its end.
        with connection:
            try:
                process = subprocess.Popen(
                    self._command,
                    stdin=connection.fileno(),
                    stdout=connection.fileno(),
                    stderr=subprocess.PIPE,
                )
            except OSError as error:
                self.words = f"ssh cannot be started: {error.strerror}"
                return
            _, said = process.communicate()
            self.words = said.decode("utf-8", "replace").strip()[-MAX_WORDS:] or self.words


def command(address: str) -> list[str]:
    """What reaches the daemon at an address of the scheme ``ssh``."""
    at = urlsplit(address)
    words = ["ssh", *OPTIONS]
    words += ["-l", at.username] if at.username else []
    words += ["-p", str(at.port)] if at.port else []
    return [*words, "--", at.hostname or "", DIAL]


def _sweep() -> None:
    """Remove what a drybox that was killed has left: folders that nobody holds."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_mtime > time.time() - FOLDER_TTL:
                continue
            held = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(held)
