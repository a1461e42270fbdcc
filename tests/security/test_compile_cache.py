"""Attacks on the cache of compiled programs: what one leaves in it, the next one would run."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from typing import Any

import pytest
from tests.support.attack import TIMEOUT
from tests.support.identity import REPO, Runner

from drybox import ExecutionRequest

pytestmark = pytest.mark.promise("ISO-21")

MIB = 1 << 20

PLANTER = """
import json, resource, sys
from drybox import CodeExecutor, ExecutionRequest
from drybox.languages.registry import known_languages
from drybox.languages.python import Python
from drybox.job import Plan, Step

class Planter(Python):
    "A language whose compiler does what its source says."

    name, aliases, suffixes = "planter", (), (".plant",)

    def entry(self, code):
        return "build.sh"

    def plan(self, job, compile_limits):
        return Plan(Step(("sh", "run.sh")), compile=Step(("sh", "build.sh")), outputs=("**",))

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10

known_languages()["planter"] = Planter()
isolation, build, run = sys.argv[1:]
with CodeExecutor(isolation=isolation, pool=None) as executor:
    executor.execute(ExecutionRequest("planter", ":", files={"run.sh": ""}))
    before = peak()
    request = ExecutionRequest("planter", build, files={"run.sh": run})
    results = [executor.execute(request) for _ in range(3)]
    print(json.dumps({
        "status": [result.status for result in results],
        "stdout": [result.stdout for result in results],
        "stderr": [result.stderr for result in results],
        "compiled": [result.phases[0].cpu_time != 0.0 for result in results],
        "grown": peak() - before,
    }))
"""

LIST = "cat /build/main; cd /build; find . ! -name . -printf '%M %f\\n'"

REWRITTEN_GO = """
package main

import (
	"fmt"
	"os"
)

// %s
func main() {
	fmt.Println("own")
	evil := []byte("#!/bin/sh\\necho evil\\n")
	if %t {
		fmt.Println(os.Remove("/build/main"))
	}
	fmt.Println(os.WriteFile("/build/main", evil, 0755) == nil)
}
"""

REWRITTEN_JAVA = """
import java.nio.file.*;

