"""What all gates have in common."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from runtime.egress.config import EgressConfig
from runtime.egress.dial import Dialler
from runtime.egress.places import Places

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

    @cached_property
    def trust(self) -> ssl.SSLContext:
        """Whom to trust as a server. Reading the system's authorities takes 0.1 s, so it's done when first needed."""
        trust = ssl.create_default_context()
        if self.config.ca_bundle is not None:
            trust.load_verify_locations(self.config.ca_bundle)
        return trust
