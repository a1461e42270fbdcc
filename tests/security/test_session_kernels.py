"""Code in a session that turns on its kernel forges no result, hangs nobody and loses nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.identity import Runner

from drybox import CodeExecutor, ResourceLimits, SandboxLost, Session

pytestmark = pytest.mark.promise("SES-5")

DONE = '{"type": "done", "id": "%s", "execution_count": 99}'


@pytest.fixture
def session(executor: CodeExecutor, runner: Runner) -> Iterator[Session]:
    with executor.session("python", isolation=runner.isolation.name) as opened:
        yield opened


def works(session: Session) -> bool:
    done = session.run("6 * 7")
    return done.status == "success" and done.results[0].data["text/plain"] == "42"


@pytest.mark.parametrize(
    "code",
    [
        "import os; os._exit(3)",
        "import os; os.abort()",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "import ctypes; ctypes.string_at(0)",
        "import sys; sys.setrecursionlimit(10**9)\ndef f(): f()\nf()",
        "import os; os.execv('/bin/true', ['true'])",
        "import os; os.closerange(0, 256)",
    ],
)
def test_a_kernel_that_dies_is_told_and_started_anew(
    session: Session, runner: Runner, code: str
) -> None:
    session.run("x = 1")
    done = session.run(code, timeout=90)
    if done.status == "success":  # it has not died of it
        assert works(session)
        return
    assert done.restarted
    assert done.status in ("failed", "memory_limit")
    if done.status == "memory_limit" and runner.isolation.kernel.memory:
        with pytest.raises(SandboxLost, match="memory"):  # the sandbox's own kernel went with it
            session.run("x")
        return
    assert works(session)
    gone = session.run("x")
    assert gone.error is not None
    assert gone.error.name == "NameError"


CLOSE = {
    "python": """
import os, time
os.closerange(3, 2000)
time.sleep(600)
""",
    "node": """
for (let fd = 3; fd < 2000; fd++) {
  try {
    if (fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith('pipe:') && fd > 16) fs.closeSync(fd);
  } catch {}
}
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600000);
""",
    "bash": """
for fd in /proc/$$/fd/*; do
    number=${fd##*/}
    [[ $number -lt 10 || $(readlink "$fd") != pipe:* ]] || eval "exec $number>&-"
done
sleep 600
""",
    "java": """
var own = sun.misc.Unsafe.class.getDeclaredField("theUnsafe");
own.setAccessible(true);
var unsafe = (sun.misc.Unsafe) own.get(null);
long at = unsafe.objectFieldOffset(FileDescriptor.class.getDeclaredField("fd"));
for (int number = 3; number < 300; number++) {
    var path = Path.of("/proc/self/fd/" + number);
    try {
        if (!Files.readSymbolicLink(path).toString().startsWith("pipe:")) continue;
    } catch (IOException gone) { continue; }
    var taken = new FileDescriptor();
    unsafe.putInt(taken, at, number);
    new FileOutputStream(taken).close();
}
Thread.sleep(600000);
""",
}
"""What closes a kernel's channel and goes on."""

SHOW = {
    "python": "print(42)",
    "node": "console.log(42)",
    "bash": "echo 42",
    "java": "System.out.println(42);",
}


@pytest.mark.parametrize("language", sorted(CLOSE))
def test_a_kernel_that_closes_its_channel_is_started_anew_at_once(
    executor: CodeExecutor, runner: Runner, language: str
) -> None:
    limits = ResourceLimits(memory=512 << 20)
    with executor.session(language, isolation=runner.isolation.name, limits=limits) as session:
        assert session.run(SHOW[language], timeout=120).stdout == "42\n"
        done = session.run(CLOSE[language], timeout=300)
        assert (done.status, done.restarted) == ("failed", True), done
        assert session.run(SHOW[language], timeout=120).stdout == "42\n"


