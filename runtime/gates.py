"""The ways out of containers: checked when one is asked for, there as long as the container lives."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from runtime.egress.config import EgressConfig
from runtime.egress.egress import Egress
from runtime.egress.gate import Gate
from runtime.egress.pushed import PushedConnection
from runtime.egress.requested_policy import checked_policy
from runtime.egress.sealing import Seal
from runtime.link.connection import LinkConnection
from runtime.missing import no_such_container
from runtime.network_values import NO_NETWORK, EgressRecord, NetworkPolicy, SecretName, WantedNetwork
from runtime.store.base import ContainerStore
from runtime.values import Container, ContainerStatus
from runtime.way_out import WayOut

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CheckedNetwork:
    """What a new container is to reach, and the values of its policy's secrets."""

    policy: NetworkPolicy
    values: Mapping[SecretName, str] = field(repr=False)


class Gates:
    """The gates of the live containers, by their ids; one without a network has one too, which lets nothing through.

    A gate outlives its container's link, and the container outlives the service: at the next start there is a new
    gate for it, with the values of its secrets if they were sealed.
    """

    def __init__(self, egress: Egress, config: EgressConfig, seal: Seal) -> None:
        self._egress = egress
        self._config = config
        self._seal = seal
        self._gates: dict[str, Gate] = {}

    @property
    def ports(self) -> Sequence[int]:
        """All that are open, to every container with a network."""
        return self._config.ports

    def check(self, wanted: WantedNetwork | None) -> CheckedNetwork:
        """What is asked for, in its canonical form. Raises InvalidInput where it can't be had."""
        if wanted is None:
            return CheckedNetwork(NO_NETWORK, {})
        policy = checked_policy(wanted.allowed_domains, wanted.secrets, self._config)
        values = (secret.value for secret in wanted.secrets)
        return CheckedNetwork(policy, dict(zip(policy.secrets, values, strict=True)))

    def seal(self, container_id: str, network: CheckedNetwork) -> bytes | None:
        """The values of the secrets as they may be kept, None when there is nothing to keep."""
        return self._seal.seal(container_id, network.values) if network.values else None

    def open(self, container_id: str, network: CheckedNetwork) -> None:
        """Make the gate of a new container."""
        self._gates[container_id] = self._egress.gate(container_id, network.policy, network.values)

    async def restore(self, store: ContainerStore) -> None:
        """Make the gates of all containers that run already."""
        for container in await store.in_status(ContainerStatus.RUNNING):
            values = await self._kept_values(container, store)
            self._gates[container.id] = self._egress.gate(container.id, container.network, values)

    def get(self, container_id: str) -> Gate:
        """The container's gate; NotFound once the container isn't live."""
        gate = self._gates.get(container_id)
        if gate is None:
            raise no_such_container(container_id)
        return gate

    def records(self, container_id: str) -> Sequence[EgressRecord]:
        """What the container tried to reach, the latest last; of one that isn't live, nothing is known any more."""
        gate = self._gates.get(container_id)
        return [] if gate is None else gate.records()

    def way_out(self, container_id: str) -> WayOut:
        """What comes out of a sandbox, to the gate that its container has when it comes; without one, it is cut off."""
        return _WayOut(self._gates, container_id)

    def __len__(self) -> int:
        """How many containers live, or are being made."""
        return len(self._gates)

    def close(self, container_id: str) -> None:
        """The container lives no more: all its connections are cut. Idempotent."""
        gate = self._gates.pop(container_id, None)
        if gate is not None:
            gate.close()

    async def _kept_values(self, container: Container, store: ContainerStore) -> Mapping[SecretName, str] | None:
        if not container.network.secrets:
            return {}
        sealed = await store.sealed_secrets(container.id)
        if sealed is None:
            log.warning(
                "%s: its secrets ended with the last run. Its connections that need them are refused.", container.id
            )
            return None
        return self._seal.open(container.id, sealed)


class _WayOut:
    """Implements WayOut. A sandbox can have a link before there is a container."""

    def __init__(self, gates: Mapping[str, Gate], container_id: str) -> None:
        self._gates = gates
        self._container_id = container_id

    def accept(self, host: object, port: object, connection: LinkConnection) -> None:
        """See WayOut."""
        gate = self._gates.get(self._container_id)
        if gate is None:
            connection.close()
        else:
            gate.accept(host, port, PushedConnection(connection))

    def looked_up(self, host: object) -> None:
        """See WayOut."""
        gate = self._gates.get(self._container_id)
        if gate is not None:
            gate.looked_up(host)

    def lookups_left_out(self, number: object) -> None:
        """See WayOut."""
        gate = self._gates.get(self._container_id)
        if gate is not None:
            gate.lookups_left_out(number)
