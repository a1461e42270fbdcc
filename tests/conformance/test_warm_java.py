"""Java in a sandbox where a compiler and a JVM have waited: the program cannot tell."""

from __future__ import annotations

import itertools
import os
import re
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support import host
from tests.support.warmth import WaitingDrybox, Warm

from drybox import CodeExecutor, ExecutionRequest, ExecutionResult, PoolSettings, ResourceLimits

pytestmark = pytest.mark.promise("SPEED-8")

MIB = 1 << 20


def program(body: str, more: str = "", name: str = "Main") -> str:
    """A program whose main method does this."""
    return f"""
import java.util.*; import java.nio.file.*;
public class {name} {{
    public static void main(String[] args) throws Exception {{ {body} }}
    {more}
}}
"""


PID = "System.out.println(ProcessHandle.current().pid());"

NUMBERS = itertools.count()

FIRST = 2
"""Process id of what init starts first: the JVM that waits, else a compiler."""

JAVA = ExecutionRequest("java", program(PID), isolation="local")

VIEW = Path(__file__).with_name("programs").joinpath("View.java").read_text("utf-8")


@pytest.fixture(scope="module")
def java(warm_executor: Warm) -> Warm:
    return warm_executor


def _lines(text: str) -> list[str]:
    """Without what differs from one plain start to the next."""
    text = re.sub(r"@[0-9a-f]{5,8}\b", "@", text)
    return text.replace(", ", ",\n").splitlines()


def _waited(result: ExecutionResult) -> bool:
    assert result.status == "success", result
    return int(result.stdout.split()[-1]) == FIRST


def test_a_jvm_that_waited_becomes_the_program(executor: CodeExecutor, java: Warm) -> None:
    assert _waited(java.execute(JAVA))
    assert not _waited(executor.execute(JAVA))


def test_a_program_sees_what_it_sees_in_a_plain_start(executor: CodeExecutor, java: Warm) -> None:
    request = replace(JAVA, code=VIEW)
    cold, warm = executor.execute(request), java.execute(request)
    assert _lines(warm.stdout) == _lines(cold.stdout)
    assert (warm.stderr, warm.exit_code) == (cold.stderr, cold.exit_code)
    assert warm.exit_code == 1


@pytest.mark.parametrize(
    "code",
    [
        program("System.exit(7);"),
        program("Runtime.getRuntime().halt(9);"),
        program('throw new java.io.IOException("no", new Error("why"));'),
        program("", 'static int zero = 1 / Integer.parseInt("0");'),
        program('Object[] a = new Integer[1]; a[0] = "x";'),
        program(
            "new Thread(() -> { try { Thread.sleep(50); } catch (Exception e) {}"
            ' System.out.println("late"); }).start(); throw new Error("first");'
        ),
        program(
            'Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("hook")));'
            ' new ProcessBuilder("sh", "-c", "kill -TERM $PPID; sleep 9").start().waitFor();'
        ),
        program("main(args);"),
        "public class Main { }",
        "public class Main { public static int main(String[] args) { return 1; } }",
        "public class Main { public void main(String[] args) { } }",
        "public class Main { void f() { int x = y; String s = 1; } }",
        "public class Main { public static void main(String[] a) { new Date(1, 2, 3)",
        "import java.util.*; public class Main { public static void main(String[] a) {"
        " List l = new ArrayList(); l.add(1); new Thread().stop(); Object caf\u00e9 = l; } }",
        "",
        "class Other { } class Main { public static void main(String[] a) {"
        " System.out.println(new Other().getClass()); } }",
    ],
)
def test_what_becomes_of_a_program_is_the_same(
    executor: CodeExecutor, java: Warm, code: str
) -> None:
    request = replace(JAVA, code=code, stdin=b"given")
    cold, warm = executor.execute(request), java.execute(request)
    for name in ("status", "stdout", "stderr", "exit_code", "signal"):
        assert warm[name] == cold[name], name
    for ours, theirs in zip(warm.phases, cold.phases, strict=True):
        for name in ("name", "status", "stdout", "stderr", "exit_code", "signal"):
            assert ours[name] == theirs[name], name


