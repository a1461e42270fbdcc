"""A sandbox that waited for a request: the program cannot tell, and nobody gets it twice."""

from __future__ import annotations

import re
import sys
from dataclasses import replace

import pytest
from tests.support.warmth import WaitingDrybox, Warm

from drybox import CodeExecutor, ExecutionRequest, ResourceLimits

LOCAL = ExecutionRequest("python", "print('here')", isolation="local")
MIB = 1 << 20

VIEW = """
import sys, os
print(sorted(sys.modules), sys.path, sys.argv, sys.orig_argv, sys.flags, sys.path_hooks[:1])
print(list(sys.path_importer_cache), list(sys.modules)[:5], sys.meta_path, sys.gettrace())
print(sorted(globals()), __name__, __file__, __spec__, type(__loader__), __builtins__)
print(sys.stdin, sys.stdout, sys.stderr, sys.executable, sys.prefix, sys.dont_write_bytecode)
print(os.listdir("."), sorted(os.listdir("/proc/self/fd")), os.getcwd(), os.umask(0))
print(os.environ, os.getpid() > 1, os.getppid(), os.getpgid(0), os.getsid(0), os.nice(0))
print(open("/proc/self/status").read().split("SigQ")[1].split("Mems_allowed")[0])
print(open("/proc/self/limits").read(), open("/proc/self/oom_score_adj").read())
print(open("/proc/self/cmdline").read(), open("/proc/self/comm").read())
print(open("/proc/self/environ").read())
import site, gc, threading, signal, locale, time, warnings, atexit
print(site.ENABLE_USER_SITE, site.USER_SITE, site.USER_BASE, gc.isenabled(), gc.get_freeze_count())
print(gc.get_threshold(), gc.callbacks, gc.garbage, atexit._ncallbacks(), threading.active_count())
print([signal.getsignal(number) for number in range(1, 32)], locale.setlocale(locale.LC_ALL))
print(time.tzname, warnings.filters, sys.getrecursionlimit(), sys.getswitchinterval())
for name in ("usercustomize", "sitecustomize", "__mp_main__"):
    try:
        __import__(name)
    except ImportError as error:
        print(error, error.name, error.path)
print([frame for frame in sys._current_frames().values()][0].f_back)
sys.modules["main"] = None
def deep():
    return deep()
try:
    deep()
except RecursionError as error:
    trace, depth = error.__traceback__, 0
    while trace:
        trace, depth = trace.tb_next, depth + 1
    print(depth)
os.write(1, b"unbuffered")
sys.exit("the end")
"""


@pytest.fixture(scope="module")
def python(warm_executor: Warm) -> Warm:
    return warm_executor


def _without_addresses(text: str) -> str:
    return re.sub(r"0x[0-9a-f]{6,}", "0x", text)


def _lines(text: str) -> list[str]:
    return _without_addresses(text).replace(", ", ",\n").splitlines()


@pytest.mark.promise("SPEED-6")
def test_a_program_sees_what_it_sees_in_a_plain_start(executor: CodeExecutor, python: Warm) -> None:
    request = replace(LOCAL, code=VIEW)
    cold, warm = executor.execute(request), python.execute(request)
    assert _lines(warm.stdout) == _lines(cold.stdout)
    assert (warm.stderr, warm.exit_code) == (cold.stderr, cold.exit_code) == ("the end\n", 1)


@pytest.mark.promise("SPEED-6")
@pytest.mark.parametrize(
    "code",
    [
        "import os; open('later', 'w'); raise SystemExit(7)",
        "x = (",
        "print('caf\\u00e9'",
        "def f():\n\treturn 1\n        return 2\n",
        "import no_such_module",
        "class A:\n    def __del__(self): print('gone')\na = A()\nb = [a]; b.append(b)",
        "import atexit; atexit.register(print, 'at the end')\n1/0",
        "import threading, time\n"
        "threading.Thread(target=lambda: (time.sleep(.05), print('late'))).start()",
        "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
        "'\\d' is 'x'",
        "# -*- coding: latin-1 -*-\nprint('\u00e9')",
        "import subprocess, sys\n"
        "print(subprocess.run([sys.executable, '-c', 'import sys; print(sys.argv)']).returncode)",
        "import multiprocessing as m\nif __name__ == '__main__':\n"
        "    m.set_start_method('spawn')\n    p = m.Process(target=print, args=('child',))\n"
        "    p.start(); p.join(); print(p.exitcode)",
    ],
)
def test_what_becomes_of_a_program_is_the_same(
    executor: CodeExecutor, python: Warm, code: str
) -> None:
    request = replace(LOCAL, code=code, stdin=b"given")
    cold, warm = executor.execute(request), python.execute(request)
    for name in ("status", "stdout", "stderr", "exit_code", "signal"):
        assert warm[name] == cold[name], name


