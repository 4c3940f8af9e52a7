"""Host names: one form of each, and nothing that isn't one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.egress.names import InvalidName, canonical, shown
from tests.fuzz.targets.names import check_shown, check_text

LONGEST = ".".join(["a" * 63] * 3 + ["b" * 61])

# What means something to people, to resolvers or to parsers of URLs, and letters of all kinds.
TEXTS = st.one_of(
    st.text(),
    st.text("aZ019-._xn.。\uff05%@\\/:[]*\0 \r\nßéİ\u0131ﬁ\uff11Ⅳ\u0430\u200d\u00ad\ud800", max_size=80),
    st.from_regex(re.compile(r"(xn--)?[a-z0-9-]{1,20}(\.(xn--)?[a-z0-9-]{1,20}){0,3}\.?", re.ASCII), fullmatch=True),
    st.lists(st.sampled_from(["0", "1", "127", "0x7f", "0177", "255", "256", "4294967295", "a", ""]), max_size=5).map(
        ".".join
    ),
    st.ip_addresses().map(str),
)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("api.example.com", "api.example.com"),
        ("API.Example.COM", "api.example.com"),
        ("api.example.com.", "api.example.com"),
        ("localhost", "localhost"),
        ("a", "a"),
        ("1a.2b", "1a.2b"),
        ("123.example", "123.example"),
        ("0x7f.example", "0x7f.example"),
        ("1.2.3.4.example", "1.2.3.4.example"),
        ("0xg", "0xg"),
        ("r3---sn-4g5e.example.com", "r3---sn-4g5e.example.com"),
        ("a" * 63 + ".test", "a" * 63 + ".test"),
        (LONGEST, LONGEST),
        (LONGEST + ".", LONGEST),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("faß.example", "xn--fa-hia.example"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("例え。テスト。", "xn--r8jz45g.xn--zckzah"),
        ("ⓔⓧample。com", "example.com"),
        ("exam\u00adple.com", "example.com"),
        ("r3---sn.bücher.example", "r3---sn.xn--bcher-kva.example"),
    ],
)
def test_names(host: str, name: str) -> None:
    """Letters' case, one dot at the end and other ways to write a letter don't matter."""
    assert canonical(host) == name


@pytest.mark.parametrize(
    "host",
    [
        "ex\u0430mple.com",
        "\u0435xample.com",
        "exarnple.com",
        "examp1e.com",
        "exampłe.com",
        "exámple.com",
        "\u0435\u0445\u0430mple.com",
    ],
    ids=ascii,
)
def test_look_alikes(host: str) -> None:
    """A name with letters that look the same is another name."""
    assert canonical(host) != "example.com"


@pytest.mark.parametrize(
    "host",
    [
        "",
        ".",
        "..",
        "example.com..",
        ".example.com",
        "api..example.com",
        "example.com。。",
        "example.com.。",
        "example.com\0",
        "example.com\0.evil.example",
        "example.com\r\nHost: evil.example",
        "example.com\n",
        "\texample.com",
        " example.com",
        "example.com ",
        "exam ple.com",
        "example.com\x7f",
        "example.com%00",
        "%65xample.com",
        "user@example.com",
        "example.com\\evil.example",
        "example.com/",
        "example.com:443",
        "example.com?",
        "example.com#",
        "http://example.com",
        "*",
        "*.example.com",
        "api_1.example.com",
        "-api.example.com",
        "api-.example.com",
        "-",
        "a" * 64 + ".example.com",
        LONGEST + "b",
        LONGEST + "b.",
        LONGEST + "..",
        "a" * 10_000,
        "ü" * 63 + ".example",
        "\ufdfa" * 254,
        "xn--.example",
        "xn--a.example",
        "xn--a-.example",
        "xn--example-.com",
        "xn--99999999999.example",
        "xn--\u00fc.example",
        "xn--n3h.example",
        "☃.example",
        "-ü.example",
        "a\u200db.example",
        "a\u202eb.example",
        "\u0300a.example",
        "\ud800.example",
        "א1a.example",
        "exam\ufffdple.com",
        "example.com\uff05\uff10\uff10",
        "user\uff20example.com",
        "example.com\uff0fx",
        "example.com\uff1a443",
        "example\u2024com\u2025x",
    ],
    ids=lambda host: ascii(host)[:40],
)
def test_no_names(host: str) -> None:
    """Whatever could be read in two ways is refused: it is not mended."""
    with pytest.raises(InvalidName):
        canonical(host)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1.",
        "2130706433",
        "0x7f000001",
        "0X7F000001",
        "017700000001",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "0x7f.1",
        "127.1",
        "127.0.1",
        "127.0.0.0x1",
        "127.0.0.01",
        "0",
        "0x",
        "08",
        "1.0x",
        "256.256.256.256",
        "1.2.3.4.5",
        "99999999999999999999",
        "example.1",
        "a.0x7f",
        "\uff11\uff12\uff17.\uff10.\uff10.\uff11",
        "127。0。0。1",
        "①②⑦.⓪.⓪.①",
        "0ⓧ7f.1",
        "\u0661\u0662\u0667.0.0.\u0661",
        "::1",
        "[::1]",
        "[::1",
        "::ffff:127.0.0.1",
        "[::ffff:7f00:1]",
        "fe80::1%eth0",
        "[fe80::1%25eth0]",
        "2001:db8::1",
        "[v1.a]",
        "1::",
        "::",
    ],
    ids=ascii,
)
def test_addresses(host: str) -> None:
    """An address is no name, in whatever notation: policies are of names."""
    with pytest.raises(InvalidName):
        canonical(host)


@pytest.mark.parametrize("part", ["".join(map(chr, range(0x4E00, 0x4E00 + 64))), "xn--" + "z" * 60], ids=ascii)
def test_parts_that_are_too_long(part: str) -> None:
    """They are refused before they are encoded or decoded, which takes time that grows with the square of that."""
    with pytest.raises(InvalidName, match="has a part longer than 63 characters"):
        canonical(f"{part}.example")


@given(TEXTS)
def test_what_a_name_is(host: str) -> None:
    """Every text is refused, or is a name whose form doesn't change any more, and that nothing takes for an address."""
    check_text(host)


@given(st.one_of(st.text(), st.integers(), st.none(), st.lists(st.text()), st.text(min_size=250)))
def test_whatever_is_shown(host: object) -> None:
    """What is written down is one short word of visible ASCII that can't be mistaken for what is around it."""
    check_shown(host)


@pytest.mark.parametrize(
    ("host", "text"),
    [
        ("example.com", "example.com"),
        ("a b", "a\\x20b"),
        ('a" verdict="allowed', "a\\x22\\x20verdict=\\x22allowed"),
        ("a\nb\0", "a\\x0ab\\x00"),
        ("a\\x0a", "a\\x5cx0a"),
        ("é☃😀\ud800", "\\xe9\\u2603\\U0001f600\\ud800"),
        ("a" * 300, "a" * 250 + "..."),
        (None, "None"),
        (["a"], "['a']"),
        ("", ""),
    ],
)
def test_shown(host: object, text: str) -> None:
    """Escaped by number, cut at the end."""
    assert shown(host) == text
