"""Attacks on what waits in a sandbox: nothing of it is there when the program runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.support.warmth import Warm

from drybox import CodeExecutor, ExecutionRequest, PoolSettings

pytestmark = pytest.mark.walls("local")  # the same init holds them behind every wall

SEARCH = """
import java.nio.file.*;
import java.util.*;

public class Main {
    public static void main(String[] arguments) throws Exception {
        long own = ProcessHandle.current().pid();
        ProcessHandle.allProcesses().filter(it -> it.pid() != 1 && it.pid() != own)
            .forEach(it -> System.out.println("found " + it.pid() + it.destroyForcibly()));
        for (String folder : new String[] {"/build", "/tmp", "/sandbox", "/proc/self/fd"}) {
            Files.walk(Path.of(folder)).filter(it -> {
                try {
                    String target = it.toRealPath().toString();
                    return folder.startsWith("/proc") ? target.contains("socket") : !target.matches(
                        "/build(/classes(/Main.class)?)?|/tmp(/hsperf.*)?|/sandbox(/Main.java)?");
                } catch (java.io.IOException gone) {
                    return false;
                }
            }).forEach(it -> System.out.println("found " + it));
        }
        for (int fd = 3; fd < 256; fd++) {
            try (var channel = new java.io.FileOutputStream("/proc/self/fd/" + fd)) {
                channel.write('W');
                channel.write(new byte[] {'Z', 30, 0, 0, 0, 0, 0, 0, 0});
                System.out.println("wrote to " + fd);
            } catch (java.io.IOException closed) {
            }
        }
        System.out.println("alone");
    }
}
"""

LIAR = """
public class Main {
    public static void main(String[] arguments) throws Exception {
        new ProcessBuilder("sh", "-c", "kill -9 -1; kill -9 1").start();
        for (int i = 0; i < 9; i++) new ProcessBuilder("sh", "-c", "(setsid sleep 999 &)").start();
        System.exit(3);
    }
}
"""


@pytest.fixture(scope="module")
def warm() -> Iterator[Warm]:
    with CodeExecutor(isolation="local", pool=PoolSettings(min_idle=1)) as executor:
        yield Warm(executor, 1)


@pytest.fixture(autouse=True)
def nothing_is_left() -> None:
    """Sandboxes wait on, which is what these tests are about."""


def test_a_program_finds_nothing_of_the_compiler_that_waited(warm: Warm) -> None:
    result = warm.execute(ExecutionRequest("java", SEARCH))
    assert (result.status, result.stdout) == ("success", "alone\n"), result.stderr


def test_a_source_cannot_make_the_waiting_compiler_run_it(warm: Warm) -> None:
    evil = """
    import javax.annotation.processing.*;
    public class Evil extends AbstractProcessor {
        public Evil() throws Exception { new java.io.File("/build/escaped").createNewFile(); }
        public boolean process(java.util.Set<? extends javax.lang.model.element.TypeElement> types,
            RoundEnvironment round) { return false; }
    }
    """
    main = """
    public class Main {
        public static void main(String[] arguments) {
            System.out.println(new java.io.File("/build/escaped").exists());
        }
    }
    """
    service = "META-INF/services/javax.annotation.processing.Processor"
    request = ExecutionRequest(
        "java", files={"Main.java": main, "Evil.java": evil, service: "Evil"}
    )
    for _ in range(2):
        result = warm.execute(request)
        assert (result.status, result.stdout) == ("success", "false\n"), result.stderr


@pytest.mark.parametrize(
    "name", ["@argfile.java", "-J-version.java", "-Xplugin:Evil.java", "--help.java", "a b.java"]
)
def test_a_files_name_is_no_option_of_the_waiting_compiler(warm: Warm, name: str) -> None:
    main = "public class Main { public static void main(String[] a) { System.out.print(1); } }"
    request = ExecutionRequest("java", files={"Main.java": main, name: "class Other { }"})
    request = replace(request, entrypoint="Main.java")
    cold = CodeExecutor(isolation="local", pool=None)
    with cold:
        theirs = cold.execute(request)
    ours = warm.execute(request)
    assert (ours.status, ours.stdout, ours.stderr) == (theirs.status, theirs.stdout, theirs.stderr)


def test_what_a_program_kills_and_leaves_changes_no_result(warm: Warm) -> None:
    for _ in range(2):
        result = warm.execute(ExecutionRequest("java", LIAR))
        assert result.status in ("failed", "signaled")
        assert result.exit_code == 3 or result.signal == "SIGKILL"
