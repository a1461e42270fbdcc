"""Installs wheels into a folder, in a sandbox: ``install_wheels.py ARCHIVES FOLDER PIP PROGRAMS``.

Nothing of a package runs. Every module is compiled, always in the same way: what comes of it must
not depend on how many processors there are, or on what was compiled before in the same process.
"""

from __future__ import annotations

import os
import subprocess
import sys

GROUPS = 16
COMPILE = """
import py_compile, sys
for line in sys.stdin:
    path = line.rstrip("\\n")
    try:
        py_compile.compile(
            path,
            dfile=path.replace(sys.argv[1], sys.argv[2], 1),
            doraise=True,
            quiet=2,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    except Exception:
        pass  # of another Python, or no module at all
"""


def install(archives: str, folder: str, pip: str) -> int:
    """Have pip unpack every wheel."""
    wheels = sorted(name for name in os.listdir(archives) if name.endswith(".whl"))
    os.makedirs(folder)
    if not wheels:
        return 0
    env = {
        **os.environ,
        "PYTHONPATH": pip,
        "PYTHONUSERBASE": folder,
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_BREAK_SYSTEM_PACKAGES": "1",
        "HOME": f"{folder}.home",
    }
    return subprocess.call(
        [
            *(sys.executable, "-m", "pip", "install", "--user", "--no-index", "--no-deps"),
            *("--only-binary", ":all:", "--no-compile", "--no-cache-dir", "--no-input"),
            *("--no-warn-script-location", "--disable-pip-version-check", "--progress-bar", "off"),
            *("--ignore-installed", "--root-user-action", "ignore", "--quiet", "--"),
            *(f"{archives}/{name}" for name in wheels),
        ],
        env=env,
        stdout=sys.stderr,
    )


def forget_places(folder: str) -> None:
    """Remove the notes of where each wheel came from: the place is the sandbox's own."""
    for at, _, names in os.walk(folder):
        if at.endswith(".dist-info") and "direct_url.json" in names:
            os.unlink(f"{at}/direct_url.json")
            record = f"{at}/RECORD"
            with open(record, encoding="utf-8") as file:
                lines = [line for line in file if "/direct_url.json," not in line]
            with open(record, "w", encoding="utf-8") as file:
                file.writelines(lines)


def compile_all(folder: str, shown: str) -> None:
    """Compile every module, in groups that are the same everywhere."""
    sources = sorted(
        os.path.join(at, name)
        for at, _, names in os.walk(folder)
        for name in names
        if name.endswith(".py") and "\n" not in at + name
    )
    groups = [sources[start::GROUPS] for start in range(GROUPS)]
    waiting = [group for group in groups if group]
    running: list[subprocess.Popen[str]] = []
    env = {**os.environ, "PYTHONHASHSEED": "0"}
    while waiting or running:
        while waiting and len(running) < (os.cpu_count() or 1):
            process = subprocess.Popen(
                [sys.executable, "-S", "-c", COMPILE, folder, shown],
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=env,
                text=True,
            )
            assert process.stdin is not None
            process.stdin.write("".join(f"{path}\n" for path in waiting.pop(0)))
            process.stdin.close()
            running.append(process)
        running.pop(0).wait()


def main() -> int:
    """Do it."""
    archives, folder, pip, shown = sys.argv[1:]
    code = install(archives, folder, pip)
    if code == 0:
        forget_places(folder)
        compile_all(folder, shown)
    return code


if __name__ == "__main__":
    sys.exit(main())
