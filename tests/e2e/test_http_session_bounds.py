"""What the owner of a session does holds nothing of others: slots, the event loop, memory, time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.support.host import eventually
from tests.support.server import TIMEOUT, serving
from tests.support.sessions import session_of

pytestmark = pytest.mark.promise("SESHTTP-3")


def test_what_is_under_way_has_an_end_whoever_pauses_it() -> None:
    """In a sandbox that stands still it has none, and would keep its slot for as long."""
    with serving() as server, session_of(server) as session, ThreadPoolExecutor() as threads:
        session.run("import time")
        code = "open('began', 'w').close(); time.sleep(600)"
        running = threads.submit(session.run, code, timeout=2)
        assert eventually(lambda: session.ask("GET", "/files/began").status == 200)
        assert session.ask("POST", "/pause").status == 422
        assert running.result(TIMEOUT)["status"] == "timeout"
        # What runs in the background stands still, and nobody waits for it.
        pid = session.start("while :; do sleep 0.1; done")
        assert session.ask("POST", "/pause").json["state"] == "paused"
        assert session.run("1")["status"] == "success"
        assert session.ask("POST", f"/commands/{pid}/signal", {"signal": 9}).status == 200
