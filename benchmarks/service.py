"""What a program costs over HTTP.

By default the baseline interpreter and a warm request over one connection that stays open are
interleaved, each with a source that nobody has seen; prints the ratio. With --clients so many
clients send one request after the other for --seconds; prints what they got and the server's
memory. Ends with 1 if a goal was missed. --json FILE keeps every figure.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drybox.backends.local.rootfs.toolchain import find_toolchain
from drybox.languages.python import NO_PACKAGES
from drybox.languages.registry import find_language

SETTLE = 0.06  # seconds between measurements, for the pool to refill as it does between requests
WARM_UP = 5.0  # seconds of load before memory is looked at: caches fill once
GOAL_RATIO = 0.4
GOAL_SPREAD = 4.0  # of the 99th percentile to the median
GOAL_GROWTH = 16 << 20  # bytes that the server may have grown by: "flat", but for allocators' noise


@dataclass(frozen=True)
class Serving:
    """A server that runs: its process and its port."""

    process: subprocess.Popen[bytes]
    port: int

    def memory(self) -> int:
        """Bytes of memory of the server's own process."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.partition("\nRssAnon:")[2].split()[0]) * 1024


@contextmanager
def serving() -> Iterator[Serving]:
    """Start ``drybox serve`` with its own settings, and end it."""
    program = str(Path(sysconfig.get_path("scripts"), "drybox"))
    with tempfile.NamedTemporaryFile() as log:
        process = subprocess.Popen(
            [program, "serve", "--port", "0"],
            env={**os.environ, "DRYBOX_CONFIG": os.devnull, "DRYBOX_ISOLATION": "local"},
            stdout=subprocess.DEVNULL,
            stderr=log.file,
        )
        try:
            found = None
            while found is None:
                if process.poll() is not None:
                    raise SystemExit(Path(log.name).read_text())
                time.sleep(0.05)
                text = Path(log.name).read_text()
                found = re.search(r"Serving on http://\S+:(\d+)$", text, re.MULTILINE)
            yield Serving(process, int(found[1]))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


# --- one after the other --------------------------------------------------------------------


def measure(server: Serving, rounds: int) -> dict[str, list[float]]:
    """Wall seconds of every run, by kind."""
    language, _ = find_language("python")
    program = find_toolchain("python", language.toolchain, "").executable
    env = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8"}
    connection = http.client.HTTPConnection("127.0.0.1", server.port)

    def baseline(source: str) -> None:
        argv = [program, "-S", "-c", NO_PACKAGES + source]
        subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, check=True, capture_output=True)

    def over_http(source: str) -> None:
        connection.request("POST", "/v1/execute", json.dumps({"language": "py", "code": source}))
        result = json.loads(connection.getresponse().read())
        assert result["status"] == "success", result

    contenders = {"baseline": baseline, "http": over_http}
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(-5, rounds):
        for name, run in contenders.items():
            time.sleep(SETTLE)
            start = time.perf_counter()
            run(f"print('hello', {number})")
            if number >= 0:
                times[name].append(time.perf_counter() - start)
    connection.close()
    return times


def compare(rounds: int) -> tuple[dict[str, Any], bool]:
    """The ratio of a warm request to the baseline interpreter, and whether the goal was met."""
    with serving() as server:
        times = measure(server, rounds)
    p50 = {name: statistics.median(values) for name, values in times.items()}
    ratio = p50["http"] / p50["baseline"]
    print(f"{'ms':8}{'p50':>8}{'p99':>8}")
    for name, values in times.items():
        print(f"{name:8}{p50[name] * 1e3:8.1f}{quantile(values, 0.99) * 1e3:8.1f}")
    print(f"ratio {ratio:.2f}x, goal {GOAL_RATIO:.2f}x")
    return {"times": times, "ratio": ratio}, ratio <= GOAL_RATIO


# --- many at once ---------------------------------------------------------------------------


@dataclass
class Tally:
    """What the clients got."""

    accepted: list[float] = field(default_factory=list)
    refused: int = 0
    errors: Counter[str] = field(default_factory=Counter)


async def ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, source: str
) -> tuple[int, dict[str, str], bytes]:
    """One request over a connection that stays open: status, headers and body."""
    body = json.dumps({"language": "python", "code": source}).encode()
    head = f"POST /v1/execute HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
    return (
        int(lines[0].split()[1]),
        headers,
        await reader.readexactly(int(headers["content-length"])),
    )


async def client(port: int, number: int, until: float, tally: Tally) -> None:
    """One request after the other; who is refused waits as long as it is told."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    count = 0
    try:
        while time.perf_counter() < until:
            count += 1
            source = f"print('hello', {number}, {count})"
            start = time.perf_counter()
            status, headers, body = await ask(reader, writer, source)
            seconds = time.perf_counter() - start
            if status == 429:
                tally.refused += 1
                await asyncio.sleep(float(headers["retry-after"]))
                continue
            result = json.loads(body)
            if status == 200 and result["stdout"] == f"hello {number} {count}\n":
                tally.accepted.append(seconds)
            else:
                tally.errors[f"{status} {result.get('status')} {result.get('error')}"] += 1
    except (OSError, asyncio.IncompleteReadError) as error:
        tally.errors[type(error).__name__] += 1
    finally:
        writer.close()


async def load(port: int, clients: int, seconds: float) -> Tally:
    """All clients at once."""
    tally = Tally()
    until = time.perf_counter() + seconds
    await asyncio.gather(*(client(port, number, until, tally) for number in range(clients)))
    return tally


def press(clients: int, seconds: float) -> tuple[dict[str, Any], bool]:
    """What so many clients got, and whether every goal was met."""
    with serving() as server:
        asyncio.run(load(server.port, clients, min(WARM_UP, seconds)))
        before = server.memory()
        tally = asyncio.run(load(server.port, clients, seconds))
        after = server.memory()
    p50, p99 = (quantile(tally.accepted, share) for share in (0.5, 0.99))
    count = len(tally.accepted)
    print(f"{clients} clients, {seconds:g} s: {count} accepted ({count / seconds:.0f}/s),")
    print(f"{tally.refused} refused with 429, {tally.errors.total()} other: {dict(tally.errors)}")
    print(f"p50 {p50 * 1e3:.0f} ms, p99 {p99 * 1e3:.0f} ms: {p99 / p50:.1f}x, goal {GOAL_SPREAD}x")
    print(f"server memory {before >> 20} MiB at begin, {after >> 20} MiB at end")
    figures = {
        "accepted": count,
        "refused": tally.refused,
        "errors": dict(tally.errors),
        "p50": p50,
        "p99": p99,
        "memory": [before, after],
    }
    good = not tally.errors and p99 <= GOAL_SPREAD * p50 and after - before <= GOAL_GROWTH
    return figures, good


def quantile(values: list[float], share: float) -> float:
    """The value below which this share of them lies."""
    return sorted(values)[round(share * (len(values) - 1))]


def main() -> int:
    """Measure, print, and say whether every goal was met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="Requests one after the other.")
    parser.add_argument("--clients", type=int, help="Clients at once, in the place of that.")
    parser.add_argument("--seconds", type=float, default=60.0, help="How long they go on.")
    parser.add_argument("--json", type=Path, help="Keep the raw figures in this file.")
    options = parser.parse_args()
    if options.clients:
        figures, good = press(options.clients, options.seconds)
    else:
        figures, good = compare(options.rounds)
    if options.json:
        machine = {"machine": platform.machine(), "cpus": os.cpu_count(), "load": os.getloadavg()}
        options.json.write_text(json.dumps({**machine, **figures}, indent=1) + "\n")
    print("goals met" if good else "MISSED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
