"""Bash's kernel, as a plain process."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.kernel_process import KernelProcess

from drybox.sessions.kernels.folder import kernel_folder


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[KernelProcess]:
    with KernelProcess(["bash", f"{kernel_folder()}/bash_kernel.sh"], tmp_path) as kernel:
        yield kernel


def test_folder_variables_functions_and_aliases_are_kept(kernel: KernelProcess) -> None:
    kernel.run("mkdir a; cd a; x=5; arr=(1 2); f() { echo \"f $1\"; }; alias g='f g'")
    cell = kernel.run("pwd; echo $x ${arr[1]}; f 3; g")
    assert cell.stdout == f"{kernel.cwd}/a\n5 2\nf 3\nf g\n"
    assert cell.done["execution_count"] == 2


@pytest.mark.parametrize(
    "text", ['a"b\\c', "tab\there", "é😀\ufeff", "\\u0041\\n", '", "id": "x', "%s %b", "\x1b[1m"]
)
def test_code_comes_as_it_is(kernel: KernelProcess, text: str) -> None:
    quoted = text.replace("'", "'\\''")
    assert kernel.run(f"printf %s '{quoted}'").stdout == text


@pytest.mark.parametrize(
    ("code", "status"),
    [("false", "1"), ("nosuch", "127"), ("(exit 7)", "7"), ("return 4", "4"), ("if", "2")],
)
def test_a_status_other_than_0_is_an_error(kernel: KernelProcess, code: str, status: str) -> None:
    kernel.run("x=5")
    error = kernel.run(code).error
    assert error is not None
    assert (error["name"], error["value"]) == ("ExitStatus", status)
    assert kernel.run("echo $x").stdout == "5\n"


@pytest.mark.parametrize("code", ["exit 3", "set -e; (exit 3); echo no", "exec bash -c 'exit 3'"])
def test_a_shell_that_ends_tells_so_if_it_can(kernel: KernelProcess, code: str) -> None:
    if code.startswith("exec"):
        with pytest.raises(EOFError):
            kernel.run(code)
    else:
        cell = kernel.run(code)
        assert cell.done["ending"] is True
        assert cell.error is not None
        assert cell.error["value"] == "3"
        assert "no" not in cell.stdout
    assert kernel.wait() == 3


def test_options_are_the_codes_own(kernel: KernelProcess) -> None:
    cell = kernel.run("set -x -u -f; IFS=:")
    assert "__drybox" not in cell.stderr
    cell = kernel.run("echo *; v=a:b; echo $v")
    assert cell.stdout == "*\na b\n"
    assert "__drybox" not in cell.stderr
    assert "++ echo" in cell.stderr
    assert kernel.run("set +xuf").name is None


@pytest.mark.parametrize(
    "code",
    [
        "while :; do :; done",
        "sleep 1000",
        "g() { while :; do sleep 0.01; done; }; h() { g; echo no; }; h",
        "(while :; do :; done)",
        "for i in 1 2; do sleep 1000; done",
    ],
)
def test_an_interrupt_ends_the_code_and_keeps_the_state(kernel: KernelProcess, code: str) -> None:
    kernel.run("x=5")
    cell = kernel.run(
        f"touch started\n{code}\necho no",
        interrupt_when=(kernel.cwd / "started").exists,
    )
    assert cell.name == "Interrupted"
    assert cell.stdout == ""
    assert kernel.run("echo $x; trap -p DEBUG").stdout == "5\n"


def test_closed_descriptors_lose_nothing(kernel: KernelProcess) -> None:
    closing = "; ".join(f"exec {fd}>&-" for fd in (3, 4, 249, 250, 251))
    assert kernel.run(f"{closing}; echo x").stdout == "x\n"
    assert kernel.run("echo y").stdout == "y\n"


def test_programs_and_jobs_have_no_channel(kernel: KernelProcess) -> None:
    cell = kernel.run(
        "readlink /proc/self/fd/*; sleep 1000 & "
        "until grep -q sleep /proc/$!/comm; do :; done; readlink /proc/$!/fd/*"
    )
    pipes = {line for line in cell.stdout.split() if line.startswith("pipe:")}
    channel = {
        os.readlink(f"/proc/{kernel.process.pid}/fd/{fd}")
        for fd in os.listdir(f"/proc/{kernel.process.pid}/fd")
        if fd in ("250", "251")
    }
    assert len(channel) == 2
    assert not pipes & channel


def test_printed_framing_is_output(kernel: KernelProcess) -> None:
    line = '{"type": "done", "id": "x", "execution_count": 9}'
    cell = kernel.run(f"echo '{line}'; echo '{line}' >&251; echo '{line}' >&4")
    assert cell.strays == []
    assert cell.stdout == f"{line}\n"
    assert cell.done["execution_count"] == 1


def test_the_owners_variables(kernel: KernelProcess) -> None:
    kernel.send({"type": "setup", "env": {"A": 'x "y"\\ \n é😀', "B": "", "C": '\'"A": "no"\''}})
    cell = kernel.run('printf "%s|%s|%s" "$A" "$B" "$C"; export -p | grep -c " [ABC]="')
    assert cell.stdout == 'x "y"\\ \n é😀||\'"A": "no"\'3\n'


def test_input_is_empty(kernel: KernelProcess) -> None:
    assert kernel.run("read line; echo $?; cat").stdout == "1\n"


def test_errors_begin_as_bash_has_them(kernel: KernelProcess) -> None:
    assert kernel.run("nosuch").stderr == "bash: line 1: nosuch: command not found\n"
    cell = kernel.run("echo 1\nf() {\n  nosuch\n}\nf\necho $LINENO $BASH_SOURCE $0")
    assert cell.stderr == "bash: line 3: nosuch: command not found\n"
    assert cell.stdout == "1\n6 bash bash\n"
    told = kernel.run("echo )").stderr
    assert told.startswith("bash: ")
    assert "line 1: syntax error" in told
    assert "drybox" not in told
    assert "command not found" in kernel.run("set -x; nosuch").stderr
    assert "__drybox" not in kernel.run("nosuch; set +x").stderr


@pytest.mark.parametrize(
    "before",
    [
        "mkdir a; ln -s a link; cd link",
        "mkdir gone; cd gone; rmdir ../gone",
        "mkdir closed; cd closed; chmod 0 .",
        "set -o posix",
        "readonly PWD",
        "unset PWD OLDPWD",
        "shopt -u sourcepath",
        "cd() { echo mine; }; CDPATH=/",
        "set -eu",
    ],
)
def test_code_runs_where_the_code_before_it_was(kernel: KernelProcess, before: str) -> None:
    look = "echo ${PWD-none} ${OLDPWD-none}; pwd; shopt sourcepath; readlink /proc/$$/cwd"
    was = kernel.run(f"{before}\n{look} || :").stdout.splitlines()[-4:]
    assert kernel.run(f"{look} || :").stdout.splitlines() == was
    assert "command not found" in kernel.run("nosuch || :").stderr


def test_an_interrupt_leaves_the_folder(kernel: KernelProcess) -> None:
    kernel.run("mkdir a; cd a")
    for _ in range(20):
        kernel.send({"type": "run", "id": "i", "code": "sleep 10"})
        while not select.select([kernel._answers], [], [], 0.0005)[0]:
            os.killpg(kernel.process.pid, 2)  # before the code, as it begins, and while it runs
        while kernel.take()["type"] != "done":
            pass
        assert kernel.run("pwd").stdout.endswith("/a\n")
