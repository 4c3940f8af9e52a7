"""What containers tried to reach, on the wire."""

from __future__ import annotations

from typing import Literal

from api.schemas.base import ListItem
from runtime.network_values import EgressRecord, Reason, Verdict


class EgressObject(ListItem):
    """One attempt to get out of a container, and what became of it."""

    object: Literal["container.egress"] = "container.egress"
    container_id: str
    created_at: int
    host: str
    port: int | None
    address: str | None
    verdict: Verdict
    reason: Reason
    bytes_sent: int
    bytes_received: int

    @classmethod
    def of(cls, container_id: str, record: EgressRecord) -> EgressObject:
        """A record of that container as clients see it."""
        return cls(
            id=record.id,
            container_id=container_id,
            created_at=record.created_at,
            host=record.host,
            port=record.port,
            address=record.address,
            verdict=record.verdict,
            reason=record.reason,
            bytes_sent=record.bytes_sent,
            bytes_received=record.bytes_received,
        )
