from __future__ import annotations

from collections.abc import Iterator

import pytest

from runtime.network_values import NO_NETWORK, Reason
from tests.runtime.egress.gates import HOST, RAW_PORT, denied, denied_for, fetched, open_gate
from tests.runtime.egress.stub_resolvers import StubResolver
from tests.runtime.egress.stub_servers import StubServer, echo


@pytest.fixture
def server() -> Iterator[StubServer]:
    """What would answer, if anything came through."""
    with StubServer(RAW_PORT, echo) as running:
        yield running


FURTHER = ["a.b.wild.test", "xn--bcher-kva.wild.test", "xn--llowed-5fg.test"]


@pytest.fixture
def resolver(server: StubServer) -> StubResolver:
    """Leads every name that is in question to the server, also those that nobody may resolve."""
    names = [HOST, "other.test", "notallowed.test", "allowed.test.evil.test", "evil.test", "wild.test", "xwild.test"]
    return StubResolver(dict.fromkeys([*names, "a.wild.test", *FURTHER], server.address))


OTHERS = {
    "not listed": "other.test",
    "ends like an allowed one": "notallowed.test",
    "begins like an allowed one": "allowed.test.evil.test",
    "below an allowed one": "www.allowed.test",
    "looks like an allowed one": "\N{CYRILLIC SMALL LETTER A}llowed.test",
    "the apex of a pattern": "wild.test",
    "ends like a pattern": "xwild.test",
}


@pytest.mark.parametrize("host", OTHERS.values(), ids=OTHERS)
async def test_another_name_is_not_allowed(server: StubServer, resolver: StubResolver, host: str) -> None:
    """It is never resolved, nobody hears of it but the record, and the program sees a reset."""
    async with open_gate(resolver, domains=[HOST, "*.wild.test"]) as gate:
        assert await denied_for(gate, host, RAW_PORT) is Reason.NOT_ALLOWED
    assert server.untouched
    assert not resolver.questions


def nested(depth: int) -> object:
    """A list in a list in a list, and so on."""
    outer: list[object] = []
    for _ in range(depth):
        outer = [outer]
    return outer


NO_NAMES = {
    "two dots at the end": "allowed.test..",
    "nothing": "",
    "a dot": ".",
    "NUL": "allowed.test\0.evil.test",
    "CRLF": "allowed.test\r\nHost: evil.test",
    "percent-encoded": "allowed.test%00",
    "user info": "allowed.test@evil.test",
    "backslash": "evil.test\\.allowed.test",
    "space": "allowed.test evil.test",
    "decimal": "2130706433",
    "hex": "0x7f000001",
    "octal": "0177.0.0.1",
    "short": "127.1",
    "dotted": "127.64.0.1",
    "v6": "::1",
    "v6 in brackets": "[::1]",
    "a long label": "a" * 64 + ".wild.test",
    "a pattern": "*.wild.test",
    "an empty label": ".wild.test",
    "endless": "a." * 100_000,
    "a surrogate": "\ud800.wild.test",
    "a number": 5,
    "none": None,
    "a list": [HOST],
    "a list in lists": nested(100_000),
}


@pytest.mark.parametrize("host", NO_NAMES.values(), ids=NO_NAMES)
async def test_what_is_no_name_is_refused(server: StubServer, resolver: StubResolver, host: object) -> None:
    """Whatever it is, it is written down in visible ASCII, and in short."""
    async with open_gate(resolver, domains=[HOST, "*.wild.test"]) as gate:
        record = await denied(gate, host, RAW_PORT)
    assert record.reason is Reason.INVALID_NAME
    assert record.host.isascii()
    assert record.host.isprintable()
    assert len(record.host) <= 253
    assert server.untouched
    assert not resolver.questions


SAME = {
    "as listed": (HOST, HOST),
    "upper case": ("ALLOWED.Test", HOST),
    "a dot at the end": ("allowed.test.", HOST),
    "below a pattern": ("a.wild.test", "a.wild.test"),
    "far below a pattern": ("A.b.wild.test.", "a.b.wild.test"),
    "another script": ("B\N{LATIN CAPITAL LETTER U WITH DIAERESIS}cher.wild.test", "xn--bcher-kva.wild.test"),
    "another script, encoded": ("XN--Bcher-kva.wild.test", "xn--bcher-kva.wild.test"),
}


@pytest.mark.parametrize(("host", "canonical"), SAME.values(), ids=SAME)
async def test_a_name_is_the_same_however_it_is_written(
    server: StubServer, resolver: StubResolver, host: str, canonical: str
) -> None:
    """Resolved and written down in its canonical form."""
    async with open_gate(resolver, domains=[HOST, "*.wild.test"]) as gate:
        assert await fetched(gate, host) == b"hello"
        assert [record.host for record in gate.records()] == [canonical]
    assert server.received == b"hello"
    assert list(resolver.questions) == [canonical]


@pytest.mark.parametrize("port", [0, 22, 25, 65536, RAW_PORT + 1, -1, 10**30, "5000", 5000.0, True, None, [5000]])
async def test_other_ports_are_not_allowed(server: StubServer, resolver: StubResolver, port: object) -> None:
    """Nor is what is no port."""
    async with open_gate(resolver) as gate:
        assert await denied_for(gate, HOST, port) is Reason.PORT_NOT_ALLOWED
    assert server.untouched
    assert not resolver.questions


async def test_the_operator_has_the_last_word(server: StubServer, resolver: StubResolver) -> None:
    """Also where a container's policy was made under another operator's list."""
    async with open_gate(resolver, allowed_domains=["*.corp.test"]) as gate:
        assert await denied_for(gate, HOST, RAW_PORT) is Reason.NOT_ALLOWED_BY_OPERATOR
    assert server.untouched
    assert not resolver.questions


async def test_without_a_network_nothing_is_allowed(server: StubServer, resolver: StubResolver) -> None:
    """A hostile agent may ask; it is written down."""
    async with open_gate(resolver, domains=NO_NETWORK.allowed_domains) as gate:
        for host in (HOST, "127.0.0.1", None):
            assert await denied_for(gate, host, RAW_PORT) is Reason.NETWORK_DISABLED
    assert server.untouched
    assert not resolver.questions


async def test_names_that_were_only_asked_for_are_written_down(resolver: StubResolver) -> None:
    """When they are refused; one that is allowed is nothing to speak of until it is connected to."""
    async with open_gate(resolver) as gate:
        for host in (HOST, "Other.Test", "127.0.0.1", 5):
            gate.looked_up(host)
        assert [(record.host, record.port, record.reason) for record in gate.records()] == [
            ("other.test", None, Reason.NOT_ALLOWED),
            ("127.0.0.1", None, Reason.INVALID_NAME),
            ("5", None, Reason.INVALID_NAME),
        ]
    assert not resolver.questions
