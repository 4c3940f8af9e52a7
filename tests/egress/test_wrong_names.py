from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.egress.hosts import ALLOWED, DENIED, SECRET
from tests.egress.networked import Networked, networked_container
from tests.runtime.egress.stub_servers import StubServer
from tests.shell import EXITED

VALUE = "canary-of-a-value"


@pytest.fixture
def container(api: httpx.Client) -> Iterator[Networked]:
    """A container that may reach two hosts, for one of which it has a secret."""
    secret = {"domain": SECRET, "name": "API_KEY", "value": VALUE}
    policy = {"type": "allowlist", "allowed_domains": [ALLOWED, SECRET], "domain_secrets": [secret]}
    with networked_container(api, policy) as made:
        yield made


@pytest.mark.parametrize("host", [ALLOWED, SECRET], ids=["spliced", "intercepted"])
def test_another_name_in_tls_is_refused(container: Networked, site: StubServer, host: str) -> None:
    """curl that connects to an allowed host and names another in TLS is reset; the server hears nothing."""
    before = len(site.connections)
    output = container.run(f"curl -sSk --connect-to {DENIED}:443:{host}:443 https://{DENIED}/hello")
    assert output["outcome"]["exit_code"] == 35  # of TLS; 28 would be a time-out
    assert "Connection reset by peer" in output["stderr"]
    assert b"".join(connection.raw for connection in site.since(before)) == b""
    assert container.records(host) == [("denied", "sni_mismatch")]


@pytest.mark.parametrize("url", [f"http://{ALLOWED}", f"https://{SECRET}"], ids=["plain HTTP", "intercepted"])
def test_another_host_in_a_request_is_refused(
    container: Networked, site: StubServer, plain_site: StubServer, url: str
) -> None:
    """curl that asks an allowed host for another one's page is answered with 421; the server isn't asked."""
    servers = [(server, len(server.connections)) for server in (site, plain_site)]
    headers = f'-H "Host: {DENIED}" -H "Authorization: Bearer $API_KEY"'
    output = container.run(f"curl -sS -w '%{{http_code}}' {headers} {url}/hello")
    assert output["outcome"] == EXITED
    assert output["stdout"].endswith("\n421")
    later = [connection for server, before in servers for connection in server.since(before)]
    assert b"".join(connection.received for connection in later) == b""
    assert ("denied", "host_mismatch") in container.records(url.partition("://")[2])
