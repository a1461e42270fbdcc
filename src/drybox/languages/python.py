"""Python."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from drybox.languages import runners
from drybox.languages.argument import as_argument
from drybox.model import Command, File, ResourceLimits
from drybox.protocols import (
    BUILD_DIR,
    INSTALL_DIR,
    PACKAGES_DIR,
    Installer,
    Job,
    PackageForm,
    Plan,
    Step,
    Toolchain,
)
from drybox.warm import Runner

PIP = "/opt/pip"

# Images often have none of pip compiled, which makes every installation a second slower.
_PROBE = f"""
import sys
sys.path.insert(0, {PIP!r})
import compileall, pip
compileall.compile_dir(pip.__path__[0], quiet=2)
from pip._internal.cli.main import main
sys.exit(main(['install', '--help']))
"""

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_VERSION = r"(?:===?|~=|!=|[<>]=?) ?[A-Za-z0-9][A-Za-z0-9.*+!_-]*"
_FILE = r"(?:zip|whl|tar|t[bglx]z|(?:tar\.)?(?:gz|bz2|xz|lz|lzma))"


class Python:
    """Runs on the interpreter that drybox itself has, unless a version is asked for."""

    name = "python"
    aliases = ("py", "python3")
    suffixes = (".py",)
    image = "python:3.11-alpine"
    toolchain = Toolchain(
        executable="python3",
        versioned=("python{version}",),
        candidates=(getattr(sys, "_base_executable", None) or sys.executable,),
        search=("/usr/bin/python3.[0-9]*[0-9]", "/usr/local/bin/python3.[0-9]*[0-9]"),
        levels=2,
        mount="/opt/python",
        # The interpreter and its library alone: other programs of the same home are not ours.
        parts=(
            "bin/{program}",
            "lib/python3.[0-9]*[0-9]",
            "lib/libpython3*",
            "lib/lib[cfsz]*.so*",  # Anaconda and the like keep OpenSSL, libffi … here
        ),
        hidden=("lib/python3*/site-packages", "lib/python3*/dist-packages"),
        host_paths=("/usr/local/lib/libpython3*",),
        install_hint="Install it: 'apt install python3' or 'dnf install python3'.",
        installer=Installer(
            name="pip",
            mount=PIP,
            choices=((("pip", "{pip}"),),),
            install_hint="Install it beside drybox: pip install 'drybox[python]'",
            probe=("python3", "-c", _PROBE),
        ),
    )

    packages = PackageForm(
        # A name, extras and versions; pip would take what ends like an archive for a file.
        pattern=rf"(?i:(?!.*\.{_FILE}$)){_NAME}"
        rf"(?:\[{_NAME}(?:, ?{_NAME})*\])?(?: ?{_VERSION}(?: ?, ?{_VERSION})*)?",
        example="requests==2.32.3",
        archives="wheels",
    )

    def entry(self, code: str) -> str:
        """Path under which ``code`` is placed."""
        return "main.py"

    def find_entry(self, files: Mapping[str, bytes]) -> str | None:
        """The entry among several files."""
        return next((name for name in ("main.py", "__main__.py") if name in files), None)

    def plan(self, job: Job, compile_limits: ResourceLimits) -> Plan:
        """The steps for a job."""
        argv = ("python3", as_argument(job.entry), *job.args)
        if not job.packages:
            return Plan(run=Step(argv))
        # The user's own folder of packages: on sys.path behind the standard library, where
        # installed packages usually are.
        place = {"PYTHONUSERBASE": INSTALL_DIR}
        return Plan(install=_install(job.packages, place), run=Step(argv, place))

    def runners(self, version: str, commands: Sequence[Command]) -> tuple[Runner, ...]:
        """An interpreter that has done all it does before it opens the program."""
        series = ".".join(version.split(".")[:2])
        place = f".local/lib/python{series}/site-packages"
        files = [File(f"{place}/usercustomize.py", runners.source("usercustomize.py"))]
        if code := runners.compiled("usercustomize.py", series):
            name = f"usercustomize.cpython-{series.replace('.', '')}.pyc"
            files.append(File(f"{place}/__pycache__/{name}", code))
        runner = Runner(
            ("python3", "main.py"),
            open_files=commands[-1].limits.open_files,
            files=tuple(files),
            fixed=(
                *("PYTHON*", "HOME", "PATH", "TZ", "LANG", "LANGUAGE", "LC_*", "LOCPATH"),
                *("LD_*", "GLIBC_*", "MALLOC_*", "MUSL_*"),
            ),
            fixed_files=(".local/*",),  # packages of the user's own
        )
        return (runner,)


def _install(packages: tuple[str, ...], place: Mapping[str, str]) -> Step:
    """Pip, away from the working directory: Python and pip would read the request's files there."""
    return Step(
        (
            *("python3", "-m", "pip", "install", "--user"),
            *("--no-index", "--find-links", PACKAGES_DIR),
            *("--only-binary", ":all:"),  # a source distribution runs code of its own
            *("--no-cache-dir", "--no-compile", "--no-input", "--no-warn-script-location"),
            *("--disable-pip-version-check", "--progress-bar", "off", "--", *packages),
        ),
        {
            **place,
            "HOME": f"{BUILD_DIR}/home",
            "PIP_BREAK_SYSTEM_PACKAGES": "1",  # the system is the sandbox's own
            "PIP_CONFIG_FILE": "/dev/null",
            "PYTHONPATH": PIP,
        },
        cwd=BUILD_DIR,
    )
