"""``drybox keys new``: what it prints is what the configuration takes."""

from __future__ import annotations

import json
import re

from tests.support.cli import drybox

from drybox.config.loader import make_config, read_document
from drybox.service.api_keys import find_key_holder


def test_a_new_key_opens_the_table_that_is_printed_with_it() -> None:
    done = drybox("keys", "new", "web-shop")
    assert done.returncode == 0
    text = done.stdout.decode()
    found = re.search(r"^  (drybox_\S+)$", text, re.MULTILINE)
    assert found
    (holder,) = make_config(read_document(text[text.index("  [keys.") :], "printed")).keys
    assert holder.name == "web-shop"
    assert find_key_holder([holder], found[1]) is holder


def test_the_document_has_the_same_parts_and_each_key_is_new() -> None:
    first, second = (json.loads(drybox("keys", "new", "a", "--json").stdout) for _ in range(2))
    assert set(first) == {"name", "key", "hash"}
    assert first["key"] != second["key"]
    assert first["hash"] != second["hash"]


def test_a_name_that_no_table_can_have_is_misuse() -> None:
    done = drybox("keys", "new", "Web Shop")
    assert done.returncode == 2
    assert b"web-shop" in done.stderr
    assert not done.stdout
