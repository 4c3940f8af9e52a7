"""The head of a SKILL.md: YAML between two lines of `---`, which names the skill and says what it is for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import BinaryIO

import yaml

from runtime.bundles.limits import (
    MAX_DESCRIPTION_LENGTH,
    MAX_FRONT_MATTER_BYTES,
    MAX_FRONT_MATTER_DEPTH,
    MAX_NAME_LENGTH,
)
from runtime.bundles.refusals import refusal, shown

_FENCE = re.compile(rb"^---[ \t]*\r?(?:\n|\Z)", re.MULTILINE)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_STRING = "tag:yaml.org,2002:str"


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What a SKILL.md says of its skill: a name of 1 to 64 characters and a description of 1 to 1024."""

    name: str
    description: str


def read_front_matter(skill_md: BinaryIO) -> FrontMatter:
    """The front matter at the beginning of a SKILL.md. White space around both texts is not kept.

    Other keys are passed over. Nothing is ever made of the YAML but a tree of its texts, within a bound of bytes and
    depth and without aliases. Raises InvalidInput.
    """
    fields = _top_level(_parse(_cut_out(skill_md.read(MAX_FRONT_MATTER_BYTES))))
    return FrontMatter(
        name=_text(fields, "name", MAX_NAME_LENGTH),
        description=_text(fields, "description", MAX_DESCRIPTION_LENGTH),
    )


def _cut_out(head: bytes) -> str:
    """The text between the first line, which has to be `---`, and the next line of that kind."""
    head = head.removeprefix(_BYTE_ORDER_MARK)
    opening = _FENCE.match(head)
    if not opening:
        raise refusal("SKILL.md has no front matter: its first line has to be '---'.")
    closing = _FENCE.search(head, opening.end())
    if not closing:
        raise refusal(f"SKILL.md's front matter has no end: no line '---' in the first {MAX_FRONT_MATTER_BYTES} bytes.")
    try:
        return head[opening.end() : closing.start()].decode()
    except UnicodeDecodeError:
        raise refusal("SKILL.md's front matter is not UTF-8 text.") from None


def _parse(text: str) -> yaml.Node | None:
    """The tree of nodes. Depth is looked at first: what builds the tree recurses without a bound, in C."""
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_FRONT_MATTER_DEPTH:
                raise refusal(f"SKILL.md's front matter is nested more than {MAX_FRONT_MATTER_DEPTH} levels deep.")
            if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
                raise refusal("SKILL.md's front matter has anchors or aliases: quote what begins with '&' or '*'.")
        return yaml.compose(text, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # the latter two come of absurd numbers and escapes
        raise refusal(f"SKILL.md's front matter is not valid YAML{_where(error)}.") from None


def _where(error: Exception) -> str:
    """What YAML's library says of an error, with the line in SKILL.md."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return ""
    return f": {error.problem} (line {error.problem_mark.line + 2})"


def _top_level(root: yaml.Node | None) -> dict[str, yaml.Node]:
    """The fields of the mapping that the front matter has to be. A key must not be there twice."""
    if not isinstance(root, yaml.MappingNode):
        raise refusal("SKILL.md's front matter is not a mapping of keys to values.")
    fields: dict[str, yaml.Node] = {}
    for key, value in root.value:
        if isinstance(key, yaml.ScalarNode) and fields.setdefault(key.value, value) is not value:
            raise refusal(f"SKILL.md's front matter has the key {shown(key.value)} twice.")
    return fields


def _text(fields: dict[str, yaml.Node], key: str, max_length: int) -> str:
    """A field that has to be a text of 1 to `max_length` characters."""
    node = fields.get(key)
    if node is None:
        raise refusal(f"SKILL.md's front matter has no '{key}'.")
    if not isinstance(node, yaml.ScalarNode) or node.tag != _STRING:
        raise refusal(f"SKILL.md's '{key}' is not a text; quote it if it is meant as one.")
    text = str(node.value).strip()
    if "\0" in text:  # by an escape; neither every database nor any file name takes it
        raise refusal(f"SKILL.md's '{key}' has a NUL character in it.")
    if not 1 <= len(text) <= max_length:
        raise refusal(f"SKILL.md's '{key}' has {len(text)} characters; it needs 1 to {max_length}.")
    return text
