"""What browsers make of a download."""

from __future__ import annotations

from urllib.parse import unquote

import httpx


def saved_as(answer: httpx.Response) -> str:
    """The name under which a browser would save a download, without the folders that it would drop."""
    disposition = answer.headers["content-disposition"]
    assert disposition.isascii()
    assert disposition.isprintable()
    assert disposition.startswith('attachment; filename="')
    return unquote(disposition.rpartition("filename*=UTF-8''")[2])
