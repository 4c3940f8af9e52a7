"""The nouns of `/v1/skills`, as immutable values. Times are whole seconds of unix time, sizes bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MAX_VERSION = 10**18 - 1
"""The highest number that a version can have: a database can hold it, and no skill has so many."""


@dataclass(frozen=True, slots=True)
class Skill:
    """The record of a skill. Name and description are those of its default version."""

    id: str
    owner: str
    name: str
    description: str
    created_at: int
    default_version: int
    latest_version: int


@dataclass(frozen=True, slots=True)
class SkillVersion:
    """The record of one version, which never changes. `size` is that of its zip, the blob."""

    id: str
    skill_id: str
    version: int
    name: str
    description: str
    created_at: int
    size: int
    blob_id: str


@dataclass(frozen=True, slots=True)
class SkillReference:
    """A skill that the service knows, wanted in a container. `version` None means the default one."""

    skill_id: str
    version: int | Literal["latest"] | None = None


@dataclass(frozen=True, slots=True)
class InlineSkill:
    """A skill that comes with the request for a container. `zip` is as it was sent, and not checked yet."""

    name: str
    zip: bytes


WantedSkill = SkillReference | InlineSkill
