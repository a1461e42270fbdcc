"""Behind proxies as they are, and with the files of ``deploy/``; all of them really run."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import yaml
from tests.support.proxies import DEFAULTS, DEPLOY, caddy, nginx, traefik
from tests.support.server import Server, serving
from tests.support.wire import all_of, raw, status_of
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from drybox.service.api_keys import hash_key, new_key

KEY = new_key()
HELLO = {"language": "python", "code": "print(1)"}
ROUTES = ("/v1/execute", "/v1/execute/stream", "/api/v2/execute")

Proxy = Callable[[Server, Path], AbstractContextManager[Server]]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One without a key that knows of no proxy."""
    with serving() as server:
        yield server


PROXIES: dict[str, Proxy] = {
    "nginx's defaults": lambda server, folder: nginx(server, folder, DEFAULTS),
    "nginx": nginx,
    "caddy": caddy,
    "traefik": traefik,
}
NIGHTLY = pytest.param("traefik", marks=pytest.mark.nightly)
"""Building it takes minutes."""


@pytest.mark.parametrize("name", [*(name for name in PROXIES if name != "traefik"), NIGHTLY])
def test_without_a_key_nobody_is_served_through_a_proxy(
    server: Server, name: str, tmp_path: Path
) -> None:
    with PROXIES[name](server, tmp_path) as proxy:
        for route in ROUTES:
            answer = proxy.post(route, HELLO)
            assert answer.status == 403
            assert "server.trusted_proxy" in answer.body.decode()
        assert proxy.get("/v1/languages").status == 403
        assert proxy.get("/metrics").status == 403
        if name != "nginx's defaults":  # which lets no WebSocket through
            with pytest.raises(InvalidStatus, match="403"), proxy.websocket(HELLO):
                pass


