"""Attack programs that check whether the sandboxes of this host hold, seen from outside.

``doctor`` checks what the host has; this runs programs. Each check is one execution, whose result
and effect on the host are judged.
"""

from __future__ import annotations

import os
import secrets
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from drybox.errors import DryboxError
from drybox.executor.sync_executor import CodeExecutor
from drybox.languages.registry import known_languages
from drybox.model import MIB, ExecutionRequest, ExecutionResult, LanguageInfo, ResourceLimits
from drybox.testing.attempts import ATTEMPTS

GONE_WITHIN = 2.0
"""Seconds after an answer within which nothing of its program may be left."""

SPOKEN, GIVEN, EXIT_CODE = "wörter", "Eingabe\n", 3
SHARED = "/usr/bin/env"
"""A file that the host has, too."""

GIVEN_UP = "this guarantee is given up on request"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What became of one check.

    Attributes:
        name: What was checked: a language, or a promise in one word.
        promise: In a sentence.
        status: ``missing`` where there is no toolchain for it, ``skipped`` where its guarantee
            was given up on request.
        detail: What is wrong, or what was seen.
        seconds: How long it took.
    """

    name: str
    promise: str
    status: Literal["ok", "failed", "missing", "skipped"]
    detail: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Host:
    """What a program must neither reach nor see.

    Attributes:
        secret: A word in a file and in a variable of the host, which names processes, too.
        file: The file.
        listener: A socket that waits on the host's loopback.
    """

    secret: str
    file: str
    listener: socket.socket

    def was_reached(self) -> bool:
        """Whether anybody has come to the socket."""
        try:
            self.listener.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def runs(self) -> bool:
        """Whether a process has the secret among its arguments."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if self.secret.encode() in (folder / "cmdline").read_bytes():
                    return True
            except OSError:
                continue  # it has ended meanwhile
        return False


