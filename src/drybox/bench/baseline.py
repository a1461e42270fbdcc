"""The same programs outside any sandbox, as a shell would start them."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

from drybox.backends.registry import host_program
from drybox.languages.registry import known_languages


class BaselineProcess:
    """Runs a language's program with the toolchain that local sandboxes use.

    Args:
        language: The language.
        folder: Where its files and caches go.

    Raises:
        Unsupported: There is no such toolchain here.
    """

    def __init__(self, language: str, folder: Path) -> None:
        self._samples = known_languages()[language].samples
        self._executable = host_program(language)
        self._folder = folder
        self._env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"}

    def run(self, number: int) -> None:
        """Run it once.

        Raises:
            subprocess.CalledProcessError: It failed.
        """
        source, at = self._samples.numbered(number), self._folder
        if "{file}" in self._samples.baseline:
            at = self._folder / str(threading.get_ident())
            at.mkdir(exist_ok=True)
            (at / self._samples.hello_file).write_text(source)
        filled = {
            "{source}": source,
            "{file}": self._samples.hello_file,
            "{number}": str(number),
        }
        words = self._samples.baseline
        for mark, text in filled.items():
            words = tuple(word.replace(mark, text) for word in words)
        for command in ([self._executable, *words], [*self._samples.then]):
            if command:
                self._do(command, at)

    def _do(self, command: list[str], at: Path) -> None:
        subprocess.run(
            command,
            cwd=at,
            env=self._env,
            stdin=subprocess.DEVNULL,
            check=True,
            capture_output=True,
        )
