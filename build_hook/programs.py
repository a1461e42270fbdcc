"""Compiles the C programs into the package: init, spawner, a timer and the templates' module.

With a C compiler at hand static binaries for this machine's architecture are made and
the wheel is tagged for it; otherwise pip fetches the zig compiler, a wheel itself.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

FLAGS = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Wno-sign-compare", "-s"]
"""A warning is no error: who installs has another compiler, or headers, and can mend neither.
musl's headers have a macro that compares a signed number with an unsigned one."""

STATIC = ["-static", "-pthread"]
MODULE = ["-fPIC", "-fvisibility=hidden", "-fno-stack-protector"]
LINK_MODULE = ["-shared", "-s", "-Wl,-z,now", "-nostdlib"]
"""The interpreter that loads it has all it needs, of whichever C library. That is said where it is
linked and not before: told so, zig's compiler leaves out the library's headers as well."""


def dependencies() -> list[str]:
    """What the build needs from the package index."""
    return [] if compiler() else ["ziglang"]


def tag() -> str:
    """The wheel's tag."""
    return f"py3-none-linux_{platform.machine()}"


def build(root: Path) -> list[str]:
    """Compile them.

    Args:
        root: The project's folder.

    Returns:
        The binaries' paths below it.
    """
    machine = platform.machine()
    package = root / "src/drybox"
    zig = [sys.executable, "-m", "ziglang", "cc", "-target", f"{machine}-linux-musl"]
    command = compiler() or zig
    made = []
    for folder, name, flags, sources in (
        ("guest", "init", STATIC, sorted(Path(package, "guest/init").rglob("*.c"))),
        ("guest", "template", MODULE, [Path(package, "guest/template/template.c")]),
        (
            "backends/local/supervisor",
            "spawner",
            STATIC,
            sorted(Path(package, "backends/local/supervisor").glob("*.c")),
        ),
        (
            "backends/local/cgroups",
            "reschedule_timer",
            STATIC,
            [Path(package, "backends/local/cgroups/reschedule_timer.c")],
        ),
    ):
        output = package / folder / "bin" / f"{name}-{machine}"
        output.parent.mkdir(exist_ok=True)
        # A drybox that runs from this tree finds the old one or the new one, and never half of it.
        unfinished = output.with_name(f".{output.name}-{os.getpid()}")
        compiled = unfinished.with_suffix(".o")
        try:
            if flags is MODULE:
                _run(*command, *FLAGS, *flags, "-c", "-o", compiled, *sources)
                _run(*command, *LINK_MODULE, "-o", unfinished, compiled)
            else:
                _run(*command, *FLAGS, *flags, "-o", unfinished, *sources)
            unfinished.replace(output)
        finally:
            unfinished.unlink(missing_ok=True)
            compiled.unlink(missing_ok=True)
        made.append(str(output.relative_to(root)))
    return made


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True)


def compiler() -> list[str] | None:
    """A C compiler that can link statically, with its options, or None.

    Best with musl: each program of glibc's begins with asking what the processor can do, some
    twenty times, which takes a quarter of a millisecond in a virtual machine.
    """
    linux = ["/usr/include", f"/usr/include/{platform.machine()}-linux-gnu"]
    musl = ["musl-gcc", *(word for folder in linux for word in ("-idirafter", folder))]
    own = os.environ.get("CC")
    for command in ([own] if own else [], musl, ["cc"], ["gcc"], ["clang"]):
        if command and shutil.which(command[0]) and _links_statically(command):
            return command
    return None


def _links_statically(compiler: list[str]) -> bool:
    probe = [*compiler, "-static", "-x", "c", "-", "-o", os.devnull]
    source = "#include <linux/sched.h>\n#include <stdio.h>\nint main(void) { return 0; }\n"
    return subprocess.run(probe, input=source.encode(), capture_output=True).returncode == 0
