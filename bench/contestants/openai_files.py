"""Sandlot's `/v1/files` through OpenAI's own client, as most programs would use it."""

from __future__ import annotations

from functools import partial
from typing import Self

import openai

from bench.contestants.base import Look, Upload


class OpenAIFiles:
    """Implements KeepsFiles. What is left there goes with the service's folder."""

    name = "Sandlot, openai client"

    def __init__(self, base_url: str, api_key: str) -> None:
        self._client = openai.OpenAI(base_url=base_url, api_key=api_key, max_retries=0)
        self._ids: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def upload(self, name: str, content: bytes) -> Upload:
        """See KeepsFiles."""
        return partial(self._upload, name, content)

    def download(self, name: str) -> Look:
        """See KeepsFiles."""
        return self._client.files.content(self._ids[name]).read

    def discard(self, name: str) -> int:
        """See KeepsFiles."""
        file_id = self._ids.pop(name)
        size = self._client.files.retrieve(file_id).bytes
        self._client.files.delete(file_id)
        return size

    def _upload(self, name: str, content: bytes) -> None:
        self._ids[name] = self._client.files.create(file=(name, content), purpose="user_data").id
