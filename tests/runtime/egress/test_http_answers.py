"""Heads of answers with secrets in them: what hiding these costs has bounds, as it is done in one go."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from runtime.egress.http_answers import MAX_SEARCHED, interim
from runtime.egress.http_heads import Malformed, read_answer
from runtime.egress.http_requests import Request, Requests
from runtime.egress.secrets import SecretSet
from runtime.network_values import SecretName

HOST = "api.example.com"
VALUE = "sk-7f3kD92nXqLp0aWm"
MANY = 100


def request(values: Mapping[str, str]) -> Request:
    """A request to a host that has these secrets, by their names."""
    secrets = SecretSet(HOST, {SecretName(HOST, name): value for name, value in values.items()})
    return Requests(HOST, 443, secrets).read(b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % HOST.encode())


def passed_on(values: Mapping[str, str], line: bytes) -> bytes:
    """A head with that header, as it is sent to a program that has sent such a request."""
    return interim(read_answer(b"HTTP/1.1 103 Early\r\nX: " + line + b"\r\n\r\n"), request(values))


def many(size: int) -> dict[str, str]:
    """As many secrets as there may be, all of that size and alike, and VALUE."""
    return {f"K{number}": "s" * (size - 3) + f"{number:03d}" for number in range(MANY - 1)} | {"API_KEY": VALUE}


def test_a_large_head_without_a_value_passes() -> None:
    """However many values there are that it has none of."""
    line = b"x" * 60_000
    assert line in passed_on(many(100), line)


def test_a_head_with_a_value_passes_without_it() -> None:
    """Up to the bound, however many values there are."""
    line = b"x" * (MAX_SEARCHED // MANY - 100)
    assert line + b"$API_KEY" in passed_on(many(100), line + VALUE.encode())


@pytest.mark.parametrize("size", [100, 60_000])
def test_a_large_head_with_a_value_is_no_answer_where_there_are_many(size: int) -> None:
    """To find what else is in it would take seconds."""
    with pytest.raises(Malformed):
        passed_on(many(size), b"s" * 60_000 + VALUE.encode())


def test_a_head_that_becomes_much_larger_is_no_answer() -> None:
    """By a placeholder that is longer than its value."""
    with pytest.raises(Malformed):
        passed_on({"N" * 256: "s"}, b"s" * 60_000)


def test_long_values_are_looked_for_by_their_beginning() -> None:
    """Of whole ones, some take a hundred times as long. It is enough to know that most heads have none."""
    sent = request(many(60_000)).sent
    assert not sent.is_in(b"s" * 255 + b"t")
    assert sent.is_in(b"s" * 256)
