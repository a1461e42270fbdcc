"""A browser's request counts if its page is the service's own, or of a configured site."""

from __future__ import annotations

import pytest
from starlette.requests import HTTPConnection

from drybox.http.problems import Refused
from drybox.http.sites import check_site, is_loopback
from drybox.settings import ServerSettings

ELSEWHERE = "https://app.example"


def check(keys: bool = False, **headers: str) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    connection = HTTPConnection({"type": "http", "headers": raw})
    check_site(connection, ServerSettings(origins=(ELSEWHERE,)), asks_for_keys=keys)


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080"])
def test_this_machine_by_its_own_names(host: str) -> None:
    check(host=host)
    check(host=host, origin=f"http://{host}")


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:80", "10.0.0.1", "", "[", "a:b:c", "\xff"]
)
def test_without_keys_it_goes_by_no_other_name(host: str) -> None:
    with pytest.raises(Refused):
        check(host=host)
    check(keys=True, host=host)


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "", "http://127.0.0.1:9", "http://[", "file://"]
)
@pytest.mark.parametrize("keys", [True, False])
def test_a_page_of_another_site_is_refused(origin: str, keys: bool) -> None:
    with pytest.raises(Refused):
        check(keys=keys, host="127.0.0.1:8080", origin=origin)


def test_a_configured_site_may() -> None:
    check(host="127.0.0.1:8080", origin=ELSEWHERE)
    check(host="app.example")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_what_only_this_machine_reaches(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "example.org", "", "10.0.0.1"])
def test_what_others_may_reach(host: str) -> None:
    assert not is_loopback(host)
