"""How content presents itself to those who download it: as something to save, under its own name. Pure."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import quote

ANY = "application/octet-stream"

# None of these is anything that a browser would run, or take for a page: HTML, SVG, XML and scripts are of type ANY.
_OFFICE = "application/vnd.openxmlformats-officedocument"
_TYPES = {
    ".csv": "text/csv",
    ".docx": f"{_OFFICE}.wordprocessingml.document",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".log": "text/plain",
    ".md": "text/markdown",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".parquet": "application/vnd.apache.parquet",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".pptx": f"{_OFFICE}.presentationml.presentation",
    ".tar": "application/x-tar",
    ".tsv": "text/tab-separated-values",
    ".txt": "text/plain",
    ".wav": "audio/wav",
    ".webm": "video/webm",
    ".webp": "image/webp",
    ".xlsx": f"{_OFFICE}.spreadsheetml.sheet",
    ".zip": "application/zip",
}


def attachment(name: bytes) -> str:
    """A Content-Disposition for a file of any name (RFC 6266): plain ASCII, then all of it (RFC 8187)."""
    text = name.decode("utf-8", "backslashreplace")
    plain = "".join(char if char.isascii() and char.isprintable() and char not in '"\\%' else "_" for char in text)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(text, safe='')}"


def media_type(name: str) -> str:
    """The media type that a file's name lets expect, as far as it is one that is harmless in a browser."""
    return _TYPES.get(PurePosixPath(name).suffix.lower(), ANY)
