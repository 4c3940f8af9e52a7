"""Decisions: what a sandbox may reach, by which way, and why not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.egress.config import EgressConfig
from runtime.egress.policy import Decision, Rules
from runtime.network_values import NO_NETWORK, NetworkPolicy, Reason, SecretName, Verdict

KEY = SecretName("secret.test", "API_KEY")
OTHER_KEY = SecretName("secret.test", "OTHER_KEY")
POLICY = NetworkPolicy(
    ("allowed.test", "*.wild.test", "secret.test", "beyond.test"),
    (KEY, SecretName("x.wild.test", "API_KEY"), OTHER_KEY),
)
CONFIG = EgressConfig(allowed_domains=("allowed.test", "*.wild.test", "secret.test"), extra_ports=(5432,))
RULES = Rules(POLICY, CONFIG)

ANYTHING = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.text(), max_size=2))


@pytest.mark.parametrize(
    ("host", "port", "reason", "secrets"),
    [
        ("allowed.test", 443, Reason.SPLICED, ()),
        ("allowed.test", 80, Reason.PLAIN_HTTP, ()),
        ("allowed.test", 5432, Reason.SPLICED, ()),
        ("a.wild.test", 443, Reason.SPLICED, ()),
        ("secret.test", 443, Reason.INTERCEPTED, (KEY, OTHER_KEY)),
        ("secret.test", 80, Reason.PLAIN_HTTP, ()),
        ("secret.test", 5432, Reason.SPLICED, ()),
        ("x.wild.test", 443, Reason.INTERCEPTED, (SecretName("x.wild.test", "API_KEY"),)),
    ],
)
def test_allowed(host: str, port: int, reason: Reason, secrets: tuple[SecretName, ...]) -> None:
    """The port and the host's secrets say how a connection is served; secrets go nowhere but through TLS on 443."""
    assert RULES.decide(host, port) == Decision(Verdict.ALLOWED, reason, host, port, secrets)
    assert RULES.decide_lookup(host) is None


@pytest.mark.parametrize("host", ["ALLOWED.test", "allowed.test.", "Allowed.Test."])
def test_other_ways_to_write_it(host: str) -> None:
    """The canonical name is all that is left of what the sandbox wrote."""
    assert RULES.decide(host, 443).host == "allowed.test"


@pytest.mark.parametrize(
    ("host", "written", "reason"),
    [
        ("other.test", "other.test", Reason.NOT_ALLOWED),
        ("notallowed.test", "notallowed.test", Reason.NOT_ALLOWED),
        ("Allowed.Test.evil.test.", "allowed.test.evil.test", Reason.NOT_ALLOWED),
        ("wild.test", "wild.test", Reason.NOT_ALLOWED),
        ("\u0430llowed.test", "xn--llowed-2nf.test", Reason.NOT_ALLOWED),
        ("beyond.test", "beyond.test", Reason.NOT_ALLOWED_BY_OPERATOR),
        ("allowed.test..", "allowed.test..", Reason.INVALID_NAME),
        ("allowed.test\0", "allowed.test\\x00", Reason.INVALID_NAME),
        ("allowed.test%00", "allowed.test%00", Reason.INVALID_NAME),
        ("a@allowed.test", "a@allowed.test", Reason.INVALID_NAME),
        ("allowed.test\r\n", "allowed.test\\x0d\\x0a", Reason.INVALID_NAME),
        ("127.0.0.1", "127.0.0.1", Reason.INVALID_NAME),
        ("0x7f000001", "0x7f000001", Reason.INVALID_NAME),
        ("[::1]", "[::1]", Reason.INVALID_NAME),
        ("", "", Reason.INVALID_NAME),
        (None, "None", Reason.INVALID_NAME),
        (["allowed.test"], "['allowed.test']", Reason.INVALID_NAME),
    ],
    ids=ascii,
)
def test_denied_names(host: object, written: str, reason: Reason) -> None:
    """What isn't listed, what the operator doesn't list, and what is no name; asking for it and connecting alike."""
    assert RULES.decide(host, 443) == Decision(Verdict.DENIED, reason, written, 443)
    assert RULES.decide_lookup(host) == Decision(Verdict.DENIED, reason, written)


@pytest.mark.parametrize("port", [0, 22, 25, 53, 442, 8443, 65535, 65536, -1, 443 + 2**16, 80 - 2**16])
def test_denied_ports(port: int) -> None:
    """Ports are open one by one."""
    assert RULES.decide("allowed.test", port) == Decision(Verdict.DENIED, Reason.PORT_NOT_ALLOWED, "allowed.test", port)


@pytest.mark.parametrize("port", [None, True, "443", 443.0, [443], 2**31, -(10**30)], ids=str)
def test_no_ports(port: object) -> None:
    """What isn't a port isn't written down as one."""
    assert RULES.decide("allowed.test", port) == Decision(Verdict.DENIED, Reason.PORT_NOT_ALLOWED, "allowed.test", None)


@pytest.mark.parametrize("host", ["allowed.test", "other.test", "127.0.0.1", None])
def test_disabled(host: object) -> None:
    """Without a network every attempt is denied for that alone."""
    rules = Rules(NO_NETWORK, EgressConfig())
    assert rules.decide(host, 443).reason == Reason.NETWORK_DISABLED
    denied = rules.decide_lookup(host)
    assert denied is not None
    assert denied.reason == Reason.NETWORK_DISABLED


def test_the_name_comes_first() -> None:
    """A host that isn't allowed is denied for that, on whatever port."""
    assert RULES.decide("other.test", 22).reason == Reason.NOT_ALLOWED


@given(ANYTHING, ANYTHING)
def test_anything(host: object, port: object) -> None:
    """There is a decision about everything, and it is no."""
    assert not RULES.decide(host, port).allowed
    assert RULES.decide_lookup(host) is not None
