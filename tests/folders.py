"""Folders of files with any legal names, as skills have them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from hypothesis import strategies as st

from tests.zips import SKILL_MD

_REPEATED = ["docs", "a", "a.b", "scripts", "é", "日本", "run.sh", " ", "-", "..."]

_characters = st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="/\\")
_parts = st.one_of(st.sampled_from(_REPEATED), st.text(_characters, min_size=1, max_size=63)).filter(
    lambda part: part not in (".", "..", ".DS_Store", "__MACOSX") and part.lower() != "skill.md"
)
_paths = st.lists(_parts, min_size=1, max_size=3).map("/".join)
_contents = st.one_of(
    st.binary(max_size=64),
    st.sampled_from([b"", b"#", b"#!", b"#!/bin/sh\n", b"# !", b"\n#!", bytes(200_000)]),
)


def _compatible(top: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """As many of the files as can be on one disk, whatever it thinks of case and accents, below `top`."""
    spellings: dict[str, tuple[str, bool]] = {}
    chosen = {}
    for path, content in {"SKILL.md": SKILL_MD, **files}.items():
        parts = path.split("/")
        steps = [("/".join(parts[:depth]), depth == len(parts)) for depth in range(1, len(parts) + 1)]
        plain = [unicodedata.normalize("NFD", unicodedata.normalize("NFD", step).casefold()) for step, _ in steps]
        if all(spellings.get(key, step) == step for key, step in zip(plain, steps, strict=True)):
            spellings.update(zip(plain, steps, strict=True))
            chosen[f"{top}/{path}"] = content
    return chosen


folders = st.builds(
    _compatible,
    _parts.filter(lambda part: part[1:2] != ":"),
    st.dictionaries(_paths, _contents, max_size=8),
)
"""Paths and contents of a skill, its good SKILL.md among them, from the top-level folder on."""
