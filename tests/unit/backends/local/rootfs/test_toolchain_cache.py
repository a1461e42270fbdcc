"""What is made once, with a stand-in for bubblewrap that runs the command in plain folders."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.support.host import eventually

from drybox import Unavailable
from drybox.backends import preparations
from drybox.backends.local.rootfs import toolchain_cache
from drybox.backends.local.rootfs.layout import Layout, Mount
from drybox.backends.local.rootfs.toolchain import FoundToolchain
from drybox.backends.local.rootfs.toolchain_cache import prepare
from drybox.backends.preparations import Preparations
from drybox.job import File
from drybox.languages.base import Preparation
from drybox.model import PreparationProgress

STAND_IN = r"""#!/bin/sh
printf '%s\n' "$@" "====" >> "LOG"
while [ "$1" != -- ]; do
    if [ "$1" = --bind ] && [ "$3" = /opt/made ]; then OUT=$2; fi
    if [ "$1" = --bind ] && [ "$3" = /sandbox ]; then WORK=$2; fi
    shift
done
shift
export OUT WORK
exec "$@"
"""


class Workshop:
    """A toolchain, a stand-in for bubblewrap and what it was told."""

    def __init__(self, folder: Path) -> None:
        self.cache = folder / "cache/drybox/prepared"
        self.said: list[str] = []
        self.preparations = Preparations(self.said.append)
        self._log = folder / "log"
        self._bwrap = folder / "bwrap"
        self._bwrap.write_text(STAND_IN.replace("LOG", str(self._log)))
        self._bwrap.chmod(0o755)
        program = folder / "tool"
        program.write_text("")
        layout = Layout(path=("/opt/tool/bin",))
        self.found = FoundToolchain("tool", str(program), str(folder), "1.2", "/bin/sh", layout)

    def make(self, *scripts: str, **changes: Any) -> Mount | None:
        recipe = Preparation(
            name="made",
            label="Making it",
            commands=tuple(("tool", "-c", script) for script in scripts),
            mount="/opt/made",
        )
        recipe = dataclasses.replace(recipe, **changes)
        begin = partial(self.preparations.begin, "tool")
        return prepare(recipe, self.found, str(self._bwrap), begin)

    def told(self) -> list[list[str]]:
        """The arguments of each call of bubblewrap."""
        text = self._log.read_text() if self._log.exists() else ""
        return [call.splitlines() for call in text.split("====\n")[:-1]]

    def left(self) -> list[str]:
        """What lies in the cache, beside locks."""
        return sorted(p.name for p in self.cache.glob("*") if p.suffix != ".lock")


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Workshop(tmp_path)


def test_it_is_made_once_and_mounted_from_then_on(workshop: Workshop) -> None:
    mounts = [workshop.make('echo 1 > "$OUT/a"', 'echo 2 > "$OUT/b"') for _ in range(3)]
    (mount,) = {mount for mount in mounts if mount is not None}
    assert mount.target == "/opt/made"
    made = Path(mount.source)
    assert made.parent == workshop.cache
    assert {path.name: path.read_text() for path in made.iterdir()} == {"a": "1\n", "b": "2\n"}
    assert len(workshop.told()) == 2
    assert workshop.said == ["Making it (once for 1.2)"]
    assert workshop.left() == [made.name]


def test_another_recipe_or_toolchain_makes_another(workshop: Workshop) -> None:
    first = workshop.make("true")
    second = workshop.make("true", env={"A": "1"})
    Path(workshop.found.executable).write_text("changed")
    third = workshop.make("true")
    assert len({mount.source for mount in (first, second, third) if mount}) == 3


def test_it_is_made_anew_of_other_headers(workshop: Workshop, tmp_path: Path) -> None:
    headers = str(tmp_path / "*.h")
    before = workshop.make("true", made_from=(headers,))
    assert before == workshop.make("true")  # where to look makes no difference
    (tmp_path / "a.h").write_text("1")
    after = workshop.make("true", made_from=(headers,))
    again = workshop.make("true", made_from=(headers,))
    (tmp_path / "a.h").write_text("12")
    other = workshop.make("true", made_from=(headers,))
    assert after == again
    assert len({mount.source for mount in (before, after, other) if mount}) == 3


def test_commands_run_in_the_sandboxs_own_layout(workshop: Workshop) -> None:
    workshop.make(
        'test "$(cat "$WORK/src/x")" = source',
        files=(File("src/x", b"source"),),
        env={"OUT_DIR": "{out}/x"},
    )
    ((*words,),) = workshop.told()
    assert {"--unshare-net", "--unshare-user", "--unshare-pid", "--clearenv"} <= set(words)
    pairs = {words[n + 1]: words[n + 2] for n, word in enumerate(words) if word == "--setenv"}
    assert pairs == {**workshop.found.layout.env, "OUT_DIR": "/opt/made/x"}
    at = words.index("--")
    assert words[at + 1 : at + 3] == ["/bin/sh", "-c"]
    assert words[words.index("--chdir") + 1] == "/sandbox"
    assert [words[n + 2] for n, word in enumerate(words) if word == "--bind"] == (
        ["/sandbox", "/opt/made"]
    )


def test_the_place_of_the_result_is_filled_in(workshop: Workshop) -> None:
    workshop.make(commands=(("tool", "-c", 'test "$0" = /opt/made/f', "{out}/f"),))
    assert workshop.said


def test_everybody_may_read_the_result(workshop: Workshop) -> None:
    script = 'cd "$OUT"; umask 077; mkdir d; echo > d/f; echo > d/x; chmod u+x d/x; chmod 0 d/f'
    mount = workshop.make(script)
    assert mount is not None
    made = Path(mount.source)
    modes = {path.name: path.stat().st_mode & 0o777 for path in made.rglob("*")}
    assert modes == {"d": 0o755, "f": 0o644, "x": 0o755}
    assert made.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    "script", ["echo no room >&2; exit 1", 'echo half > "$OUT/a"; echo no room; exit 3']
)
def test_a_failure_says_why_and_keeps_nothing(workshop: Workshop, script: str) -> None:
    with pytest.raises(Unavailable, match="Making it failed: no room") as caught:
        workshop.make(script, 'echo never > "$OUT/b"')
    assert caught.value.hint
    assert workshop.left() == []
    assert len(workshop.told()) == 1
    assert workshop.make("true") is not None


@pytest.mark.parametrize("script", ["exit 1", "kill -9 $$"])
def test_a_failure_without_a_word_is_one_too(workshop: Workshop, script: str) -> None:
    with pytest.raises(Unavailable):
        workshop.make(f'echo half > "$OUT/a"; {script}')
    assert workshop.left() == []


def test_a_failure_talks_no_more_than_a_little(workshop: Workshop) -> None:
    with pytest.raises(Unavailable) as caught:
        workshop.make("i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; exit 1")
    assert len(caught.value.message) < 1200
    assert "line 1999" in caught.value.message


def test_a_long_one_tells_how_far_it_is(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparations, "TELL_DELAY", 0.0)
    workshop.make(
        '[ "$OUT" ]; echo one; echo two',
        "echo not counted",
        parts=("tool", "-c", "seq 4"),
        parts_env={"VERBOSE": "1"},
    )
    label = "Making it (once for 1.2)"
    assert workshop.said == [label, f"{label}: 1 of 4", f"{label}: 2 of 4"]
    calls = workshop.told()
    assert ["VERBOSE" in call for call in calls] == [False, True, False]


def test_one_whose_parts_cannot_be_listed_is_made_all_the_same(workshop: Workshop) -> None:
    assert workshop.make("echo one", parts=("tool", "-c", "exit 1")) is not None
    assert workshop.said == ["Making it (once for 1.2)"]


def test_one_that_takes_too_long_is_ended(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toolchain_cache, "TIMEOUT", 0.2)
    with pytest.raises(Unavailable, match=r"took longer than 0\.2 s"):
        workshop.make("exec sleep 60")


def test_an_optional_one_that_fails_is_done_without_and_not_tried_again(
    workshop: Workshop,
) -> None:
    for _ in range(3):
        assert workshop.make("echo no; exit 1", optional=True) is None
    assert len(workshop.told()) == 1
    assert len(workshop.said) == 1


def test_an_optional_one_is_tried_again_after_a_while_or_with_other_files(
    workshop: Workshop,
) -> None:
    assert workshop.make("exit 1", optional=True) is None
    (failure,) = workshop.cache.glob("*.failed")
    os.utime(failure, (0, 0))
    assert workshop.make("exit 1", optional=True) is None
    workshop.found = dataclasses.replace(workshop.found, layout=Layout(path=("/other",)))
    assert workshop.make("exit 1", optional=True) is None
    assert len(workshop.told()) == 3


def test_bubblewrap_that_cannot_be_started_is_a_failure(workshop: Workshop) -> None:
    workshop._bwrap.unlink()
    with pytest.raises(Unavailable, match="No such file"):
        workshop.make("true")


def test_two_at_once_make_one(workshop: Workshop) -> None:
    with ThreadPoolExecutor(4) as pool:
        mounts = list(pool.map(lambda _: workshop.make('echo 1 > "$OUT/a"'), range(4)))
    assert len(set(mounts)) == 1
    assert len(workshop.told()) == 1


def test_a_cache_that_cannot_be_written_says_which_and_how_to_have_another(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file/below"))
    with pytest.raises(Unavailable, match=str(tmp_path / "file")) as caught:
        workshop.make("true")
    assert "XDG_CACHE_HOME" in caught.value.hint


KILLED = """
import os, signal, sys
from pathlib import Path
from drybox.host.workplace import workplace
with workplace(Path(sys.argv[1])) as folder:
    (folder / "out").mkdir()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_drybox_left_goes_with_the_next_that_makes_something(
    workshop: Workshop,
) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(workshop.cache)])
    (left,) = workshop.left()
    assert left.startswith("making-")
    mount = workshop.make("true")
    assert mount is not None
    assert workshop.left() == [Path(mount.source).name]


