"""The skills that a container is to have, in a request."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.schemas.base import RequestBody


class SkillReference(RequestBody):
    """A skill that the server knows."""

    type: Literal["skill_reference"]
    skill_id: Annotated[str, Field(min_length=1, max_length=64)]
    version: Annotated[str, Field(pattern=r"^([1-9][0-9]*|latest)$")] | None = None


class InlineSkillSource(RequestBody):
    """A skill's bundle."""

    type: Literal["base64"]
    media_type: Literal["application/zip"]
    data: Annotated[str, Field(min_length=1, max_length=70_254_592)]


class InlineSkill(RequestBody):
    """A skill that comes with the request."""

    type: Literal["inline"]
    name: str
    description: str
    source: InlineSkillSource


Skill = Annotated[SkillReference | InlineSkill, Field(discriminator="type")]
