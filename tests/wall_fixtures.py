"""The option ``--walls``, and the fixtures that make a test run once for each wall."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.identity import Runner, Self, ordinary_user
from tests.support.walls import (
    NO_DAEMON,
    WALLS,
    Containers,
    Namespaces,
    Wall,
    chosen,
    finding,
    share,
)
from tests.support.warmth import Warm

from drybox import CodeExecutor, PoolSettings

TESTS = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("drybox")
    group.addoption(
        "--walls",
        default="",
        metavar="NAMES",
        help=f"walls to run the suites behind, such as {','.join(WALLS)}; by default as many as"
        " there is time for",
    )
    group.addoption("--nightly", action="store_true", help="all tests, behind every wall")
    group.addoption(
        "--part",
        choices=("containers", "others"),
        help="only the tests that need a Docker daemon of their own, or only those that do not",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "nightly: takes long; runs with --nightly only")
    config.addinivalue_line("markers", "walls(*names): is about these walls, not about each")
    try:
        chosen("", config.getoption("walls"), nightly=False)
    except ValueError as error:
        raise pytest.UsageError(f"--walls: {error}") from None
    # No test finds a daemon that the developer has by chance.
    os.environ["DOCKER_HOST"] = NO_DAEMON
    # Nor any configuration of theirs.
    os.environ["DRYBOX_CONFIG"] = os.devnull


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    late: list[pytest.Item] = []
    if not config.getoption("nightly"):
        late += [item for item in items if item.get_closest_marker("nightly")]
        if not config.getoption("walls"):
            late += _enough_without(items)
    if part := config.getoption("part"):
        late += [item for item in items if _needs_daemon(item) != (part == "containers")]
    dropped = {id(item) for item in late}
    config.hook.pytest_deselected(items=[item for item in items if id(item) in dropped])
    items[:] = [item for item in items if id(item) not in dropped]


def _wall_of(item: pytest.Item) -> str | None:
    """The wall that a test runs behind, if it is one that runs behind each."""
    if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
        return None
    params = item.callspec.params
    name = params.get("wall_name") or params.get("runner_name")
    return name if isinstance(name, str) else None


def _needs_daemon(item: pytest.Item) -> bool:
    is_behind_one = issubclass(WALLS.get(_wall_of(item) or "", Namespaces), Containers)
    is_about_one = item.path.name.startswith("test_docker_")
    uses_one = "docker_daemon" in getattr(item, "fixturenames", ())
    return is_behind_one or is_about_one or uses_one


def _enough_without(items: list[pytest.Item]) -> list[pytest.Item]:
    """What a run can do without; see ``SHARES``."""
    counts: Counter[tuple[str, str]] = Counter()
    late: list[pytest.Item] = []
    for item in items:
        name = _wall_of(item)
        if name in WALLS:
            suite = _suite(item.path)
            if counts[suite, name] % share(suite, name):
                late.append(item)
            counts[suite, name] += 1
    return late


def _suite(path: Path) -> str:
    return path.relative_to(TESTS).parts[0]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    config = metafunc.config
    suite = _suite(metafunc.definition.path)
    names = chosen(suite, config.getoption("walls"), nightly=config.getoption("nightly"))
    for mark in metafunc.definition.iter_markers("walls"):
        names = [name for name in names if name in mark.args]
    if "wall_name" in metafunc.fixturenames:
        metafunc.parametrize("wall_name", names)
    if "runner_name" in metafunc.fixturenames:
        metafunc.parametrize(
            "runner_name",
            [who for name in names for who in (("own", "user") if name == "local" else (name,))],
        )


def made_wall(name: str, request: pytest.FixtureRequest) -> Wall:
    """A wall by its name; what it is made with is started, if it is the first to need it."""
    make = WALLS[name]
    if issubclass(make, Containers):
        return make(request.getfixturevalue("docker_daemon"))
    return make()


@pytest.fixture
def wall(wall_name: str, request: pytest.FixtureRequest) -> Iterator[Wall]:
    """A wall; meanwhile drybox finds the daemon that it needs, or none."""
    found = made_wall(wall_name, request)
    with finding(found):
        yield found


@pytest.fixture(scope="session")
def executor() -> Iterator[CodeExecutor]:
    """An executor of whoever runs the tests; nothing waits in it, every sandbox starts cold."""
    with CodeExecutor(pool=None) as executor:
        yield executor


@pytest.fixture(scope="module")
def warm_executor() -> Iterator[Warm]:
    """An executor that serves every request from a sandbox that waited for it, compilers too."""
    pool = PoolSettings(min_idle=4, max_total=16, memory=4 << 30)
    with CodeExecutor(pool=pool, compile_cache=0) as executor:
        yield Warm(executor)


@pytest.fixture(scope="session")
def own_runner(executor: CodeExecutor) -> Runner:
    return Self(executor, Namespaces())


@pytest.fixture(scope="session")
def user_runner() -> Iterator[Runner]:
    if os.getuid():
        pytest.skip("only root can start drybox as another user; this run is an ordinary user's")
    with ordinary_user() as user:
        yield user


@pytest.fixture
def runner(
    runner_name: str, executor: CodeExecutor, request: pytest.FixtureRequest
) -> Iterator[Runner]:
    """drybox behind each wall; behind the local one as the tests' own and an ordinary user."""
    if runner_name in ("own", "user"):
        yield request.getfixturevalue(f"{runner_name}_runner")
        return
    wall = made_wall(runner_name, request)
    with finding(wall):
        yield Self(executor, wall)
