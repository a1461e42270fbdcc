"""A shell that waited for its script is as one that starts with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.support.warmth import Warm

from drybox import CodeExecutor, ExecutionRequest, ResourceLimits

pytestmark = pytest.mark.promise("SPEED-24")

VIEW = """
echo "_=$_ ?=$? 0=$0 #=$# *=$* !=$! -=$- ppid=$PPID"
echo "$LINENO $BASH_COMMAND ${BASH_SOURCE[*]} ${BASH_LINENO[*]} ${FUNCNAME[*]}"
all=-p; declare $all | grep -vE "RANDOM|EPOCH|SECONDS|BASHPID|declare .. (_|BASH_ARG.)="
set -o; shopt; trap; alias; hash; jobs; declare -F; declare -f; complete; enable; dirs; history
env | grep -v ^_=; export -p; umask; ulimit -a; echo "$BASH_SUBSHELL $SHLVL" ~
for fd in /proc/$$/fd/*; do echo "${fd##*/}"; done; tr '\\0' ' ' </proc/$$/limits
printf '%q ' "$@"; pwd; type -a ls; ls -la --time-style=+ . /tmp
read -r line; echo "got $line"; cat
grep -E '^(Sig|Cap|Groups|NoNewPrivs|Seccomp)' /proc/self/status
no_such_command
"""

REQUEST = ExecutionRequest("bash", VIEW, isolation="local")
TERM = "kill -TERM $$; echo never"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"args": ["a b", "", "c\n\td", "é", "-x", "*"], "stdin": b"one\ntwo\nthree"},
        {"env": {"NAME": "b a\nr", "EMPTY": "", "QUOTED": "a'b\"$(c)`d`\\", "LINE": "\n"}},
        {"env": {"UTF": "日本 é", "CDPATH": "/tmp", "DISPLAY": ":1"}, "args": ["日本"]},
        {"env": {"TERM": "xterm", "TZ": "Asia/Tokyo", "LC_ALL": "C"}},
        {"env": {"BASH_ENV": "/dev/null", "HOME": "/tmp", "SHLVL": "4"}},
        {"limits": ResourceLimits(open_files=77)},
        {"code": "echo a\nif\necho b"},
        {"code": "set -e; trap 'echo bye' EXIT; false; echo never"},
        {"code": TERM},
        {"code": f"trap 'echo caught; exit 4' TERM; {TERM}"},
        {"code": 'printf \'%s|\' "${BASH_ARGV[@]}" "${BASH_ARGC[@]}"', "args": ["x", "y"]},
        {"code": "declare -p BASH_ARGC; typeset -ap | grep ARG", "args": ["x"]},
        {"code": "declare -p | grep -c BASH_ARG; set | grep BASH_ARG"},
        {"code": 'exec 3<"$0"; read -r -u 3 line; echo "$line"; exit 300'},
        {"code": 'while read -r line; do echo "<$line>"; done', "stdin": b"a\nb\n"},
        {"code": "# " + "x" * 300_000 + "\necho long $LINENO"},
        {"code": "echo $((SECONDS < 60)) $BASHOPTS $SHELLOPTS; bash -c 'echo $SHLVL $0 $-'"},
    ],
)
def test_a_script_sees_what_it_sees_in_a_plain_start(
    executor: CodeExecutor, warm_executor: Warm, changes: Mapping[str, object]
) -> None:
    request = replace(REQUEST, **changes)  # type: ignore[arg-type]
    cold, warm = executor.execute(request), warm_executor.execute(request)
    assert warm.stdout.splitlines() == cold.stdout.splitlines()
    for name in ("status", "stdout", "stderr", "exit_code", "signal"):
        assert warm[name] == cold[name], name


def test_a_shell_waits_as_one_process_and_runs_once(warm_executor: Warm) -> None:
    code = "echo $BASHPID; echo /proc/[0-9]*; echo x >mark; echo x >/tmp/mark; echo *"
    request = replace(REQUEST, code=code)
    for _ in range(3):
        pid, processes, files = warm_executor.execute(request).stdout.splitlines()
        assert processes.split() == ["/proc/1", f"/proc/{pid}"]
        assert files == "main.sh mark"


def test_shells_that_waited_draw_numbers_of_their_own(warm_executor: Warm) -> None:
    request = replace(REQUEST, code="echo $RANDOM$RANDOM$RANDOM $SRANDOM")
    rows = [warm_executor.execute(request).stdout.split() for _ in range(10)]
    for column in zip(*rows, strict=True):
        assert len(set(column)) == 10
