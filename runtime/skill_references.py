"""What the references to skills in one request mean, looked up together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from runtime.ids import is_skill_id
from runtime.missing import no_such_skill, no_such_version
from runtime.operator_skills import OperatorSkills
from runtime.skill_values import MAX_VERSION, Skill, SkillReference, SkillVersion
from runtime.store.base import SkillStore


class ReferredSkills:
    """Skills, and those versions of them that references mean, as far as there are any."""

    def __init__(self, skills: Iterable[Skill], versions: Iterable[SkillVersion]) -> None:
        self._skills = {skill.id: skill for skill in skills}
        self._versions = {(version.skill_id, version.version): version for version in versions}

    def skill(self, reference: SkillReference) -> Skill:
        """The skill that a reference names. Raises NotFound."""
        skill = self._skills.get(reference.skill_id)
        if skill is None:
            raise no_such_skill(reference.skill_id)
        return skill

    def version(self, reference: SkillReference) -> SkillVersion:
        """The version that a reference means. Raises NotFound."""
        skill = self.skill(reference)
        number = _number(skill, reference)
        version = self._versions.get((skill.id, number))
        if version is None:
            raise no_such_version(skill.id, number)
        return version


async def look_up(
    owner: str, references: Sequence[SkillReference], store: SkillStore, operator_skills: OperatorSkills
) -> ReferredSkills:
    """What references of `owner`'s mean: by one look at all skills, and one at all versions."""
    ids = dict.fromkeys(reference.skill_id for reference in references)
    provided = [skill for skill in map(operator_skills.find, ids) if skill is not None]
    skills = {skill.id: skill for skill in await store.find_all(owner, [id_ for id_ in ids if is_skill_id(id_)])}
    meant = {
        (skill.id, _number(skill, reference))
        for reference in references
        if (skill := skills.get(reference.skill_id)) is not None
    }
    versions = await store.find_versions(owner, [(skill_id, number) for skill_id, number in meant if is_number(number)])
    return ReferredSkills(
        [*skills.values(), *(each.skill for each in provided)], [*versions, *(each.version for each in provided)]
    )


def is_number(number: int) -> bool:
    """Whether a version can have that number."""
    return 0 < number <= MAX_VERSION


def _number(skill: Skill, reference: SkillReference) -> int:
    """The number of the version that a reference means."""
    if reference.version == "latest":
        return skill.latest_version
    return skill.default_version if reference.version is None else reference.version
