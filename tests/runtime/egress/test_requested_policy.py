"""Policies as callers ask for them: each entry at fault is named, and why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.agent.trust import JAVA_OPTIONS, VARIABLES, WGET_OPTIONS
from runtime.egress.config import EgressConfig
from runtime.egress.policy import Rules
from runtime.egress.requested_policy import (
    MAX_DOMAINS,
    MAX_SECRETS,
    MAX_VALUE_BYTES,
    MAX_VALUES_BYTES,
    MAX_VARIABLE,
    checked_policy,
)
from runtime.errors import InvalidInput
from runtime.network_values import DomainSecret, NetworkPolicy, SecretName

ANY = EgressConfig()
DOMAINS = ["ok.test", "*.wild.test"]
SECRET = DomainSecret("ok.test", "API_KEY", "canary")


def refusal(domains: list[str], *secrets: DomainSecret, config: EgressConfig = ANY) -> tuple[str | None, str]:
    """Which parameter is refused, and in which words; never in those of a secret."""
    with pytest.raises(InvalidInput) as refused:
        checked_policy(domains, secrets, config)
    assert refused.value.code == "invalid_value"
    assert "canary" not in refused.value.message
    assert refused.value.message.isprintable()
    return refused.value.param, refused.value.message


def test_a_policy() -> None:
    """Names become canonical and keep their order; values are left out."""
    secrets = [
        DomainSecret("B.wild.test.", "B_1", "one"),
        DomainSecret("ok.test", "_a", "two"),
        DomainSecret("ok.test", "B_1", "three"),
    ]
    assert checked_policy(["OK.test.", "*.Wild.test", "bücher.test", "b.wild.test"], secrets, ANY) == NetworkPolicy(
        ("ok.test", "*.wild.test", "xn--bcher-kva.test", "b.wild.test"),
        (SecretName("b.wild.test", "B_1"), SecretName("ok.test", "_a"), SecretName("ok.test", "B_1")),
    )


@pytest.mark.parametrize(
    ("domain", "words"),
    [
        ("https://api.test", "has a scheme"),
        ("api.test/v1", "has a path"),
        ("/", "has a path"),
        ("api.test:443", "has a port"),
        ("api.test:", "has a port"),
        ("[::1]:443", "has a port"),
        ("192.0.2.1", "is an IP address"),
        ("::1", "is an IP address"),
        ("[::1]", "is an IP address"),
        ("2130706433", "ends in a number"),
        ("127.1", "ends in a number"),
        ("", "can't be empty"),
        (".", "empty"),
        ("a..test", "empty"),
        ("*", "'*' alone"),
        ("*.", "empty"),
        ("*.*.test", "'*' elsewhere"),
        ("api.*", "'*' elsewhere"),
        ("*api.test", "'*' elsewhere"),
        ("a" * 64 + ".test", "longer than 63"),
        ("a." * 128, "longer than 253"),
        ("a" * 100_000, "longer than 253"),
        ("☃.test", "internationalised"),
        ("xn--a.test", "internationalised"),
        ("a\u202eb.test", "characters"),
        ("a b.test", "characters"),
        ("a\nb.test", "characters"),
        ("a\0.test", "characters"),
        ("a_b.test", "characters"),
        ("user@api.test", "characters"),
        ("\ud800.test", ""),
        ("OK.TEST.", "a duplicate of allowed_domains[0]"),
        ("*.WILD.test", "a duplicate of allowed_domains[1]"),
    ],
    ids=lambda text: ascii(text)[:40],
)
def test_domains_at_fault(domain: str, words: str) -> None:
    """Each kind of bad entry is told by its index and in its own words."""
    param, message = refusal([*DOMAINS, domain, "later.test"])
    assert param == "network_policy.allowed_domains[2]"
    assert words in message
    assert len(message) < 500


def test_how_many_domains() -> None:
    """At least one, and not too many."""
    many = [f"host{number}.test" for number in range(MAX_DOMAINS + 1)]
    assert len(checked_policy(many[1:], [], ANY).allowed_domains) == MAX_DOMAINS
    assert refusal(many)[0] == "network_policy.allowed_domains"
    assert refusal([])[0] == "network_policy.allowed_domains"


@pytest.mark.parametrize("domain", ["other.test", "*.test", "corp.test", "*.ok.test"])
def test_outside_the_operators_list(domain: str) -> None:
    """A request narrows the operator's list; which entry is outside is said by index and by name."""
    config = EgressConfig(allowed_domains=("ok.test", "*.corp.test"))
    assert checked_policy(["ok.test", "a.corp.test", "*.b.corp.test"], [], config).enabled
    param, message = refusal(["ok.test", domain], config=config)
    assert param == "network_policy.allowed_domains[1]"
    assert f"'{domain}' is outside" in message


