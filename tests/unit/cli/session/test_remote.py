"""What a server may be called, and what its words may do."""

from __future__ import annotations

import pytest

from drybox.cli.session.remote import Remote, file_path, session_path
from drybox.errors import InvalidRequest


@pytest.mark.parametrize(
    "url",
    ["what", "ftp://a", "http://", "http://a:b", "http://a:70000", "http://u@a", "http://a?b"],
)
def test_an_address_that_is_none_is_said(url: str) -> None:
    with pytest.raises(InvalidRequest, match="address"):
        Remote(url, "")


def test_a_key_that_is_none_is_said() -> None:
    for key in ("ä", "a\r\nX: y"):
        with pytest.raises(InvalidRequest, match="no key"):
            Remote("http://a", key)
    Remote("https://a:1/below/", "key")


def test_paths_are_quoted() -> None:
    assert session_path("a/../b", "run") == "/v1/sessions/a%2F..%2Fb/run"
    assert file_path("id", "/tmp/ä #\udcff") == "/v1/sessions/id/files//tmp/%C3%A4%20%23%FF"
