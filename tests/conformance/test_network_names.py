"""Programs ask a local sandbox for services and protocols by name, as on any system.

Containers have what their image has.
"""

from __future__ import annotations

import pytest

from drybox import CodeExecutor

CODE = """
import socket
print(socket.getservbyname("https"), socket.getservbyname("www", "tcp"))
print(socket.getservbyname("domain", "udp"), socket.getservbyport(25))
print(socket.getprotobyname("tcp"), socket.getprotobyname("UDP"))
print({address[4][1] for address in socket.getaddrinfo("localhost", "ssh", proto=6)})
"""


@pytest.mark.isolations("local")
def test_services_and_protocols_have_names(executor: CodeExecutor, isolation_name: str) -> None:
    result = executor.execute("python", CODE, isolation=isolation_name)
    assert result.stdout == "443 80\n53 smtp\n6 17\n{22}\n", result
