"""`/v1/skills`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from api.downloads import download_skill
from api.forms import Form, open_form
from api.pagination import ListObject
from api.requests import no_query, read_body, read_query, runtime_of
from api.routing import Routes
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
from runtime.missing import no_such_version
from runtime.skill_draft import SkillDraft

routes = Routes("/skills")

# What boundaries and heads may add to a folder's files: a head has 4 KiB at most, but for its names.
ENVELOPE_MAX_BYTES = MAX_FILES * 8 * 1024


@routes.post("")
async def create(request: Request, owner: str) -> Response:
    """Upload a skill: a folder's files, or a zip."""
    no_query(request)
    skills = runtime_of(request).skills
    async with (
        open_form(request, SkillForm, MAX_UNPACKED_BYTES, ENVELOPE_MAX_BYTES) as form,
        skills.draft() as draft,
    ):
        await _fill(draft, form)
        skill = await skills.create(owner, draft)
    return SkillObject.of(skill).response()


@routes.get("")
async def page(request: Request, owner: str) -> Response:
    """List skills."""
    asked = read_query(request, SkillsQuery)
    return ListObject.of(await runtime_of(request).skills.list(owner, asked.to_page()), SkillObject.of).response()


@routes.get("/{skill_id}")
async def retrieve(request: Request, owner: str, skill_id: str) -> Response:
    """Retrieve what is known of a skill."""
    no_query(request)
    return SkillObject.of(await runtime_of(request).skills.retrieve(owner, skill_id)).response()


@routes.post("/{skill_id}")
async def update(request: Request, owner: str, skill_id: str) -> Response:
    """Make another version the default."""
    no_query(request)
    wanted = await read_body(request, SkillUpdate)
    skill = await runtime_of(request).skills.set_default(owner, skill_id, wanted.default_version)
    return SkillObject.of(skill).response()


@routes.delete("/{skill_id}")
async def delete(request: Request, owner: str, skill_id: str) -> Response:
    """Delete a skill with all its versions."""
    no_query(request)
    await runtime_of(request).skills.delete(owner, skill_id)
    return SkillDeleted(id=skill_id).response()


@routes.get("/{skill_id}/content")
async def content(request: Request, owner: str, skill_id: str) -> Response:
    """Download the default version as a zip."""
    no_query(request)
    skills = runtime_of(request).skills
    skill = await skills.retrieve(owner, skill_id)
    version = await skills.version(owner, skill_id, skill.default_version)
    return download_skill(version, await skills.read(version))


@routes.post("/{skill_id}/versions")
async def create_version(request: Request, owner: str, skill_id: str) -> Response:
    """Upload a new version: a folder's files, or a zip."""
    no_query(request)
    skills = runtime_of(request).skills
    async with (
        open_form(request, SkillVersionForm, MAX_UNPACKED_BYTES, ENVELOPE_MAX_BYTES) as form,
        skills.draft() as draft,
    ):
        await _fill(draft, form)
        make_default = bool(form.values().default)
        version = await skills.add_version(owner, skill_id, draft, make_default=make_default)
    return SkillVersionObject.of(version).response()


@routes.get("/{skill_id}/versions")
async def versions(request: Request, owner: str, skill_id: str) -> Response:
    """List a skill's versions, by their numbers."""
    asked = read_query(request, SkillsQuery)
    found = await runtime_of(request).skills.versions(owner, skill_id, asked.to_page())
    return ListObject.of(found, SkillVersionObject.of).response()


@routes.get("/{skill_id}/versions/{version}")
async def retrieve_version(request: Request, owner: str, skill_id: str, version: str) -> Response:
    """Retrieve what is known of a version."""
    no_query(request)
    found = await runtime_of(request).skills.version(owner, skill_id, _number(skill_id, version))
    return SkillVersionObject.of(found).response()


@routes.delete("/{skill_id}/versions/{version}")
async def delete_version(request: Request, owner: str, skill_id: str, version: str) -> Response:
    """Delete a version; with the last one the skill is gone."""
    no_query(request)
    gone = await runtime_of(request).skills.delete_version(owner, skill_id, _number(skill_id, version))
    return SkillVersionDeleted.of(gone).response()


@routes.get("/{skill_id}/versions/{version}/content")
async def version_content(request: Request, owner: str, skill_id: str, version: str) -> Response:
    """Download a version as a zip."""
    no_query(request)
    skills = runtime_of(request).skills
    found = await skills.version(owner, skill_id, _number(skill_id, version))
    return download_skill(found, await skills.read(found))


def _number(skill_id: str, version: str) -> int:
    """The number in the request's path. What can't be one is the number of no version."""
    number = version_number(version)
    if number is None:
        raise no_such_version(skill_id, version)
    return number


async def _fill(draft: SkillDraft, form: Form[SkillForm] | Form[SkillVersionForm]) -> None:
    """Take all files of a form."""
    while (file := await form.next_file()) is not None:
        await draft.add(str(file.filename), file)
    form.values()
