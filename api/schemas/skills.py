"""`/v1/skills` on the wire. The numbers of versions are strings there."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, PlainValidator
from pydantic_core import PydanticCustomError

from api.pagination import PageQuery
from api.schemas.base import InFile, Integer, ListItem, RequestBody, ResponseBody
from runtime.skill_values import MAX_VERSION, Skill, SkillVersion

_NUMBER = re.compile(rf"[1-9][0-9]{{0,{len(str(MAX_VERSION)) - 1}}}")


def version_number(version: object) -> int | None:
    """The number of a version, given as text or as a number; None for what can't be one."""
    if isinstance(version, str | int) and not isinstance(version, bool) and _NUMBER.fullmatch(str(version)):
        return int(version)
    return None


def _number(version: object) -> int:
    number = version_number(version)
    if number is None:
        raise PydanticCustomError("skill_version", "it must be a version's number.")
    return number


class SkillForm(RequestBody):
    """The form of `POST /v1/skills`: a folder's files, each with its path for a name, or one zip."""

    files: Annotated[list[str], InFile(many=True)]


class SkillVersionForm(SkillForm):
    """The form of `POST /v1/skills/{id}/versions`."""

    default: bool | None = None


class SkillUpdate(RequestBody):
    """The body of `POST /v1/skills/{id}`."""

    default_version: Annotated[int, PlainValidator(_number)]


class SkillsQuery(PageQuery):
    """The query of lists of skills and of their versions."""

    limit: Integer = Field(default=20, ge=0, le=100)


class SkillObject(ListItem):
    """A skill."""

    object: Literal["skill"] = "skill"
    created_at: int
    name: str
    description: str
    default_version: str
    latest_version: str

    @classmethod
    def of(cls, skill: Skill) -> SkillObject:
        """A skill's record as clients see it."""
        return cls(
            id=skill.id,
            created_at=skill.created_at,
            name=skill.name,
            description=skill.description,
            default_version=str(skill.default_version),
            latest_version=str(skill.latest_version),
        )


class SkillVersionObject(ListItem):
    """A version of a skill."""

    object: Literal["skill.version"] = "skill.version"
    skill_id: str
    version: str
    created_at: int
    name: str
    description: str

    @classmethod
    def of(cls, version: SkillVersion) -> SkillVersionObject:
        """A version's record as clients see it."""
        return cls(
            id=version.id,
            skill_id=version.skill_id,
            version=str(version.version),
            created_at=version.created_at,
            name=version.name,
            description=version.description,
        )


class SkillDeleted(ResponseBody):
    """The answer to `DELETE /v1/skills/{id}`."""

    id: str
    object: Literal["skill.deleted"] = "skill.deleted"
    deleted: Literal[True] = True


class SkillVersionDeleted(ResponseBody):
    """The answer to `DELETE /v1/skills/{id}/versions/{version}`."""

    id: str
    object: Literal["skill.version.deleted"] = "skill.version.deleted"
    deleted: Literal[True] = True
    version: str

    @classmethod
    def of(cls, version: SkillVersion) -> SkillVersionDeleted:
        """What is said of a version that is gone."""
        return cls(id=version.id, version=str(version.version))
