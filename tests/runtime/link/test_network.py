"""What telling an agent of a network changes in its sandbox; and that nothing is there before."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from runtime.agent.trust import java_trust_store
from runtime.errors import SandlotError, StorageFull
from runtime.link.channel import RequestRefused
from tests.runtime.link.box import Box, listen
from tests.runtime.link.networked import NAMES, PORTS, NetworkedBox

SOCKETS = "cat /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6 2>/dev/null | grep -v local_address || true"
BUNDLE = "/tmp/.sandlot/ca-certificates.pem"
STORE = "/tmp/.sandlot/ca-certificates.jks"
VARIABLES = [
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "PIP_CERT",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
    "AWS_CA_BUNDLE",
]


@pytest.fixture(scope="module")
def authority() -> str:
    """An authority's certificate, in PEM."""
    return trustme.CA().cert_pem.bytes().decode()


async def test_no_network(container_box: Box) -> None:
    """A sandbox that was never told of a network listens nowhere, and has no variables of it."""
    assert await container_box.run(SOCKETS) == ""
    environment = await container_box.run("env")
    assert not [name for name in VARIABLES if name in environment]
    assert await container_box.run("ls -A /tmp") == ""


async def test_what_listens(networked_alone: NetworkedBox) -> None:
    """With a network there are the name server and the open ports; other ports when they change."""
    assert await _ports(networked_alone) == {53, 80, 443}
    await networked_alone.sandbox.set_network(NAMES, [443, 5432], {}, None)
    assert await _ports(networked_alone) == {53, 443, 5432}
    refused = await networked_alone.program("connect(port=80)")
    assert "ConnectionRefusedError" in refused.stderr
    networked_alone.program("connect(port=5432)")
    header, connection = await networked_alone.connections.get()
    assert header["port"] == 5432
    connection.close()


async def test_names_that_are_no_longer_allowed(networked_alone: NetworkedBox) -> None:
    """A program that still has the address of a name it may not reach any more is reset."""
    address = (await networked_alone.program("print(socket.gethostbyname('api.test'))")).stdout.strip()
    await networked_alone.sandbox.set_network(["other.test"], PORTS, {}, None)
    assert "not known" in (await networked_alone.program("connect()")).stderr
    assert "ConnectionResetError" in (await networked_alone.program(f"connect('{address}').recv(1)")).stderr
    await networked_alone.sandbox.set_network(NAMES, PORTS, {}, None)
    assert (await networked_alone.program("print(socket.gethostbyname('api.test'))")).stdout.strip() == address


async def test_ports_that_programs_have_taken(container_box: Box, caplog: pytest.LogCaptureFixture) -> None:
    """The network goes on with the ports that are free, and the log says which aren't."""
    await listen(container_box, 443, 53)
    await container_box.sandbox.set_network(NAMES, PORTS, {"A": "b"}, None)
    assert "[443, 53]" in caplog.text
    end = "kill $(cat listener); while kill -0 $(cat listener) 2>/dev/null; do sleep 0.01; done"
    assert await container_box.run(f"echo $A; {end}") == "b\n"
    await container_box.sandbox.set_network(NAMES, PORTS, {}, None)
    assert await container_box.run("getent hosts api.test") != ""


async def test_environment(networked_alone: NetworkedBox) -> None:
    """Variables are in the commands that begin from then on, and no longer when others take their place."""
    set_network = networked_alone.sandbox.set_network
    await set_network(NAMES, PORTS, {"API_KEY": "$API_KEY", "OTHER": "x"}, None)
    assert await networked_alone.run("echo $API_KEY $OTHER") == "$API_KEY x\n"
    assert (await networked_alone.one("echo $API_KEY $OTHER", env={"API_KEY": "own"})).stdout == "own x\n"
    assert (await networked_alone.one("cat; echo $OTHER", stdin="in ")).stdout == "in x\n"
    await set_network(NAMES, PORTS, {"API_KEY": "$API_KEY"}, None)
    assert await networked_alone.run("echo $API_KEY $OTHER") == "$API_KEY\n"
    assert await networked_alone.run("pgrep -c bash") == "1\n"  # no shell waits that was started ahead for nothing


