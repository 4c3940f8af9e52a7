"""The one zip that is made of a bundle: the same files always give the same bytes, in whatever order they came."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterable
from typing import BinaryIO

from runtime.bundles.files import BundleFile

# zlib's default; the bytes change with it, and with a zlib that packs differently.
_LEVEL = 6
_UNIX = 3
_PLAIN, _EXECUTABLE = 0o100644, 0o100755


def write_zip(files: Iterable[BundleFile], into: BinaryIO) -> None:
    """Write the files in order of their paths.

    No dates, no folders. The only mode kept is what a file says itself: one that begins with `#!` is executable.
    Uploads of folders bring no modes, and those in zips depend on the system the zip was made on.
    """
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for file in sorted(files, key=lambda file: file.path):
            _write(archive, file)


def _write(archive: zipfile.ZipFile, file: BundleFile) -> None:
    info = zipfile.ZipInfo(file.path)  # dated 1980-01-01, the first day there is for zips
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = _UNIX
    with file.open() as content, archive.open(info, "w") as packed:
        start = content.read(2)
        info.external_attr = (_EXECUTABLE if start == b"#!" else _PLAIN) << 16
        packed.write(start)
        shutil.copyfileobj(content, packed)