@pytest.mark.parametrize(
    ("changes", "body", "wanted"),
    [
        ({"env": {"SOME": "x"}}, 'System.out.println(System.getenv("SOME"));', "x"),
        (
            {"env": {"JAVA_TOOL_OPTIONS": "-Dgiven=1"}},
            'System.out.println(System.getProperty("given"));',
            "1",
        ),
        ({"args": ["a", "", "b c"]}, 'System.out.println(String.join("|", args));', "a||b c"),
        ({"stdin": b"given"}, "System.out.println(new Scanner(System.in).next());", "given"),
        (
            {
                "files": {
                    "util/Other.java": "package util; public class Other { public int n = 7; }"
                }
            },
            "System.out.println(new util.Other().n);",
            "7",
        ),
        (
            {"files": {"data.txt": "text"}},
            'System.out.println(Files.readString(Path.of("data.txt")));',
            "text",
        ),
        (
            {"limits": ResourceLimits(memory=400 * MIB)},
            "byte[] x = new byte[150 << 20]; System.out.println(x.length);",
            str(150 << 20),
        ),
        (
            {"limits": ResourceLimits(cpus=2)},
            "System.out.println(Runtime.getRuntime().availableProcessors());",
            "2",
        ),
        (
            {"limits": ResourceLimits(open_files=99)},
            'System.out.println(Files.readAllLines(Path.of("/proc/self/limits")).stream()'
            '.filter(line -> line.startsWith("Max open files")).findAny().get().split(" +")[4]);',
            "99",
        ),
    ],
)
def test_what_a_request_asks_for_holds(
    java: Warm, changes: dict[str, object], body: str, wanted: str
) -> None:
    result = java.execute(replace(JAVA, code=program(body), **changes))  # type: ignore[arg-type]
    assert result.stdout.strip() == wanted, result.stderr


def test_a_class_of_another_name_or_of_any_size_runs(java: Warm) -> None:
    assert java.execute(replace(JAVA, code=program(PID, name="Other"))).status == "success"
    texts = "".join(f'static String t{i} = "{i}{"x" * 60_000}";\n' for i in range(5))
    large = program(f"System.out.println(t4.length()); {PID}", texts)
    result = java.execute(replace(JAVA, code=large, limits=ResourceLimits()))
    assert result.stdout.startswith("60001"), result.stderr
    assert _waited(result)


def test_a_program_that_comes_again_still_finds_its_jvm() -> None:
    with CodeExecutor(pool=PoolSettings(min_idle=1)) as executor:
        executor.execute(JAVA)
        Warm(executor, 1).wait(JAVA)
        # Nothing is compiled, which would give the JVM time to come to its FIFO.
        assert host.eventually(lambda: _waits_at_a_fifo(os.getpid()))
        again = executor.execute(JAVA)
        assert _waited(again)
        assert again.phases[0].cpu_time == 0


def _waits_at_a_fifo(pid: int) -> bool:
    """Whether a process in a sandbox of this process's has opened its FIFO and waits there."""
    folders = host.sandboxes(pid)
    pids = [int(each) for folder in folders for each in host.processes_of(folder)]
    return any("wait_for_partner" in host.thread_waits(each) for each in pids)


def test_limits_of_a_request_are_set_when_it_comes(java: Warm) -> None:
    greedy = program(
        "List<byte[]> all = new ArrayList<>(); while (true) all.add(new byte[1 << 20]);"
    )
    small, usual = (
        replace(JAVA, code=greedy, limits=ResourceLimits(memory=size * MIB)) for size in (64, 192)
    )
    # Less than a compiler and a JVM take while they wait: such a request has a sandbox made for it.
    for result, most in ((java.executor.execute(small), 64), (java.execute(usual), 192)):
        assert result.status == "memory_limit"
        assert result.phases[-1].memory_peak is not None
        assert result.phases[-1].memory_peak <= most * MIB
    endless = java.execute(replace(JAVA, code=program("while (true) { }"), timeout=0.5))
    assert endless.status == "timeout"
    assert 0.4 < endless.execution_time < 3


