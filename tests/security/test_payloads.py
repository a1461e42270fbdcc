"""Requests whose fields carry payloads: all of them are the program's alone."""

from __future__ import annotations

import json

import pytest
from tests.support.attack import answered, attack
from tests.support.identity import Runner

from drybox import ExecutionRequest, ExecutionResult, InvalidRequest

pytestmark = pytest.mark.promise("ISO-20")

EVIL_SHELL = 'echo escaped >&2; touch /build/escaped; exec "$@"'

PAYLOADS = {
    "LD_PRELOAD": "/sandbox/evil.so",
    "LD_LIBRARY_PATH": "/sandbox",
    "LD_AUDIT": "/sandbox/evil.so",
    "PATH": "/sandbox",
    "BASH_ENV": "/sandbox/evil.sh",
    "ENV": "/sandbox/evil.sh",
    "SHELLOPTS": "xtrace",
    "IFS": "/",
    "HOME": "/nowhere",
    "TMPDIR": "/nowhere",
    "TZ": "../../../sandbox/evil",
    "GOENV": "/sandbox/evil.env",
    "GOFLAGS": "-toolexec=/sandbox/evil.sh",
    "GOCACHE": "/nowhere",
    "GOROOT": "/nowhere",
    "GOCACHEPROG": "sh /sandbox/evil.sh",
    "GOTOOLCHAIN": "go1.99.0",
    "CGO_ENABLED": "1",
    "CC": "sh /sandbox/evil.sh",
    "JDK_JAVAC_OPTIONS": "-verbose",
    "CLASSPATH": "/nowhere",
    "JAVA_HOME": "/nowhere",
    "GLIBC_TUNABLES": "glibc.malloc.check=3",
}

GO = """
package main

import (
    "fmt"
    "os"
)

func main() {
    _, err := os.Stat("/build/escaped")
    fmt.Println(os.IsNotExist(err), os.Getenv("GOFLAGS"), os.Getenv("PATH"))
}
"""

JAVA = """
public class Main {
    public static void main(String[] arguments) {
        System.out.println(!new java.io.File("/build/escaped").exists());
        System.out.println(System.getenv("JDK_JAVAC_OPTIONS"));
    }
}
"""


def request(language: str, code: str, **env: str) -> ExecutionRequest:
    files = {"evil.sh": EVIL_SHELL, "evil.so": "no library", "evil.env": "GOFLAGS=-n\n"}
    return ExecutionRequest(language, code, files=dict(files), env=env)


def compiled_in_peace(result: ExecutionResult) -> bool:
    phase = result.phases[0]
    return (phase.name, phase.status, phase.stdout, phase.stderr) == ("compile", "success", "", "")


@pytest.mark.parametrize("module", [False, True])
def test_payloads_in_the_environment_do_not_reach_the_go_compiler(
    runner: Runner, module: bool
) -> None:
    files = {"go.mod": "module x\n"} if module else {}
    files |= {"evil.sh": EVIL_SHELL, "evil.env": "GOFLAGS=-n\n"}

    result = runner.execute(ExecutionRequest("go", GO, files=dict(files), env=PAYLOADS))

    assert compiled_in_peace(result), result.phases[0]
    assert result.stdout == f"true {PAYLOADS['GOFLAGS']} {PAYLOADS['PATH']}\n"


def test_payloads_in_the_environment_do_not_reach_javac(runner: Runner) -> None:
    payloads = {k: v for k, v in PAYLOADS.items() if not k.startswith("LD_")}
    tool = {"JAVA_TOOL_OPTIONS": "-Dtold=1", "_JAVA_OPTIONS": "-Dtold=2"}

    result = runner.execute(request("java", JAVA, **payloads, **tool))

    assert compiled_in_peace(result), result.phases[0]
    assert (result.status, result.stdout) == ("success", "true\n-verbose\n")
    assert "Picked up JAVA_TOOL_OPTIONS" in result.stderr  # the program's own JVM


def test_payloads_in_the_environment_are_the_programs_own(runner: Runner) -> None:
    env = {**PAYLOADS, "PYTHONSTARTUP": "/sandbox/evil.py", "PYTHONINSPECT": ""}
    seen = attack(
        """
        import subprocess
        answer([{name: os.environ.get(name) for name in sys.argv[1].split()}, os.getpid(),
                os.path.exists("/build/escaped"), sys.flags.interactive])
        sys.exit(5)
        """,
        env=env,
        args=[" ".join(env)],
        files={"evil.py": "open('/build/escaped', 'w')", "python3": EVIL_SHELL},
    )

    result = runner.execute(seen)

    assert (result.status, result.exit_code) == ("failed", 5)
    found, _, escaped, interactive = json.loads(result.stdout)
    assert found == env
    assert (escaped, interactive) == (False, 0)


