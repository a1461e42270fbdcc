"""The host's wall clock is set forward and back while a server runs."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from tests.support.server import Answer, Server, serving

from drybox.service.api_keys import hash_key, new_key

DAY = 86_400
RICH, POOR = new_key(), new_key()
BUSY = "import time\nwhile time.process_time() < 0.4: pass"
SOURCE = Path(__file__).parents[1] / "support/clock_offset.c"


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Server, Callable[..., None]]]:
    """A server, and what sets its clock so many days off."""
    folder = tmp_path_factory.mktemp("clock")
    library, offset = folder / "clock.so", folder / "offset"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
    offset.write_text("0")
    (folder / "state").mkdir()
    env = {
        "LD_PRELOAD": str(library),
        "CLOCK_OFFSET_FILE": str(offset),
        "DRYBOX_SERVER_STATE_DIR": str(folder / "state"),
        "DRYBOX_CONCURRENCY": "1",
        "DRYBOX_SERVER_QUEUE_TIMEOUT": "30s",
        "DRYBOX_KEYS_RICH_HASH": hash_key(RICH),
        "DRYBOX_KEYS_POOR_HASH": hash_key(POOR),
        "DRYBOX_KEYS_POOR_CPU_PER_DAY": "0.2s",
    }

    def days_off(days: float) -> None:
        new = folder / "new"
        new.write_text(str(round(days * DAY)))
        new.rename(offset)

    with serving(env=env) as server:
        yield server, days_off


def run(server: Server, code: str, key: str = RICH, **more: object) -> Answer:
    body = json.dumps({"language": "python", "code": code, **more})
    return server.ask("POST", "/v1/execute", body, {"Authorization": f"Bearer {key}"})


@pytest.mark.parametrize("days", [400, -400])
def test_nothing_that_waits_ends_early_or_late(
    served: tuple[Server, Callable[..., None]], days: float
) -> None:
    server, days_off = served
    with ThreadPoolExecutor(3) as clients:
        days_off(0)
        sleeper = clients.submit(run, server, "import time; time.sleep(2); print(1)", timeout=20)
        endless = clients.submit(run, server, "while True: pass", timeout=1.5)
        waits = clients.submit(run, server, "print(2)")  # in the queue, behind those two
        time.sleep(0.5)  # they are under way
        days_off(days)
        answers = [each.result(60) for each in (sleeper, endless, waits)]
        seen = parsedate_to_datetime(server.get("/healthz").headers["date"]).timestamp()
        days_off(0)

    assert [answer.status for answer in answers] == [200] * 3
    assert [answer.json["status"] for answer in answers] == ["success", "timeout", "success"]
    assert 1.9 < answers[0].json["execution_time"] < 15
    assert 1.4 < answers[1].json["execution_time"] < 10
    assert abs(seen - time.time() - days * DAY) < 60  # it was set for the server


def test_a_day_that_came_too_early_gives_a_budget_once_and_costs_none(
    served: tuple[Server, Callable[..., None]],
) -> None:
    """It is no day more, and a key is not shut out until that day really comes."""
    server, days_off = served
    days_off(0)
    assert run(server, BUSY, POOR).status == 200
    assert run(server, "1", POOR).problem["type"].endswith("quota-exceeded")
    days_off(30)
    assert run(server, BUSY, POOR).status == 200
    days_off(0)
    assert run(server, "1", POOR).problem["type"].endswith("quota-exceeded")
    days_off(1)
    assert run(server, "1", POOR).status == 200
