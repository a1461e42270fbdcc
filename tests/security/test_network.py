"""Attacks over the network, and over what else connects a sandbox with the host."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from tests.support import host
from tests.support.attack import probe
from tests.support.identity import Runner

from drybox import ExecutionRequest

pytestmark = pytest.mark.promise("ISO-1")


def test_loopback_of_the_host_is_out_of_reach(runner: Runner, listener: host.Listener) -> None:
    port = listener.port

    tcp, to_all, udp = probe(
        runner,
        f"""
        answer([
            attempt(connect, socket.AF_INET, ("127.0.0.1", {port})),
            attempt(connect, socket.AF_INET, ("0.0.0.0", {port})),
            attempt(connect, socket.AF_INET, ("127.0.0.1", {port}), datagram=True),
        ])
        """,
    )

    # The sandbox's own loopback, where nobody listens; a datagram is sent and lost.
    assert (tcp, to_all) == ("ECONNREFUSED", "ECONNREFUSED")
    assert udp in ("ECONNREFUSED", "allowed")
    assert listener.visitors() == []


def test_abstract_sockets_of_the_host_are_out_of_reach(
    runner: Runner, listener: host.Listener
) -> None:
    name = f"\0drybox-test-{os.getpid()}"
    names = [name, "\0/tmp/.X11-unix/X0", "\0/containerd-shim/x.sock"]

    answers, known = probe(
        runner,
        f"answer([[attempt(connect, socket.AF_UNIX, name) for name in {names!r}],\n"
        + "        read('/proc/net/unix').splitlines()[1:]])",
    )

    assert answers == ["ECONNREFUSED"] * 3
    assert known == []
    assert listener.visitors() == []


def test_named_sockets_of_the_host_are_out_of_reach(runner: Runner) -> None:
    path = Path(f"/tmp/drybox-test-{os.getpid()}.sock")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        path.chmod(0o777)
        server.listen()
        server.setblocking(False)
        paths = [
            str(path),
            "/run/docker.sock",
            "/var/run/docker.sock",
            "/run/dbus/system_bus_socket",
        ]

        answers = probe(
            runner,
            f"answer([attempt(connect, socket.AF_UNIX, path) for path in {paths!r}])",
        )

        with pytest.raises(BlockingIOError):
            server.accept()
    path.unlink()
    assert answers == ["ENOENT"] * 4


def test_the_world_is_out_of_reach(runner: Runner) -> None:
    tcp, udp, six, names = probe(
        runner,
        """
        places = [("169.254.169.254", 80), ("8.8.8.8", 53), ("10.0.0.1", 22), ("172.17.0.1", 2375)]
        answer([
            [attempt(connect, socket.AF_INET, place) for place in places],
            [attempt(connect, socket.AF_INET, place, datagram=True) for place in places],
            [attempt(connect, socket.AF_INET6, (place, 80))
             for place in ("fd00:ec2::254", "2001:4860:4860::8888", "::ffff:169.254.169.254")],
            [attempt(socket.getaddrinfo, name, 80)
             for name in ("example.com", "metadata.google.internal", "registry.example")],
        ])
        """,
    )

    assert {*tcp, *udp} <= {"ENETUNREACH", "EHOSTUNREACH"}
    assert set(six) <= {"ENETUNREACH", "EHOSTUNREACH", "EADDRNOTAVAIL"}
    assert "allowed" not in names


def test_there_is_nothing_but_a_loopback_of_its_own(runner: Runner) -> None:
    interfaces, routes, sockets = probe(
        runner,
        """
        lines = read("/proc/net/dev").splitlines()[2:]
        interfaces = [line.split(":")[0].strip() for line in lines]
        routes = read("/proc/net/route").splitlines()[1:]
        tables = [line for name in ("tcp", "tcp6", "udp", "udp6", "raw", "packet")
                  for line in read(f"/proc/net/{name}").splitlines()[1:]]
        answer([interfaces, routes, tables])
        """,
    )

    assert (interfaces, routes, sockets) == (["lo"], [], [])


@pytest.mark.parametrize(
    ("family", "kind", "protocol"),
    [
        pytest.param("socket.AF_INET", "socket.SOCK_RAW", "socket.IPPROTO_ICMP", id="raw"),
        pytest.param("socket.AF_INET6", "socket.SOCK_RAW", "58", id="raw6"),
        pytest.param("socket.AF_PACKET", "socket.SOCK_RAW", "0x0300", id="packet"),
        pytest.param("socket.AF_NETLINK", "socket.SOCK_RAW", "12", id="netlink-netfilter"),
        pytest.param("38", "socket.SOCK_SEQPACKET", "0", id="alg"),
        pytest.param("40", "socket.SOCK_STREAM", "0", id="vsock"),
        pytest.param("44", "socket.SOCK_RAW", "0", id="xdp"),
        pytest.param("30", "socket.SOCK_RDM", "0", id="tipc"),
        pytest.param("21", "socket.SOCK_SEQPACKET", "0", id="rds"),
        pytest.param("31", "socket.SOCK_RAW", "1", id="bluetooth"),
        pytest.param("29", "socket.SOCK_RAW", "1", id="can"),
        pytest.param("43", "socket.SOCK_STREAM", "0", id="smc"),
        pytest.param("15", "socket.SOCK_RAW", "2", id="key"),
        pytest.param("socket.AF_INET", "socket.SOCK_STREAM", "132", id="sctp"),
        pytest.param("socket.AF_INET", "socket.SOCK_STREAM", "262", id="mptcp"),
        pytest.param("socket.AF_INET", "6", "33", id="dccp"),
        # The kernel asks for a module where type and protocol do not fit.
        pytest.param("socket.AF_INET", "socket.SOCK_STREAM", "17", id="stream-udp"),
        pytest.param("socket.AF_INET", "socket.SOCK_DGRAM", "6", id="datagram-tcp"),
        pytest.param("socket.AF_INET", "socket.SOCK_DGRAM", "1", id="ping"),
        pytest.param("socket.AF_INET6", "socket.SOCK_STREAM | 0x800", "17", id="stream-udp6"),
        pytest.param("socket.AF_INET6", "socket.SOCK_DGRAM", "6", id="datagram-tcp6"),
    ],
)
def test_other_kinds_of_sockets_are_refused(
    runner: Runner, family: str, kind: str, protocol: str
) -> None:
    refused = probe(
        runner,
        f"answer(attempt(socket.socket, {family}, {kind}, {protocol}))",
    )

    assert refused in ("EPERM", "EAFNOSUPPORT", "ESOCKTNOSUPPORT", "EPROTONOSUPPORT")


def test_ports_of_the_host_stay_free(runner: Runner) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        bound = probe(
            runner,
            f"""
            with socket.create_server(("", {port})) as server:
                answer(server.getsockname()[1])
            """,
        )

    assert bound == port


def test_a_shells_own_words_for_addresses_lead_nowhere(
    runner: Runner, listener: host.Listener
) -> None:
    port = listener.port
    code = f"""
        for address in tcp/127.0.0.1/{port} udp/127.0.0.1/{port} tcp/localhost/{port}
        do
            (echo hello >"/dev/$address") && echo "reached $address"
        done 2>/dev/null | grep tcp
    """
    result = runner.execute(ExecutionRequest("bash", code))
    assert (result.stdout, result.exit_code) == ("", 1)
    assert listener.visitors() == []
