"""Host names: whatever the text, it is refused, or it becomes a name that nothing takes for something else."""

from __future__ import annotations

import re
import socket
from contextlib import suppress
from ipaddress import ip_address

from runtime.egress.names import MAX_LABEL, MAX_NAME, InvalidName, canonical, shown

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")

SEEDS = [
    text.encode()
    for text in (
        "API.example.com.",
        "bücher.example",
        "xn--bcher-kva.example",
        "例え。テスト",
        "\uff11\uff12\uff17.0.0.1",
        "0x7f000001",
        "[::ffff:127.0.0.1]",
        "a\u200db.example",
        "user@example.com:443/%00",
    )
]


def check(data: bytes) -> None:
    """Take the bytes for a host, in all ways that JSON could bring them."""
    check_text(data.decode("utf-8", "surrogateescape"))
    check_text(data.decode("latin-1"))


def check_text(host: str) -> None:
    """A name's form doesn't change any more, and it isn't an address, not even by the system's oldest rules."""
    check_shown(host)
    try:
        name = canonical(host)
    except InvalidName:
        return
    assert canonical(name) == canonical(f"{name.upper()}.") == shown(name) == name
    assert len(name) <= MAX_NAME
    assert all(_LABEL.fullmatch(label) and len(label) <= MAX_LABEL for label in name.split("."))
    for parse in (socket.inet_aton, ip_address):
        with suppress(OSError, ValueError):
            parse(name)
            raise AssertionError(f"{name} is an address")


def check_shown(host: object) -> None:
    """What is written down is visible, short, and nothing that could be taken for the end of a field."""
    text = shown(host)
    assert len(text) <= MAX_NAME
    assert all("!" <= character <= "~" and character != '"' for character in text)
