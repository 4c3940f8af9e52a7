"""`/v1/skills`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api.auth import Owner
from api.dependencies import Services, body, no_query, query
from api.downloads import download_skill
from api.forms import Form, open_form
from api.pagination import ListObject
from api.schemas.skills import (
    SkillDeleted,
    SkillForm,
    SkillObject,
    SkillsQuery,
    SkillUpdate,
    SkillVersionDeleted,
    SkillVersionForm,
    SkillVersionObject,
    version_number,
)
from runtime.bundles.limits import MAX_FILES, MAX_UNPACKED_BYTES
from runtime.errors import NotFound
from runtime.skill_draft import SkillDraft

router = APIRouter(prefix="/skills")

# What boundaries and heads may add to a folder's files: a head has 4 KiB at most, but for its names.
ENVELOPE_MAX_BYTES = MAX_FILES * 8 * 1024


async def number_of(skill_id: str, version: str) -> int:
    """The number in the request's path. What can't be one is the number of no version."""
    number = version_number(version)
    if number is None:
        raise NotFound(f"Version '{version}' of skill with id '{skill_id}' not found.")
    return number


Number = Annotated[int, Depends(number_of)]
Asked = Annotated[SkillsQuery, Depends(query(SkillsQuery))]


@router.post("", dependencies=[Depends(no_query)])
async def create(owner: Owner, runtime: Services, request: Request) -> Response:
    """Upload a skill: a folder's files, or a zip."""
    async with (
        open_form(request, SkillForm, MAX_UNPACKED_BYTES, ENVELOPE_MAX_BYTES) as form,
        runtime.skills.draft() as draft,
    ):
        await _fill(draft, form)
        skill = await runtime.skills.create(owner, draft)
    return SkillObject.of(skill).response()


@router.get("")
async def page(owner: Owner, runtime: Services, asked: Asked) -> Response:
    """List skills."""
    return ListObject.of(await runtime.skills.list(owner, asked.to_page()), SkillObject.of).response()


@router.get("/{skill_id}", dependencies=[Depends(no_query)])
async def retrieve(owner: Owner, runtime: Services, skill_id: str) -> Response:
    """Retrieve what is known of a skill."""
    return SkillObject.of(await runtime.skills.retrieve(owner, skill_id)).response()


@router.post("/{skill_id}", dependencies=[Depends(no_query)])
async def update(
    owner: Owner, runtime: Services, skill_id: str, wanted: Annotated[SkillUpdate, Depends(body(SkillUpdate))]
) -> Response:
    """Make another version the default."""
    skill = await runtime.skills.set_default(owner, skill_id, wanted.default_version)
    return SkillObject.of(skill).response()


@router.delete("/{skill_id}", dependencies=[Depends(no_query)])
async def delete(owner: Owner, runtime: Services, skill_id: str) -> Response:
    """Delete a skill with all its versions."""
    await runtime.skills.delete(owner, skill_id)
    return SkillDeleted(id=skill_id).response()


@router.get("/{skill_id}/content", dependencies=[Depends(no_query)])
async def content(owner: Owner, runtime: Services, skill_id: str) -> Response:
    """Download the default version as a zip."""
    skill = await runtime.skills.retrieve(owner, skill_id)
    version = await runtime.skills.version(owner, skill_id, skill.default_version)
    return download_skill(version, await runtime.skills.read(version))


@router.post("/{skill_id}/versions", dependencies=[Depends(no_query)])
async def create_version(owner: Owner, runtime: Services, request: Request, skill_id: str) -> Response:
    """Upload a new version: a folder's files, or a zip."""
    async with (
        open_form(request, SkillVersionForm, MAX_UNPACKED_BYTES, ENVELOPE_MAX_BYTES) as form,
        runtime.skills.draft() as draft,
    ):
        await _fill(draft, form)
        make_default = bool(form.values().default)
        version = await runtime.skills.add_version(owner, skill_id, draft, make_default=make_default)
    return SkillVersionObject.of(version).response()


@router.get("/{skill_id}/versions")
async def versions(owner: Owner, runtime: Services, skill_id: str, asked: Asked) -> Response:
    """List a skill's versions, by their numbers."""
    found = await runtime.skills.versions(owner, skill_id, asked.to_page())
    return ListObject.of(found, SkillVersionObject.of).response()


@router.get("/{skill_id}/versions/{version}", dependencies=[Depends(no_query)])
async def retrieve_version(owner: Owner, runtime: Services, skill_id: str, number: Number) -> Response:
    """Retrieve what is known of a version."""
    found = await runtime.skills.version(owner, skill_id, number)
    return SkillVersionObject.of(found).response()


@router.delete("/{skill_id}/versions/{version}", dependencies=[Depends(no_query)])
async def delete_version(owner: Owner, runtime: Services, skill_id: str, number: Number) -> Response:
    """Delete a version; with the last one the skill is gone."""
    gone = await runtime.skills.delete_version(owner, skill_id, number)
    return SkillVersionDeleted.of(gone).response()


@router.get("/{skill_id}/versions/{version}/content", dependencies=[Depends(no_query)])
async def version_content(owner: Owner, runtime: Services, skill_id: str, number: Number) -> Response:
    """Download a version as a zip."""
    found = await runtime.skills.version(owner, skill_id, number)
    return download_skill(found, await runtime.skills.read(found))


async def _fill(draft: SkillDraft, form: Form[SkillForm] | Form[SkillVersionForm]) -> None:
    """Take all files of a form."""
    while (file := await form.next_file()) is not None:
        await draft.add(str(file.filename), file)
    form.values()
