"""What is made once and lies in many sandboxes: no program poisons it for a later or another one.

Archives of Java's classes, Go's cache of its standard library, compiled headers of C++, kernels,
environments. All of them are looked at from the host, before and after.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.packages import make_packages

from drybox import CodeExecutor, ExecutionRequest
from drybox.host.paths import cache_dir

pytestmark = [pytest.mark.isolations("local"), pytest.mark.promise("ISO-21")]

LANGUAGES = ("java", "go", "cpp", "node", "typescript")

TAMPER = r"""
done=
for file in $(find /opt /environment /packages -xdev -maxdepth 3 2>/dev/null | head -80); do
    echo evil 2>/dev/null >>"$file" && done="$done write:$file"
    cp /dev/null "$file" 2>/dev/null && done="$done replace:$file"
    chmod 777 "$file" 2>/dev/null && done="$done mode:$file"
    touch -d 2001-01-01 "$file" 2>/dev/null && done="$done time:$file"
    mv "$file" "$file.moved" 2>/dev/null && done="$done move:$file"
    ln "$file" /tmp/linked 2>/dev/null && done="$done link:$file"
    [ -d "$file" ] && mkdir "$file/new" 2>/dev/null && done="$done new:$file"
done
echo "done:$done"
"""
"""Everything that a user can do to a file or a folder; what could be done is told."""


@pytest.fixture(scope="module")
def runner() -> None:
    """These attacks have executors of their own."""


@pytest.fixture(autouse=True)
def nothing_is_left() -> None:
    """What waits here stays until the module's executor is closed."""


@pytest.fixture(scope="module")
def executor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CodeExecutor]:
    with CodeExecutor(
        isolation="local",
        pool=None,
        package_dir=make_packages(tmp_path_factory.mktemp("packages")),
    ) as executor:
        for language in LANGUAGES:  # so that all that is made once is there
            assert executor.execute(ExecutionRequest(language, HELLO[language])).stdout == "hello\n"
        yield executor


HELLO = {
    "java": 'class Main { public static void main(String[] a) { System.out.println("hello"); } }',
    "go": 'package main\nimport "fmt"\nfunc main() { fmt.Println("hello") }\n',
    "cpp": '#include <bits/stdc++.h>\nint main() { std::cout << "hello\\n"; }\n',
    "node": "console.log('hello')",
    "typescript": "const word: string = 'hello';\nconsole.log(word)",
}


def _states(folder: Path) -> dict[str, tuple[int, ...]]:
    """Everything in a folder; the time of a change changes with whatever is done to it."""
    found: dict[str, tuple[int, ...]] = {}
    for at, folders, names in os.walk(folder):
        for name in (*folders, *names):
            with contextlib.suppress(FileNotFoundError):  # another drybox makes what it needs
                state = os.lstat(os.path.join(at, name))
                kept = (state.st_ino, state.st_mode, state.st_uid, state.st_size)
                found[os.path.join(at, name)] = (*kept, state.st_mtime_ns, state.st_ctime_ns)
    return found


@pytest.mark.parametrize(
    "language",
    [
        # Each is tried file by file; the language that has most is enough for every day.
        pytest.param(language, marks=[pytest.mark.nightly] * (language != LANGUAGES[0]))
        for language in LANGUAGES
    ],
)
def test_nothing_that_many_sandboxes_share_can_be_changed(
    executor: CodeExecutor, language: str
) -> None:
    before = _states(cache_dir())
    with executor.session(language) as session:
        result = session.command(TAMPER, timeout=120)
        beside = executor.execute(ExecutionRequest(language, HELLO[language] + "\n"))
    assert (result.stdout, result.status) == ("done:\n", "success"), result
    assert beside.stdout == "hello\n"
    after = _states(cache_dir())
    assert {path: after[path] for path in before if path in after}.items() <= before.items()
    assert executor.execute(ExecutionRequest(language, f"\n{HELLO[language]}")).stdout == "hello\n"
