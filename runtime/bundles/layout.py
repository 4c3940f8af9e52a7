"""What the files of a bundle have to be, taken together: how many, how large, and where. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence

from runtime.bundles.files import BundleFile
from runtime.bundles.limits import MAX_FILE_BYTES, MAX_FILES, MAX_UNPACKED_BYTES, megabytes
from runtime.bundles.names import parents
from runtime.bundles.refusals import refusal, shown

# ASCII only: otherwise the sign for kelvin would be a K, too.
_SKILL_MD = re.compile(r"skill\.md", re.IGNORECASE | re.ASCII)


def check_sizes(files: Sequence[BundleFile]) -> None:
    """Return if there are not too many files, none is too large, and all together are not either."""
    if len(files) > MAX_FILES:
        raise refusal(f"The bundle has {len(files)} files; at most {MAX_FILES} are allowed.")
    for file in files:
        if file.size > MAX_FILE_BYTES:
            raise refusal(f"The file {shown(file.path)} is larger than {megabytes(MAX_FILE_BYTES)} unpacked.")
    if sum(file.size for file in files) > MAX_UNPACKED_BYTES:
        raise refusal(f"The bundle's files are larger than {megabytes(MAX_UNPACKED_BYTES)} unpacked, all together.")


def check_paths(files: Collection[str], folders: Collection[str]) -> None:
    """Return if legal paths are all below one top-level folder, and can be on any system's disk together.

    Raises InvalidInput for a second top-level folder, a file beside it, the same path twice, paths that differ only
    in case or in how their accents are written, and a file in a folder's place.
    """
    for path in files:
        if "/" not in path:
            raise refusal(f"The file {shown(path)} is not in a folder; everything has to be in one top-level folder.")
    tops = sorted({path.split("/")[0] for path in (*files, *folders)})
    if len(tops) > 1:
        raise refusal(f"The bundle has more than one top-level folder: {shown(tops[0])} and {shown(tops[1])}.")
    seen: dict[str, str] = {}
    all_folders = {*folders, *(parent for path in (*files, *folders) for parent in parents(path))}
    for path in (*files, *all_folders):
        spelling = _spelling(path)
        if spelling in seen:
            raise refusal(f"The paths {shown(seen[spelling])} and {shown(path)} clash: no disk is sure to hold both.")
        seen[spelling] = path


def _spelling(path: str) -> str:
    """What all spellings of a path have in common, by Unicode's rule for caseless text (its definition D145)."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())


def find_skill_md(files: Sequence[BundleFile]) -> BundleFile:
    """The bundle's one SKILL.md, in any letter case, directly in the top-level folder."""
    found = [file for file in files if _SKILL_MD.fullmatch(file.path.split("/")[-1])]
    if len(found) > 1:
        paths = " and ".join(shown(file.path) for file in found[:2])
        raise refusal(f"The bundle has more than one SKILL.md: {paths}. Exactly one is allowed.")
    if not found or found[0].path.count("/") != 1:
        raise refusal("The bundle has no SKILL.md directly in its top-level folder. Exactly one is needed.")
    return found[0]
