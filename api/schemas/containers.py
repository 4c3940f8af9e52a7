"""Containers on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api import wording
from api.pagination import PageQuery
from api.schemas.base import NO_NUL, ListItem, RequestBody, ResponseBody
from api.schemas.container_skills import ContainerSkill
from api.schemas.network_policies import NetworkPolicy, NetworkPolicyObject, policy_object
from runtime.values import Container, ContainerSpec, ContainerStatus, MemoryLimit

DEFAULT_MINUTES = 20
"""OpenAI's own default, and there also the longest."""

Name = Annotated[str, Field(min_length=1, max_length=256), NO_NUL]
Minutes = Annotated[int, Field(ge=1)]


class ExpiresAfter(RequestBody):
    """How long a container lives on after it was last used."""

    anchor: Literal["last_active_at"]
    minutes: Minutes


class ContainerCreate(RequestBody):
    """The body of `POST /v1/containers`."""

    name: Name
    file_ids: Annotated[list[str], Field(max_length=50, default_factory=list)]
    expires_after: ExpiresAfter | None = None
    skills: Annotated[list[ContainerSkill], Field(max_length=200, default_factory=list)]
    memory_limit: MemoryLimit = MemoryLimit.GIB_1
    network_policy: NetworkPolicy | None = None

    def to_spec(self, max_minutes: int) -> ContainerSpec:
        """What the runtime is to make. Refuses what the operator doesn't allow."""
        return ContainerSpec(
            name=self.name,
            memory_limit=self.memory_limit,
            expires_after_minutes=self._minutes(max_minutes),
            file_ids=self.file_ids,
            skills=[skill.to_wanted() for skill in self.skills],
            network=self.network_policy.to_wanted() if self.network_policy else None,
        )

    def _minutes(self, maximum: int) -> int:
        if self.expires_after is None:
            return min(DEFAULT_MINUTES, maximum)
        if self.expires_after.minutes > maximum:
            raise wording.above_maximum("expires_after.minutes", maximum, self.expires_after.minutes)
        return self.expires_after.minutes


class ContainersQuery(PageQuery):
    """The query of `GET /v1/containers`."""

    name: str | None = None


class Expiry(ResponseBody):
    """A container's `expires_after`."""

    anchor: Literal["last_active_at"] = "last_active_at"
    minutes: int


class ContainerObject(ListItem):
    """A container."""

    object: Literal["container"] = "container"
    created_at: int
    status: Literal["running", "expired"]
    expires_after: Expiry
    last_active_at: int
    memory_limit: MemoryLimit
    network_policy: NetworkPolicyObject
    name: str

    @classmethod
    def of(cls, container: Container) -> ContainerObject:
        """A container's record as clients see it: nobody sees one that isn't running or expired."""
        return cls(
            id=container.id,
            created_at=container.created_at,
            status="running" if container.status is ContainerStatus.RUNNING else "expired",
            expires_after=Expiry(minutes=container.expires_after_minutes),
            last_active_at=container.last_active_at,
            memory_limit=container.memory_limit,
            network_policy=policy_object(container.network),
            name=container.name,
        )


class ContainerDeleted(ResponseBody):
    """The answer to `DELETE /v1/containers/{id}`."""

    id: str
    object: Literal["container.deleted"] = "container.deleted"
    deleted: Literal[True] = True
