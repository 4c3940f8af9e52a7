"""The nouns of `/v1/files` and `/v1/uploads`, as immutable values. Times are seconds of unix time, sizes are bytes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes in the blob store. `owner` is the id of the API key on whose account they are."""

    id: str
    owner: str
    size: int


class FilePurpose(StrEnum):
    """What a file is meant for. Nothing here depends on it; it is kept because clients ask for it."""

    ASSISTANTS = "assistants"
    BATCH = "batch"
    FINE_TUNE = "fine-tune"
    VISION = "vision"
    USER_DATA = "user_data"
    EVALS = "evals"


@dataclass(frozen=True, slots=True)
class FileSpec:
    """What a caller says of a file. `expires_after_seconds` None means that it stays, but see FileService.create."""

    filename: str
    purpose: FilePurpose
    expires_after_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class File:
    """The record of a file. `filename` is the caller's, as it was given."""

    id: str
    owner: str
    filename: str
    purpose: FilePurpose
    size: int
    created_at: int
    expires_at: int | None
    blob_id: str


class UploadStatus(StrEnum):
    """Where an upload is in its life."""

    PENDING = "pending"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class UploadSpec:
    """What a caller announces: the file there will be, its size, its media type."""

    file: FileSpec
    size: int
    mime_type: str


@dataclass(frozen=True, slots=True)
class Upload:
    """The record of an upload. `file` is what became of it, once it is completed and as long as that file exists."""

    id: str
    owner: str
    spec: UploadSpec
    created_at: int
    expires_at: int
    status: UploadStatus
    file: File | None = None


@dataclass(frozen=True, slots=True)
class UploadPart:
    """The record of a part of an upload."""

    id: str
    upload_id: str
    size: int
    created_at: int
    blob_id: str