def test_node_options_areinside_the_sandbox(runner: Runner) -> None:
    look = "process.getuid() > 0, require('fs').existsSync('/proc/1/root/etc')"
    evil = f"console.log({look})"
    code = "console.log('main'); process.exit(4)"
    files = {"evil.js": evil}
    env = {"NODE_OPTIONS": "--require ./evil.js"}

    result = runner.execute(ExecutionRequest("node", code, files=dict(files), env=env))

    assert (result.status, result.exit_code) == ("failed", 4)
    assert result.stdout == "true false\nmain\n"


@pytest.mark.parametrize("variable", ["LD_PRELOAD", "LD_AUDIT"])
def test_a_library_put_before_the_program_changes_no_result(runner: Runner, variable: str) -> None:
    result = runner.execute(request("python", "raise SystemExit(6)", **{variable: "evil.so"}))

    assert (result.status, result.exit_code) == ("failed", 6)
    assert "evil.so" in result.stderr  # the program's own linker complains


WORDS = [
    "$(touch /build/escaped)",
    "`id`",
    "; id",
    "| id",
    "&& id",
    "-c",
    "--version",
    "--",
    "",
    " ",
    "\n",
    "*",
    "%s%n",
    "\x1b[2J",
    "'\"\\",
]


LONGEST = "w" * (128 * 1024 - 1)


def test_arguments_are_no_shell_words(runner: Runner) -> None:
    told = attack(
        "answer([sys.argv[1:], os.path.exists('/build/escaped')])", args=WORDS, stdin="; id"
    )

    assert answered(runner.execute(told)) == [WORDS, False]


def test_arguments_and_environment_may_be_as_large_as_promised(runner: Runner) -> None:
    args = [LONGEST] * 4
    env = {f"V{index}": LONGEST[:-3] for index in range(4)}
    code = "import os, sys\nprint(sum(map(len, sys.argv[1:])), len(os.environ['V3']))"

    for some in ({"args": args}, {"env": {**env}}):
        fields = {"args": [], "env": {"V3": ""}, **some}
        result = runner.execute(ExecutionRequest("python", code, **fields))  # type: ignore[arg-type]
        assert result.status == "success", result.stderr
    with pytest.raises(InvalidRequest):
        runner.execute(ExecutionRequest("python", code, args=[*args, "w"]))
    with pytest.raises(InvalidRequest):
        runner.execute(ExecutionRequest("python", code, env={**env, "W": "w"}))


@pytest.mark.parametrize(
    ("words", "variables"),
    [
        pytest.param([LONGEST] * 4, 4, id="large together"),
        pytest.param(["x"] * (256 * 1024), 0, id="many"),
    ],
)
def test_too_large_a_command_line_is_the_requests_fault(
    runner: Runner, words: list[str], variables: int
) -> None:
    env = {f"V{index}": LONGEST[:-3] for index in range(variables)}
    code = "import sys\nprint(sum(map(len, sys.argv[1:])))"

    try:
        result = runner.execute(ExecutionRequest("python", code, args=words, env=env))
    except InvalidRequest:
        return  # and not Unavailable, which says that trying again may help
    assert (result.status, result.stdout) == ("success", f"{sum(map(len, words))}\n")


@pytest.mark.parametrize(
    "package",
    ["numpy; touch /tmp/x", "-r /etc/passwd", "--index-url=http://127.0.0.1", "git+file:///etc"],
)
def test_payloads_in_packages_are_refused_before_anything_runs(
    runner: Runner, package: str
) -> None:
    with pytest.raises(InvalidRequest):
        runner.execute(ExecutionRequest("python", "print(1)", packages=[package]))


@pytest.mark.parametrize(
    "language", ["python@3.11; id", "../python", "python\0", "-c", "$(id)", ""]
)
def test_payloads_in_the_language_are_refused_before_anything_runs(
    runner: Runner, language: str
) -> None:
    with pytest.raises(InvalidRequest):
        runner.execute(ExecutionRequest(language, "print(1)"))


@pytest.mark.parametrize(
    "entry", ["-c.py", "-m.py", "--version.py", "-.py", "a b;id.py", "$(id).py"]
)
def test_the_name_of_the_entry_is_no_option(runner: Runner, entry: str) -> None:
    result = runner.execute(ExecutionRequest("python", "print('ran')", entrypoint=entry))

    assert (result.status, result.stdout) == ("success", "ran\n"), result.stderr
