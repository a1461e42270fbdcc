"""Python."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from drybox.job import (
    BUILD_DIR,
    ENVIRONMENT_DIR,
    INSTALL_DIR,
    NEW_ENVIRONMENT_DIR,
    PACKAGES_DIR,
    File,
    Job,
    Plan,
    Step,
)
from drybox.languages import runners
from drybox.languages.base import (
    EditorMode,
    EnvironmentForm,
    PackageForm,
    PistonNames,
    Samples,
    Tool,
    Toolchain,
    UsualEntry,
    as_argument,
)
from drybox.languages.prestart import PrestartedProcess
from drybox.model import ResourceLimits

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

# What is printed line by line is out when a program is ended, and comes live; written to a pipe
# it would wait in the interpreter until there are 8 KiB of it. Every start reads the .pth
# files of its packages' folder, that of an interpreter which the program starts too.
_SITE_FILE = "line_buffered_output.pth"
_SITE_LINE = "import sys; sys.stdout and sys.stdout.reconfigure(line_buffering=True)\n"
_PLACE = """
import os, site, sys
folder = site.getsitepackages()[0]
os.makedirs(folder, exist_ok=True)
with open(os.path.join(folder, sys.argv[1]), "w") as file:
    file.write(sys.argv[2])
"""

# The folder is one of installed packages like the toolchain's own: behind the standard library on
# sys.path, with the .pth files in it read, and there for 'python3 -I' too.
_ENVIRONMENT_FILE = "environment.pth"
_ENVIRONMENT_LINE = (
    f"import os, site, sys; p = '{ENVIRONMENT_DIR}/lib/python%d.%d/site-packages' "
    "% sys.version_info[:2]; os.path.isdir(p) and site.addsitedir(p)\n"
)
# What the wheels of an environment must fit, in the words that pip and uv have for it.
_TARGET = """
import json, platform, sys
sys.path.insert(0, sys.argv[1])
from pip._vendor.packaging import markers, tags
found = list(tags.sys_tags())
platforms = list(dict.fromkeys(tag.platform for tag in found if tag.platform != "any"))
full = "%d.%d.%d" % sys.version_info[:3]
facts = markers.default_environment()
for name in ("platform_release", "platform_version", "python_full_version",
             "implementation_version"):
    facts[name] = ""
libc = "musl" if any(name.startswith("musllinux") for name in platforms) else "glibc"
machine = platform.machine()
newest = next((name for name in platforms if name.startswith("manylinux_")), "")
newest = newest.rpartition("_" + machine)[0] or "unknown-linux-gnu"
print(json.dumps({
    "label": "%s %d.%d with %s on %s" % (
        platform.python_implementation(), *sys.version_info[:2], libc, machine),
    "full_version": full,
    "version": "%d.%d" % sys.version_info[:2],
    "implementation": tags.interpreter_name(),
    "abis": [found[0].abi],
    "platforms": platforms,
    "markers": facts,
    "triple": machine + ("-unknown-linux-musl" if libc == "musl" else "-" + newest),
    "program": sys.executable,
}))
"""

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_VERSION = r"(?:===?|~=|!=|[<>]=?) ?[A-Za-z0-9][A-Za-z0-9.*+!_-]*"
_FILE = r"(?:zip|whl|tar|t[bglx]z|(?:tar\.)?(?:gz|bz2|xz|lz|lzma))"


NO_PACKAGES = "import site; site.PREFIXES = []; site.main()\n"
"""What begins a Python program under ``-S`` so that its start is as in a sandbox.

