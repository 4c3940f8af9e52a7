"""Skills for containers, as tests make them: zips, uploads, and what a request holds."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import httpx

from tests.shell import Json, stdout
from tests.zips import Member, build

SKILLS = "/home/oai/skills"


def skill_md(name: str) -> bytes:
    """A SKILL.md for a skill of that name."""
    return f"---\nname: {name}\ndescription: What {name} is good for.\n---\nDo it.\n".encode()


def skill_zip(name: str, files: Mapping[str, bytes] | None = None) -> bytes:
    """The zip of a skill with these files beside its SKILL.md."""
    content = {"SKILL.md": skill_md(name), **(files or {})}
    return build([Member(name=f"folder/{path}", content=data) for path, data in content.items()])


def uploaded(http: httpx.Client, content: bytes, skill_id: str | None = None) -> str:
    """Upload a zip as a new skill, or as a version of one; the skill's id."""
    path = f"/skills/{skill_id}/versions" if skill_id else "/skills"
    made = http.post(path, files={"files": ("skill.zip", content)}).raise_for_status().json()
    return skill_id or str(made["id"])


def reference(skill_id: str, version: str | int | None = None) -> Json:
    """A skill that the service knows, as a request has it."""
    chosen = {} if version is None else {"version": version}
    return {"type": "skill_reference", "skill_id": skill_id, **chosen}


def inline(name: str, content: bytes) -> Json:
    """A skill that comes with the request."""
    data = base64.b64encode(content).decode()
    source = {"type": "base64", "media_type": "application/zip", "data": data}
    return {"type": "inline", "name": name, "description": "Comes along.", "source": source}


def folders(http: httpx.Client, container_id: str) -> list[str]:
    """The folders of a container's skills."""
    return sorted(stdout(http, container_id, f"ls -1 {SKILLS}").splitlines())