@pytest.mark.parametrize(
    ("secret", "field", "words"),
    [
        (DomainSecret("other.test", "KEY", "canary"), ".domain", "not among the allowed_domains"),
        (DomainSecret("wild.test", "KEY", "canary"), ".domain", "not among the allowed_domains"),
        (DomainSecret("*.wild.test", "KEY", "canary"), ".domain", "is a pattern"),
        (DomainSecret("https://ok.test", "KEY", "canary"), ".domain", "has a scheme"),
        (DomainSecret("ok.test:443", "KEY", "canary"), ".domain", "has a port"),
        (DomainSecret("", "KEY", "canary"), ".domain", "empty"),
        (DomainSecret("*", "KEY", "canary"), ".domain", "'*' alone"),
        (DomainSecret("ok.test", "", "canary"), ".name", "environment variable"),
        (DomainSecret("ok.test", "1KEY", "canary"), ".name", "environment variable"),
        (DomainSecret("ok.test", "MY-KEY", "canary"), ".name", "environment variable"),
        (DomainSecret("ok.test", "MY KEY", "canary"), ".name", "environment variable"),
        (DomainSecret("ok.test", "KEY=1", "canary"), ".name", "environment variable"),
        (DomainSecret("ok.test", "KEY\n", "canary"), ".name", "environment variable"),
        (DomainSecret("ok.test", "KEY\0", "canary"), ".name", "environment variable"),
        (DomainSecret("ok.test", "KÉY", "canary"), ".name", "environment variable"),
        (DomainSecret("ok.test", "$KEY", "canary"), ".name", "environment variable"),
        (DomainSecret("ok.test", "K" * (MAX_VARIABLE + 1), "canary"), ".name", "longer than 256"),
        (DomainSecret("ok.test", "PATH", "canary"), ".name", "needs itself"),
        (DomainSecret("ok.test", "LD_PRELOAD", "canary"), ".name", "needs itself"),
        (DomainSecret("ok.test", "SSL_CERT_FILE", "canary"), ".name", "needs itself"),
        (DomainSecret("ok.test", "KEY", ""), ".value", "empty"),
        (DomainSecret("ok.test", "KEY", "canary\r"), ".value", "line breaks"),
        (DomainSecret("ok.test", "HTTPS_PROXY", "canary"), ".name", "needs itself"),
        (DomainSecret("ok.test", "KEY", "canary\nx"), ".value", "line breaks"),
        (DomainSecret("ok.test", "KEY", " canary"), ".value", "a blank"),
        (DomainSecret("ok.test", "KEY", "canary\t"), ".value", "a blank"),
        (DomainSecret("ok.test", "KEY", "canary\0"), ".value", "NUL"),
        (DomainSecret("ok.test", "KEY", "canary\x1b[0m"), ".value", "control characters"),
        (DomainSecret("ok.test", "KEY", "canary\ud800"), ".value", "text"),
        (DomainSecret("ok.test", "KEY", "c" * (MAX_VALUE_BYTES + 1)), ".value", "65,536 bytes"),
        (DomainSecret("ok.test", "KEY", "é" * (MAX_VALUE_BYTES // 2 + 1)), ".value", "65,536 bytes"),
        (DomainSecret("OK.test.", "API_KEY", "canary"), "", "domain_secrets[0] already"),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_secrets_at_fault(secret: DomainSecret, field: str, words: str) -> None:
    """Each kind of bad secret is told by its index and field, and its value isn't repeated."""
    param, message = refusal(DOMAINS, SECRET, secret)
    assert param == f"network_policy.domain_secrets[1]{field}"
    assert words in message
    assert len(message) < 500


@pytest.mark.parametrize("name", [*VARIABLES, WGET_OPTIONS, JAVA_OPTIONS, "BASH_ENV", "http_proxy", "LC_ALL", "_"])
def test_variables_that_are_needed(name: str) -> None:
    """Those by which programs find the sandbox's authority, all of them, and others by which they run at all."""
    param, message = refusal(DOMAINS, DomainSecret("ok.test", name, "canary"))
    assert param == "network_policy.domain_secrets[0].name"
    assert "needs itself" in message


def test_how_many_secrets() -> None:
    """As many as there may be, and one more."""
    many = [DomainSecret("ok.test", f"KEY_{number}", "canary") for number in range(MAX_SECRETS + 1)]
    assert len(checked_policy(DOMAINS, many[1:], ANY).secrets) == MAX_SECRETS
    assert refusal(DOMAINS, *many)[0] == "network_policy.domain_secrets"


def test_how_long_secrets_are_together() -> None:
    """As long as they may be, and one byte more, as UTF-8."""
    whole = [DomainSecret("ok.test", f"K{at}", "é" * 32768) for at in range(MAX_VALUES_BYTES // MAX_VALUE_BYTES)]
    assert checked_policy(DOMAINS, whole, ANY).secrets
    param, message = refusal(DOMAINS, *whole, DomainSecret("ok.test", "ONE_MORE", "x"))
    assert param == "network_policy.domain_secrets"
    assert "262,144 bytes together" in message


@pytest.mark.parametrize("value", ["x", "a b\tc", "$API_KEY", "é☃", "v" * MAX_VALUE_BYTES], ids=lambda value: value[:9])
def test_values(value: str) -> None:
    """Whatever a header can carry can be a secret."""
    assert checked_policy(DOMAINS, [DomainSecret("ok.test", "K" * MAX_VARIABLE, value)], ANY).secrets


def test_a_secret_is_not_printed() -> None:
    """What logs or tracebacks may show of a secret is its name."""
    assert "canary" not in repr(SECRET)


@given(st.lists(st.one_of(st.text(), st.sampled_from(["a.test", "*.test", "*", "É.test", "1.1"])), max_size=4))
def test_any_domains(domains: list[str]) -> None:
    """A list is refused by naming what is wrong, or means the same to whoever decides by it."""
    try:
        policy = checked_policy(domains, [], ANY)
    except InvalidInput:
        assert (refusal(domains)[0] or "").startswith("network_policy.allowed_domains")
        return
    assert checked_policy(policy.allowed_domains, [], ANY) == policy
    assert all(Rules(policy, ANY).decide(name, 443).allowed for name in domains if "*" not in name)
