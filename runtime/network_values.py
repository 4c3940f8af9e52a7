"""What containers may reach, and what became of it, as immutable values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True, order=True)
class SecretName:
    """A secret without its value: `name` is that of the environment variable, `domain` the one host it is meant for."""

    domain: str
    name: str

    @property
    def placeholder(self) -> str:
        """What code in the sandbox has in the value's stead."""
        return f"${self.name}"


@dataclass(frozen=True, slots=True)
class DomainSecret:
    """A secret with its value, as a caller wrote it: nothing of it is checked yet."""

    domain: str
    name: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class WantedNetwork:
    """What a caller asks to reach: names and `*.`-patterns, as they were written, and secrets to put in there."""

    allowed_domains: Sequence[str]
    secrets: Sequence[DomainSecret] = ()


@dataclass(frozen=True, slots=True)
class NetworkPolicy:
    """What a container may reach; no domains mean no network at all.

    `allowed_domains` are canonical host names (see runtime.egress.names), or such names after `*.`. Every secret's
    domain is a host name that they cover.
    """

    allowed_domains: Sequence[str] = ()
    secrets: Sequence[SecretName] = ()

    @property
    def enabled(self) -> bool:
        """Whether there is any network."""
        return bool(self.allowed_domains)


NO_NETWORK = NetworkPolicy()


class Verdict(StrEnum):
    """What became of an attempt to get out of a sandbox."""

    ALLOWED = "allowed"
    DENIED = "denied"


class Reason(StrEnum):
    """Why, or how: stable codes, for people and programs."""

    # allowed
    SPLICED = "spliced"  # bytes pass untouched
    INTERCEPTED = "intercepted"  # TLS ends in the runtime, which puts in the domain's secrets
    PLAIN_HTTP = "plain_http"
    # denied: the name
    NETWORK_DISABLED = "network_disabled"
    INVALID_NAME = "invalid_name"
    NOT_ALLOWED = "not_allowed"  # by the container's policy
    NOT_ALLOWED_BY_OPERATOR = "not_allowed_by_operator"
    PORT_NOT_ALLOWED = "port_not_allowed"
    # denied: the address
    NAME_NOT_FOUND = "name_not_found"
    RESOLVER_FAILED = "resolver_failed"
    RESOLVER_TIMEOUT = "resolver_timeout"
    ADDRESS_NOT_PUBLIC = "address_not_public"
    CONNECT_FAILED = "connect_failed"
    CONNECT_TIMEOUT = "connect_timeout"
    # denied: what the program said
    NOT_TLS = "not_tls"
    CLIENT_HELLO_TOO_LARGE = "client_hello_too_large"
    CLIENT_HELLO_TIMEOUT = "client_hello_timeout"
    SNI_MISSING = "sni_missing"
    SNI_INVALID = "sni_invalid"  # several names, or none that is a host's
    SNI_MISMATCH = "sni_mismatch"
    ENCRYPTED_CLIENT_HELLO = "encrypted_client_hello"
    TLS_FAILED = "tls_failed"  # the program and the runtime couldn't agree
    BAD_REQUEST = "bad_request"  # not HTTP/1.1, or ambiguous
    HOST_MISMATCH = "host_mismatch"
    # denied: the rest
    CERTIFICATE_INVALID = "certificate_invalid"  # the server's
    SECRET_UNAVAILABLE = "secret_unavailable"  # noqa: S105 - a code; its value was lost in a restart
    CONNECTION_LIMIT = "connection_limit"
    BYTE_LIMIT = "byte_limit"
    IDLE_TIMEOUT = "idle_timeout"
    ABANDONED = "abandoned"  # the program, or the container, was gone before anything could be passed on
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True, slots=True)
class EgressRecord:
    """One decision: a connection, an HTTP request that was refused on one, or a name that was asked for.

    `host` is what the sandbox named, escaped and cut where it is no name. `port` is None where only a name was asked
    for, `address` is None where it isn't known to have led to any. The bytes are those of the connection so far, as
    seen from the sandbox.
    """

    id: str
    created_at: int
    host: str
    port: int | None
    address: str | None
    verdict: Verdict
    reason: Reason
    bytes_sent: int
    bytes_received: int
