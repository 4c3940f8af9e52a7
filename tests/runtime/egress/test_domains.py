"""Lists of names and patterns, and which hosts they mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.egress.domains import DomainPattern, Domains
from runtime.egress.names import InvalidName

NAMES = st.lists(st.sampled_from(["a", "b", "com"]), min_size=1, max_size=4).map(".".join)
TEXTS = st.builds(lambda wildcard, name: f"*.{name}" if wildcard else name, st.booleans(), NAMES)


def domains(*texts: str) -> Domains:
    """What these mean."""
    return Domains(map(DomainPattern.parse, texts))


@pytest.mark.parametrize(
    ("text", "name", "matches"),
    [
        ("allowed.test", "allowed.test", True),
        ("Allowed.Test.", "allowed.test", True),
        ("allowed.test", "notallowed.test", False),
        ("allowed.test", "allowed.test.evil.test", False),
        ("allowed.test", "sub.allowed.test", False),
        ("allowed.test", "test", False),
        ("*.allowed.test", "sub.allowed.test", True),
        ("*.allowed.test", "a.b.c.allowed.test", True),
        ("*.allowed.test", "allowed.test", False),
        ("*.allowed.test", "notallowed.test", False),
        ("*.allowed.test", "sub.notallowed.test", False),
        ("*.allowed.test", "sub.allowed.test.evil.test", False),
        ("*.allowed.test", "test", False),
        ("*.test", "allowed.test", True),
        ("*.bücher.test", "a.xn--bcher-kva.test", True),
    ],
)
def test_matches(text: str, name: str, matches: bool) -> None:
    """A name means itself; a pattern all that is below it, and not itself."""
    assert domains(text).matches(name) is matches


@pytest.mark.parametrize(
    ("outer", "inner", "covers"),
    [
        ("a.test", "a.test", True),
        ("a.test", "*.a.test", False),
        ("*.a.test", "*.a.test", True),
        ("*.a.test", "*.b.a.test", True),
        ("*.a.test", "b.a.test", True),
        ("*.a.test", "a.test", False),
        ("*.b.a.test", "*.a.test", False),
        ("*.a.test", "*.test", False),
        ("*.a.test", "*.ba.test", False),
    ],
)
def test_covers(outer: str, inner: str, covers: bool) -> None:
    """A pattern covers another if it means all that the other means."""
    assert domains(outer).covers(DomainPattern.parse(inner)) is covers


@given(st.lists(TEXTS, max_size=3), TEXTS, NAMES)
def test_covering_is_matching(outer: list[str], inner: str, name: str) -> None:
    """Nothing gets through a pattern that is covered that doesn't get through what covers it."""
    if domains(*outer).covers(DomainPattern.parse(inner)) and domains(inner).matches(name):
        assert domains(*outer).matches(name)


@given(TEXTS)
def test_the_operators_star(text: str) -> None:
    """An operator's `*` means every name; an empty list means none."""
    pattern = DomainPattern.parse(text)
    assert Domains.of_operator(["*"]).covers(pattern)
    assert not Domains.of_operator([]).covers(pattern)
    assert str(pattern) == text


@pytest.mark.parametrize("text", ["*", "*.", "**.test", "*.*.test", "a.*.test", "*a.test", "*test", ".test", "*..test"])
def test_wildcard_edges(text: str) -> None:
    """The only wildcard is one `*.` before a name; `*` alone is the operator's."""
    with pytest.raises(InvalidName):
        DomainPattern.parse(text)
    with pytest.raises(InvalidName):
        Domains.of_operator(["ok.test", text + "x" if text == "*" else text])


def test_a_long_list() -> None:
    """Which of many is asked for makes no difference."""
    many = domains(*(text for number in range(1_000) for text in (f"host{number}.test", f"*.zone{number}.test")))
    assert many.matches("host999.test")
    assert many.matches("a.b.zone999.test")
    assert not many.matches("zone999.test")