@contextmanager
def prepared_host() -> Iterator[Host]:
    """Make what programs will be after, and take it away again."""
    secret = f"selftest-{secrets.token_hex(8)}"
    with (
        tempfile.NamedTemporaryFile("w", prefix="drybox-selftest-") as file,
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        file.write(secret)
        file.flush()
        os.chmod(file.name, 0o644)
        os.environ["DRYBOX_SELFTEST"] = secret
        listener.setblocking(False)
        try:
            yield Host(secret, file.name, listener)
        finally:
            del os.environ["DRYBOX_SELFTEST"]


_USUAL = ResourceLimits()

Judge = Callable[[ExecutionResult, Host], str]
"""Says what is wrong, or nothing."""


@dataclass(frozen=True, slots=True)
class Check:
    """A program that tries something, and what must become of it.

    Attributes:
        name: The promise in one word.
        promise: In a sentence.
        code: Python; ``{file}``, ``{port}`` and ``{secret}`` stand for the host's.
        judge: Looks at what became of it.
        limits: What it may use.
        timeout: Wall seconds.
        guarantee: What ``allow_weaker`` calls the guarantee that this tests. Without it the
            program is not run: it would take what only that keeps from it.
    """

    name: str
    promise: str
    code: str
    judge: Judge
    limits: ResourceLimits = _USUAL
    timeout: float = 20.0
    guarantee: str = ""


def _says(wanted: str) -> Judge:
    def judge(result: ExecutionResult, host: Host) -> str:
        return "" if result.stdout.strip() == wanted else f"it says {_shown(result)}"

    return judge


def _ends(status: str) -> Judge:
    def judge(result: ExecutionResult, host: Host) -> str:
        return "" if result.status == status else f"it ends with {_shown(result)}"

    return judge


def _shown(result: ExecutionResult) -> str:
    error = f", {result.error.message}" if result.error else ""
    return f"{result.status}{error}: {(result.stdout + result.stderr)[-300:]!r}"


def _reaches_nobody(result: ExecutionResult, host: Host) -> str:
    return "it reached the host's loopback" if host.was_reached() else _says("0")(result, host)


def _tells_nothing(result: ExecutionResult, host: Host) -> str:
    if host.secret in result.stdout + result.stderr:
        return "it read a secret of the host's"
    return _ends("success")(result, host)


def _dies_whole(result: ExecutionResult, host: Host) -> str:
    deadline = time.monotonic() + GONE_WITHIN
    while host.runs():
        if time.monotonic() > deadline:
            return "a process of it is still there"
        time.sleep(0.01)
    return _ends("timeout")(result, host)


def _is_cut(result: ExecutionResult, host: Host) -> str:
    size = len(result.stdout_bytes)
    return _ends("output_limit")(result, host) if size <= 65536 else f"{size} bytes came out"


def _is_its_own(result: ExecutionResult, host: Host) -> str:
    try:
        of_host = os.stat(SHARED)
    except OSError:
        return _ends("success")(result, host)
    if result.stdout.split() == [str(of_host.st_dev), str(of_host.st_ino)]:
        return f"{SHARED} is the host's own, and so are locks on it"
    return _ends("success")(result, host)


_FRESH = Check(
    "freshness",
    "finds nothing of another execution's",
    "import os\npaths = ('mark', '/tmp/mark', '/dev/shm/mark')\n"
    "print([path for path in paths if os.path.exists(path)])\n"
    "for path in paths:\n    open(path, 'w').close()\n",
    _says("[]"),
)

CHECKS: Sequence[Check] = (
    Check(
        "network",
        "reaches nothing, not even the host's loopback",
        "import socket\nreached = 0\nfor address in ('127.0.0.1', '::ffff:127.0.0.1'):\n"
        "    try:\n        socket.create_connection((address, {port}), 1)\n        reached += 1\n"
        "    except OSError:\n        pass\nprint(reached)\n",
        _reaches_nobody,
    ),
    Check(
        "secrets",
        "sees no file and no variable of the host's",
        "import glob, os\nprint(dict(os.environ))\n"
        "for path in ['{file}', *glob.glob('/proc/[0-9]*/environ')]:\n"
        "    try:\n        print(open(path, errors='replace').read())\n"
        "    except OSError:\n        pass\n",
        _tells_nothing,
    ),
    Check(
        "user",
        "has an unprivileged user and no capability",
        "import os\ntext = open('/proc/self/status').read()\n"
        "caps = [line.split()[1] for line in text.splitlines() if line.startswith('CapEff')]\n"
        "print(0 not in os.getresuid() + os.getresgid() and not any(int(c, 16) for c in caps))\n",
        _says("True"),
    ),
    Check(
        "seccomp",
        "is refused dangerous system calls",
        "import ctypes, errno\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "calls = [libc.unshare(0x10000000), libc.mount(b'none', b'/tmp', b'tmpfs', 0, None)]\n"
        "import socket\ntry:\n    socket.socket(38, 5)\n    calls.append(0)\n"
        "except OSError:\n    calls.append(-1)\nprint(calls)\n",
        _says("[-1, -1, -1]"),
        guarantee="seccomp",
    ),
    Check(
        "files",
        "can write nowhere but in its own places",
        "for path in ('/x', '/etc/x', '/usr/x', '/usr/bin/x', '/proc/sys/kernel/hostname'):\n"
        "    try:\n        open(path, 'w').write('x')\n        print(path)\n"
        "    except OSError:\n        pass\nprint('end')\n",
        _says("end"),
    ),
    Check(
        "descriptors",
        "begins with its three streams and nothing else",
        "import os\nprint(sorted(os.listdir('/proc/self/fd'), key=int)[:-1])\n",
        _says("['0', '1', '2']"),
    ),
    Check(
        "deadline",
        "is dead at its deadline, whatever it started",
        "import os, subprocess, sys\nif not os.fork():\n    os.setsid()\n    if not os.fork():\n"
        "        os.execv(sys.executable, ['python3', '-c', 'while True: pass', '{secret}'])\n"
        "while True:\n    pass\n",
        _dies_whole,
        timeout=1.0,
    ),
    Check(
        "memory",
        "is ended for want of memory, and told apart",
        "kept = []\nfor _ in range(256):\n    kept.append(bytearray(1 << 20))\n",
        _ends("memory_limit"),
        ResourceLimits(memory=64 * MIB),
        guarantee="memory",
    ),
    Check(
        "processes",
        "has no more processes than it may",
        "import os, time\ncount = 0\ntry:\n    for _ in range(200):\n"
        "        if not os.fork():\n            time.sleep(60)\n        count += 1\n"
        "except OSError:\n    pass\nprint(0 < count < 16)\n",
        _says("True"),
        ResourceLimits(pids=16),
        guarantee="pids",
    ),
    Check(
        "disk",
        "writes no more than it may",
        "import os\ntry:\n    with open('big', 'wb') as file:\n"
        "        for _ in range(64):\n            file.write(bytes(1 << 20))\n"
        "except OSError:\n    pass\nprint(os.path.getsize('big') <= 4 << 20)\n",
        _says("True"),
        ResourceLimits(disk=4 * MIB),
    ),
    Check(
        "output",
        "is cut where it prints too much",
        "for _ in range(100000):\n    print('x' * 999)\n",
        _is_cut,
        ResourceLimits(output=65536),
    ),
    *(
        Check(attempt.name, attempt.promise, attempt.code, _says("[]"), guarantee=attempt.guarantee)
        for attempt in ATTEMPTS
    ),
    Check(
        "inodes",
        "shares no file with the host that could be locked for it",
        f"import os\nfile = os.stat('{SHARED}')\nprint(file.st_dev, file.st_ino)\n",
        _is_its_own,
        guarantee="inodes",
    ),
    _FRESH,
    _FRESH,
)
"""In the order in which they run; the last one finds what it has left itself, if anything."""


def selftest(
    executor: CodeExecutor, isolation: str, report: Callable[[CheckResult], None]
) -> list[CheckResult]:
    """Run every check with one isolation.

    Args:
        executor: Runs them.
        isolation: Its name.
        report: Is told of each as it ends.

    Returns:
        All of them.
    """
    findings: list[CheckResult] = []

    def note(finding: CheckResult) -> None:
        findings.append(finding)
        report(finding)

    for language in executor.languages():
        note(_greet(executor, isolation, language))
    given_up, problem = _given_up(executor, isolation)
    for guarantee in given_up:
        note(CheckResult(guarantee, GIVEN_UP, "skipped", "what would test it is not run"))
    with prepared_host() as host:
        for check in CHECKS:
            if check.guarantee and problem:  # it may be given up: nobody knows
                note(CheckResult(check.name, check.promise, "failed", problem))
            elif check.guarantee not in given_up:
                note(_try(executor, isolation, check, host))
    return findings


def _given_up(executor: CodeExecutor, isolation: str) -> tuple[Sequence[str], str]:
    """What a program that does nothing runs without here; or why it does not run."""
    try:
        result = executor.execute(ExecutionRequest("python", "", isolation=isolation))
    except DryboxError as error:
        return (), f"{error.message} {error.hint}".strip()
    return result.weakened, ""


def _greet(executor: CodeExecutor, isolation: str, language: LanguageInfo) -> CheckResult:
    promise = "argument, input, output and exit code are a program's own"
    if language.version is None:
        return CheckResult(language.name, promise, "missing", language.hint)

    def judge(result: ExecutionResult) -> str:
        told = (result.stdout, result.stderr, result.exit_code)
        wanted = (SPOKEN + GIVEN, "err", EXIT_CODE)
        return "" if told == wanted else f"it ends with {_shown(result)}"

    code = known_languages()[language.name].samples.check
    request = ExecutionRequest(
        language.name, code, args=[SPOKEN], stdin=GIVEN, isolation=isolation, timeout=60.0
    )
    return _run(executor, request, language.name, promise, judge)


def _try(executor: CodeExecutor, isolation: str, check: Check, host: Host) -> CheckResult:
    code = check.code
    port = str(host.listener.getsockname()[1])
    for name, value in (("{file}", host.file), ("{port}", port), ("{secret}", host.secret)):
        code = code.replace(name, value)
    request = ExecutionRequest(
        "python", code, isolation=isolation, limits=check.limits, timeout=check.timeout
    )

    def judge(result: ExecutionResult) -> str:
        return check.judge(result, host)

    return _run(executor, request, check.name, check.promise, judge)


def _run(
    executor: CodeExecutor,
    request: ExecutionRequest,
    name: str,
    promise: str,
    judge: Callable[[ExecutionResult], str],
) -> CheckResult:
    started = time.monotonic()
    try:
        result = executor.execute(request)
    except DryboxError as error:
        detail = f"{error.message} {error.hint}".strip()
        return CheckResult(name, promise, "failed", detail, time.monotonic() - started)
    problem = judge(result)
    seen = f"{result.language} {result.version}, {result.isolation}"
    seconds = time.monotonic() - started
    return CheckResult(name, promise, "failed" if problem else "ok", problem or seen, seconds)
