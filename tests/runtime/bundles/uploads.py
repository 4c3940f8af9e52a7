"""Bundles as they are made in tests: from bytes, in files that are gone afterwards."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping
from functools import partial
from typing import BinaryIO

from runtime.bundles.bundle import Bundle, from_files, from_zip
from runtime.bundles.files import BundleFile


def of_zip(content: bytes) -> tuple[Bundle, bytes]:
    """The bundle of an uploaded zip, and the zip that is kept."""
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as into:
        source.write(content)
        return from_zip(source, into), _all(into)


def of_folder(files: Mapping[str, bytes]) -> tuple[Bundle, bytes]:
    """The bundle of an uploaded folder, and the zip that is kept."""
    with tempfile.TemporaryFile() as into:
        return from_files([_file(path, content) for path, content in files.items()], into), _all(into)


def _file(path: str, content: bytes) -> BundleFile:
    return BundleFile(path, len(content), partial(io.BytesIO, content))


def _all(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()
