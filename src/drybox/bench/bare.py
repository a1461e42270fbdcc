"""The same programs outside any sandbox, as a shell would start them."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

from drybox.backends import host_program
from drybox.bench.programs import PROGRAMS


class BareProcess:
    """Runs a language's program with the toolchain that local sandboxes use.

    Args:
        language: The language.
        folder: Where its files and caches go.

    Raises:
        Unsupported: There is no such toolchain here.
    """

    def __init__(self, language: str, folder: Path) -> None:
        self._program = PROGRAMS[language]
        self._executable = host_program(language)
        self._folder = folder
        self._env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"}

    def run(self, number: int) -> None:
        """Run it once.

        Raises:
            subprocess.CalledProcessError: It failed.
        """
        source, at = self._program.numbered(number), self._folder
        if "{file}" in self._program.bare:
            at = self._folder / str(threading.get_ident())
            at.mkdir(exist_ok=True)
            (at / self._program.file).write_text(source)
        filled = {"{source}": source, "{file}": self._program.file}
        subprocess.run(
            [self._executable, *(filled.get(word, word) for word in self._program.bare)],
            cwd=at,
            env=self._env,
            stdin=subprocess.DEVNULL,
            check=True,
            capture_output=True,
        )