@pytest.mark.promise("SPEED-11")
@pytest.mark.parametrize(
    ("changes", "code", "wanted"),
    [
        ({"env": {"PYTHONHASHSEED": "0"}}, "import sys; print(sys.flags.hash_randomization)", "0"),
        ({"env": {"HOME": "/tmp"}}, "import site; print(site.USER_BASE)", "/tmp/.local"),
        ({"env": {"TZ": "Asia/Tokyo"}}, "import time; print(time.tzname[0])", "JST"),
        ({"env": {"SOME": "x"}}, "import os; print(os.environ['SOME'])", "x"),
        ({"env": {"SOME": "x"}}, "import os; os.system('echo $SOME')", "x"),
        ({"args": ["a", "", "b c"]}, "import sys; print(sys.argv)", "['main.py', 'a', '', 'b c']"),
        ({"args": ["-x"]}, "import sys; print(sys.orig_argv[2:])", "['-x']"),
        (
            {"limits": ResourceLimits(open_files=77)},
            "import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])",
            "77",
        ),
        (
            {"files": {".local/lib/python{}.{}/site-packages/usercustomize.py": "print('own')"}},
            "",
            "own",
        ),
        ({"entrypoint": "other.py"}, "import sys; print(sys.argv[0])", "other.py"),
    ],
)
def test_what_a_request_asks_for_holds_in_a_sandbox_that_was_started_before(
    executor: CodeExecutor, python: Warm, changes: dict[str, object], code: str, wanted: str
) -> None:
    if isinstance(files := changes.get("files"), dict):
        changes = {"files": {name.format(*sys.version_info): text for name, text in files.items()}}
    result = python.execute(replace(LOCAL, code=code, **changes))  # type: ignore[arg-type]
    assert result.stdout.strip() == wanted, result.stderr


@pytest.mark.promise("SPEED-11")
@pytest.mark.parametrize(
    ("limits", "code", "status"),
    [
        (ResourceLimits(memory=48 * MIB), "x = b'1' * (64 << 20)", "memory_limit"),
        (ResourceLimits(memory=400 * MIB), "x = b'1' * (300 << 20)", "success"),
        (
            ResourceLimits(pids=4),
            "import os\nfor _ in range(9):\n    os.fork() or __import__('time').sleep(1)",
            "failed",
        ),
        (ResourceLimits(output=1000), "print('x' * 5000)", "output_limit"),
    ],
)
def test_limits_of_a_request_are_set_when_it_comes(
    python: Warm, limits: ResourceLimits, code: str, status: str
) -> None:
    assert python.execute(replace(LOCAL, code=code, limits=limits)).status == status


@pytest.mark.promise("SPEED-6")
def test_the_clock_of_a_run_begins_with_the_request(python: Warm) -> None:
    result = python.execute(replace(LOCAL, code="while True: pass", timeout=0.5))
    assert result.status == "timeout"
    assert 0.4 < result.execution_time < 3
    quick = python.execute(LOCAL)
    assert quick.usage.cpu_time is not None
    assert quick.usage.cpu_time < 0.5


@pytest.mark.promise("SPEED-6")
def test_a_hundred_runs_draw_different_numbers(python: Warm) -> None:
    code = (
        "import os, random, uuid, secrets, tempfile\n"
        "print(os.urandom(8).hex(), random.random(), uuid.uuid4(), hash('x'), secrets.token_hex(8),"
        " next(tempfile._get_candidate_names()))"
    )
    rows = [python.execute(replace(LOCAL, code=code)).stdout.split() for _ in range(100)]
    for column in zip(*rows, strict=True):
        assert len(set(column)) == 100


@pytest.mark.promise("SPEED-6")
def test_a_hundred_runs_of_node_draw_different_numbers(python: Warm) -> None:
    code = (
        "const c = require('crypto');\n"
        "console.log(c.randomBytes(8).toString('hex'), Math.random(), c.randomUUID())"
    )
    request = ExecutionRequest("node", code, isolation="local")
    rows = [python.execute(request).stdout.split() for _ in range(100)]
    for column in zip(*rows, strict=True):
        assert len(set(column)) == 100