It is all that ``site`` does, but with none of the host's packages, whose .pth files may run any
code. Without it a ratio would flatter drybox by what they cost.
"""


class Python(UsualEntry):
    """Runs on the interpreter that drybox itself has, unless a version is asked for."""

    name = "python"
    title = "Python"
    aliases = ("py", "python3")
    suffixes = (".py",)
    needs_suffix = False
    image = "python:3.11-alpine"
    toolchain = Toolchain(
        executable="python3",
        versioned=("python{version}",),
        candidates=(getattr(sys, "_base_executable", None) or sys.executable,),
        search=(
            *("/usr/bin/python3.[0-9]*[0-9]", "/usr/local/bin/python3.[0-9]*[0-9]"),
            "~/.pyenv/versions/3.*/bin/python3.[0-9]*[0-9]",
            "~/.local/share/uv/python/cpython-3.*/bin/python3.[0-9]*[0-9]",
        ),
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
        shown=(File(_SITE_FILE, _SITE_LINE.encode()),),
        image_commands=(
            ("python3", "-S", "-c", _PLACE, _SITE_FILE, _SITE_LINE),
            ("python3", "-S", "-c", _PLACE, _ENVIRONMENT_FILE, _ENVIRONMENT_LINE),
        ),
        host_paths=("/usr/local/lib/libpython3*",),
        install_hint="Install it: 'apt install python3' or 'dnf install python3'.",
        installer=Tool(
            name="pip",
            mount=PIP,
            choices=((("pip", "{pip}"),),),
            install_hint="Install it beside drybox: pip install 'drybox[python]'",
            probe=("python3", "-c", _PROBE),
        ),
    )

    environments = EnvironmentForm(
        requirements=("requirements.txt",),
        resolver="pip",
        purl="pypi",
        probe=("python3", "-c", _TARGET, PIP),
        install=(
            *("python3", "-c", runners.source("install_wheels.py").decode()),
            *(PACKAGES_DIR, NEW_ENVIRONMENT_DIR, PIP, ENVIRONMENT_DIR),
        ),
        path=("bin",),
        shown=(File(_ENVIRONMENT_FILE, _ENVIRONMENT_LINE.encode()),),
        preload=("python3", "-c", runners.source("preload.py").decode()),
    )

    packages = PackageForm(
        # A name, extras and versions; pip would take what ends like an archive for a file.
        pattern=rf"(?i:(?!.*\.{_FILE}$)){_NAME}"
        rf"(?:\[{_NAME}(?:, ?{_NAME})*\])?(?: ?{_VERSION}(?: ?, ?{_VERSION})*)?",
        example="requests==2.32.3",
        archives="wheels",
    )

    samples = Samples(
        check="import sys\nsys.stdout.write(sys.argv[1] + sys.stdin.read())\n"
        "sys.stderr.write('err')\nsys.exit(3)\n",
        hello="print('hello', %d)\n",
        hello_file="main.py",
        baseline=("-S", "-c", f"{NO_PACKAGES}{{source}}"),
    )
    editor = EditorMode("python", position=r'", line ([0-9]{1,7})')
    piston = PistonNames("python", ("py", "py3", "python3", "python3.{minor}"))

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

    def prestarts(
        self, version: str, compile_limits: ResourceLimits, limits: ResourceLimits
    ) -> tuple[PrestartedProcess, ...]:
        """An interpreter that has done all it does before it opens the program."""
        series = ".".join(version.split(".")[:2])
        place = f".local/lib/python{series}/site-packages"
        files = [File(f"{place}/usercustomize.py", runners.source("usercustomize.py"))]
        if code := runners.compiled("usercustomize.py", series):
            name = f"usercustomize.cpython-{series.replace('.', '')}.pyc"
            files.append(File(f"{place}/__pycache__/{name}", code))
        prestart = PrestartedProcess(
            ("python3", "main.py"),
            open_files=limits.open_files,
            files=tuple(files),
            startup_env=(
                *("PYTHON*", "HOME", "PATH", "TZ", "LANG", "LANGUAGE", "LC_*", "LOCPATH"),
                *("LD_*", "GLIBC_*", "MALLOC_*", "MUSL_*"),
            ),
            startup_files=(".local/*",),  # packages of the user's own
            module_folder=place,
            preloader=runners.source("preload.py"),
        )
        return (prestart,)


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
