"""The contract of a backend as checks that run against a real one: for authors of backends.

Each check opens sandboxes of its own, runs Python programs in them and looks at what comes back.
``check_backend`` runs them all; ``pytest_plugin`` beside this file makes each one a test.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

import anyio

from drybox.backends.base import Backend, Sandbox
from drybox.errors import DryboxError, InvalidRequest, SandboxLost, Unsupported
from drybox.job import File
from drybox.languages.registry import find_language
from drybox.model import MIB
from drybox.testing.backend_subject import (
    BACKEND_CHECKS,
    LIMITS,
    Seen,
    Subject,
    backend_check,
    expect,
    run,
)
from drybox.testing.selftest import CheckResult

__all__ = ["BACKEND_CHECKS", "check_backend", "run_check"]

GRACE = 10.0
"""Seconds after a deadline within which a command must have ended."""

NO_VERSION = "0.0"


# --- the backend -----------------------------------------------------------------------------


@backend_check("says what is guaranteed here, and how to mend what is not")
async def _support(subject: Subject) -> None:
    found = await subject.backend.check()
    expect(found.guarantees, "check() names no guarantee")
    for item in found.guarantees:
        expect(item.detail, f"the guarantee {item.name!r} has no detail")
        expect(item.holds or item.fix, f"the guarantee {item.name!r} has no fix")


@backend_check("names the version that would run, and refuses one that is not there with a hint")
async def _versions(subject: Subject) -> None:
    language, _ = find_language("python")
    expect(await subject.backend.serves(language, ""), "serves() denies Python")
    expect(await subject.backend.version(language, ""), "version() is empty")
    try:
        await subject.backend.version(language, NO_VERSION)
    except Unsupported as error:
        expect(error.hint, "the refusal of a version has no hint")
    else:
        raise AssertionError("version() knows Python 0.0")


@backend_check("gives every sandbox files of its own, also one after another and side by side")
async def _separate(subject: Subject) -> None:
    look = "import os; print(sorted(os.listdir('.')), sorted(os.listdir('/tmp')))"
    mark = "open('mark', 'w').close(); open('/tmp/mark', 'w').close()"
    async with subject.sandbox() as first, subject.sandbox() as second:
        expect((await run(first, mark)).exit.code == 0, "a program cannot write its files")
        expect(b"mark" not in (await run(second, look)).stdout, "a neighbour sees the files")
    async with subject.sandbox() as third:
        expect(b"mark" not in (await run(third, look)).stdout, "a later sandbox sees the files")


# --- programs --------------------------------------------------------------------------------


@backend_check("brings output byte for byte, each stream apart")
async def _output(subject: Subject) -> None:
    wanted = bytes(range(256)) * 300
    code = (
        "import sys\nall = bytes(range(256)) * 300\n"
        "sys.stdout.buffer.write(all); sys.stderr.buffer.write(all[::-1])"
    )
    async with subject.sandbox() as sandbox:
        seen = await run(sandbox, code)
    expect(seen.stdout == wanted, "stdout is not what was written")
    expect(seen.stderr == wanted[::-1], "stderr is not what was written")


@backend_check("tells exit codes and signals as they were")
async def _ends(subject: Subject) -> None:
    async with subject.sandbox() as sandbox:
        for code in (0, 1, 137, 255):
            seen = await run(sandbox, f"import os; os._exit({code})")
            expect((seen.exit.code, seen.exit.signal) == (code, None), f"exit {code}: {seen.exit}")
        for number in (6, 9, 15):
            seen = await run(sandbox, f"import os; os.kill(os.getpid(), {number})")
            got = (seen.exit.code, seen.exit.signal)
            expect(got == (None, number), f"signal {number}: {seen.exit}")


@backend_check("hands over arguments and variables unchanged, and none of the host's")
async def _arguments(subject: Subject) -> None:
    words = ("", "two words", "'\"$HOME`*", "ä\U0001f600", "-x", "a\nb")
    secret = secrets.token_hex(8)
    os.environ["DRYBOX_BACKEND_CHECK"] = secret
    try:
        async with subject.sandbox() as sandbox:
            code = "import os, sys; print(sys.argv[1:], os.environ['A'], dict(os.environ))"
            seen = await run(sandbox, code, *words, env={"A": "b c=d"})
    finally:
        del os.environ["DRYBOX_BACKEND_CHECK"]
    expect(repr(list(words)).encode() in seen.stdout, f"arguments: {seen.stdout[:200]!r}")
    expect(b"b c=d" in seen.stdout, "a variable is not what was given")
    expect(secret.encode() not in seen.stdout, "a variable of the host is inside")


@backend_check("brings standard input to its end; without any a program reads an empty one")
async def _standard_input(subject: Subject) -> None:
    code = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"
    async with subject.sandbox() as sandbox:
        given = b"in\0put\xff\n" * 1000
        expect((await run(sandbox, code, stdin=given)).stdout == given, "input is not whole")
        expect((await run(sandbox, code)).stdout == b"", "input comes from somewhere")


@backend_check("ends a command at its deadline, and everything that it started")
async def _deadline(subject: Subject) -> None:
    code = (
        "import os, time\nif not os.fork():\n    os.setsid()\n    if not os.fork():\n"
        "        time.sleep(600)\n    os._exit(0)\nprint('on its way', flush=True)\ntime.sleep(600)"
    )
    async with subject.sandbox() as sandbox:
        started = time.monotonic()
        seen = await run(sandbox, code, timeout=1.0)
        expect(seen.exit.timed_out, f"the deadline did not end it: {seen.exit}")
        expect(time.monotonic() - started < 1.0 + GRACE, "it went on after its deadline")
        expect(seen.stdout == b"on its way\n", "what it had written is lost")
        await _nothing_runs(sandbox)


@backend_check("leaves no process of a command, however that ended")
async def _leftovers(subject: Subject) -> None:
    code = "import os, time\nif not os.fork():\n    os.setsid(); os.close(1); os.close(2)\n"
    code += "    time.sleep(600)"
    async with subject.sandbox() as sandbox:
        seen = await run(sandbox, code)
        expect(seen.exit.code == 0, f"the program failed: {seen.stderr[-200:]!r}")
        await _nothing_runs(sandbox)


async def _nothing_runs(sandbox: Sandbox) -> None:
    code = (
        "import os\nown = {1, os.getpid(), os.getppid()}\n"
        "print([p for p in map(int, filter(str.isdigit, os.listdir('/proc'))) if p not in own])"
    )
    seen = await run(sandbox, code)
    expect(seen.stdout == b"[]\n", f"processes are left: {seen.stdout[:100]!r}")


@backend_check("kills on request and when it is cancelled; closing twice is closing once")
async def _killing(subject: Subject) -> None:
    hang = "import time; print('up', flush=True); time.sleep(600)"
    async with subject.sandbox() as sandbox, anyio.create_task_group() as tasks:
        ends: list[Seen] = []

        async def work() -> None:
            ends.append(await run(sandbox, hang))

        tasks.start_soon(work)
        await anyio.sleep(0.5)
        await sandbox.kill()
        await sandbox.kill()
        with anyio.fail_after(GRACE):
            while not ends:
                await anyio.sleep(0.05)
        expect(ends[0].exit.code is None, f"a killed program exits by itself: {ends[0].exit}")
        await sandbox.close()
    async with subject.sandbox() as sandbox:
        with anyio.move_on_after(0.5):
            await run(sandbox, hang)
        with anyio.fail_after(GRACE):
            await sandbox.close()
        try:
            await run(sandbox, "pass")
        except SandboxLost:
            return
        raise AssertionError("a closed sandbox runs programs")


# --- files -----------------------------------------------------------------------------------


@backend_check("places files and brings them back, byte for byte and by glob")
async def _files(subject: Subject) -> None:
    content = bytes(range(256)) * 64
    placed = [File("deep/er/data.bin", content), File("run.sh", b"#!/bin/sh\n", 0o755)]
    code = "import os; open('out.bin', 'wb').write(open('deep/er/data.bin', 'rb').read()[::-1])"
    async with subject.sandbox() as sandbox:
        await sandbox.put(placed)
        seen = await run(sandbox, f"{code}; print(os.access('run.sh', os.X_OK))")
        expect(seen.stdout == b"True\n", f"files are not as given: {seen.stderr[-200:]!r}")
        found = await sandbox.get(["*.bin", "deep/**"], MIB)
    wanted = {"out.bin": content[::-1], "deep/er/data.bin": content}
    expect(found.files == wanted, f"brought back: {sorted(found.files)}")


@backend_check("never follows a link out of the working directory, and takes regular files only")
async def _links(subject: Subject) -> None:
    code = (
        "import os\nos.symlink('/etc/passwd', 'link'); os.symlink('/etc', 'folder')\n"
        "os.mkfifo('pipe'); open('plain', 'w').write('x')"
    )
    async with subject.sandbox() as sandbox:
        expect((await run(sandbox, code)).exit.code == 0, "the program failed")
        found = await sandbox.get(["**"], MIB)
    expect(found.files == {"plain": b"x"}, f"brought back: {sorted(found.files)}")


@backend_check("refuses files that do not fit on the sandbox's disk")
async def _disk(subject: Subject) -> None:
    async with subject.sandbox(replace(LIMITS, disk=MIB)) as sandbox:
        try:
            await sandbox.put([File("large", bytes(3 * MIB))])
        except InvalidRequest:
            return
    raise AssertionError("3 MiB fit on a disk of 1 MiB")


# --- isolation -------------------------------------------------------------------------------


@backend_check("holds the whole process tree to its memory")
async def _memory(subject: Subject) -> None:
    limits = replace(LIMITS, memory=96 * MIB)
    code = "import os\nos.fork()\nkept = []\nwhile True: kept.append(bytearray(1 << 20))"
    async with subject.sandbox(limits) as sandbox:
        seen = await run(sandbox, code, limits=limits)
    expect(seen.exit.out_of_memory, f"the memory limit did not end it: {seen.exit}")


@backend_check("bounds the number of processes")
async def _processes(subject: Subject) -> None:
    code = (
        "import os, time\nmade = 0\ntry:\n    while made < 1000:\n        if not os.fork():\n"
        "            time.sleep(60)\n            os._exit(0)\n        made += 1\n"
        "except OSError: pass\nprint(made)"
    )
    async with subject.sandbox() as sandbox:
        try:
            seen = await run(sandbox, code)
        except SandboxLost:
            return  # a kernel of its own may end for want of threads
    expect(int(seen.stdout or 0) < 1000, "it could make 1,000 processes")


@backend_check("has no way to the network, not even to the host's own address")
async def _network(subject: Subject) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        port = listener.getsockname()[1]
        code = (
            "import socket\nfor at in ('127.0.0.1', '10.0.0.1', '192.0.2.1'):\n    try:\n"
            f"        socket.create_connection((at, {port}), 2).close(); print('reached', at)\n"
            "    except OSError: pass"
        )
        async with subject.sandbox() as sandbox:
            seen = await run(sandbox, code)
        expect(seen.stdout == b"", f"{seen.stdout!r}")
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return
    raise AssertionError("the host's loopback was reached")


@backend_check("runs programs without root's rights, and without a way to get any")
async def _privileges(subject: Subject) -> None:
    code = (
        "import os\nlines = dict(l.split(':', 1) for l in open('/proc/self/status'))\n"
        "print(os.getuid() != 0, os.geteuid() != 0, int(lines['CapEff'], 16))\n"
    )
    async with subject.sandbox() as sandbox:
        seen = await run(sandbox, code)
    expect(seen.stdout == b"True True 0\n", f"user and capabilities: {seen.stdout!r}")


# --- running them ----------------------------------------------------------------------------


async def run_check(name: str, backend: Backend, isolation: str | None = None) -> None:
    """Run one check against a backend, which is entered and left for it.

    Args:
        name: One of :data:`BACKEND_CHECKS`.
        backend: A backend that is not entered yet.
        isolation: What its sandboxes are asked for; by default the backend's own name.

    Raises:
        AssertionError: The backend does not keep the contract; the text says what was seen.
        DryboxError: It could not make a sandbox.
    """
    _, check = BACKEND_CHECKS[name]
    async with backend:
        await check(Subject(backend, isolation or backend.name))


async def check_backend(
    backend: Callable[[], Backend], isolation: str | None = None, only: Iterable[str] = ()
) -> list[CheckResult]:
    """Run the checks against a backend, each with a new one.

    Args:
        backend: Makes a backend that is not entered yet.
        isolation: What its sandboxes are asked for; by default the backend's own name.
        only: Names of checks; all if empty.

    Returns:
        A result for each check, in order; ``status`` is ``ok`` or ``failed``.
    """
    results = []
    for name in tuple(only) or BACKEND_CHECKS:
        promise, _ = BACKEND_CHECKS[name]
        started, complaint = time.monotonic(), ""
        try:
            await run_check(name, backend(), isolation)
        except (AssertionError, DryboxError, TimeoutError) as error:
            complaint = str(error) or type(error).__name__
        seconds = time.monotonic() - started
        results.append(
            CheckResult(name, promise, "failed" if complaint else "ok", complaint, seconds)
        )
    return results