UNTIL_TOLD = 'touch "$OUT/../told"; while [ -e "$OUT/../told" ]; do sleep 0.01; done'


def test_how_far_it_is_can_be_asked_for(workshop: Workshop) -> None:
    script = f'[ "$OUT" ]; echo one; echo two; {UNTIL_TOLD}'
    with ThreadPoolExecutor() as pool:
        making = pool.submit(workshop.make, script, parts=("tool", "-c", "seq 4"))
        assert eventually(lambda: [item.done for item in workshop.preparations.list()] == [2])
        assert workshop.preparations.list() == [
            PreparationProgress("tool", "Making it (once for 1.2)", 2, 4)
        ]
        (told,) = workshop.cache.glob("making-*/told")
        told.unlink()
        assert making.result() is not None
    assert workshop.preparations.list() == []


def test_who_waits_for_another_drybox_is_told_and_has_the_same(workshop: Workshop) -> None:
    other = Preparations(lambda line: None)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(workshop.make, UNTIL_TOLD)
        assert eventually(lambda: list(workshop.cache.glob("making-*/told")))
        mine, workshop.preparations = workshop.preparations, other
        second = pool.submit(workshop.make, UNTIL_TOLD)
        assert eventually(lambda: other.list())
        assert other.list()[0].label == "Making it (once for 1.2): another drybox is at it"
        next(workshop.cache.glob("making-*/told")).unlink()
        assert first.result() == second.result()
    assert mine.list() == other.list() == []
    assert len(workshop.told()) == 1


def test_what_is_stopped_ends_and_is_no_failure_to_remember(workshop: Workshop) -> None:
    with ThreadPoolExecutor() as pool:
        making = pool.submit(workshop.make, "exec sleep 60", optional=True)
        assert eventually(lambda: workshop.told())
        workshop.preparations.stop()
        with pytest.raises(Unavailable, match="was ended"):
            making.result()
    assert workshop.left() == []
    with pytest.raises(Unavailable, match="was ended"):
        workshop.make("exec sleep 60", optional=True)
