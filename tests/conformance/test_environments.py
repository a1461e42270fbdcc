"""Environments: built once, read-only in every sandbox that asks, the same warm and cold."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.support.environments import make_index, using
from tests.support.isolations import Isolation
from tests.support.packages import GREETING, make_wheel

from drybox import (
    CodeExecutor,
    Environment,
    ExecutionRequest,
    ExecutionResult,
    InvalidRequest,
    PoolSettings,
    ResourceLimits,
    Unavailable,
)
from drybox.environments.info import EnvironmentInfo

pytestmark = pytest.mark.promise("ENV-1", "ENV-2")

GREET = Environment("greeting", "python", packages=["greet==1.*"], preload=["greet"])
CODE = "import greet; print(greet.greet())"


@dataclass(frozen=True)
class Site:
    """An index and a store of the test's own, and the isolation.

    Attributes:
        index: Folder of wheels.
        store: Folder of environments.
        isolation: The isolation's name.
    """

    index: Path
    store: Path
    isolation: str

    def executor(self, *environments: Environment, **settings: object) -> CodeExecutor:
        """An executor that has these environments, and keeps nothing waiting."""
        given: dict[str, object] = {"pool": None, **settings}
        return CodeExecutor(
            environments=environments or (GREET,),
            environment_dir=self.store,
            isolation=self.isolation,
            timeout=60.0,
            **given,  # type: ignore[arg-type]
        )

    def build(self, environment: Environment = GREET, **words: object) -> EnvironmentInfo:
        """Build one."""
        with using(self.index), self.executor(environment) as executor:
            return executor.build_environment(environment.name, **words)  # type: ignore[arg-type]

    def run(self, code: str, environment: Environment = GREET, **fields: object) -> ExecutionResult:
        """Run a program in one that is built."""
        with self.executor(environment) as executor:
            request = ExecutionRequest("python", code, environment=environment.name, **fields)  # type: ignore[arg-type]
            return executor.execute(request)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_index(tmp_path_factory.mktemp("index"))


@pytest.fixture(scope="module")
def sites() -> dict[str, tuple[Site, EnvironmentInfo]]:
    """What was built behind each isolation: once."""
    return {}


@pytest.fixture
def built(
    index: Path,
    tmp_path_factory: pytest.TempPathFactory,
    isolation: Isolation,
    sites: dict[str, tuple[Site, EnvironmentInfo]],
) -> tuple[Site, EnvironmentInfo]:
    name = isolation.name
    if name not in sites:
        site = Site(index, tmp_path_factory.mktemp("store"), name)
        sites[name] = site, site.build()
    return sites[name]


@pytest.fixture
def site(built: tuple[Site, EnvironmentInfo]) -> Site:
    return built[0]


@pytest.fixture
def fresh(site: Site, tmp_path: Path) -> Site:
    """The same index, and nothing that is built."""
    return replace(site, store=tmp_path / "store")


def test_a_program_has_the_packages_and_nothing_is_installed_for_it(
    built: tuple[Site, EnvironmentInfo],
) -> None:
    site, info = built
    result = site.run(CODE, limits=ResourceLimits(disk=64 * 1024))
    assert (result.status, result.stdout) == ("success", f"{GREETING}\n")
    assert [phase.name for phase in result.phases] == ["run"]
    assert result.environment == f"greeting@{info.digest}"
    assert site.run("import words; print(words.WORDS)").stdout == f"{GREETING}\n"


def test_without_its_name_a_program_has_none_of_it(site: Site) -> None:
    with site.executor() as executor:
        result = executor.execute("python", CODE)
    assert result.status == "failed"
    assert "No module named 'greet'" in result.stderr
    assert result.environment is None


def test_commands_are_on_the_path_and_isolated_interpreters_have_the_packages(site: Site) -> None:
    code = (
        "import subprocess, sys\n"
        "print(subprocess.check_output(['say-greeting'], text=True), end='')\n"
        f"print(subprocess.check_output([sys.executable, '-I', '-c', {CODE!r}], text=True), end='')"
    )
    assert site.run(code).stdout == f"command {GREETING}\n{GREETING}\n"


def test_what_is_known_of_it(built: tuple[Site, EnvironmentInfo]) -> None:
    site, info = built
    assert [(item.name, item.version) for item in info.packages] == [
        ("greet", "1.2.0"),
        ("words", "2.0.0"),
    ]
    assert info.built
    assert info.preload == ("greet",)
    assert all(item.size > 0 for item in info.packages)
    other = Environment("other", "python", packages=["words"])
    with site.executor(GREET, other) as executor:
        known = executor.environments()
    assert known[0] == info
    assert (known[1].built, known[1].digest, known[1].version) == (False, None, None)
    assert "drybox env build other" in known[1].hint


def test_a_second_build_uses_neither_index_nor_sandbox(
    built: tuple[Site, EnvironmentInfo], tmp_path: Path
) -> None:
    site, info = built
    (tmp_path / "empty").mkdir()
    assert replace(site, index=tmp_path / "empty").build() == info


@pytest.mark.isolations("local")
def test_a_second_build_opens_no_socket_of_any_network(
    built: tuple[Site, EnvironmentInfo], tmp_path: Path
) -> None:
    """In a network namespace of its own, where not even loopback is up."""
    site, info = built
    config = tmp_path / "drybox.toml"
    config.write_text(
        f'environment_dir = "{site.store}"\nisolation = "local"\n[environments.greeting]\n'
        'language = "python"\npackages = ["greet==1.*"]\npreload = ["greet"]\n'
    )
    drybox = [sys.executable, "-m", "drybox", "--config", str(config)]
    words = ["unshare", "--net", *drybox, "env", "build", "greeting", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    (document,) = json.loads(done.stdout)["environments"]
    assert (document["digest"], document["built_at"]) == (info.digest, info.built_at)


def test_the_same_packages_give_the_same_bytes(
    built: tuple[Site, EnvironmentInfo], fresh: Site
) -> None:
    again = fresh.build()
    assert again.digest == built[1].digest
    assert (fresh.store / "trees" / str(again.digest)).is_dir()


def test_a_lock_is_built_as_it_says_elsewhere_too_or_not_at_all(
    built: tuple[Site, EnvironmentInfo], fresh: Site, tmp_path: Path
) -> None:
    site, info = built
    lock = tmp_path / "greeting.lock"
    (found,) = (site.store / "locks").glob("*.json")
    lock.write_text(found.read_text())
    assert json.loads(lock.read_text())["digest"] == info.digest
    assert fresh.build(lock=lock).digest == info.digest
    changed = json.loads(lock.read_text())
    changed["packages"][0]["sha256"] = "0" * 64
    lock.write_text(json.dumps(changed))
    with pytest.raises(Unavailable, match=r"greet 1\.2\.0.* could not be downloaded as it was"):
        replace(fresh, store=tmp_path / "third").build(lock=lock)
    changed = {**json.loads(found.read_text()), "digest": "0" * 32}
    lock.write_text(json.dumps(changed))
    with pytest.raises(Unavailable, match="cannot be built as it was locked"):
        replace(fresh, store=tmp_path / "fourth").build(lock=lock)


def test_a_lock_of_other_packages_is_refused(site: Site, tmp_path: Path) -> None:
    other = Environment("other", "python", packages=["words"])
    (found,) = (site.store / "locks").glob("*.json")
    with pytest.raises(InvalidRequest, match="of other packages"):
        site.build(other, lock=found)


def test_the_first_request_builds_it(fresh: Site) -> None:
    words = Environment("words", "python", packages=["words"])
    with using(fresh.index), fresh.executor(words) as executor:
        result = executor.execute("python", "import words; print(words.WORDS)", environment="words")
    assert result.stdout == f"{GREETING}\n"


def test_it_cannot_be_written(site: Site) -> None:
    code = (
        "import os, greet\n"
        "for act in (lambda: open(greet.__file__, 'a'), lambda: os.unlink(greet.__file__),\n"
        "            lambda: os.mkdir('/environment/more'),\n"
        "            lambda: os.chmod(greet.__file__, 0o777)):\n"
        "    try:\n        act()\n    except OSError as error:\n        print(error.errno)\n"
    )
    lines = site.run(code).stdout.split()
    assert len(lines) == 4
    assert set(lines) <= {"30", "1", "13"}
    assert site.run(CODE).stdout == f"{GREETING}\n"


def test_packages_of_a_request_and_an_environment_go_together(site: Site, index: Path) -> None:
    folder = site.store / "more"
    (folder / "python").mkdir(parents=True, exist_ok=True)
    make_wheel(folder / "python", "extra", "1.0.0", {"extra.py": "import words\n"})
    for path in (folder, folder / "python"):
        path.chmod(0o755)
    with site.executor(package_dir=folder) as executor:
        result = executor.execute(
            "python",
            "import extra; print(extra.words.WORDS)",
            environment="greeting",
            packages=["extra"],
        )
    assert result.stdout == f"{GREETING}\n", result.stderr


def test_warm_is_like_cold(site: Site) -> None:
    """What waits is for requests of this environment, and has it."""
    pool = PoolSettings(min_idle=1)
    with site.executor(pool=pool) as executor:
        results = [
            executor.execute("python", CODE, environment="greeting", timeout=60) for _ in range(3)
        ]
        plain = executor.execute("python", CODE)
    assert {(result.stdout, result.status) for result in results} == {(f"{GREETING}\n", "success")}
    assert len({result.environment for result in results}) == 1
    assert plain.status == "failed"


# --- what is wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("packages", "preload", "problem", "hint", "output"),
    [
        (["nothing"], [], "there is no package nothing", "spelt", "No matching distribution"),
        (["greet==7"], [], "greet has no such version", "which versions", "1.2.0"),
        (["raises"], ["raises"], "cannot be imported", "preload", "ValueError: no import today"),
        (["words"], ["absent"], "cannot be imported", "preload", "No module named 'absent'"),
        (["old"], [], "old has no wheel for", "python@3.6", "No matching"),
        (["musl"], [], "musl has no wheel for", "C library musl", "No matching"),
        (["source"], [], "as source only", "pip wheel source", "No matching"),
    ],
)
def test_what_cannot_be_built_is_told_in_words(
    site: Site,
    tmp_path: Path,
    packages: list[str],
    preload: list[str],
    problem: str,
    hint: str,
    output: str,
) -> None:
    index = make_index(tmp_path / "index")
    (index / "old-1.0-cp36-cp36m-manylinux1_x86_64.whl").write_bytes(b"PK")
    (index / "musl-1.0-cp311-cp311-musllinux_1_1_x86_64.whl").write_bytes(b"PK")
    (index / "source-1.0.tar.gz").write_bytes(b"")
    wrong = Environment("wrong", "python", packages=packages, preload=preload)
    with pytest.raises(Unavailable) as told:
        replace(site, index=index, store=tmp_path / "store").build(wrong)
    assert problem in told.value.message
    if packages != ["musl"] or "glibc" in told.value.message:
        assert hint in told.value.hint
    assert output in getattr(told.value, "output", "")


def test_an_unknown_name_is_refused_with_the_nearest(site: Site) -> None:
    with site.executor() as executor:
        with pytest.raises(InvalidRequest) as told:
            executor.execute("python", "1", environment="greting")
        assert "Did you mean 'greeting'?" in told.value.hint
        with pytest.raises(InvalidRequest, match="is one of python"):
            executor.execute("node", "1", environment="greeting")


def test_what_was_built_stays_when_a_new_build_fails(site: Site, tmp_path: Path) -> None:
    index = make_index(tmp_path / "index")
    own = replace(site, index=index, store=tmp_path / "store")
    info = own.build()
    make_wheel(index, "greet", "1.3.0", {"greet.py": "raise ValueError('broken release')\n"})
    with using(index), own.executor() as executor:
        executor.lock_environment("greeting")
        with pytest.raises(Unavailable, match="cannot be imported"):
            executor.build_environment("greeting")
    result = own.run(CODE)
    assert (result.stdout, result.environment) == (f"{GREETING}\n", f"greeting@{info.digest}")
    assert list((own.store / "unfinished").iterdir()) == []
