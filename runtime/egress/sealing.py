"""The values of secrets at rest: sealed with the operator's key, for one container."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from runtime.network_values import SecretName

log = logging.getLogger(__name__)

_VERSION = b"\x01"
_NONCE_SIZE = 12
# What a guess of a weak key costs: 32 MiB and about 0.1 s, which is taken once, at the start.
_COST = {"n": 2**15, "r": 8, "p": 1, "maxmem": 64 * 1024**2, "dklen": 32}
# One key per text, so that nothing need be kept beside it: a salt of this use alone.
_SALT = b"sandlot: secrets at rest, 1"
_REFUSED = "Its connections that need them are refused."


class Seal:
    """Seals values and opens them again by `key`, a text of the operator's; without one, nothing can be kept."""

    def __init__(self, key: str | None) -> None:
        self._cipher = AESGCM(hashlib.scrypt(key.encode(), salt=_SALT, **_COST)) if key is not None else None

    def seal(self, container_id: str, values: Mapping[SecretName, str]) -> bytes | None:
        """The values, readable for this key and this container alone; None without a key."""
        if self._cipher is None:
            return None
        text = json.dumps([[secret.domain, secret.name, value] for secret, value in values.items()])
        nonce = os.urandom(_NONCE_SIZE)
        return _VERSION + nonce + self._cipher.encrypt(nonce, text.encode(), _VERSION + container_id.encode())

    def open(self, container_id: str, sealed: bytes) -> Mapping[SecretName, str] | None:
        """The values again; None without the key, or when it isn't the one, or `sealed` isn't that container's."""
        if self._cipher is None:
            log.warning("%s: its secrets were sealed with a key, and there is none now. %s", container_id, _REFUSED)
            return None
        version, nonce, rest = sealed[:1], sealed[1 : 1 + _NONCE_SIZE], sealed[1 + _NONCE_SIZE :]
        try:
            text = self._cipher.decrypt(nonce, rest, version + container_id.encode())
        except (InvalidTag, ValueError):
            log.warning("%s: its secrets were not sealed with this key. %s", container_id, _REFUSED)
            return None
        return {SecretName(domain, name): value for domain, name, value in json.loads(text)}
