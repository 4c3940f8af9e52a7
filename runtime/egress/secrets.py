"""The secrets of one host: put into the headers of requests, and taken out of what comes back."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from runtime.egress.http_heads import Headers
from runtime.egress.scrubber import Echo, Scrubber
from runtime.network_values import SecretName

MAX_SIZE = 256 * 1024
"""Bytes of all values of headers together, once secrets or placeholders are in: a short one can stand for a long."""

CREDENTIALS = (b"authorization", b"proxy-authorization")
"""Headers, in lower case, in which a value may be encoded as Basic has it."""

MIN_SIZE = 256
"""What a placeholder counts for at least: a thousand of them are enough, and more would take everybody's time."""

_TOKEN = re.compile(rb"\$([A-Za-z_][A-Za-z0-9_]*)")
_BASIC = re.compile(rb"(basic +)([a-z0-9+/]+=*)", re.IGNORECASE)
_NO_VALUE = re.compile(rb"[^\t\x20-\x7e\x80-\xff]")


class NotSendable(Exception):
    """With its secrets in, a head would be too large, or not be HTTP. Never says what is in it."""


@dataclass(frozen=True, slots=True)
class Injected:
    """Headers with secrets in them, and what must not come back of those."""

    headers: Headers = field(repr=False)
    echoes: Sequence[Echo] = field(repr=False)

    def scrubber(self) -> Scrubber:
        """For one stream of the answer."""
        return Scrubber(self.echoes)

    def is_in(self, data: bytes) -> bool:
        """Whether some of it may be in a part of the answer; if not, scrubbing would change nothing."""
        for echo in self.echoes:  # noqa: SIM110 - any() takes twice as long, and this is asked of each answer
            if echo.beginning in data:
                return True
        return False

    def scrubbed(self, data: bytes) -> bytes:
        """Something whole of the answer, scrubbed."""
        scrubber = self.scrubber()
        return scrubber.feed(data) + scrubber.finish()


class SecretSet:
    """Those of `values` that are meant for `host`, a canonical name. False when there are none."""

    def __init__(self, host: str, values: Mapping[SecretName, str]) -> None:
        mine = {secret: value.encode() for secret, value in values.items() if secret.domain == host}
        self._values = {secret.name.encode(): value for secret, value in mine.items()}
        self._echoes = [
            Echo(sent, secret.placeholder.encode()) for secret, value in mine.items() if (sent := _bare(value))
        ]

    def __bool__(self) -> bool:
        return bool(self._values)

    @property
    def most_sought(self) -> int:
        """How many texts are looked for in an answer, at most."""
        return len(self._echoes) + len(CREDENTIALS) if self._values else 0

    def forget(self) -> None:
        """Let go of the values, whoever still has the set."""
        self._values.clear()
        self._echoes.clear()

    def inject(self, headers: Headers) -> Injected:
        """`headers` with values in the place of placeholders, also within Basic credentials. Raises NotSendable.

        A placeholder is replaced where its name ends, and only once: a value that looks like one stays as it is.
        """
        if not self._values:
            return Injected(headers, ())
        injection = _Injection(self._values)
        injected = [(name, injection.value(name, value)) for name, value in headers]
        return Injected(injected, [*self._echoes, *injection.echoes])


class _Injection:
    """The values' way into one head."""

    def __init__(self, values: Mapping[bytes, bytes]) -> None:
        self.echoes: list[Echo] = []
        self._values = values
        self._room = MAX_SIZE

    def value(self, name: bytes, value: bytes) -> bytes:
        """The value of one header."""
        basic = _BASIC.fullmatch(value) if name.lower() in CREDENTIALS else None
        sent = self._basic(basic[1], basic[2]) if basic else self._replaced(value)
        if sent != value and _NO_VALUE.search(sent):
            raise NotSendable
        return _bare(sent)

    def _basic(self, scheme: bytes, encoded: bytes) -> bytes:
        """Credentials that hold placeholders inside their encoding. As sent they must not come back either."""
        try:
            credentials = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            return scheme + encoded
        sent = base64.b64encode(replaced) if (replaced := self._replaced(credentials)) != credentials else encoded
        if sent != encoded:
            self.echoes.append(Echo(sent, encoded))
        return scheme + sent

    def _replaced(self, text: bytes) -> bytes:
        self._take(len(text))
        return _TOKEN.sub(self._value, text) if b"$" in text else text

    def _value(self, found: re.Match[bytes]) -> bytes:
        value = self._values.get(found[1])
        if value is None:
            return found[0]
        self._take(max(len(value), MIN_SIZE))
        return value

    def _take(self, size: int) -> None:
        self._room -= size
        if self._room < 0:
            raise NotSendable


def _bare(value: bytes) -> bytes:
    """Without the blanks around it, which in HTTP belong to nobody."""
    return value.strip(b" \t")
