"""Policies as callers ask for them, checked. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from runtime.egress.config import EgressConfig
from runtime.egress.domains import DomainPattern, Domains
from runtime.egress.names import InvalidName, shown
from runtime.errors import InvalidInput
from runtime.network_values import DomainSecret, NetworkPolicy, SecretName
from runtime.params import at_param

MAX_DOMAINS = 1_000
MAX_SECRETS = 100
MAX_VALUE_BYTES = 64 * 1024
MAX_VALUES_BYTES = 256 * 1024
"""Of all together: looking for them takes memory, and time at once, that grow with their length."""
MAX_VARIABLE = 256

_DOMAINS = "network_policy.allowed_domains"
_SECRETS = "network_policy.domain_secrets"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNFIT_FOR_HEADERS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# Without these as they are, a sandbox's programs don't start, or don't find their files or the authorities.
_TAKEN = frozenset(
    [
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "OLDPWD", "SHLVL", "LANG", "TERM", "TMPDIR", "IFS"),
        *("ENV", "BASH_ENV", "BASHOPTS", "SHELLOPTS", "UID", "EUID", "PPID", "_"),
        *("PYTHONHOME", "PYTHONPATH", "NODE_OPTIONS", "JAVA_TOOL_OPTIONS"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "GIT_SSL_CAINFO"),
        *("NODE_EXTRA_CA_CERTS", "AWS_CA_BUNDLE", "SYSTEM_WGETRC"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"),
    ]
)
_TAKEN_PREFIXES = ("LD_", "LC_")


def checked_policy(domains: Sequence[str], secrets: Sequence[DomainSecret], config: EgressConfig) -> NetworkPolicy:
    """The policy that a caller asks for, with canonical names, all in the order given.

    Raises InvalidInput, whose `param` is the entry at fault, if there is anything about it that can't be held.
    """
    patterns = _patterns(domains, Domains.of_operator(config.allowed_domains))
    return NetworkPolicy(tuple(map(str, patterns)), _secret_names(secrets, Domains(patterns)))


def _patterns(texts: Sequence[str], operators: Domains) -> Sequence[DomainPattern]:
    """What `allowed_domains` says."""
    with at_param(_DOMAINS):
        if not texts:
            raise _invalid("An allowlist has to allow at least one domain; 'disabled' is the policy for none.")
        if len(texts) > MAX_DOMAINS:
            raise _invalid(f"There are more than {MAX_DOMAINS:,} domains.")
    places: dict[DomainPattern, int] = {}
    for place, text in enumerate(texts):
        with at_param(f"{_DOMAINS}[{place}]"):
            pattern = _pattern(text)
            if pattern in places:
                raise _invalid(f"'{pattern}' is a duplicate of allowed_domains[{places[pattern]}].")
            if not operators.covers(pattern):
                raise _invalid(f"'{pattern}' is outside the domains that this service's operator allows.")
            places[pattern] = place
    return tuple(places)


def _pattern(text: str) -> DomainPattern:
    """One entry of `allowed_domains`."""
    if text == "*":
        raise _invalid("'*' alone is not a domain; name the domains, such as 'example.com' or '*.example.com'.")
    if why := _why_more_than_a_name(text):
        raise _invalid(f"'{shown(text)}' {why}; a domain is a name alone, such as 'example.com'.")
    try:
        return DomainPattern.parse(text)
    except InvalidName as error:
        raise _invalid(f"'{shown(text)}' {error}." if text else "A domain can't be empty.") from None


def _why_more_than_a_name(text: str) -> str | None:
    """What there is beside a name, where people are likely to have written it."""
    if "://" in text:
        return "has a scheme in it"
    if "/" in text:
        return "has a path in it"
    if re.search(r"^[^:]*:[0-9]*$|\]:[0-9]*$", text):
        return "has a port in it"
    if "*" in text.removeprefix("*."):
        return "has a '*' elsewhere than in a first '*.'"
    return None


def _secret_names(secrets: Sequence[DomainSecret], allowed: Domains) -> Sequence[SecretName]:
    """What `domain_secrets` says, without the values."""
    if len(secrets) > MAX_SECRETS:
        raise InvalidInput(f"There are more than {MAX_SECRETS} secrets.", param=_SECRETS, code="invalid_value")
    places: dict[SecretName, int] = {}
    for place, secret in enumerate(secrets):
        param = f"{_SECRETS}[{place}]"
        with at_param(f"{param}.domain"):
            domain = _secret_domain(secret.domain, allowed)
        with at_param(f"{param}.name"):
            _check_variable(secret.name)
        with at_param(f"{param}.value"):
            _check_value(secret.value)
        name = SecretName(domain, secret.name)
        with at_param(param):
            if name in places:
                raise _invalid(f"'{name.name}' is given for '{domain}' in domain_secrets[{places[name]}] already.")
        places[name] = place
    if sum(len(secret.value.encode()) for secret in secrets) > MAX_VALUES_BYTES:
        text = f"The secrets can't be longer than {MAX_VALUES_BYTES:,} bytes together."
        raise InvalidInput(text, param=_SECRETS, code="invalid_value")
    return tuple(places)


def _secret_domain(text: str, allowed: Domains) -> str:
    """The one host that a secret is for."""
    pattern = _pattern(text)
    if pattern.wildcard:
        raise _invalid(f"'{pattern}' is a pattern; a secret is for one host.")
    if not allowed.covers(pattern):
        raise _invalid(f"'{pattern}' is not among the allowed_domains.")
    return pattern.name


def _check_variable(name: str) -> None:
    """Raise InvalidInput if the sandbox can't have a variable of this name, or needs it itself."""
    if not _VARIABLE.fullmatch(name):
        raise _invalid(
            f"'{shown(name)}' can't be the name of an environment variable: letters, digits and '_' only, "
            "no digit at the beginning."
        )
    if len(name) > MAX_VARIABLE:
        raise _invalid(f"The name of an environment variable can't be longer than {MAX_VARIABLE} characters.")
    if name in _TAKEN or name.startswith(_TAKEN_PREFIXES):
        raise _invalid(f"'{name}' is an environment variable that the sandbox needs itself.")


def _check_value(value: str) -> None:
    """Raise InvalidInput, without the value in it, if that can't be sent in a header."""
    if not value:
        raise _invalid("A secret can't be empty.")
    if _UNFIT_FOR_HEADERS.search(value):
        raise _invalid("A secret can't have line breaks, NUL or other control characters in it.")
    if value != value.strip(" \t"):
        raise _invalid("A secret can't begin or end with a blank: headers can't.")
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise _invalid("A secret has to be text; this one has halves of characters in it.") from None
    if size > MAX_VALUE_BYTES:
        raise _invalid(f"A secret can't be longer than {MAX_VALUE_BYTES:,} bytes.")


def _invalid(message: str) -> InvalidInput:
    return InvalidInput(message, code="invalid_value")
