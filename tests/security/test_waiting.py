"""Attacks on what waits in a sandbox: nothing of it is there when the program runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.support.warmth import Warm

from drybox import CodeExecutor, ExecutionRequest, InvalidRequest, PoolSettings, ResourceLimits

pytestmark = pytest.mark.isolations("local")  # the same init holds them with every isolation

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


def test_a_script_finds_nothing_of_the_shell_that_waited(warm: Warm) -> None:
    look = (
        "set | grep -c drybox; declare -F; trap; [[ -e /proc/self/fd/100 ]] || echo closed\n"
        'echo W >&100; echo "${BASH_ENV-unset} ${LC_ALL-unset} $#"\n'
        'for at in /proc/[0-9]*; do [[ $at == /proc/1 || $at == /proc/$$ ]] || echo "$at"; done\n'
        "find /sandbox /tmp /build -mindepth 1 ! -name main.sh"
    )
    result = warm.execute(ExecutionRequest("bash", look))
    assert result.stdout == "0\nclosed\nunset unset 0\n", result
    assert result.stderr == "main.sh: line 2: 100: Bad file descriptor\n"


@pytest.mark.parametrize(
    "env",
    [
        {"BASH_ENV": "/sandbox/evil.sh"},
        {"SHELLOPTS": "xtrace"},
        {"ENV": "/sandbox/evil.sh", "PS4": "$(echo evil)"},
        {"__drybox_words": "evil", "__drybox_i": "x[$(echo evil >&2)]"},
        {"BASHOPTS": "extdebug", "IFS": "a", "LC_ALL": "C"},
    ],
    ids=["file", "options", "posix", "names", "settings"],
)
def test_variables_reach_no_shell_that_waits(warm: Warm, env: dict[str, str]) -> None:
    """What they do is what they do in a shell that starts with them."""
    files = {"main.sh": "echo own", "evil.sh": "echo evil"}
    request = ExecutionRequest("bash", files=files, env=env)
    ours = warm.execute(request)
    with CodeExecutor(isolation="local", pool=None) as cold:
        theirs = cold.execute(request)
    assert (ours.stdout, ours.stderr, ours.status) == (theirs.stdout, theirs.stderr, theirs.status)
    assert ours.stdout.endswith("own\n")
    assert ("evil" in ours.stdout) == ("BASH_ENV" in env)


@pytest.mark.parametrize("name", ["BASH_FUNC_read%%", "BASH_FUNC_printf()", "x[$(echo evil)]"])
def test_functions_come_in_no_variable(warm: Warm, name: str) -> None:
    with pytest.raises(InvalidRequest):
        warm.execute(ExecutionRequest("bash", "echo own", env={name: "() { echo evil; }"}))


def test_startup_files_of_the_request_are_read_by_nobody(warm: Warm) -> None:
    names = (".bashrc", ".bash_profile", ".profile", ".bash_login", ".inputrc", ".bash_logout")
    files = {**dict.fromkeys(names, "echo evil"), "main.sh": "echo own"}
    for _ in range(2):
        result = warm.execute(ExecutionRequest("bash", files=files))
        assert (result.stdout, result.stderr) == ("own\n", "")


def test_a_script_that_kills_everybody_and_forks_without_end_ends(warm: Warm) -> None:
    bomb = ":() { : | : & }; :; :() { :; }; while :; do (kill -9 -1; kill -9 1) & done"
    request = ExecutionRequest("bash", bomb, timeout=1, limits=ResourceLimits(pids=32))
    assert warm.execute(request).status in ("timeout", "signaled", "failed")
    assert warm.execute(ExecutionRequest("bash", "echo next")).stdout == "next\n"
