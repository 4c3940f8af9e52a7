"""Host names: one canonical form of each, and how they are shown. Pure.

A name is made canonical once, and nothing else is compared, resolved, dialled or written down. Names that look alike
are different names: UTS 46 says what is only another way to write a letter, IDNA 2008 which letters there are.
"""

from __future__ import annotations

import re
import reprlib
from functools import lru_cache
from ipaddress import ip_address

import idna

MAX_NAME = 253  # characters: RFC 1035's 255 octets without the lengths at both ends
MAX_LABEL = 63

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
# Whatever a resolver may take for an IPv4 address ends so; from the URL standard's "ends in a number".
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_NOT_SHOWN = re.compile(r"[^!#-\[\]-~]")


class InvalidName(ValueError):
    """Not the name of a host. The message goes on from "the name …"."""


@lru_cache(maxsize=1024)  # a connection asks several times, and most go where others went
def canonical(host: str) -> str:
    """`host` in lower case and ASCII, without a dot at its end. Raises InvalidName if it isn't the name of a host.

    IP addresses aren't names, in whatever notation.
    """
    if len(host) > MAX_NAME + 1:  # also so that nothing below takes long
        raise InvalidName(f"is longer than {MAX_NAME} characters")
    if _is_address(host):
        raise InvalidName("is an IP address, not a name")
    name = ".".join(_ascii_label(label) for label in _mapped(host).removesuffix(".").split("."))
    if len(name) > MAX_NAME:
        raise InvalidName(f"is longer than {MAX_NAME} characters")
    if _NUMBER.fullmatch(name.rpartition(".")[2]):
        raise InvalidName("ends in a number, as IP addresses do")
    return name


def shown(host: object) -> str:
    """Whatever was given as a host, for records and logs: visible ASCII, at most MAX_NAME characters.

    Spaces, quotes and backslashes are escaped too, so that it can't be taken for what is written around it.
    """
    text = host if isinstance(host, str) else reprlib.repr(host)  # repr() fails at what is nested deeply
    escaped = _NOT_SHOWN.sub(_escaped, text[: MAX_NAME + 1])
    return escaped if len(escaped) <= MAX_NAME else f"{escaped[: MAX_NAME - 3]}..."


def _is_address(host: str) -> bool:
    """Whether `host` is an address as they are usually written. Other ways are found by the end, or by a character."""
    try:
        ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def _mapped(host: str) -> str:
    """`host` in lower case, with what can be written in several ways, such as wide letters and dots, in one of them."""
    if host.isascii():
        return host.lower()
    try:
        return idna.uts46_remap(host, std3_rules=False)
    except UnicodeError:
        raise InvalidName("has characters that host names don't have") from None


def _ascii_label(label: str) -> str:
    """One part of a name, in ASCII."""
    if not label:
        raise InvalidName("is empty, or has an empty part")
    _check_length(label)  # before it is encoded: that takes long for a long one, and doesn't make it shorter
    if not label.isascii() or label.startswith("xn--"):
        label = _encoded(label)
        _check_length(label)
    if not _LABEL.fullmatch(label):
        raise InvalidName("has characters that host names don't have there")
    return label


def _check_length(label: str) -> None:
    if len(label) > MAX_LABEL:
        raise InvalidName(f"has a part longer than {MAX_LABEL} characters")


def _encoded(label: str) -> str:
    """A part with other letters than ASCII's, encoded. One that is encoded has to be as it would be encoded here."""
    try:
        encoded = idna.alabel(idna.ulabel(label)).decode("ascii")
    except UnicodeError:  # which IDNAError is, and what Punycode's decoder raises
        encoded = ""
    if not encoded or (label.isascii() and label != encoded):
        raise InvalidName("is not valid as an internationalised name")
    return encoded


def _escaped(found: re.Match[str]) -> str:
    """One character as Python would write it by its number."""
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
