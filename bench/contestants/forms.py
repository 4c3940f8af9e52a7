"""Forms with a file, as requests carry them; packed before the clock starts."""

from __future__ import annotations

from typing import TypeAlias

BOUNDARY = "sandlot-bench-6f1d0f1c"
MEDIA_TYPE = f"multipart/form-data; boundary={BOUNDARY}"

Form: TypeAlias = tuple[bytes, bytes, bytes]
"""A request's body in pieces: what is before the file's content, the content itself, and the end."""


def form(file_field: str, filename: str, content: bytes, **fields: str) -> Form:
    """Some fields, and after them a file."""
    parts = [f"--{BOUNDARY}\r\n{_disposition(name)}\r\n\r\n{value}\r\n" for name, value in fields.items()]
    media_type = "Content-Type: application/octet-stream"
    parts.append(f'--{BOUNDARY}\r\n{_disposition(file_field)}; filename="{filename}"\r\n{media_type}\r\n\r\n')
    return "".join(parts).encode(), content, f"\r\n--{BOUNDARY}--\r\n".encode()


def _disposition(name: str) -> str:
    return f'Content-Disposition: form-data; name="{name}"'
