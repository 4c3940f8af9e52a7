"""The reader of ClientHellos: which server a connection says it is for, and what isn't let through."""

from __future__ import annotations

import os
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.egress.client_hello import MAX_HELLO, ClientHelloReader
from runtime.egress.denial import Denied
from runtime.network_values import Reason
from tests.fuzz.targets.client_hello import outcome
from tests.runtime.egress.hellos import (
    ALPN,
    EARLY_DATA,
    ECH,
    ESNI,
    GREASE,
    PADDING,
    PRE_SHARED_KEY,
    SERVER_NAME,
    Extension,
    Hello,
    client_context,
    in_pieces,
    in_records,
    protocols,
    real_hello,
    record,
    resumed_hello,
    server_names,
    vector,
)

NAME = "api.example.com"
SNI = server_names(NAME.encode())
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


def read(*pieces: bytes) -> str | None:
    """What a reader says of these pieces; each one but the last leaves it waiting."""
    reader = ClientHelloReader()
    for piece in pieces[:-1]:
        assert reader.feed(piece) is None
    return reader.feed(pieces[-1])


def refusal(data: bytes) -> Reason:
    """Why a reader refuses these bytes: the same whether they come at once or one by one."""
    with pytest.raises(Denied) as at_once:
        ClientHelloReader().feed(data)
    with pytest.raises(Denied) as one_by_one:
        read(*in_pieces(data, 1))
    assert at_once.value.reason == one_by_one.value.reason
    return at_once.value.reason


@pytest.mark.parametrize("version", VERSIONS)
def test_a_real_one(version: ssl.TLSVersion) -> None:
    """OpenSSL's is understood, whatever else it says."""
    hello = real_hello(NAME, client_context(["h2", "http/1.1"], version))
    assert read(hello) == NAME


@pytest.mark.parametrize("size", [1, 2, 5, 6, 100, 516])
def test_segments(size: int) -> None:
    """However it is cut into segments, it is read when its last byte is there, and not before."""
    assert read(*in_pieces(real_hello(NAME), size)) == NAME


@pytest.mark.parametrize("size", [1, 2, 4, 5, 50])
@pytest.mark.parametrize("segment", [1, 7, MAX_HELLO])
def test_records(size: int, segment: int) -> None:
    """A message in many records, even of one byte each, is the same message."""
    hello = in_records(real_hello(NAME)[5:], size)
    assert read(*in_pieces(hello, segment)) == NAME


def test_what_follows_is_not_looked_at() -> None:
    """Records after the message's, such as early data, are none of the reader's business."""
    assert read(real_hello(NAME) + record(os.urandom(500), kind=23)) == NAME
    assert read(Hello().wire + b"\0\xff" * 20_000) == NAME


def test_upper_case() -> None:
    """Letters are the same in both cases, and the canonical ones are told."""
    assert read(Hello([server_names(b"API.Example.COM")]).wire) == NAME
    assert read(real_hello("API.Example.COM")) == NAME


def test_an_internationalised_name() -> None:
    """Names come encoded."""
    assert read(real_hello("bücher.example")) == "xn--bcher-kva.example"


@pytest.mark.parametrize("version", VERSIONS)
def test_resumption(version: ssl.TLSVersion) -> None:
    """A client that resumes a session says the name as always."""
    hello = resumed_hello(NAME, version)
    assert len(hello) > len(real_hello(NAME, client_context(version=version)))  # by the ticket
    assert read(hello) == NAME


def test_early_data() -> None:
    """So does one that has things to say at once."""
    psk = vector(2, vector(2, bytes(100)) + bytes(4)) + vector(2, vector(1, bytes(32)))
    assert read(Hello([SNI, (EARLY_DATA, b""), (PRE_SHARED_KEY, psk)]).wire) == NAME


def test_grease() -> None:
    """Extensions that mean nothing are passed over, wherever they are."""
    assert read(Hello([(GREASE, b""), SNI, (0x2A2A, b"\0")]).wire) == NAME


def test_padding_up_to_the_limit() -> None:
    """The largest message that is taken, and one byte more."""
    room = MAX_HELLO - len(Hello([SNI, (PADDING, b"")]).wire)
    assert read(Hello([SNI, (PADDING, bytes(room))]).wire) == NAME
    assert refusal(Hello([SNI, (PADDING, bytes(room + 1))]).wire) == Reason.CLIENT_HELLO_TOO_LARGE


@pytest.mark.parametrize(
    "data",
    [
        record(b"\1" + (MAX_HELLO - 3).to_bytes(3)),
        record(b"\1\xff\xff\xff"),
        record(b"\1\1" + Hello().message[2:]),
        in_records(Hello([SNI, (PADDING, bytes(4000))]).message, 1),
    ],
    ids=["announced", "announced by far", "announced by the first byte of three", "in headers of records"],
)
def test_too_large(data: bytes) -> None:
    """It is refused as soon as that is clear, whatever it is made of."""
    assert refusal(data) == Reason.CLIENT_HELLO_TOO_LARGE


