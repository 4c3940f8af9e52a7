"""Every way the runtime refuses or fails, each with a stable code. `api/errors.py` maps them to HTTP."""

from __future__ import annotations


class SandlotError(Exception):
    """Base of all expected errors. The message is fit for the caller to read, unless the class has an `outward` one.

    `param` is the dotted path of the request field at fault, where there is one.
    """

    code: str | None = None
    outward: str | None = None
    """What callers are told instead, where the message is for the operator: it may name hosts and paths."""

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param


class InvalidInput(SandlotError):
    """A value that no retry will make right."""

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message, param=param)
        self.code = code


class NotFound(SandlotError):
    """No such object, or one that belongs to somebody else: the two are never told apart."""


class ContainerExpired(SandlotError):
    """The container's record is readable, its data is gone."""

    def __init__(self) -> None:
        super().__init__("Container is expired.")


class Unauthenticated(SandlotError):
    """No API key, or one that is not known."""


class TooLarge(SandlotError):
    """More bytes than the operator allows."""

    code = "too_large"


class StorageFull(SandlotError):
    """There is no room left for a file: in the sandbox, or in the blob storage."""

    code = "storage_full"


class QuotaExceeded(SandlotError):
    """What an API key has stored would take more than `quota` bytes. Room made by deleting something helps."""

    code = "storage_quota_exceeded"

    def __init__(self, quota: int) -> None:
        super().__init__(
            f"An API key may store {quota:,} bytes, and there is not enough room left for this one's. "
            "Delete files, uploads or skills that are no longer needed."
        )


class StorageUnavailable(SandlotError):
    """The blob storage doesn't answer, or not as it should."""

    code = "storage_unavailable"
    outward = "The storage for files is not available at the moment."


class Busy(SandlotError):
    """A limit that passes by itself is reached. `retry_after` is in seconds."""

    code = "rate_limit_exceeded"

    def __init__(self, message: str, *, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class EngineUnavailable(SandlotError):
    """The container engine does not answer, or not in time."""

    code = "engine_unavailable"
    outward = "The container engine is not available at the moment."


class EngineMisconfigured(SandlotError):
    """The engine answers, but hasn't got what sandboxes are to be made of. Only the operator can help."""

    code = "engine_misconfigured"
    outward = "Containers can't be made here until the operator of this service has seen to it."


class SandboxLost(SandlotError):
    """The sandbox's link ended while something was under way on it."""

    code = "sandbox_lost"


class AgentMisbehaved(SandlotError):
    """The other end of a link said something the protocol does not allow."""

    code = "sandbox_misbehaved"


class DatabaseUnusable(SandlotError):
    """The database can't be opened: not reachable, not a database, or of a version this one does not know."""

    code = "database_unusable"
