"""Skills as a tar stream, for putting them into a container."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterable
from typing import BinaryIO

from runtime.bundles.names import parents

_FOLDER_MODE = 0o755
_WITHOUT_WRITING = 0o555
_MODIFIED_AT = 315_532_800  # 1980-01-01, as in the zips


def write_tar(skills: Iterable[tuple[str, BinaryIO]], into: BinaryIO) -> None:
    """Write each skill, a folder's name and the zip that was made of its bundle, as that folder.

    The folder takes the place of the bundle's top-level folder. Everything is root's, and nobody else can write to it.
    `into` only has to take writes. Skills are asked for one at a time, and held in memory by the piece.
    """
    with tarfile.open(fileobj=into, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for folder, bundle in skills:
            with zipfile.ZipFile(bundle) as files:
                _write_skill(tar, folder, files)


def _write_skill(tar: tarfile.TarFile, folder: str, files: zipfile.ZipFile) -> None:
    made: set[str] = set()
    for info in files.infolist():
        path = f"{folder}/{info.filename.split('/', 1)[1]}"
        for parent in parents(path):
            if parent not in made:
                made.add(parent)
                tar.addfile(_header(parent, tarfile.DIRTYPE, _FOLDER_MODE))
        header = _header(path, tarfile.REGTYPE, info.external_attr >> 16 & _WITHOUT_WRITING)
        header.size = info.file_size
        with files.open(info) as content:
            tar.addfile(header, content)
        tar.getmembers().clear()  # tarfile remembers all it has written; nobody asks


def _header(path: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    header = tarfile.TarInfo(path)
    header.type = kind
    header.mode = mode
    header.mtime = _MODIFIED_AT
    return header
