"""Whether a sandbox may reach a host. Pure: deciding is here, doing is the gate's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from runtime.egress.config import HTTP_PORT, TLS_PORT, EgressConfig
from runtime.egress.domains import DomainPattern, Domains
from runtime.egress.names import InvalidName, canonical, shown
from runtime.network_values import NetworkPolicy, Reason, SecretName, Verdict


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one attempt, before anything was resolved or read.

    `host` is the canonical name; or, only where the reason is INVALID_NAME or NETWORK_DISABLED, perhaps what was
    named instead, fit to be written down. `port` is None if none was named that could be one. An allowed
    attempt's reason says how it is to be served, with `secrets` put in when that is INTERCEPTED.
    """

    verdict: Verdict
    reason: Reason
    host: str
    port: int | None = None
    secrets: Sequence[SecretName] = ()

    @property
    def allowed(self) -> bool:
        """Whether the attempt may go on."""
        return self.verdict is Verdict.ALLOWED


class Rules:
    """What one container may reach: what its policy and the operator both allow.

    Raises InvalidName if the operator's list, or the policy's, isn't one.
    """

    def __init__(self, policy: NetworkPolicy, config: EgressConfig) -> None:
        self._policy = policy
        self._domains = Domains(map(DomainPattern.parse, policy.allowed_domains))
        self._operators = Domains.of_operator(config.allowed_domains)
        self._ports = frozenset(config.ports)

    def decide(self, host: object, port: object) -> Decision:
        """About a connection. Both are what a sandbox said, and can be anything."""
        number = _port(port)
        name, reason = self._name(host)
        if reason is None and number not in self._ports:
            reason = Reason.PORT_NOT_ALLOWED
        if reason is not None:
            return Decision(Verdict.DENIED, reason, name, number)
        if number == HTTP_PORT:
            return Decision(Verdict.ALLOWED, Reason.PLAIN_HTTP, name, number)
        secrets = tuple(secret for secret in self._policy.secrets if secret.domain == name)
        if number == TLS_PORT and secrets:
            return Decision(Verdict.ALLOWED, Reason.INTERCEPTED, name, number, secrets)
        return Decision(Verdict.ALLOWED, Reason.SPLICED, name, number)

    def decide_lookup(self, host: object) -> Decision | None:
        """About a name that was only asked for; None if it is allowed, for then there is nothing to say of it yet."""
        name, reason = self._name(host)
        return None if reason is None else Decision(Verdict.DENIED, reason, name)

    def _name(self, host: object) -> tuple[str, Reason | None]:
        """The canonical name, or what to write down for it, and why it is refused if it is."""
        try:
            name = canonical(host if isinstance(host, str) else "")
            reason = None
        except InvalidName:
            name, reason = shown(host), Reason.INVALID_NAME
        if not self._policy.enabled:
            return name, Reason.NETWORK_DISABLED
        if reason is None and not self._domains.matches(name):
            reason = Reason.NOT_ALLOWED
        if reason is None and not self._operators.matches(name):
            reason = Reason.NOT_ALLOWED_BY_OPERATOR
        return name, reason


def _port(port: object) -> int | None:
    """`port` if it is a number that can be written down as one, or else None."""
    return port if type(port) is int and abs(port) < 2**31 else None