@pytest.mark.parametrize(
    "header",
    [
        *("Forwarded: for=1.2.3.4", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-Host: a.example"),
        *("X-Forwarded-Proto: https", "X-Forwarded-Anything: x", "Via: 1.1 proxy"),
        *("X-Real-IP: 1.2.3.4", "CF-Connecting-IP: 1.2.3.4", "True-Client-IP: 1.2.3.4"),
        *("X-Original-Forwarded-For: 1.2.3.4", "X-Scheme: https", "X-Request-Start: t=1"),
        *("CloudFront-Forwarded-Proto: https", "X-Envoy-Internal: true", "X-Varnish: 1"),
        *("Akamai-Origin-Hop: 1", "X-Goog-IAP-JWT-Assertion: x", "Tailscale-User-Login: a@b.c"),
        *("Max-Forwards: 9", "X-Sucuri-ClientIP: 1.2.3.4", "ngrok-auth-user-id: 1"),
        *("forwarded:", "x-forwarded-for:"),
    ],
)
def test_nor_by_any_sign_of_one(server: Server, header: str) -> None:
    answer = server.ask("POST", "/v1/execute", json.dumps(HELLO), dict([header.split(":", 1)]))
    assert answer.problem["status"] == 403


HARMLESS = {"/healthz", "/readyz", "/v1/ping"}
"""What tells nothing of anybody: as load balancers ask."""


def test_nor_at_any_door(server: Server) -> None:
    headers = {"X-Forwarded-For": "1.2.3.4", "Content-Type": "application/json"}
    paths = server.get("/openapi.json").json["paths"]
    asked = 0
    for path, operations in paths.items():
        for method in {"get", "post", "put", "patch", "delete"} & operations.keys():
            body = None if method in ("get", "delete") else "{}"
            place = re.sub(r"\{[^}]*\}", "1", path)
            answer = server.ask(method.upper(), place, body, headers)
            asked += 1
            if path not in HARMLESS and answer.status != 404:  # of Piston's packages there are none
                assert answer.status == 403, (method, path, answer)
    assert asked > 30
    for place in ("/v1/execute/ws", "/v1/sessions/1/commands/1/ws"):
        url = f"ws://127.0.0.1:{server.port}{place}"
        with pytest.raises(InvalidStatus, match="403"), connect(url, additional_headers=headers):
            pass


def test_nor_over_http_1_0(server: Server) -> None:
    body = json.dumps(HELLO).encode()
    head = f"POST /v1/execute HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
    with raw(server, head.encode() + body) as client:
        assert status_of(all_of(client)) == 403
    with raw(server, b"GET /healthz HTTP/1.0\r\n\r\n") as client:  # as load balancers ask
        assert status_of(all_of(client)) == 200


TRUSTED = {"DRYBOX_SERVER_TRUSTED_PROXY": "127.0.0.1"}
WITH_KEY = {"DRYBOX_KEYS_WEB_HASH": hash_key(KEY)}


@pytest.mark.parametrize("env", [TRUSTED, WITH_KEY, {**TRUSTED, **WITH_KEY}])
@pytest.mark.parametrize("name", ["nginx", "caddy", NIGHTLY])
def test_with_a_key_or_a_trusted_proxy_all_works(
    env: dict[str, str], name: str, tmp_path: Path
) -> None:
    shown = {"Authorization": f"Bearer {KEY}"} if env is not TRUSTED else {}
    more = {"DRYBOX_SERVER_ROOT_PATH": "/sandbox"} if env is WITH_KEY else {}
    with serving(env={**env, **more}) as server, PROXIES[name](server, tmp_path) as proxy:
        for prefix in ("", "/sandbox"):
            if prefix == "" and more:
                continue
            body = json.dumps(HELLO)
            answer = proxy.ask("POST", f"{prefix}/v1/execute", body, shown)
            assert (answer.status, answer.json["stdout"]) == (200, "1\n"), answer
            assert (
                b"event: result"
                in proxy.ask("POST", f"{prefix}/v1/execute/stream", body, shown).body
            )
            assert proxy.get(f"{prefix}/").status == 200
            page = proxy.get(f"{prefix}/openapi.json").json
            assert page["servers"][0] == {"url": prefix or "."}
            assert proxy.ask("GET", f"{prefix}/nowhere").problem["status"] == 404
            assert proxy.ask("PUT", f"{prefix}/v1/execute").headers["allow"] == "POST"
        with proxy.websocket(HELLO, additional_headers=shown) as talk:
            assert talk.until("result")["result"]["stdout"] == "1\n"
        moved = proxy.get("/sandbox")
        assert moved.status in (301, 308)
        assert moved.headers["location"].endswith("/sandbox/")
        assert proxy.ask("GET", "/sandboxes", headers=shown).status == 404
        if name == "nginx":  # Caddy closes on who still sends
            large = b"x" * (40 << 20)
            assert proxy.ask("POST", "/v1/execute", large, shown).status == 413


def test_below_a_path_it_does_not_matter_who_takes_it_away() -> None:
    with serving(env={"DRYBOX_SERVER_ROOT_PATH": "/sandbox"}) as server:
        for prefix in ("", "/sandbox"):
            assert server.post(f"{prefix}/v1/execute", HELLO).json["stdout"] == "1\n"
            assert server.get(f"{prefix}/openapi.json").json["servers"][0] == {"url": "/sandbox"}
        assert server.get("/sandbox").headers["location"] == "/sandbox/"
        assert server.get("/sandboxes").status == 404


def test_a_prefix_of_nobody_who_is_trusted_is_none(server: Server) -> None:
    for prefix in ("/evil", "//evil.example", "https://evil.example", "/x/../.."):
        answer = server.ask("GET", "/openapi.json", headers={"X-Forwarded-Prefix": prefix})
        assert "evil" not in answer.body.decode()


def test_the_traefik_file_is_what_its_schema_takes() -> None:
    document = yaml.safe_load((DEPLOY / "traefik/drybox.yaml").read_text())
    http = document["http"]
    assert document.keys() == {"http"}
    assert http.keys() <= {"routers", "services", "middlewares"}
    for router in http["routers"].values():
        assert router.keys() <= {"rule", "service", "middlewares", "entryPoints", "tls"}
        assert router["service"] in http["services"]
        assert set(router.get("middlewares", ())) <= http["middlewares"].keys()
    balancer = http["services"]["drybox"]["loadBalancer"]
    assert balancer.keys() <= {"servers", "passHostHeader", "responseForwarding"}