async def test_authority(networked_alone: NetworkedBox, authority: str) -> None:
    """Programs find the system's authorities and the runtime's in one file, which others may read and not change."""
    await networked_alone.sandbox.set_network(NAMES, PORTS, {}, authority)
    assert (await networked_alone.run(f"echo {' '.join('$' + name for name in VARIABLES)}")).split() == [BUNDLE] * 7
    assert (await networked_alone.one("echo $PIP_CERT", env={"PIP_CERT": "own"})).stdout == "own\n"
    bundle = await _content(networked_alone, BUNDLE)
    system = await _content(networked_alone, "/etc/ssl/certs/ca-certificates.crt")
    assert bundle == system + authority.encode()
    assert await networked_alone.run(f"stat -c %a /tmp/.sandlot {BUNDLE}") == "755\n644\n"
    count = (
        await networked_alone.program("import ssl; print(len(ssl.create_default_context().get_ca_certs()))")
    ).stdout
    assert int(count) == bundle.count(b"BEGIN CERTIFICATE")


async def test_another_authority(networked_alone: NetworkedBox, authority: str) -> None:
    """A new authority takes the place of the one before, and none leaves nothing of it in the environment."""
    other = trustme.CA().cert_pem.bytes().decode()
    await networked_alone.sandbox.set_network(NAMES, PORTS, {}, authority)
    await networked_alone.sandbox.set_network(NAMES, PORTS, {}, other)
    bundle = await _content(networked_alone, BUNDLE)
    assert other.encode() in bundle
    assert authority.encode() not in bundle
    assert (await networked_alone.run("ls /tmp/.sandlot")).split() == [Path(BUNDLE).name, "wgetrc"]
    await networked_alone.sandbox.set_network(NAMES, PORTS, {}, None)
    assert "SSL_CERT_FILE" not in await networked_alone.run("env")


async def test_no_room_for_the_authority(networked_alone: NetworkedBox, authority: str) -> None:
    """That it can't be written down is said; the rest of the network is in force, and it works when there is room."""
    await networked_alone.one("head -c 10G /dev/zero > /tmp/full")
    with pytest.raises(StorageFull):
        await networked_alone.sandbox.set_network(["new.test"], PORTS, {"A": "b"}, authority)
    assert await networked_alone.run("echo $A; getent hosts new.test | wc -l; rm /tmp/full") == "b\n1\n"
    await networked_alone.sandbox.set_network(["new.test"], PORTS, {}, authority)
    assert authority.encode() in await _content(networked_alone, BUNDLE)


@pytest.mark.parametrize("trap", ["echo x > /tmp/.sandlot", "mkdir -m 0 /tmp/.sandlot", "ln -s /etc /tmp/.sandlot"])
async def test_code_that_is_in_the_way(container_box: Box, authority: str, trap: str) -> None:
    """What code has put in the place of the folder is an error, and nothing worse."""
    await container_box.run(trap)
    with pytest.raises(SandlotError):
        await container_box.sandbox.set_network(NAMES, PORTS, {}, authority)
    assert await container_box.run("echo alive") == "alive\n"


async def test_java(networked_alone: NetworkedBox, authority: str) -> None:
    """Where there is a `java`, it is told of a trust store with the same certificates."""
    await networked_alone.run("mkdir -p ~/.local/bin; install /bin/true ~/.local/bin/java")
    await networked_alone.sandbox.set_network(NAMES, PORTS, {}, authority)
    options = await networked_alone.run("echo $JAVA_TOOL_OPTIONS")
    assert options == f"-Djavax.net.ssl.trustStore={STORE}\n"
    assert await _content(networked_alone, STORE) == java_trust_store(await _content(networked_alone, BUNDLE))


async def test_what_is_no_network(networked: NetworkedBox) -> None:
    """Descriptions that aren't one are refused, and change nothing."""
    for body in (b"", b"[]", b"{}", b'{"names": 1}', b"\xff"):
        with networked.session.open({"op": "network"}) as channel:
            await channel.send(body)
            channel.end()
            with pytest.raises(RequestRefused):
                await channel.header()
    assert await networked.run("getent hosts api.test") != ""


async def _ports(box: Box) -> set[int]:
    lines = (await box.run(SOCKETS)).splitlines()
    return {int(line.split()[1].rpartition(":")[2], 16) for line in lines if line.split()[3] in ("0A", "07")}


async def _content(box: Box, path: str) -> bytes:
    """The bytes of any file in a sandbox."""
    await box.run(f"cp {path} content")
    try:
        return await box.get(b"content")
    finally:
        await box.run("rm content")