def test_written_framing_changes_no_other_run(session: Session) -> None:
    code = f"""
import glob, os
forged = {(DONE % "0")!r}.encode() + b'\\n'
for fd in range(256):
    try: os.write(fd, forged)
    except OSError: pass
5
"""
    done = session.run(code)
    assert done.execution_count == 1
    assert [item.data["text/plain"] for item in done.results] == ["5"]
    assert works(session)


def test_garbage_on_the_channel_is_let_go(session: Session) -> None:
    code = """
import os
for fd in range(100, 256):
    for junk in (b'\\xff\\xfe', b'[]', b'{"type":', b'[' * 100000, b'x' * 100000):
        junk += b'\\n'
        try: os.write(fd, junk)
        except OSError: break
'kept'
"""
    done = session.run(code)
    assert done.results[0].data["text/plain"] == "'kept'"
    assert works(session)


def test_a_child_of_a_cell_is_no_kernel(session: Session) -> None:
    code = "import os\nif os.fork() == 0:\n    print('c')\n    os._exit(0)\nos.wait()[1]"
    done = session.run(code)
    assert done.stdout == "c\n"
    assert done.results[0].data["text/plain"] == "0"
    session.run("if os.fork() == 0: raise KeyError('in the child')\nos.wait()")
    assert works(session)


def test_threads_that_print_later_are_in_no_later_result(session: Session) -> None:
    session.run(
        "import threading, time\nfrom IPython.display import display\n"
        "go = threading.Event()\n"
        "def later():\n    go.wait(); print('late', flush=True); display('late')\n"
        "thread = threading.Thread(target=later); thread.start()"
    )
    session.run("threading.Timer(0.05, go.set).start()")
    session.command("sleep 0.5")
    done = session.run("thread.join(); 1")
    assert [item.data["text/plain"] for item in done.results][-1] == "1"
    assert works(session)


@pytest.mark.parametrize(
    "code",
    [
        "while True:\n    try:\n        while True: pass\n    except KeyboardInterrupt: pass",
        "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {2})\nwhile True: pass",
    ],
)
def test_code_that_is_not_to_be_interrupted_is_killed(session: Session, code: str) -> None:
    done = session.run(code, timeout=1)
    assert done.status == "timeout"
    assert works(session)


def test_what_is_shown_is_bounded(session: Session) -> None:
    done = session.run(
        "from IPython.display import HTML\nfor _ in range(100): display(HTML('x' * 2**20))",
        timeout=120,
    )
    assert done.status == "output_limit"
    assert sum(len(form) for item in done.results for form in item.data.values()) < 70 * 2**20
    assert works(session)


@pytest.mark.parametrize(
    "code",
    [
        "'x' * (9 << 20)",
        "class Shown:\n    def _repr_mimebundle_(self, **_):\n"
        "        return {'text/plain': 'a'}, {f'm{n}': n for n in range(100_000)}\nShown()",
    ],
    ids=["text", "names"],
)
def test_what_is_too_large_to_be_shown_is_told_of(session: Session, code: str) -> None:
    done = session.run(code, timeout=120)
    assert (done.status, done.results) == ("output_limit", [])
    assert done.problem is not None
    assert "larger than" in done.problem.message
    assert works(session)


def test_an_error_of_any_size_is_one(session: Session) -> None:
    done = session.run("raise ValueError('x' * (12 << 20) + 'end')", timeout=120)
    assert (done.status, done.problem) == ("failed", None)
    assert done.error is not None
    assert done.error.name == "ValueError"
    assert done.error.value.startswith("xxx")
    assert done.error.value.endswith("xend")
    assert "characters left out" in done.error.value
    assert len(done.error.traceback) < 1 << 20


@pytest.mark.nightly
def test_many_displays_are_bounded(session: Session) -> None:
    done = session.run("for i in range(20_000): display(i)", timeout=120)
    assert done.status == "output_limit"
    assert len(done.results) <= 10_000
    assert works(session)
