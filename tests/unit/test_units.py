"""Sizes and durations as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drybox import InvalidRequest
from drybox.units import parse_duration, parse_size

POWERS = {"": 0, "b": 0, "k": 1, "m": 2, "g": 3, "t": 4}
FORMS = {
    unit: (unit,) if not power else (unit, f"{unit}b", f"{unit}ib")
    for unit, power in POWERS.items()
}
UNITS = st.sampled_from([(form, POWERS[unit]) for unit, forms in FORMS.items() for form in forms])


@given(st.integers(0, 10**15 - 1), UNITS, st.sampled_from(["", " "]), st.booleans())
def test_whole_sizes_are_exact(number: int, unit: tuple[str, int], gap: str, upper: bool) -> None:
    form, power = unit
    text = f" {number}{gap}{form.upper() if upper else form}\n"
    assert parse_size(text, "memory") == number * 1024**power


@pytest.mark.parametrize(
    ("text", "size"),
    [("256MiB", 256 << 20), ("64m", 64 << 20), ("1.5g", 3 << 29), ("0.5k", 512), ("1.9", 1)],
)
def test_sizes_people_write(text: str, size: int) -> None:
    assert parse_size(text, "memory") == size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10", 10.0),
        ("10s", 10.0),
        ("500ms", 0.5),
        ("2m", 120.0),
        ("2 MIN", 120.0),
        ("1.5h", 5400.0),
    ],
)
def test_durations_people_write(text: str, seconds: float) -> None:
    assert parse_duration(text, "timeout") == pytest.approx(seconds)


@given(st.integers(0, 10**6))
def test_a_minute_is_sixty_seconds_and_a_thousand_milliseconds_one(number: int) -> None:
    seconds = parse_duration(f"{number}", "t")
    assert parse_duration(f"{number}m", "t") == seconds * 60
    assert parse_duration(f"{number * 1000}ms", "t") == pytest.approx(seconds)


BAD = ["", " ", "-1", "+1", "m", "1e9", "1.", ".5", "1,5", "0x10", "nan", "inf", "1 2", "1mm", "٣m"]


@pytest.mark.parametrize("text", [*BAD, "1x", "1bb", "1kbb", "1ms", "1ib", "9" * 16])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_size(text, "limits.memory")
    assert caught.value.field == "limits.memory"
    assert "256m" in caught.value.hint


@pytest.mark.parametrize("text", [*BAD, "1d", "1k", "1us", "1µs", "1h30m", "9" * 16])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_duration(text, "timeout")
    assert caught.value.field == "timeout"
    assert "10s" in caught.value.hint


@given(st.text())
def test_any_text_is_a_value_or_a_refusal_of_bounded_length(text: str) -> None:
    for parse in (parse_size, parse_duration):
        words = ""
        try:
            assert parse(text, "field") >= 0
        except InvalidRequest as error:
            words = str(error)
        assert len(words) < 600


def test_long_text_is_refused_at_once() -> None:
    for text in ("1" * 10**6, " " * 10**6 + "x", "1" + " " * 10**6 + "m", "1.0" + "0" * 10**6):
        with pytest.raises(InvalidRequest):
            parse_size(text, "memory")
