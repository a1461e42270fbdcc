"""``drybox bench`` as people run it."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

from tests.support.cli import drybox

SHORT = ("bench", "-l", "python", "--isolation", "local", "--time", "3s", "--rounds", "4")


def test_it_measures_the_baseline_process_a_warm_and_a_cold_run(tmp_path: Path) -> None:
    picture = tmp_path / "bench.svg"
    done = drybox(*SHORT, "--concurrency", "2", "--json", "--svg", str(picture))
    assert done.returncode == 0, done.stderr
    assert b"measuring python with isolation local" in done.stderr
    document = json.loads(done.stdout)
    assert document["machine"]["cpus"] > 0
    assert document["missing"] == []
    (group,) = document["groups"]
    contenders = group["contenders"]
    assert list(contenders) == ["baseline", "warm", "cold", "forked", "command"]
    # never fewer than three, however slow the machine
    assert contenders["baseline"]["count"] in (3, 4)
    assert contenders["baseline"]["ratio"] == 1.0
    assert all(
        0 < contender["p50"] <= contender["p95"] <= contender["p99"]
        for contender in contenders.values()
    )
    assert contenders["warm"]["p50"] < contenders["cold"]["p50"]
    assert contenders["warm"]["rate"] > 0
    assert 100_000 < group["idle_bytes"] < 100_000_000
    assert ElementTree.parse(picture).getroot().tag.endswith("svg")


def test_it_prints_a_table_and_judges_it() -> None:
    done = drybox(*SHORT, "--concurrency", "0", "--goals", env={"PYTHONIOENCODING": "utf-8"})
    text = done.stdout.decode()
    assert "python · local" in text
    assert "baseline process" in text
    assert "warm / baseline" in text
    assert done.returncode == (1 if "missed by" in text else 0)


def test_what_is_missing_is_named_with_the_reason() -> None:
    done = drybox(
        *("bench", "-l", "python", "--isolation", "docker", "--time", "1s"),
        env={"DOCKER_HOST": "unix:///nowhere/d.sock"},
    )
    assert done.returncode == 125
    assert b"not measured:" in done.stdout
    assert b"python \xc2\xb7 docker: " in done.stdout or b"python ? docker: " in done.stdout
    assert b"nothing could be measured here" in done.stderr


def test_misuse_is_named() -> None:
    for words, said in (
        (("-l", "cobol"), b"'cobol' is not known"),
        (("--isolation", "paper"), b"paper"),
        (("--time", "never"), b"never"),
        (("--rounds", "0"), b"--rounds"),
    ):
        done = drybox("bench", *words)
        assert (done.returncode, done.stdout) == (2, b"")
        assert said in done.stderr
