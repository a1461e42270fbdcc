"""``drybox env`` as a process, with an index in a folder."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.support.cli import DRYBOX, Done, drybox
from tests.support.environments import make_index, settings_of
from tests.support.host import eventually
from tests.support.packages import GREETING, make_wheel

pytestmark = pytest.mark.promise("ENV-1", "ENV-2")


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Variables that name an index, a store and a configuration, with ``greeting`` built."""
    folder = tmp_path_factory.mktemp("env")
    config = folder / "drybox.toml"
    config.write_text(
        f'environment_dir = "{folder / "store"}"\nisolation = "local"\n'
        '[environments.greeting]\nlanguage = "python"\npackages = ["greet"]\n'
        '[environments.broken]\nlanguage = "python"\npackages = ["raises"]\npreload = ["raises"]\n'
        '[environments.absent]\nlanguage = "python"\npackages = ["nothing"]\n'
        '[environments."py3.dot"]\nlanguage = "python"\npackages = ["greet"]\n'
    )
    variables = {**settings_of(make_index(folder / "index")), "DRYBOX_CONFIG": str(config)}
    done = drybox("env", "build", "greeting", env=variables)
    assert done.returncode == 0, done.stderr
    assert b"built" in done.stdout
    assert b"greeting: Installing" in done.stderr
    return variables


def document(done: Done) -> Any:
    return json.loads(done.stdout)


def test_a_program_runs_in_it(setting: Mapping[str, str]) -> None:
    code = "import greet; print(greet.greet())"
    done = drybox("run", "-e", "greeting", "-c", code, env=setting)
    assert (done.returncode, done.stdout.decode()) == (0, f"{GREETING}\n"), done.stderr
    done = drybox("run", "--json", "-e", "greeting", "-l", "python", "-c", code, env=setting)
    assert document(done)["environment"].startswith("greeting@")


def test_where_none_is_configured_that_is_told(tmp_path: Path) -> None:
    (tmp_path / "drybox.toml").write_text(f'environment_dir = "{tmp_path / "store"}"\n')
    for word in ("build", "list"):
        done = drybox("env", word, env={"DRYBOX_CONFIG": str(tmp_path / "drybox.toml")})
        assert (done.returncode, done.stdout) == (0, b"")
        assert b"None is configured" in done.stderr


def test_a_name_may_have_dots(setting: Mapping[str, str]) -> None:
    words = ("-e", "py3.dot", "-l", "python", "-c", "import greet")
    result = document(drybox("run", "--json", *words, env=setting))
    assert (result["status"], result["environment"][:8]) == ("success", "py3.dot@"), result


def test_what_there_is_is_listed_and_shown(setting: Mapping[str, str]) -> None:
    listed = document(drybox("env", "list", "--json", env=setting))
    assert [(item["name"], item["built"]) for item in listed] == [
        ("greeting", True),
        ("broken", False),
        ("absent", False),
        ("py3.dot", True),  # of the same packages as the first
    ]
    assert b"Build it: drybox env build broken" in drybox("env", "list", env=setting).stdout
    shown = document(drybox("env", "show", "greeting", "--json", env=setting))
    assert shown == listed[0]
    text = drybox("env", "show", "greeting", env=setting).stdout.decode()
    assert "greet " in text
    assert "1.2.0" in text
    bill = document(drybox("env", "show", "greeting", "--cyclonedx", env=setting))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    assert [item["purl"] for item in bill["components"]] == [
        "pkg:pypi/greet@1.2.0",
        "pkg:pypi/words@2.0.0",
    ]


def test_of_what_is_not_built_there_is_no_bill_of_materials(setting: Mapping[str, str]) -> None:
    done = drybox("env", "show", "absent", "--cyclonedx", env=setting)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"is not built" in done.stderr
    assert b"drybox env build absent" in done.stderr


def test_a_lock_is_written_and_built_from(setting: Mapping[str, str], tmp_path: Path) -> None:
    lock = tmp_path / "greeting.lock"
    done = drybox("env", "lock", "greeting", "-o", str(lock), env=setting)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(lock.read_text())["packages"]) == 2
    nowhere = drybox("env", "lock", "greeting", "-o", str(tmp_path / "no/lock"), env=setting)
    assert nowhere.returncode == 2
    assert b"cannot be written: No such file" in nowhere.stderr
    words = ("env", "build", "greeting", "--lock", str(lock), "--json")
    (built,) = document(drybox(*words, env=setting))["environments"]
    assert built["built"]


def test_what_cannot_be_built_ends_with_1_and_says_why(setting: Mapping[str, str]) -> None:
    done = drybox("env", "build", "absent", env=setting)
    assert done.returncode == 1
    assert b"there is no package nothing" in done.stderr
    assert b"hint:" in done.stderr


