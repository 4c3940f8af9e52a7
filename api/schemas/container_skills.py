"""The skills that a container is to have, in a request."""

from __future__ import annotations

from binascii import a2b_base64
from typing import Annotated, Literal

from pydantic import Field, GetPydanticSchema, PlainValidator
from pydantic_core import PydanticCustomError, core_schema

from api.schemas.base import NO_NUL, RequestBody
from api.schemas.skills import version_number
from runtime import skill_values


def _version(value: object) -> int | Literal["latest"]:
    """Which version is meant: OpenAI takes its number as a string and as an integer."""
    if value == "latest":
        return "latest"
    number = version_number(value)
    if number is None:
        raise PydanticCustomError("skill_version", "it must be a version's number or 'latest'.")
    return number


def _decoded(text: str) -> bytes:
    try:
        return a2b_base64(text, strict_mode=True)  # base64's own function would copy the text first
    except ValueError:
        raise PydanticCustomError("base64", "it must be Base64 (RFC 4648) without anything else in it.") from None


_Base64Text = Annotated[str, Field(min_length=1, max_length=70_254_592)]

Version = Annotated[int | Literal["latest"], PlainValidator(_version)]

Base64 = Annotated[
    bytes,
    # Decoded while the request is read: of 70 MB, nobody wants to keep the text as well.
    GetPydanticSchema(lambda _, schema: core_schema.no_info_after_validator_function(_decoded, schema(_Base64Text))),
]


class SkillReference(RequestBody):
    """A skill that the server knows."""

    type: Literal["skill_reference"]
    skill_id: Annotated[str, Field(min_length=1, max_length=64)]
    version: Version | None = None

    def to_wanted(self) -> skill_values.SkillReference:
        """What the runtime is to look for."""
        return skill_values.SkillReference(self.skill_id, self.version)


class InlineSkillSource(RequestBody):
    """A skill's bundle."""

    type: Literal["base64"]
    media_type: Literal["application/zip"]
    data: Base64


class InlineSkill(RequestBody):
    """A skill that comes with the request."""

    type: Literal["inline"]
    name: Annotated[str, Field(min_length=1, max_length=64), NO_NUL]
    description: Annotated[str, Field(min_length=1, max_length=1024)]
    source: InlineSkillSource

    def to_wanted(self) -> skill_values.InlineSkill:
        """What the runtime is to check and unpack."""
        return skill_values.InlineSkill(self.name, self.source.data)


ContainerSkill = Annotated[SkillReference | InlineSkill, Field(discriminator="type")]
