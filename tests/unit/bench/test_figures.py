"""What is made of the benchmark's figures: quantiles, ratios, goals, text, picture, document."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from drybox import Environment
from drybox.bench.chart import chart
from drybox.bench.data_programs import PROGRAMS, find
from drybox.bench.goals import GOALS, verdicts
from drybox.bench.report import Group, Missing, Report
from drybox.bench.statistics import quantile, summary
from drybox.bench.table import bar, table

MACHINE = {
    "cpu": "Some <CPU> & more",
    "cpus": 2,
    "load": [0.5, 0.4, 0.3],
    "kernel": "6.1",
    "system": "Debian",
    "time": "2026-11-23T00:00:00+00:00",
}


def group(warm: float = 0.005, language: str = "python") -> Group:
    return Group(
        language,
        "local",
        {"baseline": [0.02, 0.04, 0.02], "warm": [warm] * 3, "cold": [0.03], "other <way>": []},
        {"baseline": 100.0, "warm": 80.0},
        [3_000_000, 4_000_000],
    )


def report(*groups: Group) -> Report:
    return Report(MACHINE, groups, [Missing("go", "local", "no go toolchain was found.")], 4)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([3.0], 0.5, 3.0), ([1.0, 2.0, 9.0], 0.5, 2.0), (list(range(101)), 0.99, 99), ([2, 1], 1, 2)],
)
def test_quantiles_are_values_that_were_measured(
    values: list[float], share: float, expected: float
) -> None:
    assert quantile(values, share) == expected


def test_nothing_has_no_quantile() -> None:
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)


def test_a_summary_is_in_order() -> None:
    found = summary([float(value) for value in range(200, 0, -1)])
    assert (found.count, found.p50, found.p95, found.p99) == (200, 101.0, 190.0, 198.0)


def test_ratios_are_those_of_medians_and_rates() -> None:
    found = group()
    assert found.ratio("warm") == 0.25
    assert found.ratio("warm", "cold") == pytest.approx(1 / 6)
    assert found.rate_ratio("warm") == 0.8
    assert found.idle_size == 4_000_000
    assert found.ratio("other <way>") is None
    assert found.ratio("nowhere") is None
    assert found.rate_ratio("cold") is None


def test_all_that_waits_is_compared_with_one_baseline_process() -> None:
    found = Group("pandas", "local", {"baseline": [1.0], "warm": [0.02]}, {}, [5] * 32 + [40], 50)
    assert found.idle_ratio == 4.0
    (verdict,) = [item for item in verdicts(report(found)) if "32" in item.goal.words]
    assert verdict.is_met
    assert "32 that wait and their template" in table(report(found))
    document = report(found).document()["groups"][0]
    assert (document["all_idle_bytes"], document["baseline_bytes"]) == (200, 50)
    assert group().idle_ratio is None


def test_what_was_not_measured_is_no_figure() -> None:
    found = Group("python", "docker", {"baseline": [1.0], "warm": [0.5]})
    assert found.idle_size is None
    assert found.rate_ratio("warm") is None
    assert [item.value for item in verdicts(report(found))] == [0.5]


def test_goals_are_met_or_missed_by_so_much() -> None:
    met = {item.goal.words: item for item in verdicts(report(group()))}
    assert met["warm / baseline"].is_met
    assert met["sustained runs / baseline"].is_met
    assert met["MB of an idle sandbox"].value == 4.0
    (missed,) = [
        item for item in verdicts(report(group(0.006))) if item.goal.words == "warm / baseline"
    ]
    assert not missed.is_met
    assert missed.text.endswith("missed by 20 %")
    assert missed.text.startswith("python · local")


def test_goals_are_each_there_once() -> None:
    named = [(goal.language, goal.isolation, goal.words) for goal in GOALS]
    assert len(set(named)) == len(named)


def test_the_table_has_every_contender_and_says_what_is_missing() -> None:
    text = table(report(group()), goals=True)
    lines = {line.split("  ")[1]: line for line in text.splitlines() if line.startswith("  ")}
    assert lines["baseline process"].split()[2:7] == ["20.0", "40.0", "40.0", "3", "1.00x"]
    assert "0.25x" in lines["warm"]
    assert "other" not in text
    assert "go · local: no go toolchain was found." in text
    assert "80 runs/s, baseline 100 (0.80x), 4 at a time; 4.0 MB for each that waits" in text
    assert "goals:" in text


def test_a_plain_table_has_bars_of_ascii() -> None:
    rows = [line for line in table(report(group()), plain=True).splitlines() if "#" in line]
    assert len(rows) == 3
    assert all(row.isascii() for row in rows)


def test_bars_are_as_long_as_their_share() -> None:
    assert bar(1.0, 4) == "████"
    assert bar(0.53, 4) == "██▏"
    assert bar(0.0, 4) == "▏"
    assert bar(7.0, 4) == "████"
    assert (bar(0.5, 4, plain=True), bar(0.0, 4, plain=True)) == ("##", "#")


def test_the_picture_is_xml_with_a_bar_for_every_contender() -> None:
    root = ElementTree.fromstring(chart(report(group(), group(language="node"))))
    space = "{http://www.w3.org/2000/svg}"
    bars = root.findall(f"{space}rect")
    assert len(bars) == 6
    assert float(bars[0].attrib["width"]) < float(bars[2].attrib["width"])
    texts = [item.text for item in root.findall(f"{space}text")]
    assert "5.0 ms  (0.25x)" in texts
    assert any("Some <CPU> & more" in (text or "") for text in texts)
    bottom = float(root.attrib["viewBox"].split()[3])
    assert all(float(item.attrib["y"]) < bottom for item in root.findall(f"{space}text"))


def test_the_document_has_raw_figures_and_what_is_made_of_them() -> None:
    document = json.loads(json.dumps(report(group()).document()))
    (found,) = document["groups"]
    assert (found["language"], found["isolation"], found["idle_bytes"]) == (
        "python",
        "local",
        4000000,
    )
    assert list(found["contenders"]) == ["baseline", "warm", "cold"]
    warm = found["contenders"]["warm"]
    assert (warm["p50"], warm["ratio"], warm["rate"], warm["rate_ratio"]) == (0.005, 0.25, 80, 0.8)
    assert warm["seconds"] == [0.005] * 3
    assert document["missing"][0]["reason"] == "no go toolchain was found."
    assert document["machine"] == MACHINE


def test_programs_for_data_are_measured_where_their_environment_imports_ahead() -> None:
    plain = Environment("data", "python", packages=["pandas"])
    ahead = Environment("data", "python", packages=["pandas"], preload=["pandas"])
    other = Environment("other", "python", packages=["pandas"], preload=["pandas"])
    assert find({}) is None
    assert find({"environments": [plain, other]}) is None
    assert find({"environments": [other, ahead]}) is ahead
    for program in PROGRAMS.values():
        assert "(7)" in program.format(number=7) or "[7]" in program.format(number=7)
    assert {goal.language for goal in GOALS} >= set(PROGRAMS)