@pytest.mark.promise("ENV-3")
def test_what_packages_say_moves_no_terminal(tmp_path: Path) -> None:
    index = make_index(tmp_path / "index")
    escape = "\x1b]0;owned\x07\x1b[2J\x9b31m"
    make_wheel(index, "shown", "1.0", {"shown.py": ""}, needs=f"words\nLicense: {escape}MIT")
    make_wheel(index, "told", "1.0", {"told.py": f"raise ValueError({escape!r} + 'here')"})
    config = tmp_path / "drybox.toml"
    config.write_text(
        f'environment_dir = "{tmp_path / "store"}"\nisolation = "local"\n'
        '[environments.shown]\nlanguage = "python"\npackages = ["shown"]\n'
        '[environments.told]\nlanguage = "python"\npackages = ["told"]\npreload = ["told"]\n'
    )
    variables = {**settings_of(index), "DRYBOX_CONFIG": str(config)}
    # The traceback is what is to be seen, so it is no sign of a fault.
    done = subprocess.run(
        [DRYBOX, "env", "build"], env={**os.environ, **variables}, capture_output=True, timeout=120
    )
    assert b"here" in done.stderr
    shown = drybox("env", "show", "shown", env=variables)
    assert b"MIT" in shown.stdout
    for text in (done.stderr, shown.stdout):
        assert all(mark.isprintable() or mark in "\n\t" for mark in text.decode()), text


def test_names_that_are_wrong_end_with_2(setting: Mapping[str, str]) -> None:
    for words in (
        ("env", "build", "greting"),
        ("env", "show", "greting"),
        ("env", "lock", "greting"),
        ("env", "remove", "greting"),
        ("run", "-e", "greting", "-c", "1"),
    ):
        done = drybox(*words, env=setting)
        assert done.returncode == 2, (words, done.stderr)
        assert b"Did you mean 'greeting'?" in done.stderr


def test_two_builds_at_once_and_one_that_is_killed_leave_a_whole_one_or_none(
    setting: Mapping[str, str], tmp_path: Path
) -> None:
    config = tmp_path / "drybox.toml"
    store = tmp_path / "store"
    config.write_text(
        f'environment_dir = "{store}"\nisolation = "local"\n'
        '[environments.words]\nlanguage = "python"\npackages = ["words"]\n'
    )
    env = {**os.environ, **setting, "DRYBOX_CONFIG": str(config)}
    words = [DRYBOX, "env", "build", "words", "--json"]
    with subprocess.Popen(words, env=env, stderr=subprocess.PIPE, text=True) as killed:
        assert killed.stderr is not None
        while "Installing" not in killed.stderr.readline():
            assert killed.poll() is None
        killed.kill()
    assert eventually(lambda: not list(store.glob("unfinished/*")))
    assert list(store.glob("records/*")) == []
    assert list(store.glob("trees/*")) == []
    both = [
        subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    first, second = (json.loads(text)["environments"][0] for text in said)
    assert first == second
    assert len(list(store.glob("trees/*"))) == 1
    assert list(store.glob("unfinished/*")) == []


def test_what_is_removed_is_gone(setting: Mapping[str, str], tmp_path: Path) -> None:
    config = tmp_path / "drybox.toml"
    config.write_text(
        f'environment_dir = "{tmp_path / "store"}"\nisolation = "local"\n'
        '[environments.words]\nlanguage = "python"\npackages = ["words"]\n'
    )
    own = {**setting, "DRYBOX_CONFIG": str(config), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    assert drybox("env", "build", env=own).returncode == 0
    gone = document(drybox("env", "remove", "words", "--json", env=own))
    assert len(gone["removed"]) == 1
    assert not document(drybox("env", "list", "--json", env=own))[0]["built"]
    pruned = document(drybox("env", "prune", "--json", env=own))
    assert pruned["removed"] == ["words-2.0.0-py3-none-any.whl"]
    assert pruned["freed"] > 0


def test_environments_of_the_same_packages_share_a_build_and_old_builds_go(
    setting: Mapping[str, str], tmp_path: Path
) -> None:
    config = tmp_path / "drybox.toml"
    own = {**setting, "DRYBOX_CONFIG": str(config), "XDG_CACHE_HOME": str(tmp_path / "cache")}

    def configure(**environments: str) -> None:
        config.write_text(
            f'environment_dir = "{tmp_path / "store"}"\nisolation = "local"\n'
            + "".join(
                f'[environments.{name}]\nlanguage = "python"\npackages = ["{package}"]\n'
                for name, package in environments.items()
            )
        )

    def built() -> dict[str, bool]:
        listed = document(drybox("env", "list", "--json", env=own))
        return {item["name"]: item["built"] for item in listed}

    configure(first="words", second="words")
    assert drybox("env", "build", "first", env=own).returncode == 0
    assert built() == {"first": True, "second": True}
    configure(second="words")  # built under a name that is not there any more
    assert document(drybox("env", "prune", "--json", env=own))["removed"] == []
    assert built() == {"second": True}
    configure(second="greet")
    assert drybox("env", "build", env=own).returncode == 0
    pruned = document(drybox("env", "prune", "--json", env=own))["removed"]
    assert len(pruned) == 1, pruned
    assert built() == {"second": True}
    configure(third="greet")
    assert len(document(drybox("env", "remove", "third", "--json", env=own))["removed"]) == 1
    assert built() == {"third": False}
