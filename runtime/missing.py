"""How it is said that something isn't there: in the same words, wherever that is noticed."""

from __future__ import annotations

from runtime.errors import NotFound


def no_such_container(container_id: str) -> NotFound:
    """The caller has no container of that id."""
    return NotFound(f"Container with id '{container_id}' not found.")


def no_such_file(file_id: str) -> NotFound:
    """The caller has no file of that id."""
    return NotFound(f"No such File object: {file_id}", param="id")


def no_such_skill(skill_id: str) -> NotFound:
    """The caller has no skill of that id."""
    return NotFound(f"Skill with id '{skill_id}' not found.")


def no_such_version(skill_id: str, number: int | str) -> NotFound:
    """The skill has no version of that number."""
    return NotFound(f"Version '{number}' of skill with id '{skill_id}' not found.")


def no_such_place(noun: str, after: str) -> NotFound:
    """A list of what is called `noun` can't go on after that id: it isn't in the list."""
    return NotFound(f"Invalid 'after': no {noun} with id '{after}' in this list.", param="after")
