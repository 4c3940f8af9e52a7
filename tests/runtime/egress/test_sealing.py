from __future__ import annotations

import logging

import pytest

from runtime.egress.sealing import Seal
from runtime.network_values import SecretName

KEY = "a key of the operator's"
VALUES = {SecretName("a.example.com", "A"): "canary-1", SecretName("b.example.com", "A"): "canary-2 é\t" * 8000}


@pytest.fixture(scope="module")
def seal() -> Seal:
    """With a key."""
    return Seal(KEY)


def test_what_is_sealed_can_be_opened_after_a_restart(seal: Seal) -> None:
    """The operator's key is all that has to be kept, and the values aren't in it in clear."""
    sealed = seal.seal("cntr_1", VALUES)
    assert sealed is not None
    assert b"canary" not in sealed
    assert Seal(KEY).open("cntr_1", sealed) == VALUES


def test_nothing_is_sealed_twice_alike(seal: Seal) -> None:
    """Equal secrets can't be told by their seals."""
    assert seal.seal("cntr_1", VALUES) != seal.seal("cntr_1", VALUES)


def test_another_container_and_another_key_open_nothing(seal: Seal, caplog: pytest.LogCaptureFixture) -> None:
    """A row that was copied, or a key that was changed; the log says so and nothing of the values."""
    sealed = seal.seal("cntr_1", VALUES)
    assert sealed is not None
    with caplog.at_level(logging.WARNING):
        assert seal.open("cntr_2", sealed) is None
        assert Seal("a key of somebody else's").open("cntr_1", sealed) is None
    assert "cntr_2" in caplog.text
    assert "canary" not in caplog.text


def test_what_was_tampered_with_opens_nothing(seal: Seal) -> None:
    """Any bit of it, any length of it."""
    sealed = seal.seal("cntr_1", {SecretName("a.example.com", "A"): "v"})
    assert sealed is not None
    for place in range(len(sealed)):
        assert seal.open("cntr_1", sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]) is None
        assert seal.open("cntr_1", sealed[:place]) is None


def test_without_a_key_nothing_is_kept(seal: Seal) -> None:
    """Neither sealed nor opened."""
    sealed = seal.seal("cntr_1", VALUES)
    assert sealed is not None
    assert Seal(None).seal("cntr_1", VALUES) is None
    assert Seal(None).open("cntr_1", sealed) is None


def test_the_key_is_in_no_description(seal: Seal) -> None:
    """Nor what was made of it."""
    assert KEY not in repr(seal) + repr(vars(seal))
