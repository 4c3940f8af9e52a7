"""The way out of all sandboxes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from runtime.egress import addresses
from runtime.egress.addresses import Address
from runtime.egress.config import EgressConfig
from runtime.egress.dial import Dialler
from runtime.egress.gate import Gate
from runtime.egress.places import Places
from runtime.egress.resolver import Resolver
from runtime.egress.shared import Shared
from runtime.network_values import NetworkPolicy, SecretName


class Egress:
    """Makes the gate of each container, and cuts off what is left of their connections at the end."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    @classmethod
    @asynccontextmanager
    async def open(
        cls, config: EgressConfig, resolver: Resolver, is_public: Callable[[Address], bool] = addresses.is_public
    ) -> AsyncIterator[Egress]:
        """A way out. `is_public` tells to which addresses names may lead; see EgressConfig for exceptions."""
        tasks = asyncio.TaskGroup()
        # Not by `async with`, which would hand on what fails elsewhere as one of a group of errors.
        await tasks.__aenter__()
        dialler = Dialler(config, resolver, is_public)
        shared = Shared(config, dialler, Places(config.max_connections_in_all), tasks)
        try:
            yield cls(shared)
        finally:
            for gate in list(shared.gates):
                gate.close()
            await tasks.__aexit__(None, None, None)

    def gate(self, container_id: str, policy: NetworkPolicy, values: Mapping[SecretName, str] | None) -> Gate:
        """A container's gate, which is to be closed. `values` are its secrets'.

        Where one is lacking, as after a restart, connections to its domain that would need it are refused. Raises
        InvalidName if the policy isn't one.
        """
        gate = Gate(container_id, policy, values or {}, self._shared)
        self._shared.gates.add(gate)
        return gate
