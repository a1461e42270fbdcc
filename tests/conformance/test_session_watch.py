"""Folders of a session that are watched."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from tests.support.isolations import Isolation

from drybox import CodeExecutor, FileChange, Session, SessionClosed, SessionFileError

pytestmark = [pytest.mark.promise("SES-1")]


@pytest.fixture
def session(executor: CodeExecutor, isolation: Isolation) -> Iterator[Session]:
    with executor.session("bash", isolation=isolation.name) as opened:
        opened.files.make_dir("seen")
        yield opened


@pytest.fixture
def changes(session: Session) -> Iterator[FileChange]:
    """Changes below ``seen``, which is being watched by now, and about which all is told."""
    watched = session.files.watch("seen")
    is_seen = threading.Event()

    def touch() -> None:
        number = 0
        while not is_seen.is_set():
            session.files.write("seen/early", str(number))
            number += 1

    touching = threading.Thread(target=touch)
    touching.start()
    try:
        assert next(watched).path == "/sandbox/seen/early"
    finally:
        is_seen.set()
        touching.join()
    session.files.remove("seen/early")
    while next(watched).type != "removed":
        pass
    return watched


def until(changes: Iterator[FileChange], wanted: tuple[str, str]) -> set[tuple[str, str]]:
    """Changes up to one of them, each with what it is about below the folder."""
    found: set[tuple[str, str]] = set()
    while wanted not in found:
        change = next(changes)
        found.add((change.type, change.path.removeprefix("/sandbox/seen/")))
    return found


def test_changes_of_files_are_told(session: Session, changes: Iterator[FileChange]) -> None:
    files = session.files
    files.write("unseen", "nobody hears of it")
    files.write("seen/a", "1")
    # It may be seen half written, and then once more.
    assert until(changes, ("created", "a")) == {("created", "a")}
    files.write("seen/a", "22")
    assert until(changes, ("modified", "a")) == {("modified", "a")}
    session.command("mkdir -p seen/b/c && echo deep > seen/b/c/d")
    found = until(changes, ("created", "b/c/d"))
    assert {path for kind, path in found if kind == "created"} == {"b", "b/c", "b/c/d"}
    files.remove("seen/a")
    assert ("removed", "a") in until(changes, ("removed", "a"))


def test_what_is_moved_is_gone_and_there(session: Session, changes: Iterator[FileChange]) -> None:
    session.files.write("seen/new", "x")
    until(changes, ("created", "new"))
    session.files.rename("seen/new", "seen/old")
    assert ("removed", "new") in until(changes, ("created", "old"))


def test_who_watches_hears_of_the_end(session: Session, changes: Iterator[FileChange]) -> None:
    closing = threading.Timer(0.3, session.close)
    closing.start()
    with pytest.raises(SessionClosed):
        next(changes)
    closing.join()


def test_what_is_no_folder_is_not_watched(session: Session) -> None:
    with pytest.raises(SessionFileError) as caught:
        next(session.files.watch("nowhere"))
    assert caught.value.reason == "not_found"
