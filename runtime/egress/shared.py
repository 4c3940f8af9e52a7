"""What all gates have in common."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runtime.egress.config import EgressConfig
from runtime.egress.dial import Dialler
from runtime.egress.places import Places
from runtime.egress.tls import trust_in_servers

if TYPE_CHECKING:
    from runtime.egress.gate import Gate


@dataclass
class Shared:
    """Owned by Egress: the gates that are open, and `tasks`, in which their connections are carried."""

    config: EgressConfig
    dialler: Dialler
    places: Places
    tasks: asyncio.TaskGroup
    gates: set[Gate] = field(default_factory=set)
    _trust: ssl.SSLContext | None = None

    async def trust(self) -> ssl.SSLContext:
        """Whom to trust as a server. The system's authorities take 0.1 s to read, so that is done when first needed."""
        if self._trust is None:
            self._trust = await asyncio.to_thread(trust_in_servers, self.config.ca_bundle)
        return self._trust
