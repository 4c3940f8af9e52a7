from __future__ import annotations

import base64
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.egress.secrets import MAX_SIZE, MIN_SIZE, NotSendable, SecretSet
from runtime.network_values import SecretName

HOST = "api.example.com"
VALUE = "sk-canary-7f3kD92nXqLp0aWm"


def secrets(**values: str) -> SecretSet:
    """Secrets of HOST."""
    return SecretSet(HOST, {SecretName(HOST, name): value for name, value in values.items()})


def injected(value: bytes, name: bytes = b"X-Key", **values: str) -> bytes:
    """What a header's value becomes."""
    [(kept, became)] = secrets(**values).inject([(name, value)]).headers
    assert kept == name
    return became


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"$API_KEY", b"v"),
        (b"Bearer $API_KEY", b"Bearer v"),
        (b"$API_KEY:$API_KEY", b"v:v"),
        (b"$API_KEY-x", b"v-x"),
        (b"$$API_KEY", b"$v"),
        (b"$API_KEYS", b"$API_KEYS"),
        (b"$API_KEY_2", b"$API_KEY_2"),
        (b"$API_KEY2", b"$API_KEY2"),
        (b"$api_key", b"$api_key"),
        (b"API_KEY", b"API_KEY"),
        (b"$OTHER", b"$OTHER"),
    ],
)
def test_a_placeholder_is_replaced_as_a_whole_token(value: bytes, expected: bytes) -> None:
    """It ends where the name of an environment variable would."""
    assert injected(value, API_KEY="v") == expected


def test_names_that_begin_alike_are_told_apart() -> None:
    """The longest name counts, as in a shell."""
    assert injected(b"$A $AB $ABC", A="1", AB="2") == b"1 2 $ABC"


def test_a_value_is_not_looked_into() -> None:
    """One that looks like a placeholder is sent as it is."""
    assert injected(b"$A $B", A="$B", B="$A") == b"$B $A"


@pytest.mark.parametrize("header", [b"Authorization", b"proxy-authorization"])
@pytest.mark.parametrize("scheme", [b"Basic ", b"basic  "])
def test_a_placeholder_is_replaced_inside_basic_credentials(header: bytes, scheme: bytes) -> None:
    """As user, as password, and in one of them."""
    for plain, expected in [(b"$A:", b"v:"), (b"user:$A", b"user:v"), (b"x$A:y", b"xv:y"), (b"a:$AB", b"a:$AB")]:
        value = scheme + base64.b64encode(plain)
        assert injected(value, header, A="v") == scheme + base64.b64encode(expected)


def test_credentials_are_decoded_in_their_headers_alone() -> None:
    """Elsewhere it may mean anything; and what can't be decoded is a text like any other."""
    encoded = b"Basic " + base64.b64encode(b"user:$A")
    assert injected(encoded, b"X-Authorization", A="v") == encoded
    assert injected(b"Basic $A", b"Authorization", A="v") == b"Basic v"
    assert injected(b"Basic abc", b"Authorization", A="v") == b"Basic abc"


def test_secrets_of_another_host_stay_out() -> None:
    """A set is for one host, whatever it is given."""
    values = {SecretName("other.example.com", "A"): VALUE, SecretName(f"sub.{HOST}", "A"): VALUE}
    others = SecretSet(HOST, values)
    assert not others
    assert others.inject([(b"X", b"$A")]).headers == [(b"X", b"$A")]


def test_a_header_with_a_long_secret_many_times_is_refused() -> None:
    """Before there is so much of it: 60 KB would become 1 GB."""
    many = b"$A " * 20_000
    for name, value in [(b"X", many), (b"Authorization", b"Basic " + base64.b64encode(many))]:
        with pytest.raises(NotSendable):
            injected(value, name, A="x" * 65536)
    assert len(injected(b"$A", A="x" * 65536)) == 65536
    with pytest.raises(NotSendable):
        secrets(A="x" * 65536).inject([(b"X", b"$A")] * (MAX_SIZE // 65536 + 1))
    with pytest.raises(NotSendable):
        injected(b"$A" * (MAX_SIZE // MIN_SIZE + 1), A="v")


@pytest.mark.parametrize("bad", ["a\nb", "a\rb", "a\0b", "a\x0bb", "a\x7fb", "a\x1bb"])
def test_a_value_that_no_header_can_have_is_never_sent(bad: str) -> None:
    """It would split the head; inside Basic it is encoded, and harmless."""
    with pytest.raises(NotSendable):
        injected(b"$A", A=bad)
    assert injected(b"Basic " + base64.b64encode(b"$A"), b"Authorization", A=bad)


def test_spaces_around_a_value_are_not_of_the_header() -> None:
    """HTTP has them belong to nobody."""
    assert injected(b"$A", A=" v ") == b"v"


@pytest.mark.parametrize("value", [f" {VALUE}", f"{VALUE}\t", f"\t {VALUE} "])
def test_a_value_is_hidden_as_it_was_sent(value: str) -> None:
    """Without the spaces around it; those alone aren't hidden anywhere."""
    assert secrets(A=value).inject([(b"X", b"$A")]).scrubbed(VALUE.encode()) == b"$A"
    assert secrets(A=" \t").inject([(b"X", b"$A")]).scrubbed(b"a \t") == b"a \t"


def test_values_can_be_forgotten() -> None:
    """Whoever still has the set."""
    held = secrets(A=VALUE)
    held.forget()
    assert held.inject([(b"X", b"$A")]).headers == [(b"X", b"$A")]


def test_values_that_come_back_are_hidden() -> None:
    """By the placeholders; credentials also as they were encoded."""
    encoded = base64.b64encode(b"user:$A")
    request = secrets(A=VALUE, B="other-value").inject([(b"Authorization", b"Basic " + encoded)])
    sent = request.headers[0][1].removeprefix(b"Basic ")
    assert request.scrubbed(f"{VALUE} other-value ".encode() + sent) == b"$A $B " + encoded


def test_values_are_in_no_description_and_no_traceback() -> None:
    """Of whatever holds them, and of errors on the way."""
    request = (held := secrets(A=VALUE)).inject([(b"X", b"$A")])
    assert VALUE.encode() in request.headers[0][1]
    shown = [repr(held), str(held), repr(request), str(request), repr(request.scrubber()), repr(request.echoes[0])]
    try:
        secrets(A=f"{VALUE}\n").inject([(b"X", b"$A")])
    except NotSendable:
        shown.append(traceback.format_exc())
    assert len(shown) == 7
    assert "canary" not in "".join(shown)


# What headers may have in them, and no placeholder.
plain = st.from_regex(rb"[!-#%-~\x80-\xff]([\t -#%-~\x80-\xff]*[!-#%-/:-@\[-^`{-~\x80-\xff])?", fullmatch=True)


@given(plain, st.from_regex("[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True), plain)
def test_only_placeholders_change(text: bytes, name: str, more: bytes) -> None:
    """Whatever is around them."""
    [(_, value)] = secrets(**{name: "$v"}).inject([(b"X", text + b" $" + name.encode() + b" " + more)]).headers
    assert value == text + b" $v " + more
