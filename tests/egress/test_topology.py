from __future__ import annotations

import json
import shlex
import socket
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.egress.hosts import ALLOWED, DENIED
from tests.egress.site import HELLO
from tests.envelope import refusal
from tests.oci_runtimes import GVISOR
from tests.runtime.egress.stub_servers import StubServer, echo
from tests.service import free_port, wait_until
from tests.shell import Json, run, stdout

PROBE = (Path(__file__).parent / "probe.py").read_text()
POLICIES: dict[str, Json] = {
    "disabled": {"type": "disabled"},
    "allowlist": {"type": "allowlist", "allowed_domains": [ALLOWED]},
}
ADDRESSES = [
    *("1.1.1.1", "8.8.8.8"),  # public
    *("10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1"),  # private
    *("169.254.169.254", "100.100.100.200", "168.63.129.16"),  # metadata
    *("172.17.0.1", "172.17.0.2", "172.17.0.3"),  # Docker's gateway, and siblings as there are with a bridge
    *("224.0.0.251", "239.255.255.250", "255.255.255.255"),  # neighbours, all at once
    *("2606:4700:4700::1111", "fd00:ec2::254", "fe80::1", "ff02::1", "::ffff:1.1.1.1", "64:ff9b::101:101"),
]
UNREACHABLE = {"ENETUNREACH", "EHOSTUNREACH", "EADDRNOTAVAIL", "EINVAL"}
"""The last is what Linux says of a link-local address without an interface."""

NOBODY_LISTENS = {"ECONNREFUSED", *UNREACHABLE}
NO_SUCH_SOCKET = {"EPERM", "EAFNOSUPPORT"}
NOT_TO_BE_CHANGED = {"EPERM", "ENOTTY"}


@pytest.fixture(scope="module")
def servers() -> Iterator[list[StubServer]]:
    """Servers of the host's: on an address of its loopback interface, and on all it has."""
    everywhere = StubServer(free_port(), echo, address="0.0.0.0")  # noqa: S104 - for a few seconds, and it only echoes
    with StubServer(free_port(), echo) as loopback, everywhere:
        yield [loopback, everywhere]


@pytest.fixture(scope="module")
def abstract() -> Iterator[str]:
    """The abstract name that a Unix socket of the host's listens at, with `@` for its null."""
    name = f"sandlot-test-{uuid.uuid4().hex}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{name}")
        listener.listen()
        yield f"@{name}"


@pytest.fixture(scope="module", params=POLICIES)
def policy(request: pytest.FixtureRequest) -> str:
    """The kind of a sandbox's network."""
    return str(request.param)


@pytest.fixture(scope="module")
def sandbox(api: httpx.Client, policy: str) -> Iterator[str]:
    """The id of a container with that network, for all tests that leave it as it is."""
    yield from container_with(api, policy)


def container_with(api: httpx.Client, policy: str) -> Iterator[str]:
    """The id of a new container, which is deleted in the end."""
    body = {"name": "topology", "network_policy": POLICIES[policy]}
    made = str(api.post("/containers", json=body).raise_for_status().json()["id"])
    yield made
    api.delete(f"/containers/{made}").raise_for_status()


@pytest.fixture(scope="module")
def found(api: httpx.Client, sandbox: str, servers: list[StubServer], abstract: str) -> Json:
    """What the probe found in the sandbox."""
    hosts = [own_address(), "127.0.0.1", servers[0].address]
    wanted = {
        "addresses": ADDRESSES,
        "servers": [[host, server.port] for host in hosts for server in servers],
        "unix": ["/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", abstract],
        "allowed": ALLOWED,
        "denied": [DENIED, f"{ALLOWED}.evil.test", f"not{ALLOWED}", "localhost.evil.test"],
    }
    command = f"python3 - {shlex.quote(json.dumps(wanted))}"
    probed: Json = json.loads(stdout(api, sandbox, command, stdin=PROBE, timeout_ms=120_000))
    return probed


def own_address() -> str:
    """An address of this machine's that others could reach it at, or else of its loopback interface."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sock:
        try:
            sock.connect(("192.0.2.1", 9))  # no packet is sent
        except OSError:
            return "127.0.0.1"
        return str(sock.getsockname()[0])


def test_there_is_only_loopback(found: Json) -> None:
    """With and without a network, there is no interface but `lo` and no route, and code can't make any."""
    assert found["interfaces"] == ["lo"]
    assert found["routes"] == []
    assert set(found["configure"].values()) <= NOT_TO_BE_CHANGED


@pytest.mark.parametrize("protocol", ["tcp", "udp", "dns"])
def test_no_address_is_reached(found: Json, protocol: str) -> None:
    """No public, private, metadata, gateway, sibling, multicast or IPv6 address is reached, nor a name server there."""
    assert len(found[protocol]) > len(ADDRESSES)
    assert {place: outcome for place, outcome in found[protocol].items() if outcome not in UNREACHABLE} == {}


def test_the_host_is_not_reached(found: Json, servers: list[StubServer]) -> None:
    """Servers of the host's, on its loopback interface too, aren't there; no byte comes to them."""
    assert {place: outcome for place, outcome in found["host"].items() if outcome not in NOBODY_LISTENS} == {}
    assert all(server.untouched for server in servers)


def test_no_unix_socket_of_the_hosts(found: Json) -> None:
    """There is no docker.sock, and abstract Unix sockets of the host's aren't there."""
    assert set(found["unix"].values()) <= {"ENOENT", "ECONNREFUSED"}


