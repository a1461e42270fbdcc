"""The table of options, beside the settings that it is of."""

from __future__ import annotations

from dataclasses import fields

from drybox.config.loader import make_config, read_document, read_environment
from drybox.config.options import all_options
from drybox.executor.settings import ExecutorSettings


def test_every_setting_of_an_executor_that_a_file_can_say_has_an_option() -> None:
    in_python_alone = {"hooks", "hook_timeout", "observers", "progress", "queue_timeout"}
    names = {key.name.partition(".")[0] for key in all_options()}
    assert {item.name for item in fields(ExecutorSettings)} - names == in_python_alone


def test_bounds_of_sessions_are_read() -> None:
    text = 'max_sessions = 3\nsession_memory = "2GiB"\nsession_slots = true'
    executor = make_config(read_document(text, "there")).executor
    assert (executor.max_sessions, executor.session_memory) == (3, 2 << 30)
    assert executor.session_slots
    given = read_environment({"DRYBOX_SESSION_SLOTS": "on", "DRYBOX_MAX_SESSIONS": "4"})
    assert make_config(read_document(text, "there"), given).executor.max_sessions == 4
