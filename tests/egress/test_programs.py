from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import NoEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore

from tests.egress.hosts import ALLOWED, DENIED, ECHO, HTTP2, SECRET
from tests.egress.networked import Networked, networked_container
from tests.egress.programs import PROGRAMS
from tests.egress.site import HELLO
from tests.runtime.egress.stub_servers import StubServer
from tests.shell import EXITED, stdout

VALUE = "canary-of-a-value"
CA = "/mnt/data/ca.pem"
NOBODY = "127.0.0.1:9"
"""Where the kernel refuses connections: what a program needs that waits for nothing."""

SOON = 1.0
"""Seconds that it may take longer to be refused by us. A time-out, or a second try after one, takes 5 or more."""

TRIES = 5
"""To compare the two, since the machine may be busy with others. Who waits for something does so each time."""


def bearer(value: str) -> str:
    """What a header has of a token."""
    return f"Bearer {value}"


def basic(value: str) -> str:
    """What a header has of a name and a password."""
    return f"Basic {base64.b64encode(f'name:{value}'.encode()).decode()}"


ECHOES = {
    "curl": ('curl -sS -H "Authorization: Bearer $API_KEY"', bearer),
    "curl with a password": ('curl -sS -u "name:$API_KEY"', basic),
    "Python": (
        """python3 -c 'import os, sys, urllib.request as u
headers = {"Authorization": "Bearer " + os.environ["API_KEY"]}
print(u.urlopen(u.Request(sys.argv[1], headers=headers)).read().decode())'""",
        bearer,
    ),
}
"""Lines that the URL comes after, and what the Authorization header has of a value."""

each_program = pytest.mark.parametrize("program", PROGRAMS)


@pytest.fixture(scope="module")
def plain(api: httpx.Client, authority: trustme.CA) -> Iterator[Networked]:
    """A container without secrets, with a file of the authority's certificate, and one as Java has it."""
    with networked_container(api, {"type": "allowlist", "allowed_domains": [ALLOWED, HTTP2]}) as made:
        pem = authority.cert_pem.bytes()
        trusted = [PKCS12Certificate(x509.load_pem_x509_certificate(pem), b"ca")]
        for name, content in (("ca.pem", pem), ("ca.pem.p12", serialize_java_truststore(trusted, NoEncryption()))):
            api.post(f"/containers/{made.id}/files", files={"file": (name, content)}).raise_for_status()
        yield made


@pytest.fixture(scope="module")
def secretive(api: httpx.Client) -> Iterator[Networked]:
    """A container with a secret for each of the hosts that it may reach."""
    hosts = [SECRET, ECHO]
    secrets = [{"domain": host, "name": "API_KEY", "value": VALUE} for host in hosts]
    policy = {"type": "allowlist", "allowed_domains": hosts, "domain_secrets": secrets}
    with networked_container(api, policy) as made:
        yield made


@each_program
def test_an_allowed_host_is_reached(plain: Networked, program: str) -> None:
    """curl, wget, git, pip, npm, Node, urllib, requests, httpx, Go and Java reach an allowed server as they are."""
    output = plain.try_program(program, ALLOWED, CA)
    assert output["outcome"] == EXITED, output
    assert HELLO in output["stdout"]
    assert plain.records(ALLOWED)[0] == ("allowed", "spliced")


@each_program
def test_another_host_is_refused(plain: Networked, site: StubServer, program: str) -> None:
    """Each of them is refused for another name, with its own usual error; nothing reaches the server."""
    before = len(site.connections)
    host = f"{program}.{DENIED}"
    output = plain.try_program(program, host, CA)
    assert output["outcome"]["exit_code"] != 0
    assert PROGRAMS[program].refusal in output["stdout"] + output["stderr"]
    assert len(site.connections) == before
    assert set(plain.records(host)) == {("denied", "not_allowed")}


@each_program
def test_nobody_waits_to_be_refused(plain: Networked, program: str) -> None:
    """To be refused a name takes none of them a second longer than to be refused a connection by the kernel."""

    def took(host: str) -> float:
        started = time.monotonic()
        assert plain.try_program(program, host, CA)["outcome"]["exit_code"] != 0
        return time.monotonic() - started

    assert any(took(DENIED) - took(NOBODY) < SOON for _ in range(TRIES))


@each_program
def test_a_secret_is_put_in(secretive: Networked, site: StubServer, program: str) -> None:
    """Each of them trusts the container's authority, without being told of it; the server gets the value."""
    before = len(site.connections)
    output = secretive.try_program(program, SECRET, auth='"Bearer $API_KEY"')
    assert output["outcome"] == EXITED, output
    assert HELLO in output["stdout"]
    received = b"".join(connection.received for connection in site.connections[before:])
    assert bearer(VALUE).encode() in received or basic(VALUE).encode() in received
    assert b"$API_KEY" not in received
    assert secretive.records(SECRET)[0] == ("allowed", "intercepted")


@pytest.mark.parametrize(("line", "credentials"), ECHOES.values(), ids=ECHOES)
def test_what_comes_back_is_scrubbed(
    secretive: Networked, echoing: StubServer, line: str, credentials: Callable[[str], str]
) -> None:
    """A server that repeats what it is sent gets the value; curl and Python read the placeholder."""
    before = len(echoing.connections)
    output = secretive.run(f"{line} https://{ECHO}/echo")
    assert output["outcome"] == EXITED, output
    assert credentials("$API_KEY") in output["stdout"]
    assert VALUE not in output["stdout"] + output["stderr"]
    assert credentials(VALUE).encode() in b"".join(connection.received for connection in echoing.connections[before:])
    assert secretive.records(ECHO)[0] == ("allowed", "intercepted")


def test_commands_have_the_placeholder(secretive: Networked) -> None:
    """In the environment is the placeholder; the value is nowhere in the environment, nor in a process."""
    assert stdout(secretive.http, secretive.id, 'echo "$API_KEY"') == "$API_KEY\n"
    everywhere = "cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -c 'canary-o[f]-a'; true"
    assert stdout(secretive.http, secretive.id, everywhere) == "0\n"


def test_the_servers_own_certificate(plain: Networked, certificate: trustme.LeafCert) -> None:
    """A connection without secrets is untouched: the program gets the certificate that the server has, and no other."""
    code = (
        f"import socket, ssl; context = ssl.create_default_context(cafile='{CA}');"
        f"sock = context.wrap_socket(socket.create_connection(('{ALLOWED}', 443)), server_hostname='{ALLOWED}');"
        "print(ssl.DER_cert_to_PEM_cert(sock.getpeercert(True)))"
    )
    seen = stdout(plain.http, plain.id, f'python3 -c "{code}"').strip()
    assert seen == certificate.cert_chain_pems[0].bytes().decode().strip()


def test_http2(plain: Networked) -> None:
    """HTTP/2 goes through a connection without secrets as it is."""
    command = f"curl -sS --cacert {CA} --http2 -w '%{{http_version}}' https://{HTTP2}/there"
    assert stdout(plain.http, plain.id, command) == "hello by HTTP/2 at /there\n2"
