"""The option ``--isolations``, and the fixtures that make a test run once for each isolation."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.forked import make_executor
from tests.support.identity import FORK_SERVER, Runner, Self, ordinary_user
from tests.support.isolations import (
    IN_TURNS,
    ISOLATIONS,
    NO_DAEMON,
    Containers,
    Isolation,
    Namespaces,
    chosen,
    finding,
    out_of_turn,
    share,
)
from tests.support.warmth import Warm

from drybox import CodeExecutor, PoolSettings

TESTS = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("drybox")
    group.addoption(
        "--isolations",
        default="",
        metavar="NAMES",
        help=f"isolations to run the suites behind, such as {','.join(ISOLATIONS)}; by default as "
        "many as"
        " there is time for",
    )
    group.addoption(
        "--fork-server",
        action="store_true",
        help="run Python's programs in interpreters that were forked from a template",
    )
    group.addoption("--nightly", action="store_true", help="all tests, with every isolation")
    group.addoption(
        "--part",
        choices=("containers", "others"),
        help="only the tests that need a Docker daemon of their own, or only the others",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "nightly: takes long; runs with --nightly only")
    config.addinivalue_line(
        "markers", "isolations(*names): is about these isolations, not about each"
    )
    try:
        chosen("", config.getoption("isolations"), nightly=False)
    except ValueError as error:
        raise pytest.UsageError(f"--isolations: {error}") from None
    # No test finds a daemon that the developer has by chance.
    os.environ["DOCKER_HOST"] = NO_DAEMON
    if config.getoption("fork_server"):
        os.environ[FORK_SERVER] = "1"
    # Nor any configuration of theirs.
    os.environ["DRYBOX_CONFIG"] = os.devnull


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    late: list[pytest.Item] = []
    if not config.getoption("nightly"):
        late += [item for item in items if item.get_closest_marker("nightly")]
        if not config.getoption("isolations"):
            late += _enough_without(items)
    if part := config.getoption("part"):
        late += [item for item in items if _needs_daemon(item) != (part == "containers")]
    dropped = {id(item) for item in late}
    config.hook.pytest_deselected(items=[item for item in items if id(item) in dropped])
    items[:] = [item for item in items if id(item) not in dropped]


def _isolation_of(item: pytest.Item) -> str | None:
    """The isolation that a test runs behind, if it is one that runs behind each."""
    if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
        return None
    params = item.callspec.params
    name = params.get("isolation_name") or params.get("runner_name")
    return name if isinstance(name, str) else None


def _needs_daemon(item: pytest.Item) -> bool:
    is_behind_one = issubclass(ISOLATIONS.get(_isolation_of(item) or "", Namespaces), Containers)
    is_about_one = item.path.name.startswith("test_docker_")
    uses_one = "docker_daemon" in getattr(item, "fixturenames", ())
    return is_behind_one or is_about_one or uses_one


def _enough_without(items: list[pytest.Item]) -> list[pytest.Item]:
    """What a run can do without; see ``SHARES`` and ``IN_TURNS``."""
    counts: Counter[tuple[str, str]] = Counter()
    late: list[pytest.Item] = []
    for item in items:
        name = _isolation_of(item)
        if name in ISOLATIONS:
            suite = _suite(item.path)
            if counts[suite, name] % share(suite, name):
                late.append(item)
            counts[suite, name] += 1
    for suite, turns in IN_TURNS.items():
        behind = [item for item in items if _suite(item.path) == suite and _isolation_of(item)]
        for takers in dict.fromkeys(turns.of(item.path.stem) for item in behind):
            sharing = [item for item in behind if turns.of(item.path.stem) == takers]
            late += _out_of_turn(sharing, takers, single=turns.single)
    return late


def _out_of_turn(
    items: list[pytest.Item], takers: tuple[str, ...], *, single: bool
) -> list[pytest.Item]:
    tests = [(item.nodeid.partition("[")[0], _isolation_of(item) or "") for item in items]
    turns = zip(items, out_of_turn(tests, takers, single=single), strict=True)
    return [item for item, is_late in turns if is_late]


def _suite(path: Path) -> str:
    return path.relative_to(TESTS).parts[0]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    config = metafunc.config
    suite = _suite(metafunc.definition.path)
    names = chosen(suite, config.getoption("isolations"), nightly=config.getoption("nightly"))
    for mark in metafunc.definition.iter_markers("isolations"):
        names = [name for name in names if name in mark.args]
    if "isolation_name" in metafunc.fixturenames:
        metafunc.parametrize("isolation_name", names)
    if "runner_name" in metafunc.fixturenames:
        metafunc.parametrize(
            "runner_name",
            [who for name in names for who in (("own", "user") if name == "local" else (name,))],
        )


def made_isolation(name: str, request: pytest.FixtureRequest) -> Isolation:
    """An isolation by its name; what it is made with is started, if it is the first to need it."""
    make = ISOLATIONS[name]
    if issubclass(make, Containers):
        return make(request.getfixturevalue("docker_daemon"))
    return make()


@pytest.fixture
def isolation(isolation_name: str, request: pytest.FixtureRequest) -> Iterator[Isolation]:
    """An isolation; meanwhile drybox finds the daemon that it needs, or none."""
    found = made_isolation(isolation_name, request)
    with finding(found):
        yield found


@pytest.fixture(scope="session")
def executor() -> Iterator[CodeExecutor]:
    """An executor of whoever runs the tests. Nothing waits in it, every sandbox starts cold; with
    ``--fork-server`` Python's are forked."""
    with make_executor() as executor:
        yield executor


@pytest.fixture(scope="module")
def warm_executor() -> Iterator[Warm]:
    """An executor that serves every request from a sandbox that waited for it, compilers too."""
    threads = os.cpu_count() or 1  # as many as tests share it at most
    pool = PoolSettings(min_idle=threads + 1, max_total=16, memory=4 << 30)
    with CodeExecutor(pool=pool, compile_cache=0) as executor:
        yield Warm(executor, threads)


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
    """drybox with each isolation; with local isolation as the tests' own and an ordinary user."""
    if runner_name in ("own", "user"):
        yield request.getfixturevalue(f"{runner_name}_runner")
        return
    isolation = made_isolation(runner_name, request)
    with finding(isolation):
        yield Self(executor, isolation)
