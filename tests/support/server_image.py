"""The server's own image, built from ``deploy/docker`` upon a stand-in, without a registry."""

from __future__ import annotations

import ctypes.util
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.daemon import CLIENT, Daemon

from drybox.languages.python import Python

REPO = Path(__file__).resolve().parents[2]
BASE = "drybox-test/base"
NAME = "drybox-test/server"
TIMEOUT = 240.0

SECCOMP = Path("/usr/lib/x86_64-linux-gnu/libseccomp.so.2")


def build(daemon: Daemon, folder: Path, extras: str = "server,docker") -> str:
    """Build it as the Dockerfile's own words say, but that nothing comes from an index.

    Args:
        daemon: Where.
        folder: An empty folder to work in.
        extras: Those of drybox that go into it.
    """
    base = folder / "base"
    base.mkdir()
    assert ctypes.util.find_library("seccomp"), "libseccomp2 is not installed"
    shutil.copy(SECCOMP, base)
    # Debian's official images have it for their package manager.
    (base / "Dockerfile").write_text(f"FROM {Python.image}\nCOPY {SECCOMP.name} {SECCOMP}\n")
    _docker(daemon, "build", "--tag", BASE, str(base))

    context = folder / "docker"
    shutil.copytree(REPO / "deploy/docker", context, ignore=shutil.ignore_patterns("dist"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    _run([*pip, "wheel", "--no-deps", f"--wheel-dir={context}/dist", str(REPO)])
    wheel = next((context / "dist").glob("drybox-*.whl"))
    _run([*pip, "download", "--only-binary=:all:", f"--dest={context}/dist", f"{wheel}[{extras}]"])
    options = ("--no-index", "--find-links=/tmp/dist")
    arguments = {"BASE": BASE, "EXTRAS": extras, "PIP_OPTIONS": " ".join(options)}
    words = [f"--build-arg={name}={value}" for name, value in arguments.items()]
    _docker(daemon, "build", "--network=none", *words, "--tag", NAME, str(context))
    return NAME


def _docker(daemon: Daemon, *words: str) -> None:
    # The builder that every Docker has; the other one is a plug-in.
    _run([CLIENT, "--host", daemon.host, *words], DOCKER_BUILDKIT="0", PATH="/usr/bin:/bin")


def _run(command: list[str], **env: str) -> None:
    done = subprocess.run(command, env=env or None, capture_output=True, text=True, timeout=TIMEOUT)
    assert not done.returncode, f"{command} exited {done.returncode}:\n{done.stdout}{done.stderr}"