def test_no_sockets_below_ip(found: Json) -> None:
    """Raw, packet, virtual machines' and other sockets that need no interface can't be had."""
    assert {kind: outcome for kind, outcome in found["sockets"].items() if outcome not in NO_SUCH_SOCKET} == {}


def test_no_way_through_namespaces(found: Json, oci_runtime: str) -> None:
    """Code can't leave its namespaces; where gVisor lets it have some of its own, these are emptier still."""
    gvisor = oci_runtime == GVISOR
    assert found["elsewhere"]["left"] == ("done" if gvisor else "EPERM")
    assert found["elsewhere"]["interfaces"] == []
    assert set(found["elsewhere"]["out"]) <= UNREACHABLE


def test_names_are_those_of_the_policy(found: Json, policy: str) -> None:
    """Without a network nobody answers for names; with one, only the allowed have an address, on loopback."""
    answers, asked = found["names"], found["asked"]
    allowed, by_hand = answers.pop(ALLOWED), asked.pop(ALLOWED)
    if policy == "disabled":
        assert {name: answer for name, answer in answers.items() if not answer[0].startswith("EAI_")} == {}
        assert allowed[0].startswith("EAI_")
        assert {by_hand, *asked.values()} == {"ECONNREFUSED"}
    else:
        assert all(answer == ["EAI_NONAME"] for answer in answers.values())
        assert [address.rsplit(".", 2)[0] for address in allowed] == ["127.53"]
        assert by_hand == "done"
        assert asked == dict.fromkeys(asked, "answered 3")


def test_the_agents_places_are_taken(found: Json, policy: str, oci_runtime: str) -> None:
    """Code can't listen where the agent does. In gVisor it can at one name's address, for itself alone."""
    done = {place for place, outcome in found["imitations"].items() if outcome != "EADDRINUSE"}
    assert bool(found["imitations"]) == (policy == "allowlist")
    assert done <= ({"reuse address tcp 443"} if oci_runtime == GVISOR else set())


HARM = {
    "killing everything": "kill -9 -1",
    "signals to the agent": "for signal in KILL TERM STOP SEGV HUP; do kill -$signal 1; done",
    "garbage on its descriptors": "for n in $(seq 0 40); do head -c 1000 /dev/urandom > /proc/1/fd/$n; done",
    "garbage on its ports": f"""
        for n in $(seq 20); do
            head -c 300 /dev/urandom > /dev/udp/127.0.0.1/53
            head -c 300 /dev/urandom > /dev/tcp/127.0.0.1/53
            head -c 300 /dev/urandom > /dev/tcp/{ALLOWED}/443
        done""",
}


LINK_LOST = {"sandbox_lost", "sandbox_misbehaved"}
"""What a call may be told that has harmed its own agent."""


@pytest.fixture
def victim(api: httpx.Client, policy: str) -> Iterator[str]:
    """The id of a container of its own, with that network."""
    yield from container_with(api, policy)


@pytest.mark.parametrize("harm", HARM.values(), ids=HARM)
def test_the_agent_cannot_be_harmed(
    api: httpx.Client, victim: str, sandbox: str, policy: str, oci_runtime: str, site: StubServer, harm: str
) -> None:
    """Whatever code does to the agent, each way out is as before; in gVisor the container may have expired of it."""
    before = len(site.connections)
    harmed = api.post(f"/containers/{victim}/shell_calls", json={"commands": [harm]})
    assert harmed.is_success or (oci_runtime == GVISOR and refusal(harmed, harmed.status_code)["code"] in LINK_LOST)
    living = [sandbox]
    if oci_runtime != GVISOR:
        living.append(victim)
    elif not has_expired(api, victim):
        # There the shells that are started ahead read the garbage too: it has to end, and the next one be used up.
        ended = "pgrep -f [u]random > /dev/null || echo ended"
        for _ in range(5):  # between two of its programs it isn't seen
            wait_until(lambda: run(api, victim, ended)["stdout"] == "ended\n", 60, "The harm doesn't end")
        living.append(victim)
    for container_id in living:
        check_way_out(api, container_id, policy)
    reached = [connection.server_name for connection in site.connections[before:] if connection.raw]
    assert reached == ([ALLOWED] * len(living) if policy == "allowlist" else [])


def has_expired(api: httpx.Client, container_id: str) -> bool:
    """Whether a container has expired, which calls in it are told."""
    answer = api.post(f"/containers/{container_id}/shell_calls", json={"commands": ["true"]})
    if answer.is_success:
        return False
    assert refusal(answer, 400)["message"] == "Container is expired."
    assert api.get(f"/containers/{container_id}").json()["status"] == "expired"
    return True


def check_way_out(api: httpx.Client, container_id: str, policy: str) -> None:
    """Hold that one host is reached from a container, or none without a network, and that its records say so."""
    denied, allowed = (run(api, container_id, f"curl -sSk https://{host}/hello") for host in (DENIED, ALLOWED))
    records = api.get(f"/containers/{container_id}/egress").raise_for_status().json()["data"]
    assert "Could not resolve host" in denied["stderr"]
    if policy == "disabled":
        assert "Could not resolve host" in allowed["stderr"]
        assert records == []
    else:
        assert allowed["stdout"] == HELLO
        latest = {record["host"]: (record["verdict"], record["reason"]) for record in reversed(records)}
        assert (latest[ALLOWED], latest[DENIED]) == (("allowed", "spliced"), ("denied", "not_allowed"))
