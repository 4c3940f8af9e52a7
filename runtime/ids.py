"""Object ids in OpenAI's forms: the prefix tells the kind, the first 8 hex digits of the rest the unix time."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable


def _timed(prefix: str, hex_digits: int) -> Callable[[], str]:
    """A maker of ids: `prefix`, 8 hex digits of the time, then random ones up to `hex_digits`."""

    def make() -> str:
        return f"{prefix}{int(time.time()):08x}{secrets.token_hex(hex_digits)[: hex_digits - 8]}"

    return make


new_container_id = _timed("cntr_", 48)
new_container_file_id = _timed("cfile_", 32)
new_shell_call_id = _timed("sh_", 50)
new_shell_output_id = _timed("sho_", 50)
new_key_id = _timed("key_", 24)

_CONTAINER_ID = re.compile(r"cntr_[0-9a-f]{48}")
_CONTAINER_FILE_ID = re.compile(r"cfile_[0-9a-f]{32}")
_SHELL_CALL_ID = re.compile(r"sh_[0-9a-f]{50}")


def is_container_id(text: str) -> bool:
    """Whether `text` has the form of a container's id."""
    return _CONTAINER_ID.fullmatch(text) is not None


def is_container_file_id(text: str) -> bool:
    """Whether `text` has the form of a container file's id."""
    return _CONTAINER_FILE_ID.fullmatch(text) is not None


def is_shell_call_id(text: str) -> bool:
    """Whether `text` has the form of a shell call's id."""
    return _SHELL_CALL_ID.fullmatch(text) is not None
