"""What S3-compatible storage and the library say of it, in the runtime's errors."""

from __future__ import annotations

import re

from obstore.exceptions import BaseError

from runtime.errors import NotFound, SandlotError, StorageUnavailable

FAILURES = (BaseError, OSError)
"""All that the library raises for what is not a mistake in calling it."""

_ANSWER = re.compile(r"<Code>(?P<code>.*?)</Code>.*?<Message>(?P<message>.*?)</Message>", re.DOTALL)
_MISSING_PLACES = ("NoSuchBucket", "NoSuchUpload")  # the other answers of status 404


def translated(error: BaseException, bucket: str) -> SandlotError:
    """NotFound if it is just that there is no such object, else StorageUnavailable, which says what to look at."""
    text = str(error)
    if isinstance(error, FileNotFoundError) and not any(code in text for code in _MISSING_PLACES):
        return NotFound("There is no such blob.")
    answer = _ANSWER.search(text)
    reason = f"{answer['code']}: {answer['message']}" if answer else text.partition("\n")[0]
    return StorageUnavailable(f"The blob storage failed for the bucket {bucket!r}: {reason}")
