"""Runs pip with no means to start another program, for another Python than the one that runs it.

``python pip_program.py FOLDER MARKERS ARGUMENTS...``: the folder that pip is in, and the facts
that requirements for certain Pythons or systems are compared with, as JSON. Building a package, or
taking it from a repository, runs a program: here that fails, so nothing of a package ever runs.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module

STARTS = ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "os.fork", "os.forkpty")
OWN = ("keyring",)
"""Programs of the operator's own that pip may ask: for passwords of an index."""


def refuse(event: str, details: tuple[object, ...]) -> None:
    """Keep every program from starting."""
    if event not in STARTS:
        return
    if event == "subprocess.Popen":
        argv = details[1]
        first = argv[0] if isinstance(argv, (list, tuple)) and argv else argv
        if os.path.basename(os.fsdecode(first)) in OWN:  # type: ignore[arg-type]
            return
    raise PermissionError("no program may be started while packages are resolved")


def main() -> None:
    """Hand the arguments over to pip."""
    folder, markers, *arguments = sys.argv[1:]
    sys.path.insert(0, folder)
    run = import_module("pip._internal.cli.main").main
    compared = import_module("pip._vendor.packaging.markers")
    facts = json.loads(markers)
    vars(compared)["default_environment"] = lambda: dict(facts)
    sys.addaudithook(refuse)
    sys.exit(run(arguments))


if __name__ == "__main__":
    main()
