"""Names in bundles: which paths are legal, and what a skill's folder in a container is called. Pure."""

from __future__ import annotations

import re

from runtime.bundles.limits import MAX_DEPTH, MAX_PART_BYTES, MAX_PATH_BYTES
from runtime.bundles.refusals import refusal, shown

# Control characters, and halves of characters that no encoding of text has.
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_UNFIT_FOR_FOLDER = re.compile(rf"{_UNFIT.pattern}|/|^[.-]+")
_DRIVE = re.compile(r"[A-Za-z]:")


def check_path(path: str) -> None:
    """Return if `path` is one that a file of a bundle can have on every Linux file system.

    Raises InvalidInput for one that is absolute, leads elsewhere, means something else on another system, or is too
    long or too deep.
    """
    parts = path.split("/")
    if why := _why_not_whole(path, parts) or next(filter(None, map(_why_not_part, parts)), None):
        raise refusal(f"The path {shown(path)} {why}.")


def _why_not_whole(path: str, parts: list[str]) -> str | None:
    """What is wrong with a path as a whole."""
    if _UNFIT.search(path):
        return "has control characters in it, or ones that are not text"
    if "\\" in path:
        return "has a backslash in it; folders are separated by '/'"
    if path.startswith("/") or _DRIVE.match(path):
        return "is absolute; it has to begin with the bundle's top-level folder"
    if len(path.encode()) > MAX_PATH_BYTES:
        return f"is longer than {MAX_PATH_BYTES} bytes"
    if len(parts) > MAX_DEPTH:
        return f"is more than {MAX_DEPTH} names deep"
    return None


def _why_not_part(part: str) -> str | None:
    """What is wrong with one name of a path."""
    if part == "":
        return "has an empty name in it"
    if part in (".", ".."):
        return f"has '{part}' in it"
    if len(part.encode()) > MAX_PART_BYTES:
        return f"has a name longer than {MAX_PART_BYTES} bytes in it"
    return None


def parents(path: str) -> list[str]:
    """The folders on the way to `path`, the uppermost first."""
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def is_clutter(path: str) -> bool:
    """Whether macOS put the file or folder there when it made the zip: it is no part of the skill."""
    parts = path.split("/")
    return parts[0] == "__MACOSX" or parts[-1] == ".DS_Store"


def folder_name(name: str, suffix: str) -> str:
    """`name`-`suffix` as the name of one folder: what can't be in one becomes `_`, and a long name loses its end.

    `name` is any text; `suffix` is a version or a digest, and stays as it is.
    """
    room = MAX_PART_BYTES - len(f"-{suffix}".encode())
    safe = _UNFIT_FOR_FOLDER.sub(lambda found: "_" * len(found[0]), name)
    return f"{safe.encode()[:room].decode('utf-8', 'ignore')}-{suffix}"