public class Main {
    // %s
    public static void main(String[] arguments) throws Exception {
        System.out.println("own");
        for (String name : new String[] {"Main", "Other"})
            Files.write(Path.of("/build/classes/" + name + ".class"), new byte[] {1, 2, 3});
        Files.createSymbolicLink(Path.of("/build/classes/link"), Path.of("/etc/passwd"));
    }
}
"""

REWRITTEN = {
    "go, in its place": ("go", REWRITTEN_GO.replace("%t", "true"), "own\n<nil>\ntrue\n"),
    "go, as it is": ("go", REWRITTEN_GO.replace("%t", "false"), "own\nfalse\n"),
    "java": ("java", REWRITTEN_JAVA, "own\n"),
}


HUGE, UNREADABLE = "truncate -s 8G /build/huge", "chmod 0 /build/main"
NOT_CARRIED = (HUGE, UNREADABLE)
"""What cannot be read is not carried to another sandbox, nor what is larger than its disk."""


def plant(runner: Runner, build: str, run: str = LIST) -> dict[str, Any]:
    """Three times the same request, of which the first has to be compiled."""
    argv, env = runner.command([sys.executable, "-c", PLANTER, runner.isolation.name, build, run])
    done = subprocess.run(
        argv, env=env, cwd=REPO, capture_output=True, text=True, timeout=4 * TIMEOUT
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    assert answer["grown"] < 64 * MIB
    return answer


def test_a_mode_that_gives_rights_is_not_taken_along(runner: Runner) -> None:
    answer = plant(runner, "echo made > /build/main; chmod 6755 /build/main")
    assert answer["compiled"] == [True, False, False]
    for text in answer["stdout"][1:]:
        made, entry = text.splitlines()
        assert made == "made"
        assert entry.endswith(" main")
        assert entry.split()[0] in ("-rw-r--r--", "-rwxr-xr-x")


@pytest.mark.parametrize(
    "build",
    [
        HUGE,
        "head -c 20000000 /dev/zero > /build/large",
        "i=0; while [ $i -lt 1100 ]; do : > /build/$i; i=$((i+1)); done",
        UNREADABLE,
        "rm /build/main; mkfifo /build/main; run=",
        "ln -s /etc/passwd /build/l; ln -s /etc /build/m; ln -s /build/main /build/n",
        "ln -s /proc/self/environ /build/l; ln -s ../sandbox/run.sh /build/m",
        "mkfifo /build/pipe",
        "mkdir -p /build/folder/empty; ln -s / /build/folder/root",
    ],
    ids=[
        *("sparse", "large", "many", "unreadable", "nothing"),
        *("links", "links to more", "pipe", "folder"),
    ],
)
def test_what_is_too_much_or_not_whole_is_not_kept(runner: Runner, build: str) -> None:
    answer = plant(runner, f"echo made > /build/main; {build}", "echo ran")
    assert answer["compiled"] == [True, True, True]
    if runner.isolation.carries_files and build in NOT_CARRIED:
        assert (answer["status"], answer["stdout"]) == (["sandbox_error"] * 3, [""] * 3)
    else:
        assert answer["stdout"] == ["ran\n"] * 3


def test_odd_names_lead_nowhere_else(runner: Runner) -> None:
    build = (
        'cd /build; mkdir -p "a b/.../c" ...; echo 1 > "a b/.../c/x"; echo 2 > ".../y"\n'
        'echo 3 > "new\nline"; echo 4 > "$(printf "\\377\\200")"; echo 5 > "a\\\\b"; echo 6 > "~"'
    )
    run = "cd /build; find . -type f | sort | od -c; find . -type f -exec cat {} + | sort"
    answer = plant(runner, build, run)
    assert answer["compiled"] == [True, False, False]
    assert len(set(answer["stdout"])) == 1
    assert answer["stdout"][0].endswith("1\n2\n3\n4\n5\n6\n")


def test_what_a_program_does_to_what_was_made_stays_with_it(runner: Runner) -> None:
    run = (
        "cat /build/*; echo evil > /build/main; echo evil > /build/new; rm /build/other\n"
        "ln -s /etc/passwd /build/other; chmod 4777 /build/main"
    )
    answer = plant(runner, "echo made > /build/main; echo too > /build/other", run)
    assert answer["compiled"] == [True, False, False]
    assert answer["stdout"] == ["made\ntoo\n"] * 3


def test_what_a_compiler_leaves_running_changes_nothing_later(runner: Runner) -> None:
    build = (
        "echo made > /build/main\n"
        "(trap '' HUP TERM; while :; do echo evil > /build/late; done) &\n"
        "while [ ! -s /build/late ]; do :; done"
    )
    answer = plant(runner, build, "cat /build/main; set -- /proc/[0-9]*; echo $#")
    assert answer["compiled"] == [True, False, False]
    assert len(set(answer["stdout"])) == 1


@pytest.mark.parametrize("which", REWRITTEN)
def test_a_program_that_rewrites_itself_reaches_nobody_else(runner: Runner, which: str) -> None:
    language, code, said = REWRITTEN[which]
    code %= secrets.token_hex(8)
    results = [runner.execute(ExecutionRequest(language, code, timeout=60.0)) for _ in range(3)]
    assert [result.phases[0].cpu_time != 0.0 for result in results] == [True, False, False]
    if which == "go, as it is" and not runner.isolation.kernel.locks_programs:
        # It has pulled the rug out from under itself, every time anew.
        assert {result.status for result in results} == {"signaled"}
        assert {result.stdout for result in results} == {"own\n"}
    else:
        assert {result.status for result in results} == {"success"}
        assert {result.stdout for result in results} == {said}
