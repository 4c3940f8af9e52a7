from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from ipaddress import ip_address, ip_network

import pytest

from runtime.egress import addresses
from runtime.egress.config import EgressConfig
from runtime.egress.egress import Egress
from runtime.egress.resolver import MAX_QUESTIONS, NameNotFound, ResolverFailed, SystemResolver
from runtime.network_values import NetworkPolicy, Reason
from tests.runtime.egress.gates import HOST, RAW_PORT, denied, denied_for, fetched, open_gate
from tests.runtime.egress.stub_resolvers import SECONDS, SlowSystem, StubResolver, is_public
from tests.runtime.egress.stub_servers import StubServer, echo, new_address


@pytest.fixture
def server() -> Iterator[StubServer]:
    """What would answer, if anything came through."""
    with StubServer(RAW_PORT, echo) as running:
        yield running


FORBIDDEN = {
    "loopback": "127.0.0.1",
    "private": "10.0.0.1",
    "Docker's gateway": "172.17.0.1",
    "metadata": "169.254.169.254",
    "carriers' NAT": "100.64.0.1",
    "v6 loopback": "::1",
    "v4-mapped": "::ffff:{server}",
    "v4-compatible": "::{server}",
    "NAT64": "64:ff9b::{server}",
    "unique local": "fd00:ec2::254",
    "the server's, which is loopback": "{server}",
}


@pytest.mark.parametrize("address", FORBIDDEN.values(), ids=FORBIDDEN)
async def test_an_allowed_name_leads_to_no_address_that_is_not_public(server: StubServer, address: str) -> None:
    """By the runtime's own tables; the record says which address it was."""
    answer = address.format(server=server.address)
    async with open_gate(StubResolver({HOST: answer}), public=addresses.is_public) as gate:
        record = await denied(gate, HOST, RAW_PORT)
    assert record.reason is Reason.ADDRESS_NOT_PUBLIC
    assert record.address is not None
    assert server.untouched


async def test_of_mixed_answers_only_the_public_ones_are_dialled(server: StubServer) -> None:
    """Whatever their order."""
    with StubServer(RAW_PORT, echo, address="127.0.53.1") as forbidden:
        async with open_gate(StubResolver({HOST: [forbidden.address, server.address, "10.0.0.1"]})) as gate:
            assert await fetched(gate) == b"hello"
            assert [record.address for record in gate.records()] == [server.address]
        assert forbidden.untouched


async def test_an_answer_that_changes_is_looked_at_again(server: StubServer) -> None:
    """What is dialled is what was looked at: a name is asked for once for each connection."""
    resolver = StubResolver({HOST: server.address})
    async with open_gate(resolver) as gate:
        program_saw = asyncio.create_task(fetched(gate))
        await resolver.asked.wait()
        resolver.answers[HOST] = "127.0.0.1"
        assert await program_saw == b"hello"
        assert resolver.questions[HOST] == 1
        assert await denied_for(gate, HOST, RAW_PORT) is Reason.ADDRESS_NOT_PUBLIC
    assert server.received == b"hello"


async def test_the_operator_may_open_a_private_range_for_one_name(server: StubServer) -> None:
    """For no other, and not beyond the range."""
    resolver = StubResolver({HOST: server.address, "other.test": server.address})
    ranges = {HOST: [ip_network(f"{server.address}/32")]}
    async with open_gate(resolver, domains=["*.test", HOST], public=addresses.is_public, private_ranges=ranges) as gate:
        assert await fetched(gate) == b"hello"
        assert await denied_for(gate, "other.test", RAW_PORT) is Reason.ADDRESS_NOT_PUBLIC
        resolver.answers[HOST] = new_address()
        assert await denied_for(gate, HOST, RAW_PORT) is Reason.ADDRESS_NOT_PUBLIC
    assert len(server.connections) == 1


FAILURES = {
    "no such name": (NameNotFound(), Reason.NAME_NOT_FOUND),
    "no answer to be had": (ResolverFailed(), Reason.RESOLVER_FAILED),
}


@pytest.mark.parametrize(("failure", "reason"), FAILURES.values(), ids=FAILURES)
async def test_a_name_without_an_address_is_refused(failure: Exception, reason: Reason) -> None:
    """With a reason that tells one from the other."""
    async with open_gate(StubResolver({HOST: failure})) as gate:
        assert await denied_for(gate, HOST, RAW_PORT) is reason


async def test_a_resolver_that_stalls_holds_up_nobody_else(server: StubServer) -> None:
    """Who asked is refused after a while."""
    resolver = StubResolver({HOST: server.address})
    resolver.stalled.add("slow.test")
    async with open_gate(resolver, domains=["*.test"], dns_seconds=0.2) as gate:
        slow = asyncio.create_task(denied_for(gate, "slow.test", RAW_PORT))
        assert await fetched(gate) == b"hello"
        assert not slow.done()
        assert await slow is Reason.RESOLVER_TIMEOUT


async def test_names_of_one_sandbox_hold_up_no_other(server: StubServer, system: SlowSystem) -> None:
    """However many of them stall. In the end it gets its own answers, each in its turn."""
    names = [f"slow{number}.test" for number in range(100)]
    system.answers = {name: [ip_address(server.address)] for name in [HOST, *names]}
    system.go_on.clear()
    config = EgressConfig(extra_ports=[RAW_PORT], dns_seconds=SECONDS)
    async with Egress.open(config, SystemResolver(system.look_up), is_public) as egress:
        noisy = egress.gate("cntr_noisy", NetworkPolicy(["*.test"]), None)
        quiet = egress.gate("cntr_quiet", NetworkPolicy([HOST]), None)
        stalled = [asyncio.create_task(fetched(noisy, name)) for name in names]
        await system.stalls(MAX_QUESTIONS)
        assert await fetched(quiet) == b"hello"
        assert not any(task.done() for task in stalled)
        system.go_on.set()
        assert await asyncio.gather(*stalled) == [b"hello"] * len(names)


async def test_a_server_that_refuses_is_told_from_one_that_does_not_answer() -> None:
    """Both are written down with the address."""
    with socket.socket() as full:
        full.bind((new_address(), RAW_PORT))
        full.listen(0)
        address = full.getsockname()[0]
        with socket.create_connection((address, RAW_PORT)):  # all that fits; from now on nobody is answered
            resolver = StubResolver({HOST: address, "closed.test": (closed := new_address())})
            async with open_gate(resolver, domains=["*.test"], connect_seconds=0.2) as gate:
                unanswered = await denied(gate, HOST, RAW_PORT)
                refused = await denied(gate, "closed.test", RAW_PORT)
    assert (unanswered.reason, unanswered.address) == (Reason.CONNECT_TIMEOUT, address)
    assert (refused.reason, refused.address) == (Reason.CONNECT_FAILED, closed)


async def test_when_an_address_does_not_answer_the_next_one_is_dialled(server: StubServer) -> None:
    """Within the same deadline."""
    async with open_gate(StubResolver({HOST: [new_address(), server.address]})) as gate:
        assert await fetched(gate) == b"hello"
        assert [record.address for record in gate.records()] == [server.address]
