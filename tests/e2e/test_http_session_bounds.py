"""What the owner of a session does holds nothing of others: slots, the event loop, memory, time."""

from __future__ import annotations

import json
import resource
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from tests.support.hold_probe import computed, watching
from tests.support.host import eventually
from tests.support.server import TIMEOUT, serving
from tests.support.sessions import HttpSession, session_of

pytestmark = pytest.mark.promise("SESHTTP-3")


def resident(pid: int) -> int:
    """Bytes of memory that a process has."""
    words = Path(f"/proc/{pid}/statm").read_text().split()
    return int(words[1]) * resource.getpagesize()


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


FLOOD = """
import gc, threading
sink = next(item for item in gc.get_objects() if type(item).__name__ == "Channel")._sink
def flood():
    while True:
        os.write(sink, b'{"a":1}\\n' * 4000)
import os
threading.Thread(target=flood, daemon=True).start()
"""


def test_a_kernel_that_answers_without_end_takes_little_of_the_servers_time() -> None:
    """Nobody has asked it anything. Unbounded, it takes one CPU of the server's."""
    with serving() as server, session_of(server) as session:
        session.run(FLOOD)
        began, used = time.monotonic(), computed(server.process.pid)
        assert session.command("sleep 3; echo on")["stdout"] == "on\n"
        assert computed(server.process.pid) - used < 0.5 * (time.monotonic() - began)


ERRORS = """
import gc, json, os, sys
sink = next(item for item in gc.get_objects() if type(item).__name__ == "Channel")._sink
frame, own = sys._getframe(), None
while frame is not None and own is None:
    for value in list(frame.f_locals.values()):
        for text in (value, *getattr(value, "__dict__", {}).values()):
            if isinstance(text, str) and len(text) == 32 and text.isalnum():
                own = own or text
    frame = frame.f_back
error = {"type": "error", "id": own, "name": "E", "value": "", "traceback": "t" * 4_000_000}
line = json.dumps(error).encode() + b"\\n"
print("begun", own, flush=True)
while True:
    rest = memoryview(line)
    while rest:
        rest = rest[os.write(sink, rest):]
"""


def test_errors_without_end_are_bounded_as_what_code_shows_is() -> None:
    with serving() as server, session_of(server, timeout=60) as session:
        session.run("1")
        with session.stream(ERRORS) as events:
            begun = next(events)
            assert "None" not in begun["data"], begun
            kinds = [event["type"] for event in events]
        assert kinds.count("error") <= 16
        assert kinds[-1] == "result"


SHOWN = """
from IPython.display import display
for number in range(8):
    display({"text/plain": "x" * 7_000_000}, raw=True)
"""


def test_a_slow_reader_of_a_stream_keeps_no_slot() -> None:
    settings = {"DRYBOX_CONCURRENCY": "1"}
    with serving(env=settings) as server, session_of(server) as session:
        session.run("1")
        with closing(server.connect()) as connection:
            connection.sock = slow = socket.create_connection(("127.0.0.1", server.port))
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            body = json.dumps({"code": SHOWN, "timeout": 20})
            connection.request("POST", f"{session.path}/run/stream", body)
            assert slow.recv(15)  # it has begun to answer, and nobody reads the rest
            assert server.execute("bash", "echo on")["stdout"] == "on\n"


def test_answers_that_nobody_reads_are_counted() -> None:
    """Each has 56 MiB that a kernel has shown; the smallest budget has room for few of them."""
    settings = {
        "DRYBOX_SERVER_MEMORY_BUDGET": "384MiB",
        "DRYBOX_MAX_LIMITS_OUTPUT": "4MiB",
        "DRYBOX_SERVER_STALL_TIMEOUT": "600s",
    }
    with serving(env=settings) as server, session_of(server) as session, ExitStack() as unread:
        session.run("1")
        before, statuses = resident(server.process.pid), []
        for _ in range(4):
            connection = unread.enter_context(closing(server.connect()))
            connection.sock = slow = socket.create_connection(("127.0.0.1", server.port))
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            body = json.dumps({"code": SHOWN, "timeout": 20})
            connection.request("POST", f"{session.path}/run", body)
            statuses.append(slow.recv(200).split(b"\r\n")[0])
        grown = resident(server.process.pid) - before
        assert grown < 384 << 20, (grown, statuses)
        last = session.run(SHOWN)
        assert last["status"] == "output_limit"
        assert last["problem"]["hint"].startswith("Read them")


MANY = """
import os
os.mkdir("many")
for number in range(60_000):
    os.close(os.open(f"many/{number}{'y' * 60}", os.O_CREAT))
"""


def test_a_long_listing_holds_nobody_up() -> None:
    """It held everybody for 2.5 s, and the server had all of it as one text."""
    limits = {"disk": "512MiB", "memory": "512MiB"}
    with serving() as server, session_of(server, limits=limits, timeout=120) as session:
        assert session.run(MANY)["status"] == "success"
        longest = []
        for _ in range(5):  # on a busy machine caches and the kernel's own work add to it
            with watching(server) as holds:
                found = session.ask("GET", "/files?path=many").json
            assert [len(found), found[0]["name"]] == [60_000, "0" + "y" * 60]
            longest.append(holds.longest)
            if longest[-1] <= 0.1:
                return
        raise AssertionError(f"the event loop was held {min(longest) * 1000:.0f} ms")


def test_commands_with_much_output_that_nobody_has_read() -> None:
    """All of it was in memory at once as JSON, where a zero takes six characters."""
    with serving() as server, session_of(server, limits={"output": "16MiB"}) as session:
        before = resident(server.process.pid)
        for _ in range(4):
            session.start("head -c 16777216 /dev/zero")
        # What nobody reads comes at a bounded rate.
        assert eventually(lambda: all_ended(session), TIMEOUT)
        with watching(server) as holds:
            found = session.ask("GET", "/commands").json
        assert sum(len(item["result"]["stdout"]) for item in found) <= 32 << 20
        assert found[-1]["result"]["stdout"]
        assert holds.longest < 0.2
        assert resident(server.process.pid) - before < 200 << 20


def all_ended(session: HttpSession) -> bool:
    """Whether none of its commands runs any more."""
    return not int(session.command("pgrep -xc head; true")["stdout"])