NODE_VIEW = """
console.log(process.argv, process.execArgv, process.env, process.execPath, process.title);
console.log(__filename, require.main === module, module.paths, Object.keys(require.cache));
console.log(process.version, process.pid > 1, process.ppid, process.getActiveResourcesInfo());
console.log(Object.keys(require('module')._pathCache), require('async_hooks').executionAsyncId());
const fs = require('fs');
console.log(fs.openSync('main.js'), new (require('async_hooks').AsyncResource)('own').asyncId());
console.log(fs.readdirSync('.'), fs.readdirSync('/proc/self/fd'), fs.statSync('main.js').isFile());
console.log(fs.readFileSync('/proc/self/cmdline', 'utf8'), fs.readFileSync('main.js', 'utf8'));
const said = 'console.log(process.execArgv, Object.keys(require.cache))';
new (require('worker_threads').Worker)(said, { eval: true })
  .on('exit', () => setImmediate(() => { throw new Error('the end') }));
"""


@pytest.mark.promise("SPEED-6")
def test_a_script_sees_what_it_sees_in_a_plain_start(executor: CodeExecutor, python: Warm) -> None:
    request = ExecutionRequest("node", NODE_VIEW, isolation="local")
    cold, warm = executor.execute(request), python.execute(request)
    assert warm.stdout == cold.stdout
    assert (warm.stderr, warm.exit_code) == (cold.stderr, cold.exit_code)


@pytest.mark.promise("SPEED-11")
@pytest.mark.parametrize(
    ("changes", "code", "wanted"),
    [
        ({"files": {"package.json": '{"type": "module"}'}}, "console.log(import.meta.url)", "file"),
        ({"env": {"NODE_OPTIONS": "--title=given"}}, "console.log(process.title)", "given"),
        ({"env": {"SOME": "x"}}, "console.log(process.env.SOME)", "x"),
        (
            {"args": ["a b", "c\u00e9"]},
            "console.log(process.argv.slice(2).join('|'))",
            "a b|c\u00e9",
        ),
        ({"env": {"TZ": "Asia/Tokyo"}}, "console.log(new Date(0).getHours())", "9"),
        ({"files": {"lib.js": "module.exports = 7"}}, "console.log(require('./lib'))", "7"),
        ({"stdin": b"given"}, "process.stdin.on('data', d => console.log(`${d}`))", "given"),
        ({}, "/*" + "x" * 300_000 + "*/ console.log('long')", "long"),
    ],
)
def test_what_a_script_asks_for_holds(
    python: Warm, changes: dict[str, object], code: str, wanted: str
) -> None:
    request = ExecutionRequest("node", code, isolation="local")
    result = python.execute(replace(request, **changes))  # type: ignore[arg-type]
    assert result.stdout.startswith(wanted), result.stderr


@pytest.mark.promise("SPEED-10")
def test_no_sandbox_serves_twice(python: Warm) -> None:
    code = (
        "import os\nprint(os.listdir('.'), os.path.exists('/tmp/mark'))\n"
        "open('mark', 'w'), open('/tmp/mark', 'w')"
    )
    for _ in range(12):
        assert python.execute(replace(LOCAL, code=code)).stdout == "['main.py'] False\n"


@pytest.mark.promise("SPEED-10")
def test_a_dead_one_is_never_handed_out() -> None:
    with WaitingDrybox(LOCAL, 3) as drybox:
        drybox.kill(drybox.pids)
        assert drybox.run(4) == ["success"] * 4


def test_nothing_is_kept_where_nothing_is_wanted() -> None:
    with CodeExecutor(isolation="local", pool=None) as executor:
        executor.execute(LOCAL)
        assert not executor.pools()


def test_closing_takes_idle_sandboxes_away() -> None:
    with WaitingDrybox(LOCAL, 3) as drybox:
        drybox.run(0)
        assert drybox.process.poll() is None
        assert drybox.left_nothing()


@pytest.mark.promise("LEFT-1")
def test_nothing_idle_outlives_a_drybox_that_was_killed() -> None:
    with WaitingDrybox(LOCAL, 3) as drybox:
        drybox.process.kill()
        assert drybox.left_nothing()
