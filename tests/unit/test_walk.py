"""The way of one request is the one that ARCHITECTURE.md draws."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from tests.support.asgi import ask
from tests.support.source_tree import SOURCE
from tests.support.walk import DRAWN, NEW_SANDBOX, STEPS, Walk, followed, layer_of

from drybox import AsyncCodeExecutor
from drybox.server.app import create_app
from drybox.settings import ServerSettings
from drybox.testing.fake_backend import FakeBackend, FakeSandbox, Script, advertise, maker

PLAYED = {
    ("testing/fake_backend.py", "open"): NEW_SANDBOX[0],
    ("testing/fake_backend.py", "exec"): "backends/local/sandbox.py",
}
"""What the fake backend stands in for."""

PICTURE = [file for file, _ in STEPS]
MOST_STAYS, MOST_RETURNS = 12, 2


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def walk_of_a_request(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Walk:
    backend = FakeBackend(FakeSandbox([Script([("stdout", b"hello")])]))
    advertise(monkeypatch, tmp_path, "drybox.backends", "fake", maker(backend))
    executor = AsyncCodeExecutor(isolation="fake", pool=None)
    app = create_app(executor, ServerSettings())
    async with executor:
        with followed(PLAYED) as walk:
            answer = await ask(app, "POST", "/v1/execute", b'{"language": "python", "code": "1"}')
    assert answer.status == 200, answer
    return walk


def test_the_picture_has_few_stays_and_few_returns() -> None:
    ranks = list(map(layer_of, PICTURE))
    returns = sum(after < before for before, after in itertools.pairwise(ranks))
    assert (len(PICTURE), returns) == (MOST_STAYS, MOST_RETURNS)
    assert DRAWN.count("   ↑ ") == returns
    assert all((SOURCE / "drybox" / file).is_file() for file in PICTURE)


@pytest.mark.anyio
async def test_a_request_goes_the_way_of_the_picture(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """This one found no sandbox that waits; tests/conformance/test_walk.py has one that did."""
    walk = await walk_of_a_request(monkeypatch, tmp_path)
    after_pool = PICTURE.index("pool/pool.py") + 1
    assert walk.stays == [*PICTURE[:after_pool], NEW_SANDBOX[0], *PICTURE[after_pool:]]


@pytest.mark.anyio
async def test_no_file_that_a_request_may_wait_in_is_left_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    walk = await walk_of_a_request(monkeypatch, tmp_path)
    real = {file for file in walk.waiting if not file.startswith("testing/")}
    named = {file for file in real if "/".join(Path(file).parts[-2:]) in DRAWN or file in PICTURE}
    assert real == named, f"ARCHITECTURE.md does not name {sorted(real - named)} on this way"
    assert len(real) > MOST_STAYS