def test_meters_of_a_phase_count_that_phase(java: Warm) -> None:
    """Whatever else runs on the machine adds time to each phase, so the least of several counts."""
    methods = " ".join(f"static int f{n}(int a) {{ return a * {n} + {n}; }}" for n in range(4000))
    loop = "long n = 0; for (long i = 0; i < 900_000_000L; i++) n += i ^ n; System.out.println(n);"
    compile_light, run_light = _least_cpu_times(java, PID)
    compile_much, run_of_much = _least_cpu_times(java, PID, methods)
    compile_of_loop, run_loop = _least_cpu_times(java, loop)

    assert 0 < compile_light < 0.4
    assert 0 < run_light < 0.15
    assert compile_much > 4 * max(compile_light, run_of_much)
    assert run_loop > 4 * max(run_light, compile_of_loop)


def _least_cpu_times(java: Warm, body: str, more: str = "") -> tuple[float, float]:
    """CPU time of compiling and of running, each the least of some runs, none from a cache."""
    times = []
    for _ in range(3):
        name = f"Main{next(NUMBERS)}"
        phases = java.execute(replace(JAVA, code=program(body, more, name))).phases
        assert phases[1].memory_peak is not None
        assert phases[1].memory_peak < 48 * MIB  # the compiler is gone
        times.append([phase.cpu_time or 0.0 for phase in phases])
    compiled, ran = (min(column) for column in zip(*times, strict=True))
    return compiled, ran


DRAWS = program(
    'System.out.println(new java.security.SecureRandom().nextLong() + " " + UUID.randomUUID()'
    ' + " " + Math.random() + " " + new Random().nextLong()'
    ' + " " + java.util.concurrent.ThreadLocalRandom.current().nextLong()'
    ' + " " + new SplittableRandom().nextLong()'
    ' + " " + Files.createTempFile("x", "y"));'
)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("runs", [6, pytest.param(100, marks=pytest.mark.nightly)])
def test_every_run_draws_other_numbers(java: Warm, runs: int) -> None:
    rows = [java.execute(replace(JAVA, code=DRAWS)).stdout.split() for _ in range(runs)]
    for column in zip(*rows, strict=True):
        assert len(set(column)) == runs


def test_a_sandbox_whose_runners_were_killed_is_not_handed_out() -> None:
    with WaitingDrybox(JAVA, 1) as drybox:
        victims = {pid for pid in drybox.pids if _is_java(pid)}
        assert len(victims) == 2
        drybox.kill(victims)
        assert drybox.run(1) == ["success"]


def test_runners_that_were_killed_are_missed_before_their_init_has_heard_of_it() -> None:
    with WaitingDrybox(JAVA, 1) as drybox:
        victims = {pid for pid in drybox.pids if _is_java(pid)}
        for pid in drybox.pids - victims:
            os.kill(pid, signal.SIGSTOP)
        os.kill(victims.pop(), signal.SIGKILL)
        files = [Path(folder, "cgroup.procs") for folder in drybox.folders]
        most = len(drybox.pids) - 1
        assert host.eventually(lambda: max(len(f.read_text().split()) for f in files) == most)
        assert drybox.run(1) == ["success"]


def _is_java(pid: int) -> bool:
    return b"java" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]


def test_files_beside_the_sources_are_resources(java: Warm) -> None:
    """As with ``java -cp .`` of their folder, whether the JVM has waited or not."""
    body = """
        System.out.print(new String(Main.class.getResourceAsStream("r/x.txt").readAllBytes()));
        System.out.print(new Scanner(ClassLoader.getSystemResourceAsStream("top.txt")).next());
        System.out.print(ServiceLoader.load(Runnable.class).findFirst().isPresent());
    """
    files = {
        "r/x.txt": "x ",
        "top.txt": "top ",
        "META-INF/services/java.lang.Runnable": "Work",
        "Work.java": "public class Work implements Runnable { public void run() {} }",
    }
    for _ in range(2):
        result = java.execute(replace(JAVA, code=program(body), files=files))
        assert result.stdout == "x toptrue", result
