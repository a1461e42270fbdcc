"""A Docker daemon of an ordinary user's: everything of it is in that user's namespaces."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.daemon import CLIENT, DOCKERD, TIMEOUT
from tests.support.host import eventually
from tests.support.images import Image

USER = "drybox-rootless"

START = """
mkdir -m 700 run
export XDG_RUNTIME_DIR="$PWD/run"
exec rootlesskit --net=host --copy-up=/etc --copy-up=/run sh -c '
rm -f /run/docker /run/containerd
exec "$@"' sh "$@"
"""
"""As Docker's own script does it; its network, for which this one has no use, left out."""


@contextmanager
def rootless_daemon(image: Image, tag: str) -> Iterator[str]:
    """The address of such a daemon, which has an image; nothing is left of it afterwards.

    Args:
        image: What it has.
        tag: The image's name.
    """
    if subprocess.run(["id", USER], capture_output=True).returncode:
        # This also gives them a range of ids in /etc/subuid.
        subprocess.run(["useradd", "--create-home", "--shell", "/bin/sh", USER], check=True)
    entry = pwd.getpwnam(USER)
    folder = Path(tempfile.mkdtemp(prefix="rootless-"))
    shutil.chown(folder, USER)
    host = f"unix://{folder}/d.sock"
    drop = ["setpriv", f"--reuid={USER}", f"--regid={entry.pw_gid}", "--clear-groups"]
    paths = [f"--{word}={folder}/{word}" for word in ("data-root", "exec-root", "pidfile")]
    network = ["--bridge=none", "--iptables=false", "--ip6tables=false"]
    options = ["--rootless", "--storage-driver=vfs", f"--host={host}", *paths, *network]
    env = {"HOME": entry.pw_dir, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*drop, "sh", "-c", START, "sh", DOCKERD, *options],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        ready = eventually(lambda: _answers(host) or process.poll() is not None, TIMEOUT)
        assert ready, "it does not answer"
        assert process.poll() is None, (folder / "log").read_text()[-2000:]
        changes = [f"--change=ENV {name}={value}" for name, value in image.env.items()]
        _docker(host, "import", *changes, str(image.tarball), tag)
        yield host
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(TIMEOUT)
        shutil.rmtree(folder)


def _answers(host: str) -> bool:
    return not subprocess.run([CLIENT, "--host", host, "version"], capture_output=True).returncode


def _docker(host: str, *words: str) -> None:
    done = subprocess.run([CLIENT, "--host", host, *words], capture_output=True, text=True)
    assert not done.returncode, done.stderr
