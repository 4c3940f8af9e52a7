"""Sandboxes with a network, on each of the engine's OCI runtimes, and the servers that they may reach."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import httpx
import pytest
import trustme

from tests.egress.hosts import ALLOWED, DENIED, ECHO, HTTP2, SECRET
from tests.egress.programs import PROGRAMS
from tests.egress.site import serve_files, write_site
from tests.nodejs import FOLDER, node
from tests.oci_runtimes import OCI_RUNTIMES
from tests.runtime.egress.stub_servers import StubServer, new_address
from tests.runtime.egress.stub_streams import server_context
from tests.service import Service
from tests.way_out import service_that_reaches

CLIENTS = "sandlot/clients:latest"


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Signs the certificates of the servers."""
    return trustme.CA()


@pytest.fixture(scope="session")
def certificate(authority: trustme.CA) -> trustme.LeafCert:
    """The servers' own."""
    return authority.issue_cert(ALLOWED, SECRET, DENIED, f"*.{DENIED}", HTTP2, ECHO)


@pytest.fixture(scope="session")
def site(certificate: trustme.LeafCert, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StubServer]:
    """A site of files behind TLS, which has every name there is."""
    folder = write_site(tmp_path_factory.mktemp("site"))
    with StubServer(443, serve_files(folder), tls=server_context(certificate)) as server:
        yield server


@pytest.fixture(scope="session")
def plain_site(site: StubServer) -> Iterator[StubServer]:
    """A server without TLS, at the site's address."""
    with StubServer(80, address=site.address) as server:
        yield server


@pytest.fixture(scope="session")
def echoing(certificate: trustme.LeafCert) -> Iterator[StubServer]:
    """A server behind TLS that tells what it was sent, at `/echo`."""
    with StubServer(443, tls=server_context(certificate)) as server:
        yield server


@pytest.fixture(scope="session")
def http2_address(certificate: trustme.LeafCert, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that speaks HTTP/2 alone, on port 443."""
    chain = tmp_path_factory.mktemp("http2") / "chain.pem"
    certificate.private_key_and_cert_chain_pem.write_to_path(str(chain))
    address = new_address()
    command = [node(), str(FOLDER / "http2_server.mjs"), str(chain), address]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"listening\n"
        yield address


@pytest.fixture(scope="session", params=OCI_RUNTIMES)
def oci_runtime(request: pytest.FixtureRequest) -> str:
    """Each that the engine has."""
    return str(request.param)


@pytest.fixture(scope="session")
def networked(
    oci_runtime: str,
    tmp_path_factory: pytest.TempPathFactory,
    authority: trustme.CA,
    site: StubServer,
    echoing: StubServer,
    http2_address: str,
) -> Iterator[Service]:
    """A service on that OCI runtime, which alone knows these hosts and trusts their authority."""
    denied = (DENIED, *(f"{program}.{DENIED}" for program in PROGRAMS))
    hosts = dict.fromkeys((ALLOWED, SECRET, *denied), site.address) | {ECHO: echoing.address, HTTP2: http2_address}
    settings = {"ENGINE_RUNTIME": oci_runtime, "IMAGE": CLIENTS}
    with service_that_reaches(hosts, authority, tmp_path_factory.mktemp("networked"), settings) as running:
        yield running


@pytest.fixture(scope="session")
def api(networked: Service) -> Iterator[httpx.Client]:
    """A client of it."""
    with networked.http() as connected:
        yield connected
