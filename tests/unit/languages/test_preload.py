"""What a template imports ahead: when there is none, and what a fork of one renews."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.promise("SPEED-29")

SOURCE = Path(__file__).parents[3] / "src/drybox/languages/runners/preload.py"

LEAVES = {
    "nothing": ("import json, threading, ssl, decimal\n", "forks"),
    "thread": (
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n",
        "its modules start threads",
    ),
    "ended_thread": (
        "import threading\nt = threading.Thread(target=int)\nt.start()\nt.join()\n",
        "forks",
    ),
    "file": ("opened = open(__file__)\n", "its modules leave files open"),
    "closed_file": ("with open(__file__) as file: file.read()\n", "forks"),
    "shared": ("import mmap\nshared = mmap.mmap(-1, 4096)\n", "its modules share memory"),
    "process": (
        "import subprocess\nchild = subprocess.Popen(['sleep', '0.2'])\n",
        "its modules start processes",
    ),
    "ended_process": ("import subprocess\nsubprocess.run(['true'])\n", "forks"),
    "timer": (
        "import signal\nsignal.signal(signal.SIGALRM, lambda *_: None)\nsignal.alarm(60)\n",
        "its modules set timers",
    ),
    "printed": ("print('imported')\n", "its modules print while they are imported"),
    "path": ("import sys\nsys.path.insert(0, '/nowhere')\n", "its modules change sys.path"),
    "cwd": ("import os\nos.chdir('/')\n", "the working directory"),
    "umask": ("import os\nos.umask(0o77)\n", "umask"),
    "handlers": (
        "import atexit, os\natexit.register(int)\nos.register_at_fork(after_in_child=int)\n",
        "forks",
    ),
}


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *arguments],
        env=env,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("name", LEAVES)
def test_what_an_import_leaves_decides_whether_there_is_a_template(
    name: str, tmp_path: Path
) -> None:
    source, words = LEAVES[name]
    (tmp_path / f"{name}.py").write_text(source)
    done = run(tmp_path, str(SOURCE), name)
    assert done.returncode == 0, done.stderr
    assert words in done.stdout.splitlines()[-1]


def test_what_cannot_be_imported_raises(tmp_path: Path) -> None:
    done = run(tmp_path, str(SOURCE), "json", "absent")
    assert done.returncode == 1
    assert "No module named 'absent'" in done.stderr


FORK = """
import os, sys
sys.path.insert(0, {folder!r})
from preload import Preload
ahead = Preload()
assert ahead.load(["generators"]) == "", "it can be forked"
for _ in range(2):
    read, write = os.pipe()
    if not os.fork():
        ahead.renew()
        import generators
        os.write(write, "\\n".join(map(str, generators.draw())).encode())
        os._exit(0)
    os.close(write)
    print(os.read(read, 4096).decode().replace("\\n", " "))
"""

GENERATORS = """
import random, ssl, tempfile, uuid
own, seeded, late = random.Random(), random.Random(7), random.Random(7)
late.seed()
ssl.RAND_bytes(8), tempfile.mktemp(), random.random()

def draw():
    return [own.random(), late.random(), random.random(), ssl.RAND_bytes(8).hex(),
            tempfile.mktemp(), uuid.uuid4(), seeded.random()]
"""


def test_forks_draw_different_numbers_and_what_was_seeded_stays_so(tmp_path: Path) -> None:
    (tmp_path / "generators.py").write_text(GENERATORS)
    done = run(tmp_path, "-c", FORK.format(folder=str(SOURCE.parent)))
    assert done.returncode == 0, done.stderr
    first, second = (line.split() for line in done.stdout.splitlines())
    assert len(first) == 7
    same = [one == two for one, two in zip(first, second, strict=True)]
    assert same == [False] * 6 + [True]


HIDE = """
import sys
sys.path.insert(0, {folder!r})
from preload import Preload
ahead = Preload()
ahead.load(["looks"])
print(ahead.is_hidden_by("plain"), ahead.is_hidden_by("hides"), ahead.is_hidden_by("brings"))
"""


def test_a_programs_own_modules_of_those_names_are_noticed(tmp_path: Path) -> None:
    looks = "import wave\ntry:\n    import optional\nexcept ImportError:\n    pass\n"
    (tmp_path / "looks.py").write_text(looks)
    for folder, name in (("plain", "os.py"), ("hides", "wave.py"), ("brings", "optional.py")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text("")
    done = run(tmp_path, "-c", HIDE.format(folder=str(SOURCE.parent)))
    assert done.stdout.split() == ["False", "True", "True"], done.stderr
