"""API keys: who may use the service. A key's id is the owner of what is made with it."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runtime.errors import InvalidInput, NotFound, Unauthenticated
from runtime.ids import new_key_id
from runtime.recent import remember
from runtime.store.base import BlobRecords, KeyStore
from runtime.values import ApiKey

BOOTSTRAP_NAME = "bootstrap"

# How long, in seconds, a deleted key may still be good: keys are deleted by another process, the `sandlot` command.
REMEMBER_FOR = 5.0
# How many keys are remembered at once.
REMEMBER_AT_MOST = 1024

_ACCEPTABLE = re.compile(r"[!-~]{16,}")


def new_key() -> str:
    """A key with 256 random bits: `sk-sandlot-` and 43 URL-safe characters."""
    return f"sk-sandlot-{secrets.token_urlsafe(32)}"


def hash_of(key: str) -> bytes:
    """What is kept of a key: its SHA-256.

    Slow, salted hashes make guessing a password costly. There is no guessing 256 random bits, so that would
    only make every request slow.
    """
    return hashlib.sha256(key.encode()).digest()


def mask(key: str) -> str:
    """The key as it may be shown: enough of it to tell which one was meant, too little to use.

    Nothing is shown of what is too short to be a key, nor anything but printable ASCII.
    """
    if len(key) < 16:
        return "***"
    start, end = (re.sub(r"[^!-~]", "?", part) for part in (key[:5], key[-4:]))
    return f"{start}***{end}"


@dataclass(frozen=True, slots=True)
class _Remembered:
    key: ApiKey
    until: float


class RecentKeys:
    """Keys found lately, by hash, so that a request costs no trip to the database.

    `clock` counts seconds and never goes back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._keys: dict[bytes, _Remembered] = {}  # the oldest first

    def get(self, key_hash: bytes) -> ApiKey | None:
        """The key with that hash, if it was found within the last REMEMBER_FOR seconds."""
        found = self._keys.get(key_hash)
        return found.key if found and self._clock() < found.until else None

    def put(self, key_hash: bytes, key: ApiKey) -> None:
        """Remember a key."""
        remember(self._keys, key_hash, _Remembered(key, self._clock() + REMEMBER_FOR), REMEMBER_AT_MOST)


class KeyService:
    """Makes, checks and deletes API keys."""

    def __init__(self, store: KeyStore, blobs: BlobRecords) -> None:
        self._store = store
        self._blobs = blobs
        self._recent = RecentKeys()

    async def authenticate(self, key: str) -> ApiKey:
        """The record of `key`. Raises Unauthenticated when there is none.

        A deleted key stays good for up to REMEMBER_FOR seconds.
        """
        key_hash = hash_of(key)
        if recent := self._recent.get(key_hash):
            return recent
        found = await self._store.find(key_hash)
        if found is None:
            raise Unauthenticated(
                f"Incorrect API key provided: {mask(key)}. You can find your API key where this Sandlot was "
                "first started: in the terminal and in its data directory."
            )
        self._recent.put(key_hash, found)
        return found

    async def create(self, name: str) -> tuple[ApiKey, str]:
        """A new key: its record, and the key itself, which can't be had again."""
        key = new_key()
        return await self._add(name, key), key

    async def list(self) -> Sequence[ApiKey]:
        """The records of all keys, the oldest first."""
        return await self._store.list()

    async def usage(self, key_id: str) -> int:
        """How many bytes a key has stored: its files, parts of uploads and skills."""
        return await self._blobs.usage(key_id)

    async def delete(self, key_id: str) -> None:
        """Delete a key; where it was used lately, it is good for up to REMEMBER_FOR seconds more. Raises NotFound.

        Its files, uploads and skills go with it; its containers, and what it makes until then, go soon afterwards.
        """
        if not await self._store.remove(key_id):
            raise NotFound(f"API key with id '{key_id}' not found.")

    async def ensure(self, key: str | None) -> str | None:
        """See to it that there is a key to begin with.

        The operator's `key`, if given, is made known. If none is given and none is known, one is made and
        returned, to be shown this once. Raises InvalidInput when `key` is too weak or can't be sent in a
        header.
        """
        if key is not None:
            await self._make_known(key)
            return None
        if await self._store.list():
            return None
        _, made = await self.create(BOOTSTRAP_NAME)
        return made

    async def _make_known(self, key: str) -> None:
        if not _ACCEPTABLE.fullmatch(key):
            raise InvalidInput("An API key has to be at least 16 characters long, printable ASCII, without spaces.")
        if await self._store.find(hash_of(key)) is None:
            await self._add(BOOTSTRAP_NAME, key)

    async def _add(self, name: str, key: str) -> ApiKey:
        record = ApiKey(id=new_key_id(), name=name, created_at=int(time.time()))
        await self._store.add(record, hash_of(key))
        return record