@pytest.mark.parametrize("first", sorted(set(range(256)) - {22}))
def test_not_tls_at_the_first_byte(first: int) -> None:
    """No more than one byte is needed to refuse what isn't TLS."""
    assert refusal(bytes([first])) == Reason.NOT_TLS


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
        bytes.fromhex("802b0100020012000000100100800200800300800400800500800600400700c0"),
        b"\x16\x02",
        b"\x16\x04",
        b"\x16\xfe\xfd",
        record(b""),
        record(b"", version=b"\3\3") + Hello().wire,
        b"\x16\3\1" + (2**14 + 1).to_bytes(2),
        record(b"\1") + record(Hello().message[1:], kind=23),
        record(b"\1") + record(b""),
        Hello(message_type=2).wire,
        Hello(message_type=0).wire,
        record(b"\1\0\0\0"),
        record(b"\1\0\0\1\3"),
        record(Hello().message + b"\0"),
        record(Hello().message * 2),
        Hello(after_extensions=b"\0").wire,
        Hello(None, after_extensions=b"\0").wire,
        Hello(None, after_extensions=b"\0\5\0\0").wire,
        Hello(None, after_extensions=vector(2, b"\0\0\0")).wire,
        Hello([SNI, (GREASE, b""), (GREASE, b"")]).wire,
        Hello([SNI, protocols(b"h2"), protocols(b"h2")]).wire,
    ],
    ids=lambda data: repr(data[:12])[2:-1],
)
def test_malformed(data: bytes) -> None:
    """Other protocols, other messages, and lengths that don't agree."""
    assert refusal(data) == Reason.NOT_TLS


@pytest.mark.parametrize("hello", [Hello(None).wire, Hello([]).wire, Hello([(GREASE, b"")]).wire, real_hello(None)])
def test_no_name(hello: bytes) -> None:
    """A client has to say which server it wants, or nobody knows what the bytes after it are for."""
    assert refusal(hello) == Reason.SNI_MISSING


@pytest.mark.parametrize(
    "sni",
    [
        server_names(),
        server_names(b"api.example.com", b"other.example.com"),
        server_names(b"api.example.com", b"api.example.com"),
        server_names(b"api.example.com", kind=1),
        server_names(b""),
        server_names(b"."),
        server_names(b"api.example.com."),
        server_names(b".api.example.com"),
        server_names(b"api..example.com"),
        server_names(b"api.example.com\0"),
        server_names(b"api.example.com\0.evil.example"),
        server_names(b"api.example.com\r\nx"),
        server_names(b"api example.com"),
        server_names(b"*.example.com"),
        server_names(b"192.0.2.1"),
        server_names(b"2130706433"),
        server_names(b"0x7f.1"),
        server_names(b"::1"),
        server_names(b"[::1]"),
        server_names("bücher.example".encode()),
        server_names("\uff41pi.example.com".encode()),
        server_names(b"b\xfccher.example"),
        server_names(b"a" * 64 + b".example.com"),
        server_names(b"a." * 130 + b"com"),
        (SERVER_NAME, b""),
        (SERVER_NAME, b"\0"),
        (SERVER_NAME, vector(2, b"\0\0\5api")),
        (SERVER_NAME, server_names(b"api.example.com")[1] + b"\0"),
        (SERVER_NAME, vector(2, b"\0" + vector(2, b"api.example.com") + b"\0")),
    ],
    ids=lambda sni: repr(sni[1])[2:40],
)
def test_a_name_that_is_none(sni: Extension) -> None:
    """None, several, an address, and whatever isn't a host's name as it is sent."""
    assert refusal(Hello([sni]).wire) == Reason.SNI_INVALID


def test_two_extensions_for_the_name() -> None:
    """What one side may read from the first, another may read from the last."""
    assert refusal(Hello([SNI, (GREASE, b""), server_names(b"other.example.com")]).wire) == Reason.SNI_INVALID


@pytest.mark.parametrize("kind", [ECH, ESNI, 0xFE08, 0xFE0A])
@pytest.mark.parametrize("body", [b"", bytes(200)])
def test_encrypted(kind: int, body: bytes) -> None:
    """A hello with another one hidden in it is refused, whatever name it shows outside."""
    assert refusal(Hello([SNI, (kind, body)]).wire) == Reason.ENCRYPTED_CLIENT_HELLO
    assert refusal(Hello([(kind, body)]).wire) == Reason.ENCRYPTED_CLIENT_HELLO


@given(st.binary(max_size=200), st.integers(1, 20))
def test_any_bytes(data: bytes, size: int) -> None:
    """Random bytes are refused or waited on, in one way however they come."""
    assert outcome(data, size) == outcome(data, len(data))


@given(
    st.lists(st.tuples(st.sampled_from([SERVER_NAME, ALPN, ECH, GREASE]), st.binary(max_size=40)), max_size=4),
    st.integers(0, 200),
    st.binary(max_size=3),
    st.integers(1, 50),
)
def test_nearly_right(extensions: list[Extension], place: int, change: bytes, size: int) -> None:
    """Messages with some bytes changed are read in one way, or refused for one reason, however they come."""
    hello = Hello([SNI, *extensions]).wire
    changed = hello[:place] + change + hello[place + len(change) :]
    assert outcome(changed, size) == outcome(changed, len(changed))
