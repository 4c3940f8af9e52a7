"""File names that callers send, made safe. Pure."""

from __future__ import annotations

import os
import re

MAX_BYTES = 255  # of one name, as Linux file systems have it

_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def safe_name(filename: str) -> str:
    """The last part of a path in any system's notation, as much like it was as a Linux file name can be.

    Only what can't be in a name, or would hurt whoever prints it (control characters), becomes `_`. A name that is
    too long keeps its extension.
    """
    name = _NOT_IN_NAMES.sub("_", re.split(r"[/\\]", filename)[-1]).strip()
    if name in ("", ".", ".."):
        return "file"
    stem, extension = os.path.splitext(name)
    if len(extension.encode()) > MAX_BYTES // 2:
        stem, extension = name, ""
    room = MAX_BYTES - len(extension.encode())
    return stem.encode()[:room].decode("utf-8", "ignore") + extension
