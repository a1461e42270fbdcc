"""What one client runs never shows in another's session: not by the toolchains there either."""

from __future__ import annotations

from pathlib import Path

import pytest

from drybox import CodeExecutor, Unsupported
from drybox.languages.registry import known_languages

pytestmark = [pytest.mark.isolations("local"), pytest.mark.promise("SES-7")]

HELLO = known_languages()["c"].samples.hello.replace("%d", "1")
"""A language that needs something made, and little of it."""


def sees_c(executor: CodeExecutor) -> bool:
    with executor.session("bash", isolation="local") as session:
        try:
            return session.run(HELLO, language="c", timeout=120).status == "success"
        except Unsupported:
            return False


def test_a_toolchain_that_somebody_has_used_appears_in_no_others_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # a host that is new
    with CodeExecutor(isolation="local") as executor:
        assert not sees_c(executor)
        assert executor.execute("c", HELLO).status == "success"
        assert not sees_c(executor)
        with executor.session("c") as own:  # whoever asks for it has it
            assert own.run(HELLO, timeout=120).status == "success"
    with CodeExecutor(isolation="local") as executor:  # what is there at the start is offered
        assert sees_c(executor)
