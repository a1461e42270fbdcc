"""A browser's request counts if its page is the service's own, or of a configured site."""

from __future__ import annotations

import pytest
from starlette.requests import HTTPConnection

from drybox.server.transport.origins import bearer_token, check_origin, is_loopback
from drybox.service.refusals import Refused
from drybox.settings import ServerSettings

pytestmark = pytest.mark.promise("HTTP-7")

ELSEWHERE = "https://app.example"


def check(keys: bool = False, **headers: str) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    connection = HTTPConnection({"type": "http", "headers": raw})
    check_origin(connection, ServerSettings(origins=(ELSEWHERE,)), asks_for_keys=keys)


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


@pytest.mark.parametrize("origin", ["null", "", "file://", "evil.example", "http://"])
def test_no_host_is_nobodys_origin(origin: str) -> None:
    with pytest.raises(Refused):
        check(keys=True, host="", origin=origin)
    with pytest.raises(Refused):
        check(keys=True, origin=origin)


@pytest.mark.parametrize(
    "host", ["a@127.0.0.1", "127.0.0.1/x", "localhost.", "127.1", "127.0.0.1:", "127.0.0.1 x"]
)
def test_this_machine_by_no_trick(host: str) -> None:
    with pytest.raises(Refused):
        check(host=host)


@pytest.mark.parametrize("name", ["host", "origin"])
def test_one_header_and_no_second(name: str) -> None:
    raw = [(b"host", b"127.0.0.1"), (name.encode(), b"127.0.0.1"), (b"origin", b"http://127.0.0.1")]
    with pytest.raises(Refused, match="more than one"):
        check_origin(
            HTTPConnection({"type": "http", "headers": raw}), ServerSettings(), asks_for_keys=True
        )


def test_one_key_and_no_second() -> None:
    raw = [(b"authorization", b"Bearer one"), (b"authorization", b"Bearer two")]
    with pytest.raises(Refused, match="more than one"):
        bearer_token(HTTPConnection({"type": "http", "headers": raw}))
