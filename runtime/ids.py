"""Object ids in OpenAI's forms: the prefix tells the kind, and in most the 8 hex digits after it the unix time."""

from __future__ import annotations

import re
import secrets
import string
import time
from collections.abc import Callable

_BASE62 = string.digits + string.ascii_letters


def _timed(prefix: str, hex_digits: int) -> Callable[[], str]:
    """A maker of ids: `prefix`, 8 hex digits of the time, then random ones up to `hex_digits`."""

    def make() -> str:
        return f"{prefix}{int(time.time()):08x}{secrets.token_hex(hex_digits)[: hex_digits - 8]}"

    return make


def _form(pattern: str) -> Callable[[str], bool]:
    """A test whether a text has the form of an id, which says nothing of whether there is such an object."""
    compiled = re.compile(pattern)

    def has_form(text: str) -> bool:
        return compiled.fullmatch(text) is not None

    return has_form


new_container_id = _timed("cntr_", 48)
new_container_file_id = _timed("cfile_", 32)
new_shell_call_id = _timed("sh_", 50)
new_key_id = _timed("key_", 24)
new_upload_id = _timed("upload_", 48)
new_part_id = _timed("part_", 48)
new_skill_id = _timed("skill_", 48)
new_skill_version_id = _timed("skillver_", 48)
new_egress_id = _timed("egr_", 48)


def new_file_id() -> str:
    """The id of a file of `/v1/files`; its 131 random bits tell no time."""
    return "file-" + "".join(secrets.choice(_BASE62) for _ in range(22))


def new_blob_id() -> str:
    """32 random hex digits: made up by whoever writes a blob, without asking the storage."""
    return secrets.token_hex(16)


is_container_id = _form(r"cntr_[0-9a-f]{48}")
is_container_file_id = _form(r"cfile_[0-9a-f]{32}")
is_shell_call_id = _form(r"sh_[0-9a-f]{50}")
is_file_id = _form(r"file-[0-9A-Za-z]{22}")
is_egress_id = _form(r"egr_[0-9a-f]{48}")
is_upload_id = _form(r"upload_[0-9a-f]{48}")
is_skill_id = _form(r"skill_[0-9a-f]{48}")
is_blob_id = _form(r"[0-9a-f]{32}")
