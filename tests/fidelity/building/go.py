"""Go: a module, or all the files of its folder."""

from __future__ import annotations

from pathlib import Path

from tests.fidelity.building import compile_with

from drybox.backends.local.rootfs.toolchain import FoundToolchain


def build(found: FoundToolchain, entry: str, work: Path, out: Path) -> list[str]:
    """The command that runs the program."""
    module = (work / "go.mod").exists()
    sources = [] if module else sorted(path.name for path in work.glob("*.go"))
    program = str(out / "prog")
    env = {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", "GOTOOLCHAIN": "local"}
    compile_with([found.executable, "build", "-o", program, *sources], work, env)
    return [program]
