"""TypeScript: Microsoft's own compiler, which shares nothing with the one that drybox uses."""

from __future__ import annotations

from pathlib import Path

from tests.fidelity.building import compile_with

from drybox.backends.local.rootfs.toolchain import FoundToolchain

PACKAGES = Path(__file__).parents[3] / "playground/node_modules/@typescript"


def build(found: FoundToolchain, entry: str, work: Path, out: Path) -> list[str]:
    """The command that runs the program."""
    (compiler,) = PACKAGES.glob("typescript-linux-*/lib/tsc")
    options = ["--noCheck", "--module", "nodenext", "--target", "es2022"]
    options += ["--rewriteRelativeImportExtensions", "--esModuleInterop"]
    if (work / "tsconfig.json").exists():
        compile_with([str(compiler), "-p", ".", *options], work, {})
    else:
        found_here = (path.relative_to(work).as_posix() for path in work.rglob("*.[mc]ts"))
        plain = (path.relative_to(work).as_posix() for path in work.rglob("*.ts"))
        compile_with([str(compiler), *options, *sorted({*found_here, *plain})], work, {})
    stem, _, kind = entry.rpartition(".")
    return [found.executable, f"{stem}.{kind.replace('ts', 'js')}"]
