"""No runtime has a limit of drybox's making that is less than what the sandbox has."""

from __future__ import annotations

import pytest
from tests.support.isolations import Isolation

from drybox import CodeExecutor, ExecutionRequest, ResourceLimits

pytestmark = pytest.mark.promise("RES-7")

MIB = 1 << 20

JAVA = """
import java.io.*;
import java.nio.*;
import java.nio.file.*;
import java.util.*;

public class Main {{
    public static void main(String[] args) throws Exception {{
        {body}
        System.out.println("done");
    }}
}}
"""

PROGRAMS = {
    "java-direct": (
        "java",
        "var b = ByteBuffer.allocateDirect(64 << 20); for (int i = 0; i < 64; i++) b.put(i << 20,"
        " (byte) 1);",
    ),
    "java-many-direct": (
        "java",
        "var all = new ArrayList<ByteBuffer>(); for (int i = 0; i < 20; i++) {"
        " var b = ByteBuffer.allocateDirect(8 << 20); while (b.hasRemaining()) b.put((byte) 1);"
        " all.add(b); }",
    ),
    "java-copy": (
        "java",
        'Files.write(Path.of("a"), new byte[36 << 20]); Files.copy(Path.of("a"), Path.of("b"));'
        ' if (Files.size(Path.of("b")) != 36 << 20) throw new Error();'
        ' if (Files.readAllBytes(Path.of("b")).length != 36 << 20) throw new Error();',
    ),
    "java-heap": (
        "java",
        "var all = new ArrayList<byte[]>();"
        " for (int i = 0; i < 140; i++) all.add(new byte[1 << 20]);",
    ),
    "java-threads": (
        "java",
        "var all = new ArrayList<Thread>(); for (int i = 0; i < 32; i++) {"
        " var t = new Thread(() -> { try { Thread.sleep(300); }"
        " catch (InterruptedException e) {} }); t.start(); all.add(t); }"
        " for (var t : all) t.join();",
    ),
    "java-deep": (
        "java",
        "class R { int down(int n) { return n == 0 ? 0 : 1 + down(n - 1); } }"
        " if (new R().down(5000) != 5000) throw new Error();",
    ),
    "node-heap": (
        "node",
        "const all = []; for (let i = 0; i < 150; i++) all.push(Buffer.alloc(1 << 20, 1));"
        " const list = Array.from({ length: 2e6 }, (_, i) => i); console.log('done');",
    ),
    "node-deep": (
        "node",
        "const f = (n) => (n ? 1 + f(n - 1) : 0); f(8000); console.log('done');",
    ),
    "python-memory": (
        "python",
        "import mmap\nm = mmap.mmap(-1, 180 << 20)\nfor i in range(0, len(m), 4096): m[i] = 1\n"
        "print('done')",
    ),
    "python-files": (
        "python",
        "import tempfile\nfor i in range(3000):\n    open(f'f{i}', 'w').write('x')\nprint('done')",
    ),
    "python-shared-memory": (
        "python",
        "from multiprocessing import shared_memory\n"
        "s = shared_memory.SharedMemory(create=True, size=48 << 20)\n"
        "s.buf[:] = bytes(48 << 20)\ns.close(); s.unlink()\nprint('done')",
    ),
    "python-signals-and-locked-memory": (
        "python",
        "import ctypes, mmap, os, signal\nm = mmap.mmap(-1, 1 << 20)\n"
        "libc, at = ctypes.CDLL(None), ctypes.byref(ctypes.c_char.from_buffer(m))\n"
        "assert libc.mlock(at, 4096) == 0\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGRTMIN])\n"
        # gVisor's kernel queues 32 of one kind.
        "for _ in range(30): os.kill(os.getpid(), signal.SIGRTMIN)\nprint('done')",
    ),
    "go-heap": (
        "go",
        'package main\n\nimport "fmt"\n\nfunc main() {\n\tvar all [][]byte\n'
        "\tfor i := 0; i < 160; i++ {\n"
        "\t\tb := make([]byte, 1<<20)\n\t\tfor j := range b {\n\t\t\tb[j] = 1\n\t\t}\n"
        '\t\tall = append(all, b)\n\t}\n\tfmt.Println("done"[:len(all)/40])\n}\n',
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_fits_into_the_sandbox_runs(
    executor: CodeExecutor, isolation: Isolation, name: str
) -> None:
    language, code = PROGRAMS[name]
    code = JAVA.format(body=code) if language == "java" else code
    limits = ResourceLimits(memory=isolation.kernel.memory + 256 * MIB, disk=128 * MIB)
    request = ExecutionRequest(language, code, isolation=isolation.name, limits=limits, timeout=60)
    result = executor.execute(request)
    assert (result.status, result.stdout) == ("success", "done\n"), (result.stderr, result.error)


@pytest.mark.isolations("local", "docker")
def test_direct_memory_of_java_is_bounded_by_the_sandbox(
    executor: CodeExecutor, isolation: Isolation
) -> None:
    code = JAVA.format(
        body="var all = new ArrayList<ByteBuffer>(); while (true) { var b = ByteBuffer"
        ".allocateDirect(8 << 20); while (b.hasRemaining()) b.put((byte) 1); all.add(b); }"
    ).replace('System.out.println("done");', "")
    limits = ResourceLimits(memory=128 * MIB)
    request = ExecutionRequest("java", code, isolation=isolation.name, limits=limits, timeout=60)
    assert executor.execute(request).status == "memory_limit"
