"""Lines of JSON that reach a descriptor, and a log that nobody reads."""

from __future__ import annotations

import json
import logging
import os
import time
from pathlib import Path

import pytest

from drybox.server.observability import json_log
from drybox.server.observability.json_log import JsonFormatter, LineHandler, logging_to
from drybox.service.api_keys import new_key

pytestmark = pytest.mark.promise("MON-7")


def record(message: str, *args: object, name: str = "drybox.http") -> logging.LogRecord:
    return logging.LogRecord(name, logging.WARNING, __file__, 1, message, args, None)


def test_a_line_is_one_document_whatever_is_in_it() -> None:
    line = JsonFormatter().format(record("two\nlines of %s \udcff", "\u2028"))
    assert line.isascii()
    assert "\n" not in line
    document = json.loads(line)
    assert document["message"] == "two\nlines of \u2028 \udcff"
    assert (document["level"], document["logger"]) == ("warning", "drybox.http")


def test_keys_are_taken_out_wherever_they_stand() -> None:
    key = new_key()
    line = JsonFormatter().format(record("GET /%s?x=%s", key, key))
    assert key not in line
    assert json.loads(line)["message"] == "GET /drybox_…?x=drybox_…"


def test_an_error_has_its_kind_and_place_and_what_it_came_from() -> None:
    try:
        try:
            raise KeyError("secret")
        except KeyError as inner:
            raise OSError("secret") from inner
    except OSError as error:
        given = record("it failed")
        given.exc_info = (type(error), error, error.__traceback__)
    document = json.loads(JsonFormatter().format(given))
    assert [item["type"] for item in document["errors"]] == ["OSError", "KeyError"]
    assert all("test_json_log.py:" in item["stack"][0] for item in document["errors"])
    assert "secret" not in json.dumps(document)


def test_of_others_words_the_first_line_is_kept() -> None:
    words = "Task exception was never retrieved\nfuture: <Task exception=ValueError('secret')>"
    document = json.loads(JsonFormatter().format(record(words, name="asyncio")))
    assert document["message"] == "Task exception was never retrieved"


def test_lines_go_to_a_descriptor_while_it_lasts(tmp_path: Path) -> None:
    path = tmp_path / "log"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        with logging_to(fd):
            for number in range(1000):
                logging.getLogger("drybox.access").info("line %d", number)
            logging.getLogger("another").info("not of drybox")
            logging.getLogger("another").warning("a warning")
        logging.getLogger("drybox.access").warning("too late")
    finally:
        os.close(fd)
    messages = [json.loads(line)["message"] for line in path.read_text().splitlines()]
    assert messages == [*(f"line {number}" for number in range(1000)), "a warning"]


def test_a_log_that_nobody_reads_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_log, "LAST_LINES", 0.1)
    monkeypatch.setattr(json_log, "MOST_LINES", 50)
    reader, writer = os.pipe()
    handler = LineHandler(writer)
    handler.setFormatter(JsonFormatter())
    began = time.monotonic()
    for number in range(300):
        handler.emit(record("%d %s", number, "x" * 10_000))
    assert time.monotonic() - began < 5
    assert handler.dropped
    with os.fdopen(reader, "rb") as file:
        lines = [json.loads(file.readline())]
        while not lines[-1]["message"].startswith("at last"):
            handler.emit(record("at last"))
            lines.append(json.loads(file.readline()))
        handler.close()
        os.close(writer)
        lines += [json.loads(line) for line in file]
    # Every line is there, or one of the others says that it is not.
    late = sum(line["message"] == "at last" for line in lines)
    told = sum(line.get("dropped", 0) for line in lines) + handler.dropped
    assert told > 100
    assert len(lines) - late + told >= 300


def test_a_descriptor_that_is_closed_stops_nobody(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    handler = LineHandler(writer)
    handler.emit(record("into nothing"))
    handler.close()
    os.close(writer)
    assert handler.dropped == 1
