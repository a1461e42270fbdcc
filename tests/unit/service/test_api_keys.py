"""API keys: how they are made, kept and found again, and how they are configured."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drybox import InvalidRequest
from drybox.config.loader import make_config, read_document, read_environment
from drybox.service.api_keys import HASH, KEY_PREFIX, find_key_holder, hash_key, new_key
from drybox.settings import ApiKey, Rate

OLD, NEW, OTHER = "drybox_old", "drybox_new", "drybox_other"
HOLDERS = (
    ApiKey("shop", (hash_key(OLD), hash_key(NEW))),
    ApiKey("school", (hash_key(OTHER),)),
)
WHOLE = f"""
[keys.shop]
hash = ["{hash_key(OLD)}", "{hash_key(NEW)}"]
concurrency = 4
rate = "600/min"
burst = 20
cpu_per_day = "40h"
languages = ["py", "node"]
isolations = ["auto", "gvisor"]
metrics = true
[keys.school-2]
hash = "{hash_key(OTHER)}"
"""


def keys_of(text: str, **environ: str) -> tuple[ApiKey, ...]:
    return make_config(read_document(text, "some.toml"), read_environment(environ)).keys


def refused(text: str, **environ: str) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        keys_of(text, **environ)
    assert caught.value.hint
    return caught.value


# --- the keys themselves --------------------------------------------------------------------


@pytest.mark.promise("KEY-2")
def test_a_new_key_has_256_bits_and_no_other_is_like_it() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    for key in keys:
        assert re.fullmatch(KEY_PREFIX + r"[A-Za-z0-9_-]{43}", key)


@pytest.mark.promise("KEY-2")
def test_a_hash_is_what_the_configuration_takes_and_nothing_of_the_key() -> None:
    key = new_key()
    assert HASH.fullmatch(hash_key(key))
    assert key[len(KEY_PREFIX) :] not in hash_key(key)


@pytest.mark.promise("KEY-2")
@pytest.mark.parametrize(
    ("shown", "name"), [(OLD, "shop"), (NEW, "shop"), (OTHER, "school"), ("", None), ("x", None)]
)
def test_a_key_is_found_by_what_is_shown(shown: str, name: str | None) -> None:
    found = find_key_holder(HOLDERS, shown)
    assert (found.name if found else None) == name


@pytest.mark.promise("KEY-2")
@given(st.text())
def test_nothing_but_a_key_finds_anybody(shown: str) -> None:
    assert find_key_holder(HOLDERS, shown) is None
    assert find_key_holder((), shown) is None


@pytest.mark.promise("KEY-2")
def test_a_hash_is_no_key() -> None:
    assert find_key_holder(HOLDERS, hash_key(OLD)) is None


@pytest.mark.promise("KEY-2")
def test_every_hash_is_compared_whichever_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(other)
        return one == other

    monkeypatch.setattr("drybox.service.api_keys.hmac.compare_digest", compare)
    for shown in (OLD, NEW, OTHER, "nobody's"):
        compared.clear()
        find_key_holder(HOLDERS, shown)
        assert len(compared) == 3


# --- the configuration ----------------------------------------------------------------------


def test_every_setting_of_a_key_is_read() -> None:
    shop, school = keys_of(WHOLE)
    assert shop == ApiKey(
        "shop",
        (hash_key(OLD), hash_key(NEW)),
        concurrency=4,
        rate=Rate(600, 60.0),
        burst=20,
        cpu_per_day=40 * 3600.0,
        languages=("python", "node"),
        isolations=("auto", "gvisor"),
        metrics=True,
    )
    assert school == ApiKey("school-2", (hash_key(OTHER),))


def test_keys_are_no_option_of_executors() -> None:
    config = make_config(read_document(WHOLE, "some.toml"))
    assert "keys" not in config.executor_options()


def test_the_environment_sets_them_too() -> None:
    (key,) = keys_of(
        "",
        DRYBOX_KEYS_WEB_SHOP_HASH=f"{hash_key(OLD)}, {hash_key(NEW)}",
        DRYBOX_KEYS_WEB_SHOP_CPU_PER_DAY="1h",
        DRYBOX_KEYS_WEB_SHOP_LANGUAGES="python,go",
    )
    assert key == ApiKey(
        "web_shop",
        (hash_key(OLD), hash_key(NEW)),
        cpu_per_day=3600.0,
        languages=("python", "go"),
    )
    shop, _ = keys_of(WHOLE, DRYBOX_KEYS_SHOP_CONCURRENCY="7")
    assert shop.concurrency == 7


@pytest.mark.parametrize(
    ("written", "rate"),
    [
        ("10/s", Rate(10, 1.0)),
        ("5 / m", Rate(5, 60.0)),
        ("1000/h", Rate(1000, 3600.0)),
        ("1/day", Rate(1, 86_400.0)),
    ],
)
def test_rates_are_written_by_the_second_minute_hour_or_day(written: str, rate: Rate) -> None:
    (key,) = keys_of(f'[keys.a]\nhash = "{hash_key(OLD)}"\nrate = "{written}"')
    assert key.rate == rate


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("rate", value) for value in ('"10"', "10", '"0/s"', '"-1/s"', '"1/week"', '"1e9/s"')),
        *(("burst", value) for value in ("0", '"many"', "true")),
        *(("concurrency", value) for value in ("0", "1.5")),
        *(("cpu_per_day", value) for value in ('"0s"', "-1", '"soon"', "true", "inf", "nan")),
        *(("languages", value) for value in ('"python"', '["cobol"]', '["python@3.11"]')),
        *(("isolations", value) for value in ('["hope"]', '"docker"')),
        *(("metrics", value) for value in ('"true"', "1")),
        *(("hash", value) for value in ('""', "[]", "7", '"sha256:abc"')),
        ("password", '"x"'),
    ],
)
def test_what_is_wrong_is_refused_by_its_name(field: str, value: str) -> None:
    given = "" if field == "hash" else f'hash = "{hash_key(OLD)}"\n'
    error = refused(f"[keys.shop]\n{given}{field} = {value}")
    assert "some.toml" in error.message or field == "burst"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[keys.shop]\nrate = '1/s'", "keys.shop.hash: it is missing"),
        ("[keys.shop]", "keys.shop: there is nothing in it"),
        ("[keys]\nhash = 'x'", "keys.hash: it is a section"),
        ("keys = 3", "keys: it is a section"),
        (f"[keys.'Web Shop']\nhash = '{hash_key(OLD)}'", "cannot be called this"),
        (f"[keys.'a.b']\nhash = '{hash_key(OLD)}'", "cannot be called this"),
        (f"[keys.a]\nhash = '{hash_key(OLD)}'\nburst = 3", "there is no rate"),
        (
            f"[keys.a]\nhash = '{hash_key(OLD)}'\n[keys.b]\nhash = '{hash_key(OLD)}'",
            "keys.a has the same",
        ),
    ],
)
def test_a_key_that_cannot_be_meant_is_refused(text: str, words: str) -> None:
    assert words in str(refused(text))


@pytest.mark.promise("KEY-2")
def test_a_key_in_the_place_of_its_hash_is_not_shown_to_anybody() -> None:
    key = new_key()
    for error in (
        refused(f'[keys.shop]\nhash = "{key}"'),
        refused("", DRYBOX_KEYS_SHOP_HASH=key),
    ):
        assert key not in str(error)
        assert "drybox keys new" in str(error)


def test_an_unknown_variable_of_keys_is_refused() -> None:
    assert "no such setting" in str(refused("", DRYBOX_KEYS_SHOP_HASHES="x"))
