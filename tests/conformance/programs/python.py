"""The programs in Python."""

from tests.conformance.programs import Programs

KILL = """\
import os, signal
print("before", flush=True)
os.kill(os.getpid(), signal.{name})
signal.pause()
"""

PROGRAMS = Programs(
    language="python",
    names=("python", "py"),
    compiles=False,
    start=3.0,
    hello="""\
import sys
print("Hello, World!")
print("a word", file=sys.stderr)
""",
    exit="""\
import sys
print("before")
sys.exit(int(sys.argv[1]))
""",
    signals={
        name: KILL.format(name=name)
        for name in ("SIGTERM", "SIGSEGV", "SIGKILL", "SIGABRT", "SIGXCPU", "SIGRTMIN")
    },
    broken="print('never')\nif True print('x')\n",
    complaint="SyntaxError",
    complain="""\
import os
os.execvp("sh", ["sh", "-c", "cat words.txt >&2; exit 1"])
""",
    hang="""\
import sys, time
print("ready", flush=True)
print("waiting", file=sys.stderr, flush=True)
while True:
    time.sleep(1)
""",
    hog="""\
print("ready", flush=True)
hoard = []
while True:
    hoard.append(b"x" * (1 << 20))
""",
    touch="""\
import sys
hoard = b"x" * (int(sys.argv[1]) << 20)
print("done")
""",
    flood="""\
import os, sys
fd = {"stdout": 1, "stderr": 2}[sys.argv[1]]
left = int(sys.argv[2])
block = b"0123456789" * 100
while left:
    left -= os.write(fd, block[: left % 1000 or 1000])
""",
    busy="""\
import time
while time.process_time() < 1:
    pass
print("done")
""",
    cat="""\
import shutil, sys
shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)
""",
    words="""\
import sys
for word in sys.argv[1:]:
    sys.stdout.write(word + "\\0")
""",
    variable="""\
import os, sys
sys.stdout.write(os.environ[sys.argv[1]])
""",
    split="""\
import os, sys
os.write(1, b"\\xc3")
sys.stdin.readline()
os.write(1, b"\\xa9\\n")
""",
    talk="""\
import sys
print("ready", flush=True)
for line in sys.stdin:
    print("got", line.rstrip("\\n"), flush=True)
""",
    clock="""\
import sys, time
print(time.time(), flush=True)
time.sleep(float(sys.argv[1]))
print(time.time())
""",
    write="""\
import os, sys
os.makedirs("out/deep")
with open("top.txt", "w") as file:
    file.write("top\\n")
with open("out/text.txt", "w") as file:
    file.write("text\\n")
with open("out/deep/bytes.bin", "wb") as file:
    file.write(bytes(range(256)))
os.symlink("/etc/passwd", "out/link.txt")
sys.exit(3)
""",
    project={
        "main.py": "from parts.words import phrase\nprint(phrase())\n",
        "parts/__init__.py": b"",
        "parts/words.py": (
            "import pathlib\n"
            "def phrase():\n"
            "    return 'whole ' + pathlib.Path('data/noun.txt').read_text().strip()\n"
        ),
        "data/noun.txt": "project\n",
        "tools/other.py": b"print('other entry')\n",
    },
    other_entry="tools/other.py",
)
